//! The chat: rooms, names, history, sessions.
//!
//! One ordered batch a turn. What connections ask for during a turn is queued as it came (`asked`), carried out in
//! that order at the turn's end (`acts`), numbered and written to the history in one write (`keeper`), and only then
//! heard by everybody (`batch`) and receipted. With `--sync always` hearing waits for the disk, and what is asked for
//! meanwhile waits with it: the next batch gathers behind the one that is on its way.

mod acts;
mod asked;
mod batch;
mod bounds;
mod breath;
mod coming;
mod deliver;
mod doors;
mod figures;
mod holds;
mod house_rules;
mod keeper;
mod keeping;
mod language;
mod lists;
mod locks;
mod order;
mod pace;
mod proving;
mod readers;
mod recalling;
mod replay;
mod resuming;
mod returning;
mod rooms;
mod sessions;
mod settings;
mod since;
mod slow;
mod speaking;
mod standing;
mod steward;
mod strangers;
mod voice;
mod wires;

use std::collections::VecDeque;

use self::acts::is_object;
use self::asked::{Ask, Asked};
use self::batch::Batch;
use self::keeper::Keeper;
use self::pace::{Neighbours, neighbourhood};
use self::steward::{Purpose, Steward};
use self::voice::{Voice, Voices};
use self::wires::Wires;
use crate::hub::{ConnId, Cx, Done, Fault, Framing, Hold, JobId, Moment, News, Reason, Sent, Service};
use crate::log::Log;
use crate::services::Handover;
use crate::services::accounts::Verdict;

pub use self::bounds::{Bounds, MAX_IDS};
pub use self::figures::Figures;
pub(in crate::services) use self::holds::{HUSHED, PROVING};
pub use self::house_rules::Rules;
pub use self::language::{
    Alphabet, Banned, COMMANDS, Command, Complaint, Form, Help, MAX_ID, MAX_NAME, MAX_SAID, MAX_TOKEN, MAX_TOPIC, Name,
    Order, Roll, Secret, Speech, When, holds_a_secret, json, neutralise, parse, parse_json, plain, write,
};
pub use self::pace::Flood;
pub use self::rooms::{PersonId, Refusal, RoomId, Rooms};
pub use self::settings::Settings;
pub use self::since::Since;
pub use self::slow::Slow;
pub use self::steward::{Demands, Guard, Misdeeds, Narrow, Private, Startups};
pub(in crate::services) use self::steward::{LATE_LOGIN, NO_LOGIN, WRONG_PASSWORD, ip_of, place_of};
pub(in crate::services) use self::strangers::{Waiting, heard_out, refuse, too_many};

/// The room that everybody comes to. It is always there, also when nobody is in it.
const LOBBY: &str = "lobby";
/// Text that may wait to be carried out in one turn. Beyond it speakers are not read until the turn is over, so that
/// no turn gets long and no batch outgrows its readers' buffers.
const ASKED_PER_TURN: usize = 256 * 1024;

/// The chat service.
#[derive(Debug)]
pub struct Chat {
    settings: Settings,
    /// Settings that were changed since the start.
    changed: Handover<Settings>,
    rooms: Rooms,
    lobby: Name,
    voices: Voices,
    sessions: sessions::Sessions,
    asked: Asked,
    /// What has to wait for a later turn.
    asked_later: Asked,
    batch: Batch,
    wires: Wires,
    keeper: Keeper,
    /// Counts guests.
    guests: u64,
    /// Counts PINGs.
    pings: u64,
    /// Those who catch up, in the order in which they are served.
    replaying: replay::Queue,
    /// Connections that are not read until what they asked for was carried out.
    stalled: Vec<ConnId>,
    pauses: slow::Pauses,
    breath: breath::Breath,
    neighbours: Neighbours,
    /// Rooms that may be forgotten at the turn's end.
    emptied: Vec<RoomId>,
    /// People who have shown a token of which the history has not been asked yet.
    unasked: VecDeque<PersonId>,
    /// People whose name or rooms have changed, and whose session is to have that.
    moved: Vec<PersonId>,
    /// People of whom the history has said what they said before a restart.
    returned: Vec<PersonId>,
    /// Who is who, and may what.
    steward: Steward,
    /// PINGs that came behind something else in this turn, and whose.
    pinged: Vec<(PersonId, String)>,
    /// Who asked for the kernel's figures.
    inspecting: Vec<(JobId, PersonId)>,
    /// What was counted since the start.
    counted: Figures,
    /// Kept for its memory: what is being carried out.
    frame: Vec<u8>,
    /// Where one line is put together.
    line: Vec<u8>,
    spare: Vec<u8>,
}

impl Chat {
    /// A chat with a history, or without one.
    #[must_use]
    pub fn new(settings: Settings, history: Option<Log>) -> Self {
        let keeper = Keeper::new(history, settings.sync);
        let (mut rooms, mut sessions) = (Rooms::default(), sessions::Sessions::default());
        (rooms.bounds, sessions.bounds) = (settings.bounds, settings.bounds);
        let lobby = Name::new(LOBBY, Alphabet::Ascii).expect("it is a word");
        rooms.room_or_new(&lobby).expect("there is room for the first one");
        // Rooms of which something is kept have their name from the start, whoever comes first and however they write it.
        for name in keeper.rooms().iter().filter_map(|room| Name::new(room, Alphabet::OneScript).ok()) {
            let _ = rooms.room_or_new(&name);
        }
        Self {
            settings,
            changed: Handover::default(),
            rooms,
            lobby,
            voices: Voices::default(),
            sessions,
            asked: Asked::default(),
            asked_later: Asked::default(),
            batch: Batch::default(),
            wires: Wires::default(),
            keeper,
            guests: 0,
            pings: 0,
            replaying: replay::Queue::default(),
            stalled: Vec::new(),
            pauses: slow::Pauses::default(),
            breath: breath::Breath::default(),
            neighbours: Neighbours::default(),
            emptied: Vec::new(),
            unasked: VecDeque::new(),
            moved: Vec::new(),
            returned: Vec::new(),
            steward: Steward::default(),
            pinged: Vec::new(),
            inspecting: Vec::new(),
            counted: Figures::default(),
            frame: Vec::new(),
            line: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Closes the history in order. Waits for the disk: for after the loop.
    pub fn close(&mut self) {
        self.keeper.close();
    }

    fn named(&self, word: &str) -> Result<Name, Complaint> {
        let name = Name::new(word, self.settings.names)?;
        let (count, most) = (name.as_str().chars().count(), self.settings.bounds.name);
        if count > most { Err(Complaint::too_long_name(count, most)) } else { Ok(name) }
    }

    /// Says one thing to one person.
    fn tell(&mut self, cx: &mut Cx<'_>, person: PersonId, speech: &Speech<'_>) -> Sent {
        let Some(voice) = self.voices.get(person) else { return Sent::Gone };
        self.line.clear();
        voice.voicing.write(speech, &mut self.line, &mut self.spare);
        cx.send_wire(voice.conn, &self.line)
    }

    fn inform(&mut self, cx: &mut Cx<'_>, person: PersonId, text: &str) {
        let _ = self.tell(cx, person, &Speech::Info { text });
    }

    fn complain(&mut self, cx: &mut Cx<'_>, person: PersonId, code: &str, text: &str) {
        let _ = self.tell(cx, person, &Speech::Error { code, text });
    }

    /// Carries out what was asked for, has it written, and makes it heard.
    fn advance(&mut self, cx: &mut Cx<'_>) {
        if self.keeper.is_waiting() {
            return;
        }
        self.carry_out(cx);
        self.commit(cx);
        if !self.keeper.is_waiting() {
            self.deliver(cx);
            self.take_breath(cx);
            self.replay(cx);
        }
        self.answer_pings(cx, None);
    }

    /// Reads again whoever had to wait for a turn to end.
    fn unstall(&mut self, cx: &mut Cx<'_>) {
        for conn in self.stalled.drain(..) {
            cx.release(conn, Hold::JOB);
        }
    }
}

impl Service for Chat {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let shown = cx.about(id).and_then(|about| self.steward.guard.recognised(&about));
        if self.turns_away(cx, id, shown.is_some()) {
            return;
        }
        let framing = cx.framing(id).unwrap_or(Framing::LINES);
        let flood = self.settings.flood.unwrap_or(Flood::DEFAULT);
        let is_from_afar = cx.about(id).and_then(|about| neighbourhood(about.peer)).is_some();
        let voice = Voice::new(id, framing, flood, is_from_afar, cx.now());
        self.welcome(cx, voice, shown.as_ref().map(|(name, _)| name));
        // As if a password had been right: with the next batch, behind the greeting.
        let claim = shown.map(|(name, proof)| Purpose::LogIn(Some(name), proof));
        self.steward.verdicts.extend(claim.map(|claim| (id, claim, Verdict::Right)));
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let Some(person) = self.voices.person(id) else { return };
        self.pay(cx, person, 1);
        self.hush(cx, person, id);
        if let Some(token) = acts::ping(frame)
            && (self.keeper.is_waiting() || !self.asked.is_from(id))
        {
            // At once: it measures the way, not the disk. Behind something else it has its place in the queue.
            let _ = self.tell(cx, person, &Speech::Pong { token });
            self.begin_heartbeat(cx, person);
            return;
        }
        if is_object(frame) {
            self.expect_receipt(cx, person);
        }
        self.asked.push(person, id, Ask::Line(frame));
        if self.asked.weight() > ASKED_PER_TURN {
            cx.hold(id, Hold::JOB);
            self.stalled.push(id);
        }
    }

    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        let Some(person) = self.voices.person(id) else { return };
        if fault == Fault::Slow {
            return self.part_with_slow(cx, person);
        }
        let text = fault.to_string();
        let (_, text) = text.split_once(": ").expect("a fault's text begins with its code");
        self.complain(cx, person, fault.code(), text);
    }

    fn ended(&mut self, _cx: &mut Cx<'_>, id: ConnId) {
        if let Some(person) = self.voices.person(id) {
            self.asked.push(person, id, Ask::End);
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        if let Some(person) = self.voices.person(id) {
            self.caught_up(cx, person);
            heard_out(cx, id);
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(person) = self.voices.person(id) else { return };
        if let Some(voice) = self.voices.get_mut(person).filter(|voice| voice.paused <= cx.now()) {
            voice.paused = Moment::NEVER;
            cx.release(id, Hold::FLOOD);
        }
        self.heartbeat(cx, person);
        self.hurry_stranger(cx, person);
        self.schedule(cx, person);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.end_pauses(cx);
        self.end_breath(cx);
        if self.keeper.readers_are_due(cx.now()) {
            self.ask_again(cx);
        }
        self.keep_rules_at_last(cx);
        self.set_alarm(cx);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        if let Some(at) = self.inspecting.iter().position(|&(asked, _)| asked == job) {
            let (_, person) = self.inspecting.swap_remove(at);
            return self.show_inspection(cx, person, result);
        }
        match Some(job) {
            job if job == self.steward.writing => self.rules_written(cx, result),
            _ if self.steward.gate.asked(job) => self.steward.verdicts.extend(self.steward.gate.done(cx, result)),
            _ => self.kept(cx, job, result),
        }
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping {
            let people: Vec<PersonId> = self.voices.people().collect();
            for person in people {
                self.inform(cx, person, "the server stops; goodbye");
            }
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        self.take_settings();
        self.advance(cx);
        self.look_at_passwords(cx);
        self.set_alarm(cx);
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        if let Some(person) = self.voices.person(id) {
            self.asked.push(person, id, Ask::Gone(coming::reason(why)));
        }
    }
}
