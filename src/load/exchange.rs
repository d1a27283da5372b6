//! Fan-out and echo: speakers say something, hearers hear it, and every delivery is checked and timed.
//!
//! # What a window is
//!
//! So many messages are on their way at once, shared out evenly among the speakers. Each speaker says its share in one
//! write, and the next when everybody who should hear them has heard all of them. It means the same in every dialect,
//! for it asks only the hearers and no acknowledgement of the server; and it makes the batches that a server meets
//! equal for all servers, however fast they are, as a Redis client's pipeline does.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::crowd::sayable;
use super::dialect::{Dialect, Language, Part};
use super::ledger::PAIRS;
use super::text::{LONGEST, SHORTEST, SPEAKERS};

/// Messages a second that can be asked for: one in a quarter of an hour, and more than any machine says.
const RATES: RangeInclusive<f64> = 0.001..=1e9;
pub(super) const NOTHING_SAID: &str = "with no message nothing would be measured";

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// In which language.
    pub dialect: Dialect,
    /// In which room.
    pub room: String,
    /// How speakers' names begin.
    pub name: String,
    /// Do speakers hear themselves, and nobody else?
    pub echo: bool,
    /// How many speak.
    pub speakers: usize,
    /// How many of them come at once.
    pub at_once: usize,
    /// How many only hear; none in an echo.
    pub hearers: usize,
    /// Bytes of a text.
    pub size: usize,
    /// How it is paced.
    pub pace: Pace,
    /// How much of it.
    pub length: Length,
    /// How long it runs before it counts.
    pub warm_up: Duration,
}

/// How speakers are paced.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Closed loop: so many messages on their way at once, of all together.
    Window(usize),
    /// Open loop: so many a second, of all together, whatever is heard.
    Rate(f64),
}

/// How long it is measured.
#[derive(Debug, Clone, Copy)]
pub enum Length {
    /// So long.
    Time(Duration),
    /// So many messages of each speaker.
    Messages(u32),
}

impl Exchange {
    pub(super) fn check(&self) -> Result<(), String> {
        let pairs = self.speakers.saturating_mul(if self.echo { 1 } else { self.connections() });
        let knows_echo = matches!(self.dialect, Dialect::Lines | Dialect::Redis);
        match self {
            _ if !(SHORTEST..=LONGEST).contains(&self.size) => Err(format!("a text has {SHORTEST} to {LONGEST} bytes")),
            _ if self.speakers == 0 || self.speakers > SPEAKERS => Err(format!("1 to {SPEAKERS} can speak")),
            _ if !self.echo && self.hearers == 0 => Err("somebody must hear it".to_owned()),
            _ if pairs > PAIRS => Err(format!("more than {PAIRS} pairs of speaker and hearer can't be watched")),
            _ if matches!(self.pace, Pace::Window(window) if window < self.speakers) => {
                Err("with a window smaller than the number of those who speak, some would never speak".to_owned())
            }
            _ if matches!(self.pace, Pace::Rate(rate) if !RATES.contains(&rate)) => {
                Err(format!("a rate is {} to {} a second", RATES.start(), RATES.end()))
            }
            _ if matches!(self.length, Length::Messages(0)) => Err(NOTHING_SAID.to_owned()),
            Self { pace: Pace::Window(window), .. } if self.share_fits(*window).is_err() => self.share_fits(*window),
            _ if self.echo && !knows_echo => Err("this dialect has no echo".to_owned()),
            _ => Ok(()),
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.speakers.saturating_add(if self.echo { 0 } else { self.hearers })
    }

    /// Can a speaker's share of the window be on its way at once?
    fn share_fits(&self, window: usize) -> Result<(), String> {
        let (before, behind) = self.language().around(self.size);
        sayable(window.div_ceil(self.speakers), before.len() + self.size + behind.len())
    }

    /// Who does what, speakers first.
    pub(super) fn parts(&self) -> Vec<Part> {
        let speaker = if self.echo { Part::Echo } else { Part::Speaker };
        let hearers = if self.echo { 0 } else { self.hearers };
        [vec![speaker; self.speakers], vec![Part::Hearer; hearers]].concat()
    }

    /// How many hear each message.
    pub(super) fn hearers_of_each(&self) -> usize {
        match self.language().speakers_hear() {
            _ if self.echo => 1,
            true => self.hearers + self.speakers - 1,
            false => self.hearers,
        }
    }

    pub(super) fn language(&self) -> Language {
        let digits = (self.speakers - 1).to_string().len();
        let (dialect, room, name, is_echo) = (self.dialect, self.room.clone(), self.name.clone(), self.echo);
        Language { dialect, room, name, digits, is_echo }
    }
}
