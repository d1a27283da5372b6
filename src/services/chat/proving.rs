//! Proving who one is: strangers, `/login`, and accounts that change while people are here.

use std::rc::Rc;
use std::time::Duration;

use super::Chat;
use super::coming::Farewell;
use super::holds::{HUSHED, PROVING};
use super::language::{Alphabet, Complaint, Form, Name};
use super::rooms::PersonId;
use super::sessions::SessionId;
use super::standing::{Login, Standing};
use super::steward::{NO_LOGIN, Purpose, WRONG_PASSWORD, ip_of, place_of};
use super::strangers::Waiting;
use crate::hub::{ConnId, Cx};
use crate::services::accounts::{Accounts, Check, Proof, Role, Task, Verdict};

/// Random bytes before a password is hashed.
pub(super) const PROVING_SALT: usize = 16;

impl Chat {
    /// Tells whoever keeps the door of a misdeed.
    pub(super) fn report(&self, cx: &Cx<'_>, conn: ConnId, weight: Duration) {
        self.steward.guard.report(cx.about(conn).and_then(|about| ip_of(about.peer)), weight);
    }

    /// Somebody goes: what was known of who they are goes with them.
    pub(super) fn forget_papers(&mut self, cx: &Cx<'_>, person: PersonId, conn: ConnId) {
        self.steward.gate.forget(conn);
        self.steward.guard.rules.doors.forget_guest(person);
        let papers = self.steward.standings.forget(person);
        if papers.and_then(|papers| papers.waiting).is_some_and(|waiting| waiting.until > cx.now()) {
            self.report(cx, conn, NO_LOGIN);
        }
    }

    pub(super) fn log_in(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &str, password: &str) {
        let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
        let Some(accounts) = self.steward.guard.accounts.clone() else {
            return self.complain(cx, person, "no-accounts", "this server has no accounts; /nick NAME is all it takes");
        };
        if let Some(account) = self.steward.standings.account(person) {
            let text = format!("you are {account}; come anew to be somebody else");
            return self.complain(cx, person, "logged-in", &text);
        }
        if !cx.about(conn).is_some_and(|about| self.steward.guard.is_private(&about)) {
            let text = "a password is not taken over a line on which others can listen; come by TLS (plain-login)";
            return self.complain(cx, person, "insecure", text);
        }
        // A name that can be nobody's is looked at like one that is nobody's.
        let name = Name::new(name, Alphabet::OneScript).ok();
        let (hash, counts) = accounts.book().hash(name.as_ref());
        let subject = format!("@{}", name.as_ref().map_or("", Name::key));
        let (task, proof) = (Task::Check { hash: hash.clone(), counts }, Proof::Password(hash));
        self.prove(cx, person, conn, &subject, password, task, Purpose::LogIn(name, proof));
    }

    /// Has a password looked at, off the loop. Nothing is heard from whoever showed it until that was done.
    #[expect(clippy::too_many_arguments, reason = "a check is made of them, here and nowhere else")]
    pub(super) fn prove(
        &mut self,
        cx: &mut Cx<'_>,
        person: PersonId,
        conn: ConnId,
        subject: &str,
        password: &str,
        task: Task,
        note: Purpose,
    ) {
        let Some(place) = cx.about(conn).map(|about| place_of(about.peer, about.credentials.map(|who| who.uid))) else {
            return;
        };
        let check = Check { asker: conn, place, subject: subject.into(), password: password.into(), task, note };
        if self.steward.gate.ask(cx, check) {
            cx.hold(conn, PROVING);
        } else {
            self.complain(cx, person, "busy", "too many passwords are waiting to be looked at; try again in a moment");
        }
    }

    /// Gives the next password to a helper.
    pub(super) fn look_at_passwords(&mut self, cx: &mut Cx<'_>) {
        let refused = self.steward.gate.next(cx);
        self.steward.verdicts.extend(refused);
    }

    /// Carries out what came of passwords that were looked at.
    pub(super) fn judge(&mut self, cx: &mut Cx<'_>) {
        for (conn, purpose, verdict) in std::mem::take(&mut self.steward.verdicts) {
            let Some(person) = self.voices.person(conn) else { continue };
            cx.release(conn, PROVING);
            match (verdict, purpose) {
                (Verdict::Right, Purpose::LogIn(Some(name), proof)) => self.logged_in(cx, person, &name, proof),
                (Verdict::Right, Purpose::Enter(room, hash)) => self.has_proved(cx, person, &room, &hash),
                (Verdict::Made(hash), Purpose::Lock(room)) => self.lock_with(cx, person, &room, Some(&hash)),
                (Verdict::Wrong, purpose) => {
                    self.report(cx, conn, WRONG_PASSWORD);
                    if let (Purpose::LogIn(name, _), Some(about)) = (&purpose, cx.about(conn)) {
                        self.steward.guard.log_wrong_password(&about, name.as_ref());
                    }
                    self.complain_of_password(cx, person, &purpose);
                }
                (Verdict::Spent, _) => {
                    let text = "three wrong passwords came from where you are within a minute; wait a minute";
                    self.complain(cx, person, "too-many-tries", text);
                }
                _ => self.complain(cx, person, "busy", "the password could not be looked at; try again in a moment"),
            }
        }
    }

    fn complain_of_password(&mut self, cx: &mut Cx<'_>, person: PersonId, purpose: &Purpose) {
        let text = match purpose {
            Purpose::LogIn(..) => "wrong name or password".to_owned(),
            Purpose::Enter(room, _) | Purpose::Lock(room) => format!("wrong password for #{room}"),
        };
        self.complain(cx, person, "wrong-password", &text);
    }

    /// Somebody has proved who they are.
    fn logged_in(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &Name, proof: Proof) {
        let book = self.steward.guard.accounts.as_ref().map(Accounts::book);
        let known = book.as_deref().and_then(|book| book.find(name));
        let Some(account) = known.filter(|account| account.accepts(&proof)) else {
            // It is gone since, or has another password.
            return self.complain_of_password(cx, person, &Purpose::LogIn(None, proof));
        };
        let name = account.name.clone();
        if let Some(ban) = self.steward.guard.ban_of_name(&name, cx.wall()) {
            return self.complain(cx, person, "banned", &ban);
        }
        if let Some(holder) = self.rooms.person(&name).filter(|&holder| holder != person) {
            self.log_out(cx, holder);
        }
        self.sessions.let_go(&name);
        let login = Rc::new(Login { name: name.clone(), proof });
        let waiting = self.steward.standings.log_in(person, Rc::clone(&login));
        if let Some(session) = self.voices.get(person).and_then(|voice| voice.session) {
            self.sessions.get_mut(session).account = Some(login);
        }
        log::debug!("{name} logged in");
        let role = if account.role == Role::Operator { ", an operator" } else { "" };
        match waiting {
            Some(waiting) => self.let_in(cx, person, &name, &waiting, role),
            None => {
                if self.be_called(cx, person, &name) {
                    self.inform(cx, person, &format!("you are {name}{role}"));
                }
            }
        }
        if self.voices.get(person).is_some_and(|voice| voice.voicing.form == Form::Json) {
            self.greet_in_json(cx, person);
        }
    }

    /// A stranger has logged in, and comes in.
    fn let_in(&mut self, cx: &mut Cx<'_>, person: PersonId, name: &Name, waiting: &Waiting, role: &str) {
        let Some(voice) = self.voices.get_mut(person) else { return };
        voice.known = true;
        let conn = voice.conn;
        cx.set_framing(conn, waiting.framing);
        cx.set_limits(conn, &self.steward.after_login);
        cx.release(conn, HUSHED);
        self.schedule(cx, person);
        if self.rooms.rename(person, name.clone()).is_err() {
            // A guest of that name, from before there was the account; it is renamed with the next batch.
            log::warn!("{name} logged in while a guest had the name");
        }
        let (lobby, recorded) = (self.lobby.clone(), self.recorded());
        match self.enter(cx, person, &lobby) {
            Err(refusal) => self.refuse(cx, person, refusal),
            Ok((room, _)) => self.announce_join(cx, person, room, super::batch::What::Joined),
        }
        self.inform(cx, person, &format!("you are {name}{role}, in #{lobby}; {recorded}"));
        self.show_motd(cx, person, true);
    }

    /// The same account has logged in from another connection: this one goes.
    fn log_out(&mut self, cx: &mut Cx<'_>, holder: PersonId) {
        let Some(conn) = self.voices.get(holder).map(|voice| voice.conn) else { return };
        self.complain(cx, holder, "taken-over", "you have logged in from another connection; goodbye");
        self.depart(cx, holder, "came from elsewhere", Farewell::End);
        cx.close(conn);
    }

    /// May somebody take up this session? One of an account is for whoever has logged in to it, or to nothing: it
    /// gives back a name and rooms, and never what the account may do.
    pub(super) fn may_take_up(&self, person: PersonId, session: SessionId) -> bool {
        let Some(own) = self.steward.standings.account(person) else { return true };
        let session = self.sessions.get(session);
        let name = session.holder.map(|holder| self.rooms.name(holder)).or(session.name.as_ref());
        match &session.account {
            Some(login) => login.name.key() == own.key(),
            None => name.is_some_and(|name| name.key() == own.key()),
        }
    }

    /// Why somebody can't have a name, if they can't: it is an account's, or banned. `account` is the account that
    /// they have, or had.
    pub(super) fn keeps_from_name(&self, cx: &Cx<'_>, name: &Name, account: Option<&str>) -> Option<Complaint> {
        if let Some(ban) = self.steward.guard.ban_of_name(name, cx.wall()) {
            return Some(Complaint::new("banned", ban));
        }
        let is_anothers = self.steward.is_anothers(name, account);
        is_anothers
            .then(|| Complaint::new("name-taken", format!("{name} belongs to an account; /login is how to get it")))
    }

    /// Others are in the accounts. Whoever could not log in again as they did is logged out; guests whose name has become
    /// an account's get another one.
    pub(super) fn look_at_papers(&mut self, cx: &mut Cx<'_>) {
        if !self.steward.accounts_changed() {
            return;
        }
        let book = self.steward.guard.accounts.as_ref().map(Accounts::book);
        self.sessions.log_off(|login| !login.stands(book.as_deref()));
        let people: Vec<PersonId> = self.voices.people().collect();
        for person in people {
            if self.steward.standings.login(person).is_some_and(|login| !login.stands(book.as_deref())) {
                self.log_off(cx, person);
            } else {
                let text = "your name has become an account's; you are";
                self.free_name(cx, person, text);
            }
        }
    }

    /// What somebody logged in with is right no more. Where one has to log in they go; elsewhere they are a guest.
    fn log_off(&mut self, cx: &mut Cx<'_>, person: PersonId) {
        let name = self.steward.standings.account(person).map(Name::to_string).unwrap_or_default();
        log::info!("{name} is logged out: the account is gone, or was changed");
        if self.steward.guard.demands.get().require_login {
            let Some(conn) = self.voices.get(person).map(|voice| voice.conn) else { return };
            let text = format!("the account {name} is gone, or was changed; come anew; goodbye");
            self.complain(cx, person, "logged-out", &text);
            self.depart(cx, person, "logged out", Farewell::Quit);
            return cx.close(conn);
        }
        self.steward.standings.log_off(person);
        let text = format!("the account {name} is gone, or was changed, so you are a guest; /login NAME PASSWORD");
        self.complain(cx, person, "logged-out", &text);
        self.free_name(cx, person, "your name is an account's; you are");
    }

    /// Whoever has the name of an account that is not theirs gets another one.
    fn free_name(&mut self, cx: &mut Cx<'_>, person: PersonId, text: &str) {
        let session = self.voices.get(person).and_then(|voice| voice.session);
        let session = session.and_then(|session| self.sessions.get(session).account.as_ref());
        let account = self.steward.standings.account(person).or(session.map(|login| &login.name)).map(Name::key);
        if self.steward.is_anothers(self.rooms.name(person), account) {
            let name = self.guest_name(cx);
            if self.be_called(cx, person, &name) {
                self.inform(cx, person, &format!("{text} {name}"));
            }
        }
    }

    /// May somebody ask for this? If not, they are told what they lack.
    pub(super) fn allows(&mut self, cx: &mut Cx<'_>, person: PersonId, word: &'static str) -> bool {
        let needed = super::standing::needed(word);
        let standing = self.steward.standing(person);
        if needed.is_some_and(|needed| standing >= needed) {
            return true;
        }
        match (standing, needed) {
            (Standing::Stranger, _) => self.complain(cx, person, "login-first", "/login NAME PASSWORD comes first"),
            (_, Some(Standing::User)) => {
                self.complain(cx, person, "not-logged-in", "this is for people with an account; /login NAME PASSWORD");
            }
            _ => self.complain(cx, person, "not-operator", "this is for operators"),
        }
        false
    }
}
