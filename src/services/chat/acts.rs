//! Carrying out what was asked for, one thing after another.

use super::Chat;
use super::asked::Ask;
use super::coming::Farewell;
use super::holds::LEAVING;
use super::language::{Command, Complaint, Form, Order, Speech, parse, parse_json};
use super::replay::Replay;
use super::rooms::PersonId;
use super::speaking::Saying;
use super::standing::word;
use super::voice::Voice;
use super::wires::Shape;
use crate::hub::Cx;

/// Commands that cost more than one message, for they make the server say much.
fn extra_cost(command: &Command<'_>) -> u32 {
    match command {
        Command::History { .. } | Command::Resume { .. } | Command::TakeUp { .. } | Command::Order(Order::Bans) => 9,
        Command::Who(_) | Command::Rooms | Command::Help(_) | Command::Info | Command::Stats => 4,
        Command::Nick(_) | Command::Join(_) | Command::Topic(_) => 1,
        Command::JoinLocked { .. } | Command::Login { .. } | Command::Lock(_) => 2,
        _ => 0,
    }
}

impl Chat {
    /// Carries out everything that was asked for.
    pub(super) fn carry_out(&mut self, cx: &mut Cx<'_>) {
        for person in std::mem::take(&mut self.returned) {
            self.remember(cx, person);
        }
        self.note_speakers();
        self.look_at_papers(cx);
        self.judge(cx);
        let mut line = std::mem::take(&mut self.frame);
        let mut at = 0;
        while at < self.asked.len() {
            if !self.pinged.is_empty() {
                let (person, ..) = self.asked.get(at);
                self.answer_pings(cx, Some(person));
            }
            let (person, conn, ask) = self.asked.get(at);
            at += 1;
            let Some(voice) = self.voices.get(person).filter(|voice| voice.conn == conn) else {
                continue; // gone, or somebody else by now
            };
            let was_leaving = voice.leaving;
            if self.has_to_wait(person, voice, ask) {
                self.asked_later.push(person, conn, ask);
                continue;
            }
            match ask {
                Ask::Line(frame) => {
                    line.clear();
                    line.extend_from_slice(frame);
                    if was_leaving {
                        self.stop_leaving(cx, person);
                    }
                    if self.is_answering(person) && self.is_goodbye(person, &line) {
                        self.start_leaving(cx, person);
                        self.asked_later.push(person, conn, Ask::Line(&line));
                        continue;
                    }
                    let owed = self.batch.owed.len();
                    self.obey(cx, person, &line);
                    if is_object(&line) && self.batch.owed.len() == owed {
                        self.receipted(cx, conn); // none was asked for, or it was refused
                    }
                }
                Ask::End if self.is_answering(person) => {
                    self.start_leaving(cx, person);
                    self.asked_later.push(person, conn, Ask::End);
                }
                Ask::End => {
                    self.depart(cx, person, "quit", Farewell::End);
                    cx.close(conn);
                }
                Ask::Gone(why) => self.depart(cx, person, why, Farewell::Broken),
            }
        }
        self.note_sessions(cx);
        self.frame = line;
        self.asked.clear();
        std::mem::swap(&mut self.asked, &mut self.asked_later);
        self.unstall(cx);
        self.unhush(cx);
    }

    /// Does this have to wait for something that was asked before it?
    fn has_to_wait(&self, person: PersonId, voice: &Voice, ask: Ask<'_>) -> bool {
        match ask {
            // What follows `/session TOKEN` means what it means for the session that is being looked for.
            _ if voice.is_returning() => true,
            Ask::Gone(_) => false,
            // So does what follows a password that is being looked at. A goodbye waits for the answers to what was asked
            // before it, and so does what stands behind it.
            _ => self.steward.gate.holds(voice.conn) || voice.leaving && self.is_answering(person),
        }
    }

    /// Is something long still being told to somebody, or asked of the kernel for them?
    fn is_answering(&self, person: PersonId) -> bool {
        let rare = self.voices.get(person).and_then(|voice| voice.rare.as_ref());
        rare.is_some_and(|rare| !rare.replays.is_empty()) || self.inspecting.iter().any(|&(_, asker)| asker == person)
    }

    /// Is this line a `/quit`, a goodbye to the guest that one was, or a `/leave` of a room about which something is still being
    /// told? A `/resume` is not waited for then: whoever leaves its room does not want all of it.
    fn is_goodbye(&self, person: PersonId, line: &[u8]) -> bool {
        match parse(std::str::from_utf8(line).unwrap_or_default()) {
            Ok(Command::Quit(_) | Command::TakeUp { .. }) => true,
            Ok(Command::Leave(room)) => self.room_of(person, room).is_ok_and(|room| {
                let mut about = self.replays(person).filter(|replay| replay.room() == Some(room));
                about.any(|replay| !matches!(replay, Replay::Resume { .. }))
            }),
            _ => false,
        }
    }

    /// Nothing more is read from somebody who says goodbye.
    fn start_leaving(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        if let Some(voice) = self.voices.get_mut(person) {
            voice.leaving = true;
            cx.hold(voice.conn, LEAVING);
        }
    }

    /// Everything that their goodbye has waited for was answered.
    fn stop_leaving(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        if let Some(voice) = self.voices.get_mut(person) {
            voice.leaving = false;
            cx.release(voice.conn, LEAVING);
        }
    }

    fn obey(&mut self, cx: &mut Cx<'_>, person: PersonId, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else {
            return self.complain(cx, person, "not-utf8", "these bytes are no UTF-8 text; nobody heard them");
        };
        let is_json = self.voices.get(person).is_some_and(|voice| voice.voicing.form == Form::Json);
        let parsed = if is_json { parse_json(line) } else { parse(line) };
        match parsed {
            Err(Complaint { code, text }) => self.complain(cx, person, code, &text),
            Ok(command) => {
                if let Some(Complaint { code, text }) = self.settings.bounds.exceeded(&command) {
                    return self.complain(cx, person, code, &text);
                }
                let cost = extra_cost(&command);
                if cost > 0 {
                    self.pay(cx, person, cost);
                }
                if self.allows(cx, person, word(&command)) {
                    self.act(cx, person, command);
                }
            }
        }
    }

    fn act(&mut self, cx: &mut Cx<'_>, person: PersonId, command: Command<'_>) {
        match command {
            Command::Nothing => {}
            Command::Say { .. } | Command::Msg { .. } | Command::Topic(Some(_)) if self.is_muted(cx, person) => {}
            Command::Say { text, room, id, action } => {
                self.say(cx, person, &Saying { text: &text, room: room.as_deref(), id: id.as_deref(), action });
            }
            Command::Nick(name) => self.rename(cx, person, name),
            Command::Join(room) => self.join(cx, person, room),
            Command::JoinLocked { room, password } => self.join_locked(cx, person, room, password.0),
            Command::Lock(password) => self.lock(cx, person, password.map(|password| password.0)),
            Command::Unlock(room) => self.unlock(cx, person, room),
            Command::Invite(name) => self.invite(cx, person, name),
            Command::Motd => self.show_motd(cx, person, false),
            Command::Order(order) => self.keep_order(cx, person, order),
            Command::Leave(room) => self.leave(cx, person, room),
            Command::Rooms => self.list_rooms(cx, person),
            Command::Who(room) => self.list_members(cx, person, room),
            Command::Topic(text) => self.topic(cx, person, text.as_deref()),
            Command::Msg { name, text } => self.whisper(cx, person, name, &text),
            Command::History { room, count } => self.show_history(cx, person, room, count),
            Command::Resume { room, seq } => self.resume(cx, person, room, seq),
            Command::Session => self.show_session(cx, person),
            Command::TakeUp { token, rooms } => self.take_up(cx, person, token.0, &rooms),
            Command::Login { name, password } => self.log_in(cx, person, name, password.0),
            Command::Format(form) => self.set_form(cx, person, form),
            Command::Info => self.inspect(cx, person),
            Command::Stats => self.show_stats(cx, person),
            Command::Help(topic) => self.help(cx, person, topic),
            Command::Quit(words) => {
                self.inform(cx, person, "goodbye");
                let conn = self.voices.get(person).map(|voice| voice.conn);
                let words = words.as_deref().filter(|_| !self.is_mute(cx, person)).unwrap_or("quit");
                self.depart(cx, person, words, Farewell::Quit);
                if let Some(conn) = conn {
                    cx.close(conn);
                }
            }
            Command::Ping(token) => {
                self.pinged.push((person, token.to_owned()));
                self.begin_heartbeat(cx, person);
            }
            Command::Pong(_) => self.begin_heartbeat(cx, person),
        }
    }

    /// Answers the PINGs of this turn, or those of one person who asks for more behind them: what they had asked for
    /// before was answered by now, if it needs neither a disk nor many turns.
    pub(super) fn answer_pings(&mut self, cx: &mut Cx<'_>, only: Option<PersonId>) {
        let is_meant = |&(person, _): &(PersonId, _)| only.is_none_or(|only| only == person);
        // Of each person there is one at most: whatever else they ask for comes behind its answer.
        while let Some(at) = self.pinged.iter().position(is_meant) {
            let (person, token) = self.pinged.swap_remove(at);
            let _ = self.tell(cx, person, &Speech::Pong { token: &token });
        }
    }

    /// It knows what a PING is, so it may be asked.
    pub(super) fn begin_heartbeat(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        if let Some(voice) = self.voices.get_mut(person)
            && !std::mem::replace(&mut voice.beats, true)
        {
            self.schedule(cx, person);
        }
    }

    fn set_form(&mut self, cx: &mut Cx<'_>, person: PersonId, form: Form) {
        let Some(voice) = self.voices.get_mut(person) else { return };
        match form {
            Form::Json if voice.voicing.shape == Shape::Fixed => {
                let text = "an object would not fit a fixed frame; come with lines or length frames for JSON";
                self.complain(cx, person, "fixed", text);
            }
            Form::Json => {
                voice.voicing.form = form;
                self.schedule(cx, person);
                self.greet_in_json(cx, person);
            }
            Form::Plain => {
                voice.voicing.form = form;
                self.inform(cx, person, "plain lines from now on; /format json for objects");
            }
        }
    }
}

/// Is this line one that may ask for a receipt?
pub(super) fn is_object(line: &[u8]) -> bool {
    line.starts_with(b"{")
}

/// The token of a PING, if the frame is one.
pub(super) fn ping(frame: &[u8]) -> Option<&str> {
    if !frame.starts_with(b"PING") {
        return None;
    }
    match parse(std::str::from_utf8(frame).ok()?) {
        Ok(Command::Ping(token)) => Some(token),
        _ => None,
    }
}
