//! Passwords on their way to being checked: off the loop, one at a time, in a queue that has an end.
//!
//! A check keeps a processor busy for tens of milliseconds, and that processor may be the only one beside the loop's.
//! So there is one check under way, however many wait, and the rest of the machine stays with those who are inside.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::tries::{Place, Tries};
use super::{Accounts, secret};
use crate::hub::{ConnId, Cx, Done, JobId, Lane, Moment};

/// Checks that may wait, of all connections together: a few seconds' work. Whoever comes later is told to come again.
const WAITING: usize = 256;
/// Checks that may wait for one account, which is slowed to one a second after a wrong password: its owner must not
/// stand behind a hundred guesses.
const WAITING_FOR_ONE: usize = 4;
/// When the helpers are busy with other things, they are asked again after this.
const RETRY: Duration = Duration::from_millis(100);

/// What is to be found out, or made.
pub enum Task {
    /// Is this the password of which `hash` was kept? It counts only if `counts`; otherwise the hash stands in for one
    /// that there is not, and takes the same time.
    Check {
        /// What was kept.
        hash: Arc<str>,
        /// Is there anything to be right about?
        counts: bool,
    },
    /// What is to be kept of it.
    Make {
        /// Random.
        salt: [u8; 16],
    },
}

impl std::fmt::Debug for Task {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if matches!(self, Self::Check { .. }) { "Check" } else { "Make" })
    }
}

/// One password.
pub struct Check<T> {
    /// Who showed it.
    pub asker: ConnId,
    /// Where from.
    pub place: Place,
    /// Whose it is meant to be, in a word that is the same for the same account.
    pub subject: Box<str>,
    /// The password. Nothing shows it.
    pub password: Box<str>,
    /// What is to be done with it.
    pub task: Task,
    /// The service's own note, given back with the verdict.
    pub note: T,
}

impl<T> std::fmt::Debug for Check<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Check").field("asker", &self.asker).field("task", &self.task).finish_non_exhaustive()
    }
}

/// What came of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Right,
    /// It is wrong, or there is no such account.
    Wrong,
    /// It was not looked at: there were too many wrong ones.
    Spent,
    /// What is to be kept of it.
    Made(String),
    /// The check failed, by no fault of whoever asked.
    Failed,
}

/// The queue.
pub struct Gate<T> {
    waiting: VecDeque<Check<T>>,
    /// Who asked and has no verdict, each with one password at a time.
    askers: BTreeSet<ConnId>,
    running: Option<(JobId, Running<T>)>,
    tries: Rc<RefCell<Tries>>,
    due: Moment,
}

struct Running<T> {
    /// `None` once whoever asked is gone.
    asker: Option<ConnId>,
    place: Place,
    subject: Box<str>,
    note: T,
}

impl<T> std::fmt::Debug for Gate<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Gate").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            askers: BTreeSet::new(),
            running: None,
            tries: Rc::default(),
            due: Moment::NEVER,
        }
    }
}

impl<T> Gate<T> {
    /// One that counts wrong passwords together with all others to these accounts.
    #[must_use]
    pub fn to(accounts: &Accounts) -> Self {
        Self { tries: Rc::clone(&accounts.shared.tries), ..Self::default() }
    }

    /// Takes a password to be looked at when its turn comes. Answers whether there was room for it.
    #[must_use]
    pub fn ask(&mut self, cx: &mut Cx<'_>, check: Check<T>) -> bool {
        // In this order: when thousands come at once, nearly all of them stop here.
        if self.waiting.len() == WAITING || self.holds(check.asker) {
            return false;
        }
        let same = self.waiting.iter().filter(|other| other.subject == check.subject).count();
        if same >= WAITING_FOR_ONE && matches!(check.task, Task::Check { .. }) {
            return false;
        }
        self.askers.insert(check.asker);
        self.waiting.push_back(check);
        self.due = cx.now();
        true
    }

    /// How many wait, the one under way included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.running.is_some())
    }

    /// Does none wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Does a connection wait for a verdict? Asked for every line of everybody.
    #[must_use]
    pub fn holds(&self, conn: ConnId) -> bool {
        self.askers.contains(&conn)
    }

    /// Whoever asked is gone.
    pub fn forget(&mut self, conn: ConnId) {
        if !self.askers.remove(&conn) {
            return;
        }
        self.waiting.retain(|check| check.asker != conn);
        if let Some((_, running)) = self.running.as_mut().filter(|(_, running)| running.asker == Some(conn)) {
            running.asker = None;
        }
    }

    /// When [`Gate::next`] is to be called even if nothing happens.
    #[must_use]
    pub fn due(&self) -> Moment {
        if self.running.is_some() { Moment::NEVER } else { self.due }
    }

    /// Gives the next password to a helper, and takes out those that are not to be looked at.
    pub fn next(&mut self, cx: &mut Cx<'_>) -> Vec<(ConnId, T, Verdict)> {
        let now = cx.now();
        let mut refused = Vec::new();
        if self.running.is_some() || self.due > now {
            return refused;
        }
        self.due = Moment::NEVER;
        let mut at = 0;
        while let Some(check) = self.waiting.get(at) {
            let is_check = matches!(check.task, Task::Check { .. });
            if is_check && self.tries.borrow().are_spent(check.place, &check.subject, now) {
                let check = self.waiting.remove(at).expect("it was just seen");
                self.askers.remove(&check.asker);
                refused.push((check.asker, check.note, Verdict::Spent));
            } else if is_check && self.tries.borrow().not_before(&check.subject) > now {
                self.due = self.due.min(self.tries.borrow().not_before(&check.subject));
                at += 1;
            } else {
                self.run(cx, at);
                break;
            }
        }
        refused
    }

    fn run(&mut self, cx: &mut Cx<'_>, at: usize) {
        let Some(check) = self.waiting.remove(at) else { return };
        let (password, task) = (check.password.clone(), &check.task);
        let job = match task {
            Task::Check { hash, counts } => {
                let (hash, counts) = (Arc::clone(hash), *counts);
                cx.job(Lane::Heavy, move || {
                    // In this order: what does not count takes its time all the same.
                    let matches = secret::matches(&hash, &password);
                    if matches && counts { Verdict::Right } else { Verdict::Wrong }
                })
            }
            Task::Make { salt } => {
                let salt = *salt;
                cx.job(Lane::Heavy, move || secret::hash(&password, salt).map_or(Verdict::Failed, Verdict::Made))
            }
        };
        match job {
            Err(_) => {
                self.waiting.insert(at, check);
                self.due = cx.now() + RETRY;
            }
            Ok(job) => {
                let Check { asker, place, subject, note, .. } = check;
                self.running = Some((job, Running { asker: Some(asker), place, subject, note }));
            }
        }
    }

    /// Is this answer to a job ours?
    #[must_use]
    pub fn asked(&self, job: JobId) -> bool {
        self.running.as_ref().is_some_and(|&(asked, _)| asked == job)
    }

    /// A helper has answered. Answers what came of it, if whoever asked is still there.
    pub fn done(&mut self, cx: &Cx<'_>, result: Done) -> Option<(ConnId, T, Verdict)> {
        let (_, running) = self.running.take()?;
        self.due = cx.now();
        let verdict =
            result.ok().and_then(|verdict| verdict.downcast().ok()).map_or(Verdict::Failed, |verdict| *verdict);
        match verdict {
            Verdict::Wrong => self.tries.borrow_mut().wrong(running.place, &running.subject, cx.now()),
            Verdict::Right => self.tries.borrow_mut().right(running.place, &running.subject),
            _ => {}
        }
        let asker = running.asker?;
        self.askers.remove(&asker);
        Some((asker, running.note, verdict))
    }
}
