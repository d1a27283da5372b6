//! A client at work: reads, speaks by its script, and checks what it receives.

use std::collections::VecDeque;

use crate::chance::Chance;
use crate::kernel::{FarRead, Kernel, SECOND};
use crate::model::{Model, Over};
use crate::script::{Script, Step};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Will connect.
    Coming,
    Inside,
    /// Silent for ever, its socket still open.
    Vanished,
    Done,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: u32,
    pub(crate) gate: usize,
    pub(crate) end: usize,
    pub(crate) phase: Phase,
    pub(crate) model: Model,
    pub(crate) commands: Option<u32>,
    pub(crate) unended: bool,
    /// Stands in the agenda already.
    pub(crate) due: bool,
    steps: VecDeque<Step>,
    sending: VecDeque<u8>,
    outlasts_end: bool,
    /// Reads a byte now and then, no more.
    trickles: bool,
    /// It read the end.
    over: bool,
    mute_until: u64,
    deaf_until: u64,
    chance: Chance,
}

impl Client {
    pub(crate) fn new(number: u32, gate: usize, script: Script, chance: Chance) -> Self {
        Self {
            number,
            gate,
            end: usize::MAX,
            phase: Phase::Coming,
            model: script.model,
            commands: script.commands,
            unended: script.unended,
            due: false,
            steps: script.steps,
            sending: VecDeque::new(),
            outlasts_end: script.outlasts_end,
            trickles: false,
            over: false,
            mute_until: 0,
            deaf_until: 0,
            chance,
        }
    }

    /// Does something. Answers when it will do the next thing without being stirred.
    pub(crate) fn act(&mut self, kernel: &mut Kernel, said: &[Vec<u8>]) -> Result<Option<u64>, String> {
        if self.phase != Phase::Inside {
            return Ok(None);
        }
        let now = kernel.now();
        if now >= self.deaf_until && !self.over {
            self.listen(kernel, said)?;
        }
        if now >= self.mute_until && self.phase == Phase::Inside {
            self.speak(kernel);
        }
        if self.phase == Phase::Inside && self.over && self.has_said_all() {
            kernel.far_close(self.end);
            self.phase = Phase::Done;
        }
        Ok(self.next_act(kernel))
    }

    fn has_said_all(&self) -> bool {
        !self.outlasts_end || self.sending.is_empty() && self.steps.is_empty()
    }

    fn listen(&mut self, kernel: &mut Kernel, said: &[Vec<u8>]) -> Result<(), String> {
        if self.trickles {
            self.deaf_until = kernel.now() + 4 * SECOND;
        }
        for _ in 0..self.chance.size(1, 3) {
            let most = if self.chance.one_in(4) { self.chance.size(1, 20) } else { 8192 };
            let most = if self.trickles { 1 } else { most };
            match kernel.far_read(self.end, most) {
                FarRead::Bytes(bytes) => self.model.take(&bytes, said)?,
                FarRead::Nothing => break,
                FarRead::End => {
                    self.over = true;
                    let strict = self.model.excuse.is_none();
                    kernel.chronicle.count(if strict { "clients served whole" } else { "clients excused" });
                    return self.model.finish(Over::End);
                }
                FarRead::Reset { excused } => {
                    self.phase = Phase::Done;
                    kernel.chronicle.count("clients that were reset");
                    return self.model.finish(Over::Reset { excused });
                }
            }
        }
        Ok(())
    }

    fn speak(&mut self, kernel: &mut Kernel) {
        for _ in 0..self.chance.size(1, 4) {
            if self.over && !self.outlasts_end {
                return;
            }
            if !self.sending.is_empty() {
                if !self.send(kernel) {
                    return;
                }
                continue;
            }
            if !self.may_go_on() {
                return;
            }
            let Some(step) = self.steps.pop_front() else { return };
            self.step(kernel, step);
            if self.phase != Phase::Inside || self.mute_until > kernel.now() {
                return;
            }
        }
    }

    /// Answers whether more could be sent.
    fn send(&mut self, kernel: &mut Kernel) -> bool {
        let most = self.sending.len();
        let count = if self.chance.one_in(3) { self.chance.size(1, most) } else { most };
        let bytes = &self.sending.make_contiguous()[..count];
        let Some(taken) = kernel.far_send(self.end, bytes) else {
            // Nobody is there. What came before that can still be read, or the reset.
            self.sending.clear();
            self.steps.clear();
            return false;
        };
        self.sending.drain(..taken);
        taken == count
    }

    fn may_go_on(&self) -> bool {
        match self.steps.front() {
            None => false,
            Some(Step::Wait(count)) => self.model.received >= *count || self.over,
            Some(_) => true,
        }
    }

    fn step(&mut self, kernel: &mut Kernel, step: Step) {
        match step {
            Step::Send(bytes) => self.sending.extend(bytes),
            Step::Mark => kernel.far_mark(self.end),
            Step::Wait(_) => {}
            Step::Pause(span) => self.mute_until = kernel.now() + span,
            Step::Deafen(span) => {
                kernel.chronicle.count("clients that stop reading for a while");
                self.deaf_until = kernel.now() + span;
            }
            Step::Fin => kernel.far_fin(self.end),
            Step::Abort => {
                kernel.far_abort(self.end);
                self.phase = Phase::Done;
            }
            Step::ShutRead => {
                kernel.far_shut_read(self.end);
                self.phase = Phase::Vanished;
            }
            Step::Trickle => self.trickles = true,
            Step::Leave => {
                kernel.chronicle.count("clients that close without reading");
                kernel.far_close(self.end);
                self.phase = Phase::Done;
            }
            Step::Vanish => {
                kernel.chronicle.count("clients that vanish");
                self.phase = Phase::Vanished;
            }
        }
    }

    fn next_act(&mut self, kernel: &Kernel) -> Option<u64> {
        if self.phase != Phase::Inside {
            return None;
        }
        let soon = kernel.now() + self.chance.between(1, kernel.weather.pace);
        let reads = !self.over && kernel.far_has_news(self.end);
        let speaks = if self.over && !self.outlasts_end {
            false
        } else if self.sending.is_empty() {
            self.may_go_on()
        } else {
            kernel.far_room(self.end) > 0
        };
        let closes = self.over && self.has_said_all();
        let reading = reads.then(|| soon.max(self.deaf_until));
        let speaking = speaks.then(|| soon.max(self.mute_until));
        [reading, speaking, closes.then_some(soon)].into_iter().flatten().min()
    }
}
