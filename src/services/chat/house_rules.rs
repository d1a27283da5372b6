//! What operators have laid down, and who made which room: what has to outlive the server. Pure state, and how it
//! stands in a file: one JSON object a line.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::doors::{Door, Doors, Invited, Lock};
use super::language::{Alphabet, Name};
use crate::hub::{Moment, Wall};
use crate::services::accounts::{Bans, Rule, Whom};

/// The largest file that is read.
const LARGEST: usize = 16 * 1024 * 1024;

/// All of them.
#[derive(Debug, Default)]
pub struct Rules {
    pub(in crate::services) bans: Bans,
    pub(super) motd: Box<str>,
    pub(super) doors: Doors,
    /// Where they are kept, if they are.
    path: Option<PathBuf>,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    Ban { whom: String, until: Option<u64>, by: String, why: String },
    Mute { whom: String, until: Option<u64>, by: String, why: String },
    Motd { text: String },
    Room { room: String, maker: Option<String>, lock: Option<Kept> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    password: Option<String>,
    invited: Vec<String>,
}

impl Rules {
    /// Those of a file; none if there is no file yet. Waits for the disk: for before the loop.
    ///
    /// # Errors
    /// It can't be read, or is wrong: then who is banned could come in.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        use std::io::{Error, ErrorKind};
        let text = match crate::services::whole_file::read(path, LARGEST) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let mut rules = Self::parse(&text).map_err(|wrong| Error::new(ErrorKind::InvalidData, wrong))?;
        rules.path = Some(path.to_owned());
        Ok(rules)
    }

    /// None but these bans, for whoever has no rooms.
    pub(super) fn with_bans(bans: &Bans) -> Self {
        Self { bans: bans.clone(), ..Self::default() }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |what: &dyn std::fmt::Display| format!("line {number}: {what}");
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(&error))?;
            rules.read(line).ok_or_else(|| wrong(&"a name or an address is none"))?;
        }
        Ok(rules)
    }

    fn read(&mut self, line: Line) -> Option<()> {
        let name = |word: &str| Name::new(word, Alphabet::OneScript).ok();
        let rule = |mute, whom: String, until: Option<u64>, by: String, why: String| {
            let whom = match whom.split_once('/') {
                Some((ip, bits)) => Whom::net(ip.parse().ok()?, bits.parse().ok()?)?,
                None => Whom::Name(name(&whom)?),
            };
            let (until, by, why) = (until.map(Wall::from_millis), by.into(), why.into());
            self.bans.restore(Rule { mute, whom, until, by, why });
            Some(())
        };
        match line {
            Line::Ban { whom, until, by, why } => rule(false, whom, until, by, why),
            Line::Mute { whom, until, by, why } => rule(true, whom, until, by, why),
            Line::Motd { text } => {
                self.motd = text.into();
                Some(())
            }
            Line::Room { room, maker, lock } => {
                let lock = lock.map(|kept| Lock {
                    hash: kept.password.map(String::into_boxed_str),
                    invited: kept.invited.iter().filter_map(|word| name(word)).map(Invited::Account).collect(),
                    since: Moment::START,
                });
                let room = name(&room)?;
                let maker = maker.as_deref().and_then(name);
                let door = Door { room: Some(room.clone()), maker, lock, topic_locked: false };
                self.doors.restore(&room, door);
                Some(())
            }
        }
    }

    /// As they stand in the file.
    fn text(&self, now: Wall) -> String {
        let mut text = String::new();
        let mut put = |line: &Line| {
            text.push_str(&serde_json::to_string(line).expect("it is made of strings and numbers"));
            text.push('\n');
        };
        for rule in self.bans.standing(now) {
            let whom = match &rule.whom {
                Whom::Name(name) => name.to_string(),
                Whom::Net(ip, bits) => format!("{ip}/{bits}"),
            };
            let (until, by, why) = (rule.until.map(Wall::millis), rule.by.to_string(), rule.why.to_string());
            put(&if rule.mute { Line::Mute { whom, until, by, why } } else { Line::Ban { whom, until, by, why } });
        }
        if !self.motd.is_empty() {
            put(&Line::Motd { text: self.motd.to_string() });
        }
        for door in self.doors.kept() {
            let lock = door.lock.as_ref().map(|lock| Kept {
                password: lock.hash.as_deref().map(str::to_owned),
                invited: lock.invited.iter().filter_map(kept_guest).collect(),
            });
            let room = door.room.as_ref().map(Name::to_string).unwrap_or_default();
            put(&Line::Room { room, maker: door.maker.as_ref().map(Name::to_string), lock });
        }
        text
    }

    /// What is to be written, and where, if it is kept at all.
    pub(super) fn written(&self, now: Wall) -> Option<(PathBuf, String)> {
        self.path.clone().map(|path| (path, self.text(now)))
    }
}

/// Invitations of accounts are kept; those of guests end with them.
fn kept_guest(invited: &Invited) -> Option<String> {
    match invited {
        Invited::Account(name) => Some(name.to_string()),
        Invited::Guest(_) => None,
    }
}
