//! What becomes of those who read too slowly. The others never wait for them, and never pay for them.

use std::fmt::Write as _;
use std::mem;
use std::str::FromStr;
use std::time::Duration;

use super::Chat;
use super::batch::Batch;
use super::language::Speech;
use super::rooms::{PersonId, RoomId};
use super::since::Since;
use crate::hub::{Cx, Hold, Moment, Sent};

/// How long the speakers of a room may be made to wait, in every minute.
const PAUSE: Duration = Duration::from_secs(10);
const MINUTE: Duration = Duration::from_secs(60);
/// What a lagging reader was sent is noted once in so many bytes; finer would tell it no more than it needs to resume.
const NOTE_EVERY: u64 = 1024;
/// Notes that are kept before those that tell nothing any more are dropped: twice what a full output can need.
const NOTES: usize = 2048;

/// What becomes of those who read too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slow {
    /// They are told the last number that they got, and closed.
    #[default]
    Disconnect,
    /// They miss what is said until they have caught up, and are told which numbers.
    Gap,
    /// Speakers wait for them, in rooms for which this was chosen.
    Pause,
}

impl FromStr for Slow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "disconnect" => Ok(Self::Disconnect),
            "gap" => Ok(Self::Gap),
            "pause" => Ok(Self::Pause),
            _ => Err("expected disconnect, gap or pause".to_owned()),
        }
    }
}

/// Somebody whose output did not leave at once, or had not before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    pub(super) person: PersonId,
    pub(super) room: RoomId,
    pub(super) sent: Sent,
    /// What waited before this was sent.
    pub(super) waited: Waited,
}

/// How much output waited for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waited {
    /// None: whatever was sent before has left.
    Nothing,
    Something,
    /// It was full already.
    Full,
}

/// A room whose speakers wait for a reader.
#[derive(Debug)]
struct Pause {
    room: RoomId,
    reader: PersonId,
    since: Moment,
    until: Moment,
    /// Who waits.
    speakers: Vec<PersonId>,
}

/// Rooms that wait, and how long they have waited in this minute.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    now: Vec<Pause>,
    /// By room: when its minute began, and how much of it was spent waiting.
    spent: Vec<(RoomId, Moment, Duration)>,
    /// By room: the number before the first one of its last batch.
    begun: Vec<u64>,
    /// Kept for its memory.
    pub(super) behind: Vec<Behind>,
}

impl Pauses {
    /// A room has heard a batch that began behind this number.
    pub(super) fn begin_batch(&mut self, room: RoomId, before: u64) {
        if self.begun.len() <= room.index() {
            self.begun.resize(room.index() + 1, 0);
        }
        self.begun[room.index()] = before;
    }

    /// When the first pause has lasted long enough.
    pub(super) fn due(&self) -> Moment {
        self.now.iter().map(|pause| pause.until).min().unwrap_or(Moment::NEVER)
    }

    /// Is a room waiting?
    pub(super) fn is_paused(&self, room: RoomId) -> bool {
        self.now.iter().any(|pause| pause.room == room)
    }

    /// Somebody is gone: nobody waits for them, and nothing is given back to them.
    pub(super) fn forget(&mut self, person: PersonId) {
        for pause in &mut self.now {
            pause.speakers.retain(|&speaker| speaker != person);
            if pause.reader == person {
                pause.until = Moment::START;
            }
        }
    }

    /// What is left of a room's time to wait in this minute.
    fn left(&mut self, room: RoomId, now: Moment) -> Duration {
        self.spent.retain(|&(_, since, _)| since + MINUTE > now);
        let spent =
            self.spent.iter().find(|&&(spent, _, _)| spent == room).map_or(Duration::ZERO, |&(_, _, spent)| spent);
        PAUSE.saturating_sub(spent)
    }

    fn spend(&mut self, room: RoomId, since: Moment, now: Moment) {
        match self.spent.iter_mut().find(|(spent, _, _)| *spent == room) {
            Some((_, _, spent)) => *spent += now - since,
            None => self.spent.push((room, since, now - since)),
        }
    }
}

impl Chat {
    /// Somebody's output has not left at once, or had not before: note what they have, and do what was chosen.
    pub(super) fn lag(&mut self, cx: &mut Cx<'_>, batch: &Batch, lag: Behind) {
        let Behind { person, room, sent, waited } = lag;
        if sent == Sent::Full && waited != Waited::Full {
            self.wait_for(person);
        }
        if waited == Waited::Nothing
            && let Some(rare) = self.voices.get_mut(person).and_then(|voice| voice.rare.as_mut())
        {
            rare.sent.clear();
        }
        match (sent, self.settings.slow) {
            (Sent::Gone | Sent::Queued, _) => {}
            // One turn may bring more than the high mark to somebody who reads: that is not slow.
            (Sent::Full, Slow::Gap) if waited == Waited::Full => self.skip(batch, person, room),
            (Sent::Full, Slow::Pause) if self.is_pausing(room) => {
                self.note_sent(cx, batch, person, room);
                self.pause(cx, person, room);
            }
            _ => self.note_sent(cx, batch, person, room),
        }
    }

    fn is_pausing(&self, room: RoomId) -> bool {
        let key = self.rooms.room_name(room).key();
        self.settings.pausing.iter().any(|name| name.key() == key)
    }

    /// Notes how far somebody has been sent a room, so that they can be told when they are given up.
    fn note_sent(&mut self, cx: &Cx<'_>, batch: &Batch, person: PersonId, room: RoomId) {
        let last = self.keeper.last(self.rooms.room_name(room));
        // What waited before may hold what the room's last batch brought, but nothing from before that one: when it
        // was sent, nothing waited, else there would be a note of it.
        let before = batch.before(room).unwrap_or(last);
        let whole = self.pauses.begun.get(room.index()).map_or(before, |&begun| begun.min(before));
        let Some(voice) = self.voices.get_mut(person) else { return };
        let total = cx.taken(voice.conn) + cx.unsent(voice.conn) as u64;
        let taken = cx.taken(voice.conn);
        let sent = &mut voice.rare().sent;
        if !sent.iter().any(|&(_, noted, _)| noted == room) {
            sent.push_back((taken, room, whole));
        }
        if sent.back().is_none_or(|&(position, _, _)| position + NOTE_EVERY <= total) {
            sent.push_back((total, room, last));
        }
        if sent.len() > NOTES {
            let old = sent.iter().take_while(|&&(position, _, _)| position <= taken).count();
            let rest = sent.split_off(old);
            let told = mem::replace(sent, rest);
            for note in told.into_iter().rev() {
                if !sent.iter().take_while(|&&(position, _, _)| position <= taken).any(|&(_, room, _)| room == note.1) {
                    sent.push_front(note);
                }
            }
        }
    }

    /// Somebody is not sent what their rooms hear, until they have read what waits.
    fn skip(&mut self, batch: &Batch, person: PersonId, room: RoomId) {
        let rooms: Vec<RoomId> = self.rooms.rooms_of(person).collect();
        let place = |room| batch.rooms().iter().position(|events| events.room == room);
        for other in rooms {
            let Some(member) = self.rooms.member_mut(person, other) else { continue };
            if !mem::replace(&mut member.live, false) {
                continue; // catching up by itself
            }
            let last = self.keeper.last(self.rooms.room_name(other));
            // Of rooms whose turn to be heard has not come yet, this batch is missed too.
            let heard = if place(other) > place(room) { batch.before(other).unwrap_or(last) } else { last };
            if let Some(voice) = self.voices.get_mut(person) {
                voice.rare().skipped.push((other, heard));
            }
        }
    }

    /// Somebody has read what waited.
    pub(super) fn caught_up(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        self.wait_no_more_for(cx, person);
        for pause in &mut self.pauses.now {
            if pause.reader == person {
                pause.until = Moment::START;
            }
        }
        self.end_pauses(cx);
        self.fewer_replays(cx, person);
        let Some(voice) = self.voices.get_mut(person) else { return };
        let is_empty = cx.unsent(voice.conn) == 0;
        let Some(rare) = voice.rare.as_mut() else { return };
        if is_empty {
            rare.sent.clear();
        }
        let skipped = mem::take(&mut rare.skipped);
        if rare.replays.is_empty() {
            voice.drop_rare();
        } else {
            self.catch_up(person);
        }
        for (room, heard) in skipped {
            let name = self.rooms.room_name(room).clone();
            let last = self.keeper.last(&name);
            if last > heard {
                let gap = Speech::Gap { room: name.as_str(), from_seq: heard + 1, to_seq: last };
                let _ = self.tell(cx, person, &gap);
            }
            // The gap ends with what is shown by now. A batch that waits for the disk is behind that, and still to come.
            let since = Since::event(self.batch.number, 0);
            if let Some(member) = self.rooms.member_mut(person, room) {
                (member.live, member.since) = (true, since);
            }
        }
    }

    /// The speakers of a room are not read until a reader has caught up; if there is no time left for that, it goes.
    fn pause(&mut self, cx: &mut Cx<'_>, reader: PersonId, room: RoomId) {
        if self.pauses.is_paused(room) {
            return;
        }
        let left = self.pauses.left(room, cx.now());
        if left.is_zero() {
            return; // as if nobody had chosen to wait: its output grows to its limit, and then it goes
        }
        let members = self.rooms.members(room).iter().map(|member| member.person);
        let speakers: Vec<PersonId> = members.filter(|&person| person != reader).collect();
        for voice in speakers.iter().filter_map(|&speaker| self.voices.get(speaker)) {
            cx.hold(voice.conn, Hold::PEER);
        }
        let (since, until) = (cx.now(), cx.now() + left);
        self.pauses.now.push(Pause { room, reader, since, until, speakers });
    }

    /// Ends the pauses that have lasted long enough.
    pub(super) fn end_pauses(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let (over, going): (Vec<Pause>, Vec<Pause>) =
            mem::take(&mut self.pauses.now).into_iter().partition(|pause| pause.until <= now);
        self.pauses.now = going;
        for pause in over {
            self.pauses.spend(pause.room, pause.since, now);
            for speaker in pause.speakers {
                let waits_on = self.pauses.now.iter().any(|other| other.speakers.contains(&speaker));
                if let Some(voice) = self.voices.get(speaker).filter(|_| !waits_on) {
                    cx.release(voice.conn, Hold::PEER);
                }
            }
        }
    }

    /// Somebody is given up for reading too slowly: the last words say what they have.
    pub(super) fn part_with_slow(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let Some(voice) = self.voices.get_mut(person) else { return };
        let taken = cx.taken(voice.conn) + cx.unsent(voice.conn) as u64;
        let mut got: Vec<(RoomId, u64)> = Vec::new();
        for &(position, room, seq) in voice.rare.iter().flat_map(|rare| &rare.sent) {
            if position <= taken {
                got.retain(|&(other, _)| other != room);
                got.push((room, seq));
            }
        }
        let mut text = "you read too slowly, and what waited for you was dropped".to_owned();
        for (room, seq) in got.into_iter().filter(|&(_, seq)| seq > 0) {
            if let Some(name) = self.rooms.room_name_if_any(room) {
                write!(text, "; last number of #{name}: {seq}").expect("a string takes everything");
            }
        }
        self.complain(cx, person, "slow", &text);
    }
}
