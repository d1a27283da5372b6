//! One room: everybody hears every message, in the same order, numbered. A turn's messages go out at its end, encoded
//! once per framing.

use std::collections::BTreeSet;

use parlor::hub::{ConnId, Cx, Framing, Reason, Sent, Service};

use crate::desk::Desk;

#[derive(Debug)]
pub(crate) struct Room {
    desk: Desk,
    members: BTreeSet<ConnId>,
    /// This turn's messages.
    batch: Vec<Vec<u8>>,
    /// Sends at the turn's end; else at once.
    gathers: bool,
}

impl Room {
    pub(crate) fn new(desk: &Desk, gathers: bool) -> Self {
        Self { desk: desk.clone(), members: BTreeSet::new(), batch: Vec::new(), gathers }
    }

    fn send_batch(&mut self, cx: &mut Cx<'_>) {
        let batch = std::mem::take(&mut self.batch);
        let (mut lines, mut length) = (Vec::new(), Vec::new());
        for message in &batch {
            Framing::LINES.encode(message, &mut lines);
            Framing::LENGTH.encode(message, &mut length);
        }
        for &id in &self.members {
            let is_lines = matches!(cx.framing(id), Some(Framing::Lines { .. }));
            let sent = self.desk.send_wire(cx, id, if is_lines { &lines } else { &length });
            if sent == Sent::Gone {
                self.desk.chronicle.count("room: nobody there");
            }
        }
    }
}

impl Service for Room {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        // What was said before this turn's end is not for the newcomer.
        if !self.batch.is_empty() {
            self.send_batch(cx);
        }
        let next = self.desk.book().said.len();
        let _ = self.desk.send(cx, id, format!("welcome {next}").as_bytes());
        self.members.insert(id);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if frame.is_empty() {
            return;
        }
        let client = Desk::client(cx, id);
        let number = self.desk.book().said.len();
        *self.desk.book().heard.entry(client).or_default() += 1;
        self.desk.book().said.push(frame.to_vec());
        let mut message = format!("r {number} ").into_bytes();
        message.extend_from_slice(frame);
        self.batch.push(message);
        if !self.gathers {
            self.send_batch(cx);
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        if !self.batch.is_empty() {
            self.send_batch(cx);
        }
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.members.remove(&id);
    }
}
