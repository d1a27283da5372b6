//! Logging in to services that are spoken to in plain lines: `login NAME PASSWORD`, and what somebody may do before it.
//!
//! Strangers are held to what the chat holds them to, and its numbers are used. A service asks the desk of every line
//! first, and hands it its calls.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::visitors::Visitor;
use super::{Check, Gate, Owner, Proof, Role, TRIES, Task, Verdict};
use crate::hub::{ConnId, Cx, Done, JobId, Limits, Moment};
use crate::services::chat::{Alphabet, Guard, HUSHED, Name, PROVING, WRONG_PASSWORD, heard_out, ip_of, place_of};
use crate::services::line::{LOGIN, Wrong, say};

/// The name that was typed, if it can be one, and what was shown.
pub(super) type Claim = (Option<Name>, Proof);

/// Who is who at one service.
#[derive(Debug, Default)]
pub struct Desk {
    pub(super) guard: Guard,
    pub(super) visitors: BTreeMap<ConnId, Visitor>,
    /// How many of them wait.
    pub(super) strangers: usize,
    after_login: Rc<Limits>,
    pub(super) gate: Gate<Claim>,
    verdicts: Vec<(ConnId, Claim, Verdict)>,
    /// Strangers that are not heard until they have read what they were told.
    hushed: Vec<ConnId>,
    /// The version of the bans by which everybody here was looked at.
    pub(super) bans_known: u64,
}

impl Desk {
    /// A desk that goes by what an operator of the machine has decided.
    #[must_use]
    pub fn new(guard: Guard) -> Self {
        let gate = guard.accounts.as_ref().map(Gate::to).unwrap_or_default();
        let after_login = Rc::new(guard.limits.clone());
        Self { guard, after_login, gate, ..Self::default() }
    }

    /// Is nobody here who has not logged in?
    #[must_use]
    pub fn requires_login(&self) -> bool {
        self.guard.demands.get().require_login
    }

    /// The account that somebody has logged in to, as it is now; none if it is gone.
    #[must_use]
    pub fn account(&self, id: ConnId) -> Option<(Name, Role)> {
        let (name, proof) = self.visitors.get(&id)?.account.as_ref()?;
        self.stands(name, proof)
    }

    /// The account of this name, if what was shown for it is as good as it was.
    fn stands(&self, name: &Name, proof: &Proof) -> Option<(Name, Role)> {
        let book = self.guard.accounts.as_ref()?.book();
        let account = book.find(name).filter(|account| account.accepts(proof))?;
        Some((account.name.clone(), account.role))
    }

    /// Whose is what somebody does here.
    #[must_use]
    pub fn owner(&self, cx: &Cx<'_>, id: ConnId) -> Owner {
        let account = self.account(id).map(|(name, _)| name);
        cx.about(id).map_or(Owner::Guest, |about| Owner::of(account.as_ref(), &about))
    }

    /// Who somebody is, for the log: the account, and what the system says.
    #[must_use]
    pub fn describe(&self, cx: &Cx<'_>, id: ConnId) -> String {
        let account = self.account(id).map(|(name, _)| name.to_string());
        let Some(about) = cx.about(id) else { return account.unwrap_or_default() };
        let there = match (about.credentials, self.guard.show_address) {
            (Some(who), _) => format!("user {} (process {})", who.uid, who.pid),
            (None, Some(show)) => show(about.peer),
            (None, None) => about.peer.to_string(),
        };
        account.map_or(there.clone(), |account| format!("{account}, {there},"))
    }

    /// A line came. Answers what became of it, if that is the desk's business: logging in, and whatever somebody asks for
    /// who has to log in first.
    pub fn hears(&mut self, cx: &mut Cx<'_>, id: ConnId, line: &str) -> Option<Result<(), Wrong>> {
        let visitor = self.visitors.get(&id)?;
        let (must, waits) = (visitor.must, visitor.waiting.is_some());
        if waits {
            // A stranger is heard one line at a time: the next when the answer to the last has left.
            cx.hold(id, HUSHED);
            self.hushed.push(id);
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word.to_ascii_lowercase().as_str() {
            "login" => Some(self.log_in(cx, id, rest)),
            "help" | "quit" => None,
            _ if must && self.account(id).is_none() => Some(Err(Wrong::login_first())),
            _ => None,
        }
    }

    /// What was wrong with a line, without a word of it where that may be a password in the wrong place.
    #[must_use]
    pub fn discreet(&self, id: ConnId, wrong: Wrong) -> Wrong {
        let tells = self.guard.accounts.is_none() || self.account(id).is_some();
        let unnamed = Wrong::unnamed();
        if tells || wrong.code != unnamed.code { wrong } else { unnamed }
    }

    fn log_in(&mut self, cx: &mut Cx<'_>, id: ConnId, rest: &str) -> Result<(), Wrong> {
        let Some((name, password)) = rest.split_once(' ').filter(|(name, word)| !name.is_empty() && !word.is_empty())
        else {
            return Err(Wrong::usage(LOGIN));
        };
        let Some(accounts) = &self.guard.accounts else {
            return Err(Wrong::new("no-accounts", "this server has no accounts"));
        };
        if let Some((account, _)) = self.account(id) {
            return Err(Wrong::new("logged-in", format!("you are {account}; come anew to be somebody else")));
        }
        let Some(about) = cx.about(id) else { return Ok(()) };
        if !self.guard.is_private(&about) {
            let text = "a password is not taken over a line on which others can listen; come by TLS (plain-login)";
            return Err(Wrong::new("insecure", text));
        }
        // A name that can be nobody's is looked at like one that is nobody's.
        let name = Name::new(name.strip_prefix('@').unwrap_or(name), Alphabet::OneScript).ok();
        let (hash, counts) = accounts.book().hash(name.as_ref());
        let check = Check {
            asker: id,
            place: place_of(about.peer, about.credentials.map(|who| who.uid)),
            subject: format!("@{}", name.as_ref().map_or("", Name::key)).into(),
            password: password.into(),
            task: Task::Check { hash: Arc::clone(&hash), counts },
            note: (name, Proof::Password(hash)),
        };
        if !self.gate.ask(cx, check) {
            let text = "too many passwords are waiting to be looked at; try again in a moment";
            return Err(Wrong::new("busy", text));
        }
        // Nothing is heard from whoever showed it until it was looked at.
        cx.hold(id, PROVING);
        Ok(())
    }

    /// A job's answer; given back if it is not the desk's.
    ///
    /// # Errors
    /// It is another's.
    pub fn done(&mut self, cx: &Cx<'_>, job: JobId, result: Done) -> Result<(), Done> {
        if !self.gate.asked(job) {
            return Err(result);
        }
        self.verdicts.extend(self.gate.done(cx, result));
        Ok(())
    }

    /// The turn is over: verdicts are carried out, the next password is given to a helper. `is_told`: would somebody take a
    /// line for one now, and not for a part of something else?
    pub fn turn_end(&mut self, cx: &mut Cx<'_>, is_told: impl Fn(ConnId) -> bool) {
        self.throw_out_banned(cx, is_told);
        let refused = self.gate.next(cx);
        self.verdicts.extend(refused);
        for (id, claim, verdict) in std::mem::take(&mut self.verdicts) {
            cx.release(id, PROVING);
            if let Err(wrong) = self.judge(cx, id, claim, &verdict) {
                let _ = cx.send(id, wrong.to_string().as_bytes());
                // Whoever guesses has to come anew, and is counted at the door.
                let guesses = self.visitors.get(&id).is_some_and(|visitor| visitor.wrong >= TRIES);
                if guesses || verdict == Verdict::Spent {
                    cx.close(id);
                }
            }
        }
        for id in std::mem::take(&mut self.hushed) {
            if cx.fits(id, usize::MAX) {
                heard_out(cx, id);
            }
        }
    }

    fn judge(&mut self, cx: &mut Cx<'_>, id: ConnId, claim: Claim, verdict: &Verdict) -> Result<(), Wrong> {
        let (name, proof) = claim;
        match (verdict, &name) {
            (Verdict::Right, Some(name)) if let Some((name, role)) = self.stands(name, &proof) => {
                if let Some(ban) = self.guard.ban_of_name(&name, cx.wall()) {
                    return Err(Wrong::new("banned", ban));
                }
                self.logged_in(cx, id, (name, proof), role);
                Ok(())
            }
            // Also of an account that is gone since.
            (Verdict::Right | Verdict::Wrong, _) => {
                if let Some(visitor) = self.visitors.get_mut(&id) {
                    visitor.wrong += 1;
                }
                if let Some(about) = cx.about(id) {
                    self.guard.report(ip_of(about.peer), WRONG_PASSWORD);
                    self.guard.log_wrong_password(&about, name.as_ref());
                }
                Err(Wrong::new("wrong-password", "wrong name or password"))
            }
            (Verdict::Spent, _) => {
                let text = "three wrong passwords came from where you are within a minute; wait a minute";
                Err(Wrong::new("too-many-tries", text))
            }
            _ => Err(Wrong::new("busy", "the password could not be looked at; try again in a moment")),
        }
    }

    /// Somebody has proved who they are.
    fn logged_in(&mut self, cx: &mut Cx<'_>, id: ConnId, account: (Name, Proof), role: Role) {
        let Some(visitor) = self.visitors.get_mut(&id) else { return };
        let name = account.0.clone();
        visitor.account = Some(account);
        if let Some(waiting) = visitor.waiting.take() {
            self.strangers -= 1;
            cx.set_framing(id, waiting.framing);
            cx.set_limits(id, &self.after_login);
            cx.set_timer(id, Moment::NEVER);
        }
        log::debug!("{name} logged in");
        let role = if role == Role::Operator { ", an operator" } else { "" };
        say(cx, id, &format!("you are {name}{role}"));
    }

    /// A connection has read.
    pub fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        heard_out(cx, id);
    }

    /// When [`Desk::turn_end`] is to be called even if nothing happens.
    #[must_use]
    pub fn due(&self) -> Moment {
        self.gate.due()
    }
}
