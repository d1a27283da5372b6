//! What is said to one person, until it is known to have arrived.

use std::collections::VecDeque;
use std::time::Duration;

use super::wire::{Ack, WINDOW};
use crate::hub::Moment;

/// Before a round trip was measured.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// No answer is waited for less than that: whoever hears gathers a turn's worth before answering.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// Nor longer than that, however often it was sent in vain: a person waits at the other end.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// What may be under way at first, and after losses at least.
const NARROW: u64 = 16;

#[derive(Debug)]
struct Sent<T> {
    number: u64,
    what: T,
    /// How often, and when last.
    tries: u32,
    at: Moment,
    arrived: bool,
    /// What was sent clearly later has arrived, so this is due now.
    overtaken: bool,
}

/// Everything said and not known to have arrived, in order.
#[derive(Debug)]
pub struct Outgoing<T> {
    /// The number of the first in `waiting`.
    first: u64,
    /// What was sent at least once stands before what was not.
    waiting: VecDeque<Sent<T>>,
    /// How many were sent at least once.
    begun: usize,
    /// How many may be under way: widened by what arrives, narrowed when nothing does.
    window: u64,
    /// How often in a row time ran out and nothing arrived: each time it becomes twice as long.
    vain: u32,
    /// When the latest of those was sent that have arrived. What was sent clearly before it is lost, not late: that is
    /// known sooner than its time is over, also of what was lost twice (RFC 8985).
    newest: Moment,
    /// The round trip, smoothed, and how much it varies (RFC 6298).
    round_trip: Option<(Duration, Duration)>,
}

impl<T> Default for Outgoing<T> {
    fn default() -> Self {
        Self {
            first: 1,
            waiting: VecDeque::new(),
            begun: 0,
            window: NARROW,
            vain: 0,
            newest: Moment::START,
            round_trip: None,
        }
    }
}

impl<T> Outgoing<T> {
    /// One more thing to say.
    pub fn push(&mut self, what: T) {
        let number = self.first + self.waiting.len() as u64;
        self.waiting.push_back(Sent { number, what, tries: 0, at: Moment::START, arrived: false, overtaken: false });
    }

    /// Has all arrived?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many have not arrived, as far as is known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What has not arrived.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter().map(|sent| &sent.what)
    }

    /// Whoever listened is gone, and somebody new listens: what has not arrived is numbered from 1 again.
    pub fn restart(&mut self) {
        self.first = 1;
        self.begun = 0;
        (self.window, self.vain) = (NARROW, 0);
        for (number, sent) in (1..).zip(&mut self.waiting) {
            (sent.number, sent.tries) = (number, 0);
            (sent.arrived, sent.overtaken) = (false, false);
        }
    }

    /// The far side says what has arrived.
    pub fn arrived(&mut self, ack: Ack, now: Moment) {
        if ack.highest() >= self.first + self.begun as u64 {
            return; // of what was never sent: somebody lies
        }
        for place in 0..self.begun {
            let sent = &mut self.waiting[place];
            if sent.arrived || !ack.has(sent.number) {
                continue;
            }
            sent.arrived = true;
            self.vain = 0;
            self.newest = self.newest.max(sent.at);
            self.window = (self.window + 1).min(WINDOW);
            // Sent twice, it could be the answer to either (Karn).
            let (tries, took) = (sent.tries, now - sent.at);
            if tries == 1 {
                self.measured(took);
            }
        }
        let late = self.round_trip.map_or(FIRST_WAIT, |(smooth, _)| smooth / 2);
        for sent in self.waiting.iter_mut().take(self.begun).filter(|sent| !sent.arrived) {
            sent.overtaken |= sent.at + late < self.newest;
        }
        while self.waiting.front().is_some_and(|sent| sent.arrived) {
            self.waiting.pop_front();
            self.first += 1;
            self.begun -= 1;
        }
    }

    fn measured(&mut self, took: Duration) {
        self.round_trip = Some(match self.round_trip {
            None => (took, took / 2),
            Some((smooth, varies)) => ((smooth * 7 + took) / 8, (varies * 3 + smooth.abs_diff(took)) / 4),
        });
    }

    /// How long an answer is waited for.
    fn wait(&self) -> Duration {
        let measured = self.round_trip.map(|(smooth, varies)| smooth + varies * 4);
        let wait = measured.unwrap_or(FIRST_WAIT).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        (wait * (1 << self.vain.min(10))).min(LONGEST_WAIT)
    }

    fn due(sent: &Sent<T>, wait: Duration) -> Moment {
        if sent.tries == 0 || sent.overtaken { Moment::START } else { sent.at + wait }
    }

    /// Hands everything to `send` that is due: what was not answered in time, and what is new, as far as the window
    /// goes.
    pub fn send(&mut self, now: Moment, mut send: impl FnMut(u64, &T)) {
        let wait = self.wait();
        let mut in_vain = false;
        let end = self.end();
        for sent in self.waiting.iter_mut().take(end).filter(|sent| !sent.arrived) {
            if Self::due(sent, wait) > now {
                continue;
            }
            in_vain |= sent.tries > 0 && !sent.overtaken;
            self.begun += usize::from(sent.tries == 0);
            (sent.tries, sent.at, sent.overtaken) = (sent.tries.saturating_add(1), now, false);
            send(sent.number, &sent.what);
        }
        if in_vain {
            self.vain += 1;
            if self.vain > 1 {
                self.window = NARROW;
            }
        }
    }

    /// When something will be due.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let (wait, end) = (self.wait(), self.end());
        self.waiting.iter().take(end).filter(|sent| !sent.arrived).map(|sent| Self::due(sent, wait)).min()
    }

    /// Behind the last that may be under way. What was begun stays so, though the window has narrowed since.
    fn end(&self) -> usize {
        let window = usize::try_from(self.window).expect("a window is small");
        self.waiting.len().min(window.max(self.begun))
    }
}
