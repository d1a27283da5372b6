//! Keeping order: what operators can do, and keeping it over a restart.

use std::time::Duration;

use super::Chat;
use super::coming::Farewell;
use super::language::{Banned, Complaint, Name, Order, Speech};
use super::rooms::PersonId;
use super::steward::ip_of;
use crate::hub::{ConnId, Cx, Done, Lane, Wall};
use crate::services::accounts::{Rule, Whom};
use crate::services::whole_file;

/// After no helper was free to write the rules.
const AGAIN: Duration = Duration::from_secs(1);

impl Chat {
    pub(super) fn keep_order(&mut self, cx: &mut Cx<'_>, person: PersonId, order: Order<'_>) {
        match order {
            Order::Kick { name, why } => self.kick(cx, person, name, why.as_deref().unwrap_or_default()),
            Order::Ban { whom, time, why } => {
                let until = time.map(|time| later(cx.wall(), time));
                self.ban(cx, person, whom, until, why.as_deref().unwrap_or_default());
            }
            Order::Bans => self.list_rules(cx, person),
            Order::Unban(whom) => self.take_back(cx, person, false, whom),
            Order::Mute { name, time } => {
                let until = time.map(|time| later(cx.wall(), time));
                self.mute(cx, person, name, until);
            }
            Order::Unmute(name) => self.take_back(cx, person, true, Banned::Name(name)),
            Order::LockTopic(lock) => self.lock_topic(cx, person, lock),
            Order::SetMotd(text) => {
                self.steward.guard.rules.motd = text.as_ref().into();
                self.note_order(person, "motd", "");
                self.keep_rules(cx);
                self.show_motd(cx, person, false);
            }
        }
    }

    /// What operators do stands in the log. What they say about it does not.
    fn note_order(&self, person: PersonId, what: &str, whom: &str) {
        let blank = if whom.is_empty() { "" } else { " " };
        log::info!("operator {}: {what}{blank}{whom}", self.rooms.name(person));
    }

    /// Who is called so, if they have come in.
    fn someone(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &str) -> Option<PersonId> {
        let found = self.named(name).and_then(|name| {
            let here = self.rooms.person(&name).filter(|&other| !self.steward.standings.is_stranger(other));
            let nobody = || Complaint::new("no-such-name", format!("nobody here is called {name}; /who lists who is"));
            here.ok_or_else(nobody)
        });
        match found {
            Ok(other) => Some(other),
            Err(Complaint { code, text }) => {
                self.complain(cx, person, code, &text);
                None
            }
        }
    }

    /// Whoever runs the server closes a connection.
    pub fn show_out(&mut self, cx: &mut Cx<'_>, conn: ConnId) {
        if let Some(person) = self.voices.person(conn) {
            self.complain(cx, person, "kicked", "an operator closed this connection");
        }
        cx.close(conn);
    }

    fn kick(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &str, why: &str) {
        let Some(other) = self.someone(cx, person, name) else { return };
        let name = self.rooms.name(other).clone();
        self.note_order(person, "kick", name.as_str());
        self.inform(cx, person, &format!("{name} was shown the door"));
        let by = self.rooms.name(person).clone();
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        self.throw_out(cx, other, "kicked", &format!("by {by}{why}"));
    }

    /// Somebody is told why, and goes; their session ends.
    fn throw_out(&mut self, cx: &mut Cx<'_>, person: PersonId, code: &str, text: &str) {
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        self.complain(cx, person, code, text);
        self.depart(cx, person, &format!("{code} {text}"), Farewell::Quit);
        cx.close(conn);
    }

    fn ban(&mut self, cx: &mut Cx<'_>, person: PersonId, whom: Banned<'_>, until: Option<Wall>, why: &str) {
        let Some(whom) = self.whom(cx, person, whom) else { return };
        let by = self.rooms.name(person).as_str().into();
        let rule = Rule { mute: false, whom, until, by, why: why.into() };
        if self.is_hit(cx, person, &rule) {
            return self.complain(cx, person, "yourself", "that would keep you out too");
        }
        if !self.lay_down(cx, person, rule.clone()) {
            return;
        }
        let text = format!("you are banned {}", rule.told());
        let hit: Vec<PersonId> = self.voices.people().filter(|&other| self.is_hit(cx, other, &rule)).collect();
        for other in hit {
            self.throw_out(cx, other, "banned", &text);
        }
    }

    fn whom(&mut self, cx: &mut Cx<'_>, person: PersonId, banned: Banned<'_>) -> Option<Whom> {
        let mut wrong = None;
        let whom = Whom::of(banned, |word| self.named(word).map_err(|complaint| wrong = Some(complaint)).ok());
        if let Some(Complaint { code, text }) = wrong {
            self.complain(cx, person, code, &text);
        }
        whom
    }

    /// Does a ban concern somebody who is here?
    fn is_hit(&self, cx: &Cx<'_>, person: PersonId, rule: &Rule) -> bool {
        let Some(voice) = self.voices.get(person) else { return false };
        let ip = cx.about(voice.conn).and_then(|about| ip_of(about.peer));
        rule.concerns(Some(self.rooms.name(person)), ip)
    }

    /// Lays a rule down. Answers whether there was room for it.
    fn lay_down(&mut self, cx: &mut Cx<'_>, person: PersonId, rule: Rule) -> bool {
        let what = if rule.mute { "mute" } else { "ban" };
        let (whom, told) = (rule.whom.to_string(), rule.told());
        if !self.steward.guard.rules.bans.add(rule, cx.wall()) {
            let text = "there are as many bans and mutes as can be overseen; /ban lists them, /unban takes one back";
            self.complain(cx, person, "too-many-rules", text);
            return false;
        }
        self.note_order(person, what, &whom);
        self.inform(cx, person, &format!("{what} of {whom} {told}"));
        self.keep_rules(cx);
        true
    }

    fn mute(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &str, until: Option<Wall>) {
        let Some(whom) = self.whom(cx, person, Banned::Name(name)) else { return };
        let by = self.rooms.name(person).as_str().into();
        let rule = Rule { mute: true, whom, until, by, why: Box::default() };
        let told = rule.told();
        let other = if let Whom::Name(name) = &rule.whom { self.rooms.person(name) } else { None };
        if self.lay_down(cx, person, rule)
            && let Some(other) = other
        {
            self.inform(cx, other, &format!("you are muted {told}: you can listen, and nobody hears you"));
        }
    }

    fn take_back(&mut self, cx: &mut Cx<'_>, person: PersonId, mute: bool, whom: Banned<'_>) {
        let Some(whom) = self.whom(cx, person, whom) else { return };
        let (what, shown) = (if mute { "mute" } else { "ban" }, whom.to_string());
        if !self.steward.guard.rules.bans.take_back(mute, &whom) {
            let text = format!("there is no {what} of {shown}; /ban lists all");
            return self.complain(cx, person, "no-such-rule", &text);
        }
        self.note_order(person, if mute { "unmute" } else { "unban" }, &shown);
        self.inform(cx, person, &format!("{what} of {shown} taken back"));
        self.keep_rules(cx);
    }

    fn list_rules(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let line = |rule: &Rule| {
            let what = if rule.mute { "mute" } else { "ban" };
            format!("{what} of {} {}", rule.whom, rule.told())
        };
        let lines: Vec<String> = self.steward.guard.rules.bans.standing(cx.wall()).iter().map(line).collect();
        for line in lines {
            self.inform(cx, person, &line);
        }
        let _ = self.tell(cx, person, &Speech::End { of: "ban" });
    }

    fn lock_topic(&mut self, cx: &mut Cx<'_>, person: PersonId, lock: bool) {
        let room = match self.room_of(person, None) {
            Ok(room) => self.rooms.room_name(room).clone(),
            Err(Complaint { code, text }) => return self.complain(cx, person, code, &text),
        };
        self.steward.guard.rules.doors.door(&room).topic_locked = lock;
        let who = if lock { "only operators set" } else { "everybody may set" };
        self.inform(cx, person, &format!("{who} the topic of #{room}"));
    }

    /// May somebody set this room's topic? If not, they are told.
    pub(super) fn may_set_topic(&mut self, cx: &mut Cx<'_>, person: PersonId, room: &Name) -> bool {
        let is_locked = self.steward.guard.rules.doors.is_topic_locked(room);
        let may = !is_locked || self.steward.standing(person) == super::standing::Standing::Operator;
        if !may {
            let text = format!("only operators set the topic of #{room}");
            self.complain(cx, person, "topic-locked", &text);
        }
        may
    }

    /// Is somebody to listen only?
    pub(super) fn is_mute(&self, cx: &Cx<'_>, person: PersonId) -> bool {
        self.steward.guard.rules.bans.mute_of(self.rooms.name(person), cx.wall()).is_some()
    }

    /// Is somebody to listen only? Then they are told.
    pub(super) fn is_muted(&mut self, cx: &mut Cx<'_>, person: PersonId) -> bool {
        let mute = self.steward.guard.rules.bans.mute_of(self.rooms.name(person), cx.wall());
        let text = mute.map(|mute| format!("you are muted {}", mute.told()));
        if let Some(text) = &text {
            self.complain(cx, person, "muted", text);
        }
        text.is_some()
    }

    /// Shows what everybody is told on coming; `briefly`: only if there is something.
    pub(super) fn show_motd(&mut self, cx: &mut Cx<'_>, person: PersonId, briefly: bool) {
        let motd = self.steward.guard.rules.motd.clone();
        match (motd.is_empty(), briefly) {
            (true, true) => {}
            (true, false) => self.inform(cx, person, "there is no message of the day"),
            (false, _) => self.inform(cx, person, &format!("message of the day: {motd}")),
        }
    }

    /// Has the rules written, by a helper; what changes meanwhile is written next.
    pub(super) fn keep_rules(&mut self, cx: &mut Cx<'_>) {
        self.steward.unwritten = true;
        if self.steward.writing.is_some() {
            return;
        }
        let rooms = &self.rooms;
        let rules = &mut self.steward.guard.rules;
        rules.doors.sweep(|name| rooms.room(name).is_some());
        let Some((path, text)) = rules.written(cx.wall()) else { return };
        if let Ok(job) = cx.job(Lane::Any, move || whole_file::replace_in_own_folder(&path, &text)) {
            (self.steward.writing, self.steward.unwritten) = (Some(job), false);
        } else {
            log::error!("bans and locks could not be written yet: too much is going on");
            self.steward.write_at = Some(cx.now() + AGAIN);
        }
    }

    /// Has them written that could not be when no helper was free.
    pub(super) fn keep_rules_at_last(&mut self, cx: &mut Cx<'_>) {
        if self.steward.write_at.take_if(|at| *at <= cx.now()).is_some() {
            self.keep_rules(cx);
        }
    }

    /// The rules are written, or not.
    pub(super) fn rules_written(&mut self, cx: &mut Cx<'_>, result: Done) {
        self.steward.writing = None;
        let written = result.ok().and_then(|written| written.downcast::<std::io::Result<()>>().ok());
        match written.map(|written| *written) {
            Some(Ok(())) => {}
            Some(Err(error)) => log::error!("bans and locks were not written, and end with this run: {error}"),
            None => log::error!("bans and locks were not written, and end with this run"),
        }
        if self.steward.unwritten {
            self.keep_rules(cx);
        }
    }
}

fn later(now: Wall, time: Duration) -> Wall {
    Wall::from_millis(now.millis().saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
}
