//! Every frame back as it came; with a stamp, behind the time.

use std::io::Write;

use super::is_blank;
use crate::hub::{ConnId, Cx, Service, Wall};

/// The echo service.
#[derive(Debug, Default)]
pub struct Echo {
    stamp: bool,
    /// Where a stamped answer is put together; kept for its memory.
    answer: Vec<u8>,
}

impl Echo {
    /// An echo; `stamp` puts the time before each answer.
    #[must_use]
    pub fn new(stamp: bool) -> Self {
        Self { stamp, answer: Vec::new() }
    }

    #[inline(never)]
    fn stamped(&mut self, wall: Wall, frame: &[u8]) -> &[u8] {
        self.answer.clear();
        write!(self.answer, "{wall} ").expect("a vector takes everything");
        self.answer.extend_from_slice(frame);
        &self.answer
    }
}

impl Service for Echo {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if is_blank(cx, id, frame) {
            return;
        }
        let answer = if self.stamp { self.stamped(cx.wall(), frame) } else { frame };
        // A full outbox needs no care here: the hub does not read whoever does not read us.
        let _ = cx.send(id, answer);
    }
}
