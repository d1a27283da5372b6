//! Making a batch heard.

use std::mem;

use super::Chat;
use super::batch::{Batch, Owed, RoomEvents, Wire};
use super::language::Speech;
use super::rooms::{Member, PersonId};
use super::slow::{Behind, Waited};
use crate::hub::{Cx, Sent};

impl Chat {
    /// Everybody hears what they are to hear; then receipts are given.
    pub(super) fn deliver(&mut self, cx: &mut Cx<'_>) {
        if !self.batch.is_empty() {
            let batch = mem::take(&mut self.batch);
            for events in batch.rooms() {
                self.fan_out(cx, &batch, events);
            }
            self.give_receipts(cx, &batch);
            self.batch = batch;
            self.batch.clear();
        }
        self.forget_empty_rooms();
    }

    /// One room's events to each of its members, in one piece wherever they said nothing themselves.
    fn fan_out(&mut self, cx: &mut Cx<'_>, batch: &Batch, events: &RoomEvents) {
        let mut wires = mem::take(&mut self.wires);
        wires.clear();
        let name = self.rooms.room_name(events.room).as_str();
        let all = u32::try_from(events.events.len()).expect("a turn's events are counted in 32 bits");
        let mut behind = mem::take(&mut self.pauses.behind);
        for &Member { person, live, since } in self.rooms.members(events.room) {
            let Some(voice) = self.voices.get(person).filter(|_| live) else { continue };
            let first = since.first_of(batch.number);
            if first >= all {
                continue;
            }
            let wire = wires.get(voice.voicing, batch, events, name);
            let waited = match cx.unsent(voice.conn) {
                0 => Waited::Nothing,
                _ if cx.room(voice.conn) == 0 => Waited::Full,
                _ => Waited::Something,
            };
            let mut silent = true;
            let mut hand_over = |piece: &[u8]| {
                if piece.is_empty() {
                    return Sent::Queued;
                }
                silent = false;
                cx.send_wire(voice.conn, piece)
            };
            let sent = if voice.active == batch.short_number() {
                send_around(wire, events, person, first..all, &mut hand_over)
            } else {
                hand_over(wire.piece(first..all))
            };
            let lags = matches!(sent, Sent::Waiting | Sent::Full);
            // Whose own words were all there is was sent nothing, which says nothing.
            if !silent && (lags || voice.rare.is_some()) {
                behind.push(Behind { person, room: events.room, sent, waited });
            }
        }
        for gone in &events.departed {
            if let Some(voice) = self.voices.get(gone.person).filter(|voice| voice.conn == gone.conn) {
                let wire = wires.get(voice.voicing, batch, events, name);
                let mut hand_over =
                    |piece: &[u8]| if piece.is_empty() { Sent::Queued } else { cx.send_wire(voice.conn, piece) };
                let _ = send_around(wire, events, gone.person, gone.heard.clone(), &mut hand_over);
            }
        }
        self.wires = wires;
        for lag in behind.drain(..) {
            self.lag(cx, batch, lag);
        }
        self.pauses.behind = behind;
        if let Some(before) = batch.before(events.room) {
            self.pauses.begin_batch(events.room, before);
        }
    }

    fn give_receipts(&mut self, cx: &mut Cx<'_>, batch: &Batch) {
        for owed in &batch.owed {
            if !self.is_owed(owed) {
                continue;
            }
            let seq = (owed.seq > 0).then_some(owed.seq);
            let receipt = Speech::Receipt { room: batch.text(&owed.room), seq, id: batch.text(&owed.id) };
            let _ = self.tell(cx, owed.person, &receipt);
        }
    }

    /// Is the one to whom something is owed still there?
    pub(super) fn is_owed(&self, owed: &Owed) -> bool {
        let session = self.voices.get(owed.person).and_then(|voice| voice.session);
        session.is_some_and(|session| self.sessions.get(session).digest == owed.session)
    }

    /// Rooms without members go, unless there is something to be read in them.
    fn forget_empty_rooms(&mut self) {
        for room in mem::take(&mut self.emptied) {
            let name = self.rooms.room_name_if_any(room).filter(|name| name.key() != self.lobby.key());
            if name.is_some_and(|name| self.keeper.last(name) == 0) {
                self.rooms.forget(room);
            }
        }
    }
}

/// Sends the events that are not somebody's own, in as few pieces as there can be.
fn send_around(
    wire: &Wire,
    events: &RoomEvents,
    person: PersonId,
    heard: std::ops::Range<u32>,
    hand_over: &mut impl FnMut(&[u8]) -> Sent,
) -> Sent {
    let mut start = heard.start;
    let mut sent = Sent::Queued;
    let worse = |before: Sent, now: Sent| if now == Sent::Queued { before } else { now };
    for at in heard.clone() {
        if events.events[at as usize].author == person {
            sent = worse(sent, hand_over(wire.piece(start..at)));
            start = at + 1;
        }
    }
    worse(sent, hand_over(wire.piece(start..heard.end)))
}
