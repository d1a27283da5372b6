//! What is heard, against what was said.

use std::time::Duration;

use super::crowd::Hears;
use super::dialect::Language;
use super::exchange::Exchange;
use super::ledger::{Faults, Ledger};
use super::report::{Latencies, Percentiles};
use super::text::Texts;
use crate::hub::Moment;

/// How far a speaker is.
#[derive(Debug, Clone, Copy)]
struct Speaker {
    /// The last number that it said.
    said: u32,
    /// The last number of the part before.
    base: u32,
    /// Deliveries that are still to come.
    due: u64,
    /// When the messages on their way were said.
    at: Moment,
}

/// Says what is to be said, and checks what is heard.
#[derive(Debug)]
pub(super) struct Desk {
    texts: Texts,
    /// What stands around a text on the wire.
    around: (Vec<u8>, &'static [u8]),
    wire: Vec<u8>,
    ledger: Ledger,
    speakers: Vec<Speaker>,
    /// How the name of each begins.
    signatures: Vec<Vec<u8>>,
    echo: bool,
    /// How many hear each message.
    hearers: u64,
    /// How often all have knocked, as far as that is counted.
    knocks: u8,
    /// How many knocks each pair has heard, and how many pairs none.
    knocked: Vec<u8>,
    pub(super) silent: usize,
    /// What all have said in this part.
    pub(super) said_by_all: u64,
    /// Deliveries to come, all together.
    pub(super) due: u64,
    pub(super) heard: u64,
    latencies: Latencies,
    /// Open loop: how long after its time a message of the part was said at worst.
    behind: Duration,
    /// Speakers who may say the next messages.
    free: Vec<usize>,
    /// When something was heard last.
    pub(super) now: Moment,
    /// Open loop: when the first message of the part was due, and seconds from each to the next.
    plan: Option<(Moment, f64)>,
    /// Open loop: who speaks next.
    turn: usize,
}

impl Desk {
    pub(super) fn new(plan: &Exchange, language: &Language) -> Self {
        let Exchange { echo, speakers, size, .. } = *plan;
        let (connections, hearers) = (plan.parts().len(), plan.hearers_of_each());
        let rows = if echo { 1 } else { connections };
        let speaker = Speaker { said: 0, base: 0, due: 0, at: Moment::START };
        Self {
            texts: Texts::new(size),
            around: language.around(size),
            wire: Vec::new(),
            ledger: Ledger::new(speakers, rows),
            speakers: vec![speaker; speakers],
            signatures: (0..speakers).map(|speaker| language.signature(speaker)).collect(),
            echo,
            hearers: hearers as u64,
            knocks: 0,
            knocked: vec![0; speakers * rows],
            silent: speakers * hearers,
            said_by_all: 0,
            due: 0,
            heard: 0,
            latencies: Latencies::new(),
            behind: Duration::ZERO,
            free: Vec::new(),
            now: Moment::START,
            plan: None,
            turn: 0,
        }
    }

    /// A new part begins: everybody may speak, and what is timed is timed anew.
    pub(super) fn begin(&mut self, now: Moment, interval: Option<f64>) {
        for speaker in &mut self.speakers {
            speaker.base = speaker.said;
        }
        self.turn = 0;
        self.free = (0..self.speakers.len()).collect();
        self.plan = interval.map(|interval| (now, interval));
        self.latencies = Latencies::new();
        (self.said_by_all, self.heard, self.behind) = (0, 0, Duration::ZERO);
        self.now = now;
    }

    /// Speakers whose messages were all heard.
    pub(super) fn take_free(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.free)
    }

    /// Open loop: who speaks next, and when.
    pub(super) fn next_due(&self) -> (usize, Moment) {
        let (start, interval) = self.plan.expect("asked in the open loop");
        let speaker = self.turn;
        (speaker, start + Duration::from_secs_f64(self.place(speaker, self.said(speaker)) * interval))
    }

    /// Open loop: the next message, which was due then, as it stands on the wire.
    pub(super) fn say_due(&mut self, speaker: usize, due: Moment, now: Moment) -> &[u8] {
        self.behind = self.behind.max(now - due);
        self.say(speaker, 1, now)
    }

    /// Open loop: how far behind its plan the generator was at worst.
    pub(super) fn behind(&self) -> Option<Duration> {
        self.plan.map(|_| self.behind)
    }

    /// Which message of the part, of all speakers together, is the speaker's one after so many?
    fn place(&self, speaker: usize, said: u32) -> f64 {
        f64::from(said) * self.speakers.len() as f64 + speaker as f64
    }

    pub(super) fn percentiles(&mut self) -> Percentiles {
        self.latencies.percentiles()
    }

    /// How many messages a speaker has said in this part.
    pub(super) fn said(&self, speaker: usize) -> u32 {
        self.speakers[speaker].said - self.speakers[speaker].base
    }

    /// How many numbers are left for a speaker's messages. The last is never given, for the ledger counts one ahead.
    pub(super) fn numbers_left(&self, speaker: usize) -> u32 {
        u32::MAX - 1 - self.speakers[speaker].said
    }

    /// The speaker's next messages, as they stand on the wire.
    pub(super) fn say(&mut self, speaker: usize, count: usize, now: Moment) -> &[u8] {
        self.wire.clear();
        for _ in 0..count {
            self.speakers[speaker].said += 1;
            self.put(speaker, self.speakers[speaker].said);
        }
        let due = count as u64 * self.hearers;
        self.speakers[speaker].due += due;
        self.speakers[speaker].at = now;
        self.said_by_all += count as u64;
        self.due += due;
        self.turn = (speaker + 1) % self.speakers.len();
        &self.wire
    }

    /// All knock once more.
    pub(super) fn knock_again(&mut self) {
        self.knocks = self.knocks.saturating_add(1);
    }

    /// A speaker's knock, as it stands on the wire.
    pub(super) fn knocking(&mut self, speaker: usize) -> &[u8] {
        self.wire.clear();
        self.put(speaker, 0);
        &self.wire
    }

    fn put(&mut self, speaker: usize, number: u32) {
        self.wire.extend_from_slice(&self.around.0);
        self.wire.extend_from_slice(self.texts.write(speaker, number));
        self.wire.extend_from_slice(self.around.1);
    }

    /// Changes whenever something comes that was waited for.
    pub(super) fn sign(&self) -> u64 {
        self.silent as u64 + self.ledger.settled
    }

    /// What went wrong. What is missing now will not come any more.
    pub(super) fn faults(&self) -> Faults {
        self.ledger.faults_without(self.due)
    }

    fn row(&self, hearer: usize) -> usize {
        if self.echo { 0 } else { hearer }
    }

    fn hear_knock(&mut self, hearer: usize, speaker: usize) {
        let pair = self.row(hearer) * self.speakers.len() + speaker;
        let before = self.knocked[pair];
        self.silent -= usize::from(before == 0);
        if before < self.knocks {
            self.knocked[pair] = before + 1;
        } else if self.knocks < u8::MAX {
            self.ledger.faults.repeated += 1;
        }
    }

    fn since_said(&self, speaker: usize, number: u32) -> Duration {
        let Speaker { base, at, .. } = self.speakers[speaker];
        let at = self.plan.map_or(at, |(start, interval)| {
            start + Duration::from_secs_f64(self.place(speaker, number.saturating_sub(base + 1)) * interval)
        });
        self.now - at
    }
}

impl Hears for Desk {
    fn bytes(&mut self, _count: usize, now: Moment) {
        self.now = now;
    }

    fn stray(&mut self) {
        self.ledger.faults.wrong += 1;
    }

    fn text(&mut self, hearer: usize, name: &[u8], text: &[u8]) {
        let known = self.texts.read(text).filter(|&(speaker, number)| {
            let meant = (speaker == hearer) == self.echo;
            let signed = self.signatures.get(speaker).is_some_and(|signature| name.starts_with(signature));
            meant && signed && self.speakers.get(speaker).is_some_and(|speaker| number <= speaker.said)
        });
        let Some((speaker, number)) = known else {
            self.ledger.faults.wrong += 1;
            return;
        };
        if number == 0 {
            return self.hear_knock(hearer, speaker);
        }
        self.heard += 1;
        let settled = u64::from(self.ledger.hear(self.row(hearer), speaker, number));
        if settled == 0 {
            return;
        }
        self.latencies.record(self.since_said(speaker, number));
        self.due = self.due.saturating_sub(settled);
        let due = &mut self.speakers[speaker].due;
        *due = due.saturating_sub(settled);
        if *due == 0 {
            self.free.push(speaker);
        }
    }
}
