//! One source of datagrams, as a connection has it: what it asked, and where its answers go.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::rc::Rc;

use mio::net::UdpSocket;

use super::Manner;
use super::loss::Loss;
use super::pace::{Bucket, own_words};
use crate::hub::{ConnId, Moment};
use crate::net::counts::Counts;

/// Questions of one source that were not answered yet. A turn brings fewer, and is answered before the next.
const QUESTIONS: usize = 1024;
/// Answers that are remembered, to know them when they come back. With more of them under way between two servers, on
/// one machine, both would be past the pace of all that a source may say.
const REMEMBERED: usize = 128;

/// Shared by the table of sources, which judges what comes, and the connection's stream, which writes the answers.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) id: ConnId,
    socket: Rc<UdpSocket>,
    peer: SocketAddr,
    manner: Manner,
    /// The sizes of questions that wait for their answers, in order.
    questions: RefCell<VecDeque<usize>>,
    /// Digests of what was answered last.
    answered: RefCell<VecDeque<u64>>,
    own_words: Cell<Bucket>,
}

impl Source {
    pub(super) fn new(id: ConnId, socket: Rc<UdpSocket>, peer: SocketAddr, manner: Manner) -> Self {
        let (questions, answered, own_words) = (RefCell::default(), RefCell::default(), Cell::new(Bucket::FULL));
        Self { id, socket, peer, manner, questions, answered, own_words }
    }

    /// May this be heard? If the far side is an echo too, what comes are our own words, and these are heard seldom:
    /// so two servers that were pointed at each other stop by themselves.
    pub(super) fn hears(&self, question: &[u8], now: Moment) -> bool {
        if self.manner == Manner::Conversing || !self.answered.borrow().contains(&digest(question)) {
            return true;
        }
        let mut bucket = self.own_words.get();
        let heard = bucket.take(own_words(self.peer), now);
        self.own_words.set(bucket);
        heard
    }

    /// A question of so many bytes was handed to the service.
    pub(super) fn asked(&self, size: usize) {
        if self.manner == Manner::Answering {
            let mut questions = self.questions.borrow_mut();
            if questions.len() == QUESTIONS {
                questions.pop_front();
            }
            questions.push_back(size);
        }
    }

    /// Sends what the service said, unless nobody asked, or for less than that: whoever forges sources must not make
    /// us say more than they said themselves.
    fn answer(&self, answer: &[u8]) -> Result<(), Loss> {
        if self.manner == Manner::Answering {
            // What is said unasked is no answer that anybody misses: that a silent source is forgotten, above all.
            let Some(asked) = self.questions.borrow_mut().pop_front() else { return Ok(()) };
            if answer.len() > asked {
                return Err(Loss::LongerAnswer);
            }
            let mut answered = self.answered.borrow_mut();
            answered.truncate(REMEMBERED - 1);
            answered.push_front(digest(answer));
        }
        // A send that would block is dropped, and so is one that the network refuses: a datagram promises nothing.
        self.socket.send_to(answer, self.peer).map(drop).map_err(|_| Loss::Unsent)
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// The write side of a source: takes the hub's length-prefixed frames, sends each as a datagram.
#[derive(Debug)]
pub struct Answers {
    source: Rc<Source>,
    /// How many of these there are.
    standing: Rc<Cell<usize>>,
    lost: Rc<Counts>,
}

impl Answers {
    pub(super) fn new(source: Rc<Source>, standing: &Rc<Cell<usize>>, lost: &Rc<Counts>) -> Self {
        standing.set(standing.get() + 1);
        Self { source, standing: Rc::clone(standing), lost: Rc::clone(lost) }
    }

    /// Takes every whole frame of `wire`, and answers how many bytes that was.
    pub(in crate::net) fn write(&self, wire: &[u8]) -> usize {
        let mut rest = wire;
        while let Some((prefix, behind)) = rest.split_first_chunk() {
            let length = u32::from_be_bytes(*prefix) as usize;
            let Some((answer, next)) = behind.split_at_checked(length) else { break };
            if let Err(loss) = self.source.answer(answer) {
                self.lost.count(loss.code());
            }
            rest = next;
        }
        wire.len() - rest.len()
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.standing.set(self.standing.get() - 1);
    }
}
