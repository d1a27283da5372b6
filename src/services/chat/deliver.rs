//! Making a batch heard.

use std::mem;
use std::ops::Range;

use super::Chat;
use super::batch::{Batch, Owed, RoomEvents};
use super::language::Speech;
use super::rooms::{Member, PersonId};
use super::slow::{Behind, Waited};
use super::wires::Wire;
use crate::hub::{ConnId, Cx, Sent};

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
        self.counted.messages += events.said();
        let mut deliveries = 0;
        for &Member { person, live, since } in self.rooms.members(events.room) {
            let Some(voice) = self.voices.get(person).filter(|_| live) else { continue };
            let first = since.first_of(batch.number);
            if first >= all {
                continue;
            }
            deliveries += u64::from(all - first);
            let wire = wires.get(voice.voicing, batch, events, name);
            let waited = match cx.unsent(voice.conn) {
                0 => Waited::Nothing,
                _ if cx.room(voice.conn) == 0 => Waited::Full,
                _ => Waited::Something,
            };
            // Whoever said nothing and was there from the start hears all of it, and that is nearly everybody.
            let sent = if first == 0 && voice.active != batch.short_number() {
                (!wire.whole().is_empty()).then(|| cx.send_shared(voice.conn, wire.whole()))
            } else {
                deliveries -= events.own(person, first);
                send_around(cx, voice.conn, wire, events, person, first..all)
            };
            // To whom nothing was to be sent, because their own words are all there is, nothing is to be noted.
            let Some(sent) = sent else { continue };
            if matches!(sent, Sent::Waiting | Sent::Full) || voice.rare.is_some() {
                behind.push(Behind { person, room: events.room, sent, waited });
            }
        }
        for gone in &events.departed {
            if let Some(voice) = self.voices.get(gone.person).filter(|voice| voice.conn == gone.conn) {
                let wire = wires.get(voice.voicing, batch, events, name);
                let _ = send_around(cx, voice.conn, wire, events, gone.person, gone.heard.clone());
            }
        }
        self.wires = wires;
        self.counted.deliveries += deliveries;
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
            self.receipted(cx, owed.conn);
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

/// Sends some bytes, if there are any.
fn send(cx: &mut Cx<'_>, conn: ConnId, piece: &[u8]) -> Option<Sent> {
    (!piece.is_empty()).then(|| cx.send_wire(conn, piece))
}

/// Sends the events that are not somebody's own, in as few pieces as there can be. Answers what became of the last
/// that did not leave at once.
fn send_around(
    cx: &mut Cx<'_>,
    conn: ConnId,
    wire: &Wire,
    events: &RoomEvents,
    person: PersonId,
    heard: Range<u32>,
) -> Option<Sent> {
    let mut start = heard.start;
    let mut sent = None;
    let mut note = |now: Option<Sent>| sent = now.filter(|&now| now != Sent::Queued).or(sent).or(now);
    for at in heard.clone() {
        if events.events[at as usize].author == person {
            note(send(cx, conn, wire.piece(start..at)));
            start = at + 1;
        }
    }
    note(send(cx, conn, wire.piece(start..heard.end)));
    sent
}
