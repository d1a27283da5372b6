//! What is heard in a storm, before the lines broke and after: by what each shows that they are who they were, who is
//! back, and whether everybody has heard everything once and in order.

use super::crowd::Hears;
use super::ledger::{Faults, Ledger};
use super::report::{Latencies, Percentiles};
use super::text::Texts;
use crate::hub::Moment;

/// Who speaks; all others break.
pub(super) const SPEAKER: usize = 0;
/// Bytes of a text.
pub(super) const SIZE: usize = 64;

/// What is heard.
#[derive(Debug)]
pub(super) struct Log {
    texts: Texts,
    ledger: Ledger,
    room: String,
    /// The speaker's.
    name: Vec<u8>,
    pub(super) said: u32,
    pub(super) heard: u64,
    /// Deliveries that are still to come.
    pub(super) due: u64,
    tokens: Vec<Option<String>>,
    pub(super) with_token: usize,
    /// The room's number of the last message before the storm.
    pub(super) last: Option<u64>,
    now: Moment,
    /// When all came back.
    pub(super) began: Moment,
    /// Who has resumed, and how many they are.
    resumed: Vec<bool>,
    pub(super) back: usize,
    latencies: Latencies,
}

impl Log {
    /// For so many connections, the speaker's included.
    pub(super) fn new(room: String, name: Vec<u8>, connections: usize) -> Self {
        Self {
            texts: Texts::new(SIZE),
            ledger: Ledger::new(1, connections),
            room,
            name,
            said: 0,
            heard: 0,
            due: 0,
            tokens: vec![None; connections],
            with_token: 0,
            last: None,
            now: Moment::START,
            began: Moment::START,
            resumed: vec![false; connections],
            back: 0,
            latencies: Latencies::new(),
        }
    }

    /// The speaker's next messages, as they stand on the wire.
    pub(super) fn say(&mut self, count: u32) -> Vec<u8> {
        let mut wire = Vec::new();
        for _ in 0..count {
            self.said += 1;
            wire.extend_from_slice(self.texts.write(SPEAKER, self.said));
            wire.push(b'\n');
        }
        self.due += u64::from(count) * (self.resumed.len() - 1) as u64;
        wire
    }

    /// What somebody says who comes back.
    pub(super) fn resuming(&self, connection: usize) -> String {
        let token = self.tokens[connection].as_deref().unwrap_or_default();
        format!("/session {token} {} {}\n", self.room, self.last.unwrap_or_default())
    }

    /// Changes whenever something comes that was waited for.
    pub(super) fn sign(&self) -> u64 {
        self.ledger.settled + (self.with_token + self.back) as u64
    }

    /// From coming back until one had resumed; `None` if nobody has.
    pub(super) fn percentiles(&mut self) -> Option<Percentiles> {
        (self.back > 0).then(|| self.latencies.percentiles())
    }

    /// What went wrong. What is missing now will not come any more.
    pub(super) fn faults(&self) -> Faults {
        self.ledger.faults_without(self.due)
    }

    /// `- #ROOM N TIME <NAME> TEXT`
    fn said_before<'a>(&self, line: &'a str) -> Option<(u64, &'a str, &'a str)> {
        let rest = line.strip_prefix("- #")?.strip_prefix(&self.room[..])?.strip_prefix(' ')?;
        let (number, rest) = rest.split_once(' ')?;
        let (name, text) = rest.split_once(" <")?.1.split_once("> ")?;
        Some((number.parse().ok()?, name, text))
    }
}

impl Hears for Log {
    fn bytes(&mut self, _count: usize, now: Moment) {
        self.now = now;
    }

    fn text(&mut self, hearer: usize, name: &[u8], text: &[u8]) {
        let said = self.texts.read(text).filter(|_| name == self.name && hearer != SPEAKER);
        match said {
            Some((SPEAKER, number)) if (1..=self.said).contains(&number) => {
                self.heard += 1;
                let settled = self.ledger.hear(hearer, SPEAKER, number);
                self.due = self.due.saturating_sub(settled.into());
            }
            _ => self.stray(),
        }
    }

    fn stray(&mut self) {
        self.ledger.faults.wrong += 1;
    }

    fn line(&mut self, connection: usize, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        if let Some(token) = line.strip_prefix("- session ") {
            self.with_token += usize::from(self.tokens[connection].replace(token.to_owned()).is_none());
        } else if line == "- end resume" {
            if !std::mem::replace(&mut self.resumed[connection], true) {
                self.back += 1;
                self.latencies.record(self.now - self.began);
            }
        } else if let Some((number, name, text)) = self.said_before(line) {
            match connection {
                SPEAKER => self.last = Some(number),
                hearer => self.text(hearer, name.as_bytes(), text.as_bytes()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard by two who come back, of a storm in which one message was said.
    fn log() -> Log {
        let mut log = Log::new("r".into(), b"s0".to_vec(), 3);
        log.say(1);
        log
    }

    #[test]
    fn one_who_resumes_twice_is_not_two_who_resumed() {
        let mut log = log();
        log.line(1, b"- end resume");
        log.line(1, b"- end resume");
        assert_eq!(log.back, 1);
        log.line(2, b"- end resume");
        assert_eq!(log.back, 2);
    }

    #[test]
    fn a_number_that_was_never_said_is_wrong_and_settles_nothing() {
        let mut log = log();
        for number in [0, 2, u32::MAX] {
            let text = log.texts.write(SPEAKER, number).to_vec();
            log.text(1, b"s0", &text);
        }
        assert_eq!((log.ledger.faults.wrong, log.ledger.faults.lost, log.due), (3, 0, 2));
        let text = log.texts.write(SPEAKER, 1).to_vec();
        log.line(1, &[b"- #r 1 2026-11-20T18:46:03.120Z <s0> ", &text[..]].concat());
        assert_eq!((log.ledger.faults.wrong, log.heard, log.due), (3, 1, 1));
    }

    #[test]
    fn what_comes_under_another_name_is_wrong_also_out_of_the_history() {
        let mut log = log();
        let text = log.texts.write(SPEAKER, 1).to_vec();
        log.text(1, b"s1", &text);
        log.line(2, &[b"- #r 1 2026-11-20T18:46:03.120Z <s1> ", &text[..]].concat());
        assert_eq!((log.ledger.faults.wrong, log.due), (2, 2));
    }
}
