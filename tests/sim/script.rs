//! What a client does, written before the world begins, together with what it must receive.

use std::collections::VecDeque;

use parlor::hub::{Fault, Framing, ListenerId};

use crate::chance::Chance;
use crate::far_wire::encode;
use crate::kernel::{Kind, MILLI, SECOND};
use crate::model::{Expect, Model, Seat};

/// What is behind a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    Echo,
    StampedEcho,
    Upper,
    Works,
    Room,
    Relay,
    Porter,
}

/// A listener, as its clients know it.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) listener: ListenerId,
    pub(crate) behind: Behind,
    pub(crate) kind: Kind,
    pub(crate) framing: Framing,
    pub(crate) refuses_http: bool,
    /// The longest silence, in seconds.
    pub(crate) silence: Option<u32>,
    /// Much can be read, and answered, at once.
    pub(crate) wide: bool,
}

/// What a client does next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// An urgent byte, or a passed descriptor.
    Mark,
    /// Until so many answers have come.
    Wait(usize),
    /// Says nothing for a while.
    Pause(u64),
    /// Reads nothing for a while.
    Deafen(u64),
    Fin,
    /// Resets.
    Abort,
    /// Of what is sent to it nothing arrives any more, and it says no more.
    ShutRead,
    /// From now on reads a byte every few seconds.
    Trickle,
    /// Closes without reading what there is.
    Leave,
    /// Is never heard of again.
    Vanish,
}

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) steps: VecDeque<Step>,
    pub(crate) model: Model,
    /// How many commands must be heard by the service, even if the client resets behind them.
    pub(crate) commands: Option<u32>,
    /// The last of them has no end, so it counts only if the end of all was read.
    pub(crate) unended: bool,
    /// Goes on speaking when the service has ended its side.
    pub(crate) outlasts_end: bool,
}

/// Writes one script.
pub(super) struct Writer<'a> {
    pub(super) chance: &'a mut Chance,
    pub(super) gate: &'a Gate,
    pub(super) number: u32,
    /// The number of the next command or message.
    pub(super) next: u32,
    pub(super) framing: Framing,
    pub(super) steps: VecDeque<Step>,
    pub(super) model: Model,
    /// What goes out with the next `Send`.
    pub(super) gathered: Vec<u8>,
    pub(super) outlasts_end: bool,
    pub(super) unended: bool,
    /// In seconds, the longest silence that is borne here.
    pub(super) silence: Option<u32>,
    /// It waited for so long that it must not spoil that by a bad end.
    pub(super) patient: bool,
}

/// How a script comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Polite,
    Fault,
    Silence,
    Abort,
    Leave,
    Vanish,
    ShutRead,
}

/// A script for a client of this listener.
pub(crate) fn write(gate: &Gate, number: u32, chance: &mut Chance) -> Script {
    let mut model = Model::new(number, gate.framing);
    model.room = if gate.behind == Behind::Room { Seat::AtTheDoor } else { Seat::Elsewhere };
    let (steps, gathered) = (VecDeque::new(), Vec::new());
    let framing = gate.framing;
    let (next, outlasts_end, unended, silence, patient) = (0, false, false, gate.silence, false);
    let mut writer =
        Writer { chance, gate, number, next, framing, steps, model, gathered, outlasts_end, unended, silence, patient };
    if gate.refuses_http && writer.chance.one_in(6) {
        writer.browser();
        return writer.finished(Ending::Fault);
    }
    match gate.behind {
        Behind::Echo | Behind::StampedEcho => writer.echo(),
        Behind::Upper => writer.upper(),
        Behind::Works => writer.works(),
        Behind::Room => writer.room(),
        Behind::Relay => writer.relay(),
        Behind::Porter => writer.porter(),
    }
    let ending = writer.ending();
    writer.end(ending);
    writer.finished(ending)
}

impl Writer<'_> {
    fn ending(&mut self) -> Ending {
        let is_over = self.gate.behind == Behind::Porter || matches!(self.steps.back(), Some(Step::Fin));
        if self.outlasts_end || is_over {
            return Ending::Polite;
        }
        if self.patient {
            return if self.chance.one_in(2) { Ending::Polite } else { Ending::Silence };
        }
        match self.chance.size(0, 19) {
            0 | 1 => Ending::Abort,
            2 | 3 => Ending::Leave,
            4 if self.chance.one_in(2) => Ending::Vanish,
            4 if self.gate.kind == Kind::Unix => Ending::ShutRead,
            5..=7 if !matches!(self.framing, Framing::Raw) && self.gate.behind != Behind::Room => Ending::Fault,
            8 if self.silence.is_some() && self.gate.behind != Behind::Relay => Ending::Silence,
            _ => Ending::Polite,
        }
    }

    fn end(&mut self, ending: Ending) {
        let waits = matches!(self.gate.behind, Behind::Works | Behind::Room);
        match ending {
            Ending::Polite if self.gate.behind == Behind::Room => self.wait(),
            Ending::Polite => {}
            Ending::Fault | Ending::Silence if waits => self.wait(),
            Ending::Fault | Ending::Silence => self.flush(),
            // Gone at once, or in the middle of the answers.
            Ending::Abort | Ending::Leave | Ending::Vanish | Ending::ShutRead => {
                if matches!(ending, Ending::Abort | Ending::Leave) {
                    self.last_line();
                }
                self.flush();
                let behind = self.model.expected();
                if self.chance.one_in(2) && behind > 0 {
                    let some = self.chance.size(0, behind);
                    self.steps.push_back(Step::Wait(some));
                }
                self.model.excuse = Some("careless");
            }
        }
        match ending {
            Ending::Polite if matches!(self.steps.back(), Some(Step::Fin)) => {}
            Ending::Polite => {
                if self.gate.behind == Behind::Works && self.silence.is_some() && self.chance.one_in(3) {
                    // After the end of the input no silence is too long.
                    let command = self.alarm_in(70_000);
                    let wire = encode(self.framing, command.as_bytes(), self.chance);
                    self.gathered.extend_from_slice(&wire);
                }
                self.flush();
                self.steps.push_back(Step::Fin);
            }
            Ending::Fault => self.fault(),
            Ending::Silence => {
                let seconds = self.silence.unwrap_or(0);
                self.expect(Expect::Frame(Fault::Silent { seconds }.to_string().into_bytes()));
            }
            Ending::Abort => self.steps.push_back(Step::Abort),
            Ending::ShutRead => self.steps.push_back(Step::ShutRead),
            Ending::Leave => self.steps.push_back(Step::Leave),
            Ending::Vanish => self.steps.push_back(Step::Vanish),
        }
    }

    fn finished(mut self, ending: Ending) -> Script {
        self.flush();
        let counted = matches!(self.gate.behind, Behind::Works | Behind::Room) || self.outlasts_end;
        let commands = (counted && ending != Ending::Vanish).then_some(self.next);
        Script {
            steps: self.steps,
            model: self.model,
            commands,
            unended: self.unended,
            outlasts_end: self.outlasts_end,
        }
    }

    /// Breaks the framing's rules, and goes on speaking behind it.
    fn fault(&mut self) {
        let fault = match self.framing {
            Framing::Lines { max } => {
                let more = self.chance.size(1, 40);
                self.gathered.resize(self.gathered.len() + max as usize + more, b'x');
                Fault::TooLong { max }
            }
            Framing::Length { max } if self.chance.one_in(2) => {
                let lie = if self.chance.one_in(3) { u32::MAX } else { max + 1 };
                self.gathered.extend_from_slice(&lie.to_be_bytes());
                Fault::TooLong { max }
            }
            Framing::Length { .. } => {
                self.gathered.extend_from_slice(&20_u32.to_be_bytes()[..self.chance.size(1, 4)]);
                Fault::Partial
            }
            Framing::Fixed | Framing::Raw => {
                let part = self.chance.size(1, 1023);
                self.gathered.resize(self.gathered.len() + part, b'x');
                Fault::Partial
            }
        };
        self.expect(Expect::Frame(fault.to_string().into_bytes()));
        if fault == Fault::Partial {
            self.flush();
            self.steps.push_back(Step::Fin);
        } else if self.chance.one_in(2) {
            self.gathered.extend_from_slice(b"\nand more that nobody hears\n");
        }
    }

    /// A command whose line is not ended; whether it was meant so, only an end can tell.
    fn last_line(&mut self) {
        let is_works = self.gate.behind == Behind::Works;
        if is_works && self.chance.one_in(4) {
            // Held for longer than any stream that failed may be kept.
            let tag = self.tag();
            let wire = encode(self.framing, format!("hold {tag} 200000").as_bytes(), self.chance);
            self.gathered.extend_from_slice(&wire);
        } else if is_works && matches!(self.framing, Framing::Lines { .. }) && self.chance.one_in(2) {
            let tag = self.tag();
            self.gathered.extend_from_slice(format!("say {tag}").as_bytes());
            self.unended = true;
        }
    }

    /// A web page that tries to speak to us.
    fn browser(&mut self) {
        self.gathered.extend_from_slice(b"POST /say HTTP/1.1\r\nHost: here\r\n\r\nsay c0.0\r\n");
        self.expect(Expect::Frame(Fault::Http.to_string().into_bytes()));
    }

    pub(super) fn expect(&mut self, answer: Expect) {
        self.model.main.push_back(answer);
    }

    pub(super) fn tag(&mut self) -> String {
        self.next += 1;
        format!("c{}.{}", self.number, self.next - 1)
    }

    /// One frame; it goes out alone or with its neighbours, whole or in parts.
    pub(super) fn say(&mut self, frame: &[u8]) {
        let wire = encode(self.framing, frame, self.chance);
        self.gathered.extend_from_slice(&wire);
        match self.chance.size(0, 9) {
            0..=3 => {}
            4 => {
                let rest = self.gathered.split_off(self.chance.size(0, self.gathered.len()));
                self.flush();
                if self.chance.one_in(2) {
                    self.steps.push_back(Step::Mark);
                }
                self.gathered = rest;
            }
            5 => self.wait(),
            _ => self.flush(),
        }
        if self.chance.one_in(25) {
            let patient = matches!(self.gate.behind, Behind::Echo | Behind::StampedEcho | Behind::Upper);
            let long = if patient && self.silence.is_none() { 45 * SECOND } else { 5 * SECOND };
            let pause = if self.chance.one_in(2) { self.chance.between(0, 50 * MILLI) } else { long };
            let step = if self.chance.one_in(2) { Step::Pause(pause) } else { Step::Deafen(pause) };
            self.steps.push_back(step);
        }
    }

    pub(super) fn flush(&mut self) {
        if !self.gathered.is_empty() {
            self.steps.push_back(Step::Send(std::mem::take(&mut self.gathered)));
        }
    }

    /// Until everything that was asked for has been answered.
    pub(super) fn wait(&mut self) {
        self.flush();
        self.steps.push_back(Step::Wait(self.model.expected()));
    }
}
