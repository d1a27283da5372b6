//! What one client must receive, and may not.

use std::collections::VecDeque;

use parlor::hub::{Fault, Framing};

use crate::far_wire::first_frame;

/// The next thing in the order of what was asked.
#[derive(Debug, Clone)]
pub(crate) enum Expect {
    /// Just this frame.
    Frame(Vec<u8>),
    /// A frame that begins so.
    Begins(&'static [u8]),
    /// One of these frames: what happens off the loop may fail.
    OneOf(Vec<Vec<u8>>),
    /// A time of 24 characters, a blank, and this.
    Stamped(Vec<u8>),
    /// This frame, and from then on frames stand otherwise.
    Switch(Vec<u8>, Framing),
    /// Bytes without frames.
    Raw(Vec<u8>),
}

/// How a client's reading came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    End,
    Reset { excused: bool },
}

/// Where a client stands with the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    Elsewhere,
    /// Not welcomed yet.
    AtTheDoor,
    /// The next message must have this number.
    Inside(usize),
}

#[derive(Debug)]
pub(crate) struct Model {
    number: u32,
    framing: Framing,
    unparsed: Vec<u8>,
    /// Answers that come in the order of the questions.
    pub(crate) main: VecDeque<Expect>,
    /// Answers that come in order among themselves.
    pub(crate) lane: VecDeque<Vec<Vec<u8>>>,
    /// Answers that come at any time.
    pub(crate) loose: Vec<Vec<Vec<u8>>>,
    /// How many of all these have come.
    pub(crate) received: usize,
    pub(crate) room: Seat,
    /// Why this client need not receive everything. What it does receive is still checked.
    pub(crate) excuse: Option<&'static str>,
    /// It was told that it is too slow, so nothing may follow.
    last_words: bool,
}

impl Model {
    pub(crate) fn new(number: u32, framing: Framing) -> Self {
        Self {
            number,
            framing,
            unparsed: Vec::new(),
            main: VecDeque::new(),
            lane: VecDeque::new(),
            loose: Vec::new(),
            received: 0,
            room: Seat::Elsewhere,
            excuse: None,
            last_words: false,
        }
    }

    /// How many answers are expected, the received included.
    pub(crate) fn expected(&self) -> usize {
        self.received + self.main.len() + self.lane.len() + self.loose.len()
    }

    /// Nothing that was to come will come but this: it was turned away.
    pub(crate) fn only(&mut self, last: Expect) {
        (self.main, self.lane, self.loose, self.room) =
            (VecDeque::from([last]), VecDeque::new(), Vec::new(), Seat::Elsewhere);
    }

    /// Bytes came.
    pub(crate) fn take(&mut self, bytes: &[u8], said: &[Vec<u8>]) -> Result<(), String> {
        self.unparsed.extend_from_slice(bytes);
        let mut used = 0;
        let unparsed = std::mem::take(&mut self.unparsed);
        while used < unparsed.len() {
            let rest = &unparsed[used..];
            if let Some(Expect::Raw(due)) = self.main.front_mut() {
                let count = due.len().min(rest.len());
                if due[..count] != rest[..count] {
                    return Err(format!("client {}: raw bytes differ", self.number));
                }
                used += count;
                due.drain(..count);
                if due.is_empty() {
                    self.main.pop_front();
                    self.received += 1;
                }
                continue;
            }
            if matches!(self.framing, Framing::Raw) {
                return Err(format!("client {}: {} bytes too many", self.number, rest.len()));
            }
            let Some((frame, size)) = first_frame(self.framing, rest) else { break };
            used += size;
            self.frame(frame, said)?;
        }
        self.unparsed = unparsed[used..].to_vec();
        Ok(())
    }

    fn frame(&mut self, frame: &[u8], said: &[Vec<u8>]) -> Result<(), String> {
        if self.last_words {
            return self.differs(frame, "nothing after the last words");
        }
        if self.room != Seat::Elsewhere {
            return self.room_frame(frame, said);
        }
        match frame.get(..2) {
            Some(b"o ") => match self.lane.pop_front() {
                Some(due) if due.iter().any(|due| due == frame) => self.received += 1,
                due => return self.differs(frame, &show(&due.unwrap_or_default())),
            },
            Some(b"l ") => match self.loose.iter().position(|due| due.iter().any(|due| due == frame)) {
                Some(place) => {
                    self.loose.swap_remove(place);
                    self.received += 1;
                }
                None => return self.differs(frame, &show(&self.loose.concat())),
            },
            _ => return self.main_frame(frame),
        }
        Ok(())
    }

    fn main_frame(&mut self, frame: &[u8]) -> Result<(), String> {
        let Some(due) = self.main.pop_front() else { return self.differs(frame, "nothing") };
        let fits = match &due {
            Expect::Frame(due) | Expect::Switch(due, _) => due == frame,
            Expect::Begins(due) => frame.starts_with(due),
            Expect::OneOf(all) => all.iter().any(|due| due == frame),
            Expect::Stamped(due) => frame.len() == due.len() + 25 && frame[23..25] == *b"Z " && frame[25..] == due[..],
            Expect::Raw(_) => false,
        };
        if !fits {
            return self.differs(frame, &format!("{due:?}"));
        }
        if let Expect::Switch(_, framing) = due {
            self.framing = framing;
        }
        self.received += 1;
        Ok(())
    }

    fn room_frame(&mut self, frame: &[u8], said: &[Vec<u8>]) -> Result<(), String> {
        let text = String::from_utf8_lossy(frame).into_owned();
        if text == Fault::Slow.to_string() {
            (self.excuse, self.last_words) = (Some("too slow"), true);
            return Ok(());
        }
        if frame.starts_with(b"! ") {
            self.last_words = true;
            return self.main_frame(frame);
        }
        let mut words = text.splitn(3, ' ');
        let (verb, number) = (words.next(), words.next().and_then(|word| word.parse::<usize>().ok()));
        match (verb, number, self.room) {
            (Some("welcome"), Some(number), Seat::AtTheDoor) => self.room = Seat::Inside(number),
            (Some("r"), Some(number), Seat::Inside(next)) if number == next => {
                self.room = Seat::Inside(next + 1);
                let said = said.get(number).map_or(&[][..], Vec::as_slice);
                if words.next().map(str::as_bytes) != Some(said) {
                    return self.differs(frame, &String::from_utf8_lossy(said));
                }
                if said.starts_with(format!("c{}.", self.number).as_bytes()) {
                    return self.main_frame(said);
                }
            }
            _ => return self.differs(frame, &format!("number {:?} of the room", self.room)),
        }
        Ok(())
    }

    fn differs(&self, frame: &[u8], due: &str) -> Result<(), String> {
        let frame = String::from_utf8_lossy(frame);
        Err(format!("client {}: received {frame:?}, and {due} was due", self.number))
    }

    /// Nothing more will come: was that all?
    pub(crate) fn finish(&self, over: Over) -> Result<(), String> {
        if self.excuse.is_some() || over == (Over::Reset { excused: true }) {
            return Ok(());
        }
        let missing = (self.main.front(), self.lane.front(), self.loose.first());
        let is_all = matches!(missing, (None, None, None)) && self.unparsed.is_empty();
        if is_all && over == Over::End {
            return Ok(());
        }
        let (number, rest) = (self.number, String::from_utf8_lossy(&self.unparsed));
        Err(format!("client {number}: {over:?}, and missing were {missing:?}; not a whole frame: {rest:?}"))
    }
}

fn show(all: &[Vec<u8>]) -> String {
    let all: Vec<_> = all.iter().map(|one| String::from_utf8_lossy(one)).collect();
    format!("one of {all:?}")
}
