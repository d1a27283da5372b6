//! Peers that services connect to.

use std::collections::VecDeque;

use crate::book::{Order, Role};
use crate::chance::{Chance, DIGEST_START, digest_on};
use crate::far_wire::greeting;
use crate::kernel::{FarRead, Kernel};

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) end: usize,
    pub(crate) due: bool,
    /// Accepted, and not gone.
    pub(crate) alive: bool,
    role: Role,
    /// Resets when so many bytes have come.
    aborts_at: Option<u64>,
    saying: VecDeque<u8>,
    count: u64,
    sum: u64,
    /// It read the end.
    over: bool,
    /// It said its own.
    ended: bool,
    chance: Chance,
}

impl Peer {
    pub(crate) fn new(end: usize, order: &Order, aborts_at: Option<u64>, mut chance: Chance) -> Self {
        let mut saying = VecDeque::new();
        if let Role::Greet(lines) = order.role {
            (0..lines).for_each(|number| saying.extend((greeting(&order.tag, number) + "\n").into_bytes()));
        }
        if let Role::Exit(lines) = order.role {
            let all: Vec<_> = (0..lines).map(|number| greeting(&order.tag, number)).collect();
            saying.extend(all.join("\n").into_bytes());
        }
        let (role, chance) = (order.role, chance.fork());
        let (due, alive, over, ended) = (false, false, false, false);
        Self { end, due, alive, role, aborts_at, saying, count: 0, sum: DIGEST_START, over, ended, chance }
    }

    /// Does something. Answers when it will do the next thing without being stirred.
    pub(crate) fn act(&mut self, kernel: &mut Kernel) -> Option<u64> {
        if !self.alive {
            return None;
        }
        if matches!(self.role, Role::Exit(_)) && !self.over {
            kernel.far_shut_read(self.end);
            self.over = true;
        }
        self.listen(kernel);
        if self.aborts_at.is_some_and(|at| self.count >= at) {
            kernel.far_abort(self.end);
            self.alive = false;
        }
        if self.alive {
            self.speak(kernel);
        }
        if self.alive && self.over && self.ended {
            kernel.far_close(self.end);
            self.alive = false;
        }
        let goes_on = self.alive && (self.wants_to_read() && kernel.far_has_news(self.end) || self.may_speak(kernel));
        goes_on.then(|| kernel.now() + self.chance.between(1, kernel.weather.pace))
    }

    fn wants_to_read(&self) -> bool {
        !self.over && !matches!(self.role, Role::Exit(_)) && (self.role != Role::Echo || self.saying.len() < 500)
    }

    fn listen(&mut self, kernel: &mut Kernel) {
        if !self.wants_to_read() {
            return;
        }
        let most = if self.chance.one_in(3) { self.chance.size(1, 20) } else { 500 };
        match kernel.far_read(self.end, most) {
            FarRead::Bytes(bytes) => {
                self.count += bytes.len() as u64;
                self.sum = digest_on(self.sum, &bytes);
                if self.role == Role::Echo {
                    self.saying.extend(bytes);
                }
            }
            FarRead::Nothing => {}
            FarRead::End => {
                self.over = true;
                if self.role == Role::Digest {
                    self.saying.extend(format!("{} {:x}\n", self.count, self.sum).into_bytes());
                }
            }
            FarRead::Reset { .. } => self.alive = false,
        }
    }

    /// A greeting of an odd number of lines comes only when the other side has shut its own.
    fn has_the_word(&self) -> bool {
        match self.role {
            Role::Echo => true,
            Role::Digest | Role::Exit(_) => self.over,
            Role::Greet(lines) => lines % 2 == 0 || self.over,
        }
    }

    fn is_last(&self) -> bool {
        self.over || matches!(self.role, Role::Greet(_))
    }

    fn may_speak(&self, kernel: &Kernel) -> bool {
        let has_words = !self.saying.is_empty() && kernel.far_room(self.end) > 0;
        self.has_the_word() && !self.ended && (has_words || self.saying.is_empty() && self.is_last())
            || self.over && self.ended
    }

    fn speak(&mut self, kernel: &mut Kernel) {
        if !self.has_the_word() || self.ended {
            return;
        }
        if !self.saying.is_empty() {
            let count = self.chance.size(1, self.saying.len());
            match kernel.far_send(self.end, &self.saying.make_contiguous()[..count]) {
                Some(taken) => drop(self.saying.drain(..taken)),
                None => self.alive = false,
            }
        }
        if self.saying.is_empty() && self.is_last() {
            kernel.far_fin(self.end);
            self.ended = true;
        }
    }
}
