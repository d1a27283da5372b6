//! Who is served something: one thing at a time, and not read meanwhile.

use super::{Doing, Files};
use crate::hub::{ConnId, Cx, Hold};
use crate::services::line::Wrong;

/// Files, and listings, that may go out at once; each has up to an eighth of that.
const MAX_DOWNLOADS: usize = 256;

impl Files {
    /// A connection is served something, one thing at a time, and held meanwhile.
    pub(super) fn serve(&mut self, cx: &mut Cx<'_>, id: ConnId, doing: Doing) -> Result<(), Wrong> {
        if self.downloads == MAX_DOWNLOADS {
            return Err(Wrong::new("busy", "too many are being served; try again later"));
        }
        self.downloads += 1;
        cx.hold(id, Hold::JOB);
        self.people.insert(id, doing);
        Ok(())
    }

    /// What a connection was about is over.
    pub(super) fn rest(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if let Some(doing) = self.people.get_mut(&id) {
            let before = std::mem::replace(doing, Doing::Nothing);
            self.downloads -= usize::from(is_served(&before));
            cx.release(id, Hold::JOB);
        }
    }

    pub(super) fn refuse(&mut self, cx: &mut Cx<'_>, id: ConnId, wrong: &Wrong) {
        let _ = cx.send(id, wrong.to_string().as_bytes());
        self.rest(cx, id);
    }

    /// No helper takes more work: then the connection is free to ask again.
    pub(super) fn busy_or(&mut self, cx: &mut Cx<'_>, id: ConnId, asked: Result<(), Wrong>) -> Result<(), Wrong> {
        if asked.is_err() {
            self.rest(cx, id);
        }
        asked
    }
}

pub(super) fn is_served(doing: &Doing) -> bool {
    matches!(doing, Doing::Getting(_) | Doing::Looking | Doing::Listing(_))
}
