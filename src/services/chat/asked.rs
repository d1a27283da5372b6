//! What connections asked for and was not carried out yet, in the order in which it came.

use super::rooms::PersonId;
use crate::hub::ConnId;

/// What one thing that is waiting weighs beside its text: about what an object has around it, so that a turn of ten
/// thousand short words is not more than their readers can be sent.
const WEIGHT: usize = 128;

/// Text for which memory is kept between turns: what a busy one brings, and the frame that goes beyond it.
const KEPT: usize = 512 * 1024;

/// Something to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask<'a> {
    /// A frame, as it came.
    Line(&'a [u8]),
    /// The input is over: as good as `/quit`.
    End,
    /// The line broke.
    Gone(&'static str),
}

#[derive(Debug, Clone)]
enum Kept {
    Line(std::ops::Range<usize>),
    End,
    Gone(&'static str),
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: Vec<(PersonId, ConnId, Kept)>,
    text: Vec<u8>,
}

impl Asked {
    pub(super) fn push(&mut self, person: PersonId, conn: ConnId, ask: Ask<'_>) {
        let kept = match ask {
            Ask::Line(frame) => {
                let start = self.text.len();
                self.text.extend_from_slice(frame);
                Kept::Line(start..self.text.len())
            }
            Ask::End => Kept::End,
            Ask::Gone(why) => Kept::Gone(why),
        };
        self.waiting.push((person, conn, kept));
    }

    /// Does something wait that this connection has asked for?
    pub(super) fn is_from(&self, conn: ConnId) -> bool {
        self.waiting.iter().rev().any(|&(_, from, _)| from == conn)
    }

    /// How much waits.
    pub(super) fn weight(&self) -> usize {
        self.text.len() + self.waiting.len() * WEIGHT
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// One thing that waits.
    pub(super) fn get(&self, at: usize) -> (PersonId, ConnId, Ask<'_>) {
        let (person, conn, kept) = &self.waiting[at];
        let ask = match kept {
            Kept::Line(span) => Ask::Line(&self.text[span.clone()]),
            Kept::End => Ask::End,
            Kept::Gone(why) => Ask::Gone(why),
        };
        (*person, *conn, ask)
    }

    /// A connection speaks for somebody else from now on, also in what it has asked for already.
    pub(super) fn reassign(&mut self, conn: ConnId, person: PersonId) {
        for (whose, from, _) in &mut self.waiting {
            if *from == conn {
                *whose = person;
            }
        }
    }

    /// Nothing waits any more. After a turn in which thousands brought their longest frames, the memory goes back.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.waiting.shrink_to(KEPT / WEIGHT);
        self.text.clear();
        self.text.shrink_to(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::chat::language::{Alphabet, Name};
    use crate::services::chat::rooms::Rooms;

    #[test]
    fn the_memory_of_a_turn_that_brought_very_much_is_given_back() {
        let name = Name::new("alice", Alphabet::Ascii).expect("it is one");
        let person = Rooms::default().arrive(name).expect("nobody has it");
        let conn = ConnId::from_bits(1 << 32).expect("it is one");
        let mut asked = Asked::default();
        for _ in 0..1000 {
            asked.push(person, conn, Ask::Line(&vec![b'x'; 64 * 1024]));
        }
        asked.clear();
        assert!(asked.text.capacity() <= KEPT && asked.waiting.capacity() <= KEPT / WEIGHT);
    }
}
