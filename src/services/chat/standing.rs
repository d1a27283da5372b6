//! Who somebody is to the house, and what they may ask for because of it.

use std::rc::Rc;

use super::language::{Command, Name, Order};
use super::rooms::PersonId;
use super::strangers::Waiting;
use crate::hub::Moment;
use crate::services::accounts::{Book, Proof, Role};

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Has not logged in, where one has to.
    Stranger,
    /// Has not logged in, where one need not.
    Guest,
    /// Has logged in.
    User,
    /// Has logged in, and keeps order.
    Operator,
}

/// Everything that can be asked for, and the least that one has to be. What is not here is refused.
const TABLE: &[(&str, Standing)] = &[
    ("", Standing::Stranger),
    ("ping", Standing::Stranger),
    ("pong", Standing::Stranger),
    ("login", Standing::Stranger),
    ("format", Standing::Stranger),
    ("help", Standing::Stranger),
    ("quit", Standing::Stranger),
    ("say", Standing::Guest),
    ("me", Standing::Guest),
    ("msg", Standing::Guest),
    ("nick", Standing::Guest),
    ("join", Standing::Guest),
    ("leave", Standing::Guest),
    ("rooms", Standing::Guest),
    ("who", Standing::Guest),
    ("topic", Standing::Guest),
    ("history", Standing::Guest),
    ("resume", Standing::Guest),
    ("session", Standing::Guest),
    ("info", Standing::Guest),
    ("stats", Standing::Guest),
    ("motd", Standing::Guest),
    ("lock", Standing::User),
    ("unlock", Standing::User),
    ("invite", Standing::User),
    ("topic-lock", Standing::Operator),
    ("set-motd", Standing::Operator),
    ("kick", Standing::Operator),
    ("ban", Standing::Operator),
    ("unban", Standing::Operator),
    ("mute", Standing::Operator),
    ("unmute", Standing::Operator),
];

/// What one has to be to ask for something; `None`: nobody may.
pub(super) fn needed(word: &str) -> Option<Standing> {
    TABLE.iter().find(|(known, _)| *known == word).map(|&(_, least)| least)
}

/// What a command is called in the table.
pub(super) fn word(command: &Command<'_>) -> &'static str {
    match command {
        Command::Nothing => "",
        Command::Say { action: false, .. } => "say",
        Command::Say { action: true, .. } => "me",
        Command::Nick(_) => "nick",
        Command::Join(_) | Command::JoinLocked { .. } => "join",
        Command::Lock(_) => "lock",
        Command::Unlock(_) => "unlock",
        Command::Invite(_) => "invite",
        Command::Leave(_) => "leave",
        Command::Rooms => "rooms",
        Command::Who(_) => "who",
        Command::Topic(_) => "topic",
        Command::Msg { .. } => "msg",
        Command::History { .. } => "history",
        Command::Resume { .. } => "resume",
        Command::Session | Command::TakeUp { .. } => "session",
        Command::Login { .. } => "login",
        Command::Format(_) => "format",
        Command::Info => "info",
        Command::Stats => "stats",
        Command::Help(_) => "help",
        Command::Quit(_) => "quit",
        Command::Ping(_) => "ping",
        Command::Pong(_) => "pong",
        Command::Motd => "motd",
        Command::Order(order) => match order {
            Order::Kick { .. } => "kick",
            Order::Ban { .. } | Order::Bans => "ban",
            Order::Unban(_) => "unban",
            Order::Mute { .. } => "mute",
            Order::Unmute(_) => "unmute",
            Order::LockTopic(_) => "topic-lock",
            Order::SetMotd(_) => "set-motd",
        },
    }
}

/// An account that somebody has logged in to, and how.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) name: Name,
    pub(super) proof: Proof,
}

impl Login {
    /// Could they log in so again? Not once the account is gone, or what they showed is not right any more.
    pub(super) fn stands(&self, book: Option<&Book>) -> bool {
        book.and_then(|book| book.find(&self.name)).is_some_and(|account| account.accepts(&self.proof))
    }
}

/// What is known of who somebody is. Guests have none.
#[derive(Debug, Default)]
pub(super) struct Papers {
    pub(super) account: Option<Rc<Login>>,
    pub(super) waiting: Option<Waiting>,
}

/// Everybody's papers.
#[derive(Debug, Default)]
pub(super) struct Standings {
    by_person: Vec<Option<Box<Papers>>>,
    /// How many have not logged in yet.
    strangers: usize,
}

impl Standings {
    fn get(&self, person: PersonId) -> Option<&Papers> {
        self.by_person.get(person.index())?.as_deref()
    }

    /// What somebody is by now: what an account may do is looked up whenever it matters, so that a change counts at once.
    pub(super) fn of(&self, person: PersonId, book: Option<&Book>) -> Standing {
        match self.get(person) {
            None => Standing::Guest,
            Some(Papers { waiting: Some(_), .. }) => Standing::Stranger,
            Some(Papers { account, .. }) => {
                match account.as_ref().and_then(|login| book?.find(&login.name)).map(|account| account.role) {
                    Some(Role::Operator) => Standing::Operator,
                    Some(Role::User) => Standing::User,
                    None => Standing::Guest,
                }
            }
        }
    }

    /// The account that somebody has logged in to.
    pub(super) fn account(&self, person: PersonId) -> Option<&Name> {
        self.login(person).map(|login| &login.name)
    }

    /// And how.
    pub(super) fn login(&self, person: PersonId) -> Option<&Rc<Login>> {
        self.get(person)?.account.as_ref()
    }

    /// Has somebody still to log in?
    pub(super) fn is_stranger(&self, person: PersonId) -> bool {
        self.get(person).is_some_and(|papers| papers.waiting.is_some())
    }

    /// What somebody is waiting with who has to log in.
    pub(super) fn waiting(&self, person: PersonId) -> Option<&Waiting> {
        self.get(person).and_then(|papers| papers.waiting.as_ref())
    }

    /// Until when somebody has to log in.
    pub(super) fn until(&self, person: PersonId) -> Moment {
        self.waiting(person).map_or(Moment::NEVER, |waiting| waiting.until)
    }

    /// How many have not logged in yet.
    pub(super) fn strangers(&self) -> usize {
        self.strangers
    }

    /// Somebody came who has to log in first.
    pub(super) fn wait(&mut self, person: PersonId, waiting: Waiting) {
        self.strangers += 1;
        self.papers(person).waiting = Some(waiting);
    }

    /// Somebody has logged in. Answers what they were waiting with, if they had to.
    pub(super) fn log_in(&mut self, person: PersonId, login: Rc<Login>) -> Option<Waiting> {
        let papers = self.papers(person);
        papers.account = Some(login);
        let waiting = papers.waiting.take();
        self.strangers -= usize::from(waiting.is_some());
        waiting
    }

    /// Somebody has no account any more.
    pub(super) fn log_off(&mut self, person: PersonId) {
        self.papers(person).account = None;
    }

    /// Somebody is gone; their papers, if they had any.
    pub(super) fn forget(&mut self, person: PersonId) -> Option<Box<Papers>> {
        let papers = self.by_person.get_mut(person.index())?.take()?;
        self.strangers -= usize::from(papers.waiting.is_some());
        Some(papers)
    }

    /// One person turns out to be another: what counts are the papers of the connection that came last.
    pub(super) fn pass(&mut self, from: PersonId, to: PersonId) {
        self.forget(to);
        if let Some(account) = self.forget(from).and_then(|papers| papers.account) {
            self.papers(to).account = Some(account);
        }
    }

    fn papers(&mut self, person: PersonId) -> &mut Papers {
        if self.by_person.len() <= person.index() {
            self.by_person.resize_with(person.index() + 1, || None);
        }
        self.by_person[person.index()].get_or_insert_default()
    }
}
