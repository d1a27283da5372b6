//! The middle of each script: what a client asks of which service.

use parlor::hub::Framing;

use crate::chance::{DIGEST_START, digest, digest_on};
use crate::far_wire::{bulk_piece, call_line, encode, framing_named, greeting};
use crate::kernel::{MILLI, SECOND};
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

    pub(super) fn works(&mut self) {
        let count = if self.framing == Framing::Fixed { 5 } else { 14 };
        for _ in 0..self.chance.size(1, count) {
            match self.chance.size(0, 22) {
                22 => {
                    let seconds = self.chance.between(30, 60);
                    self.silence = u32::try_from(seconds).ok();
                    self.plain("silence", "ok", seconds);
                }
                0..=5 => self.plain("say", "ok", 0),
                6 => {
                    let which = self.chance.between(0, 5);
                    self.plain("limits", "ok", which);
                }
                7 => {
                    let millis = self.chance.between(0, 1500);
                    self.plain("hold", "held", millis);
                }
                8 | 9 => self.job(true),
                10 | 11 => self.job(false),
                12 => self.inspect(),
                13 => self.alarm(),
                14 | 15 => self.raw(),
                16 | 17 => self.bulk(),
                18 => self.switch(),
                _ => self.open(),
            }
        }
        match self.chance.size(0, 9) {
            0 => self.parting("end", "end"),
            1 => self.parting("close", "bye"),
            _ => {}
        }
    }

    fn plain(&mut self, verb: &str, answer: &str, number: u64) {
        let tag = self.tag();
        self.expect(Expect::Frame(format!("{answer} {tag}").into_bytes()));
        let padding = "é".repeat(self.chance.size(0, 20));
        self.say(format!("{verb} {tag} {number} {padding}").as_bytes());
    }

    fn job(&mut self, held: bool) {
        let tag = self.tag();
        let ordered = self.chance.one_in(2);
        let word = if held {
            "job"
        } else if ordered {
            "o"
        } else {
            "l"
        };
        let answers = ["done", "panicked"].map(|how| format!("{word} {tag} {how}").into_bytes()).to_vec();
        match word {
            "job" => self.expect(Expect::OneOf(answers)),
            "o" => self.model.lane.push_back(answers),
            _ => self.model.loose.push(answers),
        }
        let (verb, lane) = (if held { "job" } else { "pass" }, if ordered { "ordered" } else { "any" });
        self.say(format!("{verb} {tag} 0 {lane}").as_bytes());
    }

    fn inspect(&mut self) {
        let tag = self.tag();
        self.expect(Expect::Frame(format!("inspect {tag} true").into_bytes()));
        self.say(format!("inspect {tag}").as_bytes());
    }

    fn alarm(&mut self) {
        let tag = self.tag();
        self.model.loose.push(vec![format!("l {tag}").into_bytes()]);
        let millis = self.chance.between(0, 900);
        self.say(format!("alarm {tag} {millis}").as_bytes());
    }

    fn raw(&mut self) {
        let tag = self.tag();
        let count = if self.chance.one_in(4) { 0 } else { self.chance.size(1, 300) };
        let mut bytes = vec![0; count];
        self.chance.fill(&mut bytes);
        self.expect(Expect::Frame(format!("raw {tag} {:x}", digest(&bytes)).into_bytes()));
        let how = if self.chance.one_in(2) { "slowly" } else { "" };
        // No wait may come between the header and the bytes, so they are put behind it by hand.
        let header = encode(self.framing, format!("raw {tag} {count} {how}").as_bytes(), self.chance);
        self.gathered.extend_from_slice(&header);
        if self.chance.one_in(2) {
            self.flush();
        }
        let rest = bytes.split_off(self.chance.size(0, bytes.len()));
        self.gathered.extend_from_slice(&bytes);
        if self.chance.one_in(3) {
            self.flush();
            self.steps.push_back(Step::Mark);
        }
        self.gathered.extend_from_slice(&rest);
    }

    fn bulk(&mut self) {
        let tag = self.tag();
        let raw = self.chance.one_in(2);
        let most = match self.framing {
            _ if raw && self.gate.wide && self.chance.one_in(5) => 8000,
            Framing::Fixed if !raw => 6,
            _ => 40,
        };
        let total = u32::try_from(self.chance.size(0, most)).expect("little");
        let verb = if raw { "blob" } else { "bulk" };
        let pieces = (0..total).map(|number| bulk_piece(&tag, number, raw));
        if raw {
            let bytes: Vec<u8> = pieces.flatten().collect();
            self.expect(Expect::Frame(format!("blob {tag} {total}").into_bytes()));
            if !bytes.is_empty() {
                self.expect(Expect::Raw(bytes));
            }
        } else {
            self.model.main.extend(pieces.map(Expect::Frame));
        }
        self.expect(Expect::Frame(format!("bulk {tag}").into_bytes()));
        let how = if self.chance.one_in(2) { "careful" } else { "" };
        self.say(format!("{verb} {tag} {total} {how}").as_bytes());
    }

    fn switch(&mut self) {
        let tag = self.tag();
        let max = u32::try_from(self.chance.size(100, 300)).expect("little");
        let name = *self.chance.pick(&["lines", "length", "fixed"]);
        let framing = framing_named(name, max);
        self.expect(Expect::Switch(format!("framed {tag}").into_bytes(), framing));
        self.say(format!("frame {tag} {max} {name}").as_bytes());
        self.framing = framing;
    }

    fn open(&mut self) {
        let tag = self.tag();
        let most = if self.chance.one_in(4) { 120 } else { 8 };
        let lines = u32::try_from(self.chance.size(0, most)).expect("little");
        let role =
            *self.chance.pick(&["tcp-digest", "tcp-greet", "unix-digest", "unix-greet", "pipe-digest", "pipe-greet"]);
        let sum = |sum, line: String| digest_on(digest_on(sum, line.as_bytes()), b"\n");
        let answer = if role.ends_with("greet") {
            let sum = (0..lines).map(|number| greeting(&tag, number)).fold(DIGEST_START, sum);
            format!("l {tag} {lines} {sum:x}")
        } else {
            let all: String = (0..lines).map(|number| call_line(&tag, number) + "\n").collect();
            format!("l {tag} {} {:x}", all.len(), digest(all.as_bytes()))
        };
        self.model.loose.push(vec![answer.into_bytes(), format!("l {tag} refused").into_bytes()]);
        let number = u64::from(lines) << 3 | self.chance.between(0, 7);
        self.say(format!("open {tag} {number} {role}").as_bytes());
    }

    /// The service stops speaking, or closes; what is said behind it is heard, or dropped, without an answer.
    fn parting(&mut self, verb: &str, answer: &str) {
        self.wait();
        let tag = self.tag();
        self.expect(Expect::Frame(format!("{answer} {tag}").into_bytes()));
        let parting = encode(self.framing, format!("{verb} {tag}").as_bytes(), self.chance);
        self.gathered.extend_from_slice(&parting);
        let heard = self.next;
        for _ in 0..self.chance.size(0, 3) {
            let tag = self.tag();
            let more = encode(self.framing, format!("say {tag}").as_bytes(), self.chance);
            self.gathered.extend_from_slice(&more);
        }
        self.flush();
        if verb == "close" {
            self.next = heard;
        } else {
            self.steps.push_back(Step::Pause(self.chance.between(0, 20 * MILLI)));
        }
        self.outlasts_end = verb == "end";
        self.steps.push_back(Step::Fin);
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
                let filling = (0..porter::filling(self.framing)).map(|number| format!("fill {number}").into_bytes());
                self.model.main.extend(filling.chain([b"over".to_vec()]).map(Expect::Frame));
            }
            Reception::Timed => self.expect(Expect::Frame(b"late".to_vec())),
            Reception::Ended => self.outlasts_end = true,
            Reception::Closed | Reception::Held | Reception::Raw => {}
        }
    }
}
