//! The middle of each script: what a client asks of which service.

use parlor::hub::Framing;

use crate::chance::digest;
use crate::far_wire::encode;
use crate::kernel::SECOND;
use crate::model::Expect;
use crate::porter::{self, Reception};
use crate::script::{Behind, Step, Writer};

impl Writer<'_> {
    pub(super) fn echo(&mut self) {
        let is_lines = matches!(self.framing, Framing::Lines { .. });
        let count = self.frames();
        for number in 0..count {
            let frame = self.payload();
            self.expect(match self.gate.behind {
                Behind::StampedEcho => Expect::Stamped(frame.clone()),
                _ => Expect::Frame(frame.clone()),
            });
            // The last line counts without its end, too.
            if is_lines && number + 1 == count && self.chance.one_in(3) {
                self.gathered.extend_from_slice(&frame);
                self.flush();
                return self.steps.push_back(Step::Fin);
            }
            self.say(&frame);
            if is_lines && self.chance.one_in(5) {
                // Blank lines are not answered.
                let blank: &[u8] = if self.chance.one_in(2) { b"\r\n" } else { b"\n" };
                let blanks = if self.gate.wide && self.chance.one_in(50) { self.chance.size(1, 3000) } else { 1 };
                (0..blanks).for_each(|_| self.gathered.extend_from_slice(blank));
            }
        }
    }

    fn frames(&mut self) -> usize {
        match self.framing {
            Framing::Lines { .. } if self.gate.wide && self.chance.one_in(2) => self.chance.size(1000, 1400),
            Framing::Fixed => self.chance.size(0, 6),
            _ => self.chance.size(0, 16),
        }
    }

    /// Any bytes that this framing can carry, behind a tag.
    fn payload(&mut self) -> Vec<u8> {
        let tag = self.tag();
        let most = match self.framing {
            Framing::Lines { max } | Framing::Length { max } => max as usize,
            // With the stamp, the answer is to fit into one frame.
            _ if self.gate.behind == Behind::StampedEcho => 1024 - 25,
            _ => 1024,
        };
        if !matches!(self.framing, Framing::Lines { .. }) && self.chance.one_in(20) {
            // Nothing is a frame, too.
            return Vec::new();
        }
        let mut frame = tag.into_bytes();
        let more = match self.chance.size(0, 9) {
            _ if self.gate.wide => 0,
            0 => most - frame.len(),
            1 => 0,
            _ => self.chance.size(0, 60).min(most - frame.len()),
        };
        let at = frame.len();
        frame.resize(at + more, 0);
        self.chance.fill(&mut frame[at..]);
        if matches!(self.framing, Framing::Lines { .. }) {
            frame.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'.');
        }
        match frame.last_mut() {
            Some(last) if matches!(*last, 0 | b'\r') => *last = b'.',
            _ => {}
        }
        frame
    }

    pub(super) fn upper(&mut self) {
        const LETTERS: [&str; 9] = ["a", "B", "ß", "é", "ŉ", "ǆ", "日", "🦀", " "];
        for _ in 0..self.chance.size(0, 12) {
            let mut text = self.tag();
            for _ in 0..self.chance.size(0, 12) {
                text.push_str(self.chance.pick::<&str>(&LETTERS));
            }
            if self.chance.one_in(8) {
                let mut frame = text.into_bytes();
                frame.extend_from_slice(&[0xC3, b'(']);
                self.expect(Expect::Begins(b"! not-utf8"));
                self.say(&frame);
            } else {
                self.expect(Expect::Frame(text.to_uppercase().into_bytes()));
                self.say(text.as_bytes());
            }
        }
    }

    pub(super) fn room(&mut self) {
        for _ in 0..self.chance.size(1, 12) {
            let mut text = self.tag();
            text.extend((0..self.chance.size(0, 50)).map(|_| 'r'));
            self.expect(Expect::Frame(text.clone().into_bytes()));
            self.say(text.as_bytes());
            if self.chance.one_in(20) {
                // Slow enough to be given up, not so slow that the last words are lost.
                let pause = self.chance.between(SECOND, 25 * SECOND);
                self.steps.push_back(Step::Deafen(pause));
            }
        }
        if self.chance.one_in(6) {
            // Leaves with much unread, and reads that when it has lagged for too long.
            self.flush();
            self.steps.push_back(Step::Deafen(25 * SECOND));
            self.steps.push_back(Step::Fin);
            self.model.excuse = Some("careless");
        }
    }

    pub(super) fn relay(&mut self) {
        let count = self.chance.size(1, if self.gate.wide { 200_000 } else { 1500 });
        let mut bytes = vec![0; count];
        self.chance.fill(&mut bytes);
        self.expect(Expect::Raw(bytes.clone()));
        while !bytes.is_empty() {
            let rest = bytes.split_off(self.chance.size(1, bytes.len()));
            self.gathered = std::mem::replace(&mut bytes, rest);
            self.flush();
            if self.chance.one_in(10) {
                self.steps.push_back(Step::Deafen(self.chance.between(0, 3 * SECOND)));
            }
        }
    }

    pub(super) fn porter(&mut self) {
        let reception = porter::reception(self.number);
        self.expect(Expect::Frame(b"welcome".to_vec()));
        if reception == Reception::Raw {
            let mut preface = vec![0; porter::PREFACE];
            self.chance.fill(&mut preface);
            self.expect(Expect::Frame(format!("preface {:x}", digest(&preface)).into_bytes()));
            self.gathered.extend_from_slice(&preface);
        }
        for _ in 0..self.chance.size(0, 8) {
            let tag = self.tag();
            if matches!(reception, Reception::Held | Reception::Raw) {
                self.expect(Expect::Frame(tag.clone().into_bytes()));
            }
            let wire = encode(self.framing, tag.as_bytes(), self.chance);
            self.gathered.extend_from_slice(&wire);
            if self.chance.one_in(2) {
                self.flush();
            }
        }
        match reception {
            Reception::Filled => {
                if self.chance.one_in(3) {
                    self.model.excuse = Some("careless");
                    self.steps.push_front(Step::Trickle);
                }
                let filling = (0..porter::filling(self.framing)).map(|number| format!("fill {number}").into_bytes());
                self.model.main.extend(filling.chain([b"over".to_vec()]).map(Expect::Frame));
            }
            Reception::Timed => self.expect(Expect::Frame(b"late".to_vec())),
            Reception::Ended => self.outlasts_end = true,
            Reception::Closed | Reception::Held | Reception::Raw => {}
        }
    }
}
