//! A turn that brought very much is followed by a breath: those who said it are not read until those who hear it have
//! read most of it. Programs that speak as fast as they can would otherwise outrun readers that are well, and these
//! would be given up for reading too slowly. Who says little never waits, whoever reads.

use std::collections::HashSet;
use std::mem;
use std::time::Duration;

use super::Chat;
use super::holds::BREATH;
use super::rooms::PersonId;
use crate::hub::{ConnId, Cx, Moment};

/// What has to be asked for in a turn before its speakers wait. People never come near it.
const MUCH: usize = 64 * 1024;
/// The longest that speakers wait. A reader who is well takes a few milliseconds; one who is not costs this once, and is
/// waited for again only when it has read all that it missed.
const LONGEST: Duration = Duration::from_secs(1);

/// Who waits for whom.
#[derive(Debug)]
pub(super) struct Breath {
    speakers: Vec<ConnId>,
    /// Looked up, never gone through: a flood may be heard by ten thousand.
    readers: HashSet<PersonId>,
    until: Moment,
}

impl Default for Breath {
    fn default() -> Self {
        Self { speakers: Vec::new(), readers: HashSet::new(), until: Moment::NEVER }
    }
}

impl Breath {
    /// When it has lasted long enough.
    pub(super) fn due(&self) -> Moment {
        self.until
    }
}

impl Chat {
    /// Those who have asked for much in this turn may have to wait.
    pub(super) fn note_speakers(&mut self) {
        if self.asked.weight() <= MUCH {
            return;
        }
        for at in 0..self.asked.len() {
            let (_, conn, _) = self.asked.get(at);
            if self.breath.speakers.last() != Some(&conn) {
                self.breath.speakers.push(conn);
            }
        }
    }

    /// Somebody was told more than they could take at once.
    pub(super) fn wait_for(&mut self, reader: PersonId) {
        if !self.breath.speakers.is_empty() {
            self.breath.readers.insert(reader);
        }
    }

    /// Everybody has heard what there was: whoever said too much of it takes breath.
    pub(super) fn take_breath(&mut self, cx: &mut Cx<'_>) {
        if self.breath.readers.is_empty() {
            return self.breath.speakers.clear();
        }
        self.breath.until = self.breath.until.min(cx.now() + LONGEST);
        for &conn in &self.breath.speakers {
            cx.hold(conn, BREATH);
        }
    }

    /// Somebody has read what there was, or is gone.
    pub(super) fn wait_no_more_for(&mut self, cx: &mut Cx<'_>, reader: PersonId) {
        let readers = &mut self.breath.readers;
        if readers.remove(&reader) && readers.is_empty() {
            self.go_on(cx);
        }
    }

    /// Ends a breath that has lasted long enough.
    pub(super) fn end_breath(&mut self, cx: &mut Cx<'_>) {
        if self.breath.until <= cx.now() {
            self.go_on(cx);
        }
    }

    fn go_on(&mut self, cx: &mut Cx<'_>) {
        let Breath { speakers, .. } = mem::take(&mut self.breath);
        for conn in speakers {
            cx.release(conn, BREATH);
        }
    }
}
