//! A listing: looked up by a helper, sent as it is read.

use std::sync::Arc;

use super::census::Entry;
use super::{Doing, Errand, Files, MAX_NAME, work};
use crate::hub::{ConnId, Cx, Wall};
use crate::services::line::{Wrong, say};

impl Files {
    pub(super) fn list(&mut self, cx: &mut Cx<'_>, id: ConnId) -> Result<(), Wrong> {
        self.serve(cx, id, Doing::Looking)?;
        let folder = Arc::clone(&self.folder);
        let asked = self.job(cx, Errand::List(id), move || work::list(&folder));
        self.busy_or(cx, id, asked)
    }

    pub(super) fn listed(&mut self, cx: &mut Cx<'_>, id: ConnId, listed: Result<Vec<Entry>, Wrong>) {
        match listed {
            Err(wrong) => self.refuse(cx, id, &wrong),
            Ok(entries) => {
                if let Some(doing) = self.people.get_mut(&id) {
                    *doing = Doing::Listing(entries.into_iter());
                    self.list_on(cx, id);
                }
            }
        }
    }

    /// As many lines as fit; the rest when they have been read.
    pub(super) fn list_on(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(Doing::Listing(entries)) = self.people.get_mut(&id) else { return };
        while cx.fits(id, 2 * MAX_NAME) {
            let Some(Entry { name, size, modified }) = entries.next() else {
                say(cx, id, "end list");
                self.rest(cx, id);
                return;
            };
            say(cx, id, &format!("file {name} {size} {}", Wall::from_millis(modified)));
        }
    }
}
