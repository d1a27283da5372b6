//! Removing a file, and how much one has: what owners do with what they have put.

use std::sync::Arc;

use super::census::Census;
use super::folder::Remover;
use super::name::FileName;
use super::{Doing, Errand, Files, room, work};
use crate::hub::{ConnId, Cx};
use crate::services::accounts::{Owner, Role};
use crate::services::line::{Wrong, say};

impl Files {
    /// A file is to go. Whoever is getting it gets all of it.
    pub(super) fn remove(&mut self, cx: &mut Cx<'_>, id: ConnId, name: FileName) -> Result<(), Wrong> {
        let is_operator = self.desk.account(id).is_some_and(|(_, role)| role == Role::Operator);
        let by = match self.owner(cx, id) {
            _ if is_operator => Remover::Operator,
            Ok(owner) if owner != Owner::Guest => Remover::Owner(owner.to_string()),
            _ => {
                let text = "guests remove nothing, for nobody knows whose it is; login NAME PASSWORD comes first";
                return Err(Wrong::new("forbidden", text));
            }
        };
        self.serve(cx, id, Doing::Looking)?;
        let (folder, of) = (Arc::clone(&self.folder), name.clone());
        let asked = self.job(cx, Errand::Remove(id, name), move || work::remove(&folder, &of, &by));
        self.busy_or(cx, id, asked)
    }

    pub(super) fn removed(&mut self, cx: &mut Cx<'_>, id: ConnId, name: &FileName, removed: Result<(), Wrong>) {
        if let Err(wrong) = removed {
            return self.refuse(cx, id, &wrong);
        }
        self.digests.remove(name);
        log::info!("files: {} removed {name}", self.desk.describe(cx, id));
        say(cx, id, &format!("removed {name}"));
        self.rest(cx, id);
    }

    /// How much somebody has, and may have.
    pub(super) fn quota(&mut self, cx: &mut Cx<'_>, id: ConnId) -> Result<(), Wrong> {
        let owner = self.owner(cx, id)?;
        self.serve(cx, id, Doing::Looking)?;
        let (folder, whose) = (Arc::clone(&self.folder), owner.clone());
        let (sent, oldest) = (self.sent(), self.oldest(cx));
        let count = move || work::count(&folder, &whose, &sent, oldest);
        let asked = self.job(cx, Errand::Quota(id, owner), count);
        self.busy_or(cx, id, asked)
    }

    pub(super) fn counted(&mut self, cx: &mut Cx<'_>, id: ConnId, owner: &Owner, counted: Result<Census, Wrong>) {
        match counted {
            Err(wrong) => self.refuse(cx, id, &wrong),
            Ok(census) => {
                let used = room::used(&census, &self.uploads, owner);
                say(cx, id, &format!("quota {used} {}", room::most(&self.settings, owner)));
                self.rest(cx, id);
            }
        }
    }
}
