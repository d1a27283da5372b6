//! What a client asks of [`Works`](crate::works::Works).

use parlor::hub::Framing;

use crate::chance::{DIGEST_START, digest, digest_on};
use crate::far_wire::{bulk_piece, call_line, encode, framing_named, greeting};
use crate::kernel::MILLI;
use crate::model::Expect;
use crate::script::{Step, Writer};

impl Writer<'_> {
    pub(super) fn works(&mut self) {
        let count = if self.framing == Framing::Fixed { 5 } else { 14 };
        for _ in 0..self.chance.size(1, count) {
            match self.chance.size(0, 23) {
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
                7 => self.hold(),
                8 | 9 => self.job(true),
                10 | 11 => self.job(false),
                12 => self.inspect(),
                13 => self.alarm(),
                23 => self.later(),
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

    fn hold(&mut self) {
        let tag = self.tag();
        self.expect(Expect::Frame(format!("held {tag}").into_bytes()));
        let mut millis = self.chance.between(0, 1500);
        if self.silence.is_some() && !self.patient && self.chance.one_in(2) {
            // Held for longer than silence is borne: it does not count.
            (millis, self.patient) = (70_000, true);
        }
        let also = if self.chance.one_in(2) { "job" } else { "" };
        self.say(format!("hold {tag} {millis} {also}").as_bytes());
    }

    /// Bytes that are called raw only after they have come, so they look like the beginning of a line.
    fn later(&mut self) {
        if !matches!(self.framing, Framing::Lines { .. }) {
            return;
        }
        let tag = self.tag();
        let count = self.chance.size(1, 60);
        let bytes = vec![b'#'; count];
        self.expect(Expect::Frame(format!("raw {tag} {:x}", digest(&bytes)).into_bytes()));
        let header = encode(self.framing, format!("later {tag} {count}").as_bytes(), self.chance);
        self.gathered.extend_from_slice(&header);
        self.gathered.extend_from_slice(&bytes);
        self.wait();
    }

    fn alarm(&mut self) {
        let millis = self.chance.between(0, 900);
        let command = self.alarm_in(millis);
        self.say(command.as_bytes());
    }

    /// An answer after so long. Whoever is to end its input before must not wait for it.
    pub(super) fn alarm_in(&mut self, millis: u64) -> String {
        let tag = self.tag();
        self.model.loose.push(vec![format!("l {tag}").into_bytes()]);
        format!("alarm {tag} {millis}")
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
            _ if raw && self.gate.wide && self.chance.one_in(2) => 9000,
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
        let most = if self.chance.one_in(3) { 250 } else { 8 };
        let lines = u32::try_from(self.chance.size(0, most)).expect("little");
        let role = *self.chance.pick(&[
            "tcp-digest",
            "tcp-greet",
            "unix-digest",
            "unix-greet",
            "pipe-digest",
            "pipe-greet",
            "pipe-exit",
        ]);
        let sum = |sum, line: String| digest_on(digest_on(sum, line.as_bytes()), b"\n");
        let answer = if role.ends_with("greet") || role.ends_with("exit") {
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
}
