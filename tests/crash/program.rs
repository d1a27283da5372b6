//! One program that speaks: it remembers what it said until it has a receipt, and comes back after every crash.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::crowd::put;
use crate::support::client::Wire;
use crate::world::{Heard, ROOMS, Truth, room};

/// Messages on their way at once.
const WINDOW: usize = 16;

#[derive(Debug)]
struct Message {
    room: usize,
    id: String,
    text: String,
    /// The number that a replay has told, before the receipt.
    seen: Option<u64>,
    again: bool,
}

/// What it has of one room.
#[derive(Debug, Default)]
struct Place {
    /// Up to here nothing is missing.
    whole: u64,
    /// Heard behind that: between them are its own, whose receipts are on their way.
    beyond: BTreeSet<u64>,
    /// The replay is not over: every number comes.
    replaying: bool,
    /// The last number that somebody else's message had on this line: order.
    heard: u64,
}

impl Place {
    fn add(&mut self, seq: u64) {
        if seq > self.whole {
            self.beyond.insert(seq);
        }
        while self.beyond.remove(&(self.whole + 1)) {
            self.whole += 1;
        }
    }
}

#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    number: usize,
    pub(crate) wire: Wire,
    token: Option<String>,
    places: [Place; 3],
    waiting: VecDeque<Message>,
    receipts: BTreeMap<String, (usize, u64)>,
    said: u64,
    /// The token that it got on coming, before it showed its own.
    new_token: String,
    welcomes: u32,
    /// The server knows its session.
    is_sure: bool,
    pub(crate) is_done: bool,
    pub(crate) said_again: u64,
    pub(crate) known_before: u64,
}

impl Program {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            name: format!("prog{}", (b'a' + u8::try_from(number).unwrap()) as char),
            number,
            wire: if number % 4 == 3 { Wire::Length } else { Wire::Lines },
            token: None,
            places: Default::default(),
            waiting: VecDeque::new(),
            receipts: BTreeMap::new(),
            said: 0,
            new_token: String::new(),
            welcomes: 0,
            is_sure: false,
            is_done: false,
            said_again: 0,
            known_before: 0,
        }
    }

    /// What it says when it comes: who it was, what it has, and what it does not know to be kept.
    pub(crate) fn arrival(&mut self) -> Vec<String> {
        self.welcomes = 0;
        for place in &mut self.places {
            // What was heard beyond comes again, because it is asked for.
            place.beyond.clear();
            (place.heard, place.replaying) = (place.whole, true);
        }
        let mut lines = vec!["/format json".to_owned()];
        let Some(token) = self.token.clone() else {
            lines.extend(self.beginning());
            return lines;
        };
        let rooms = ROOMS.iter().zip(&self.places).map(|(name, place)| format!("{name} {}", place.whole));
        lines.push(format!("/session {token} {}", rooms.collect::<Vec<_>>().join(" ")));
        // Without a receipt it can't be sure to be known, and has to wait for the answer.
        self.is_sure = !self.receipts.is_empty();
        if self.is_sure {
            lines.extend(self.repetition());
        }
        lines
    }

    /// What somebody says who is nobody yet.
    fn beginning(&self) -> Vec<String> {
        let rooms = ROOMS.iter().zip(&self.places).map(|(name, place)| format!("/resume {name} {}", place.whole));
        [format!("/nick {}", self.name)].into_iter().chain(rooms).collect()
    }

    fn repetition(&mut self) -> Vec<String> {
        self.said_again += self.waiting.len() as u64;
        self.waiting.iter_mut().for_each(|message| message.again = true);
        self.waiting.iter().map(object).collect()
    }

    fn is_known(&mut self, out: &mut Vec<u8>) {
        if !self.is_sure {
            self.is_sure = true;
            self.repetition().iter().for_each(|line| put(self.wire, line, out));
        }
    }

    pub(crate) fn hear(&mut self, heard: &Heard<'_>, truth: &mut Truth, out: &mut Vec<u8>) {
        match *heard {
            Heard::Welcome { session } => {
                self.welcomes += 1;
                match &self.token {
                    None => {
                        self.token = Some(session.to_owned());
                        self.is_sure = true;
                    }
                    Some(token) if self.welcomes == 2 => {
                        assert_eq!(token, session, "{} is somebody else", self.name);
                        self.is_known(out);
                    }
                    Some(_) => session.clone_into(&mut self.new_token),
                }
            }
            Heard::Error { code: "no-session", .. } if !self.is_sure => {
                // Nothing that it said had been written when the server was killed: it begins anew.
                self.token = Some(self.new_token.clone());
                self.beginning().iter().for_each(|line| put(self.wire, line, out));
                self.is_known(out);
            }
            Heard::Message { room: name, seq, text, id, replay } => {
                let index = room(name);
                truth.told(index, seq, text);
                self.hear_message(index, seq, id, replay);
            }
            Heard::Receipt { room: name, seq, id } => self.hear_receipt(room(name), seq, id, truth),
            Heard::Gap { room } => panic!("{} was told of a gap in {room}", self.name),
            Heard::Error { code, ref text } => panic!("{} was told {code}: {text}", self.name),
            Heard::Other => {}
        }
        self.go_on(out);
    }

    fn hear_message(&mut self, index: usize, seq: u64, id: Option<&str>, replay: bool) {
        let place = &mut self.places[index];
        assert!(seq > place.heard, "{}: {} {seq} after {}", self.name, ROOMS[index], place.heard);
        if replay {
            assert!(place.replaying, "{}: a replay after live messages", self.name);
            assert_eq!(seq, place.heard + 1, "{}: a hole in the replay of {}", self.name, ROOMS[index]);
        } else {
            place.replaying = false;
            for own in place.heard + 1..seq {
                let is_own = place.beyond.contains(&own) || own <= place.whole;
                assert!(is_own || !self.waiting.is_empty(), "{}: {own} of {} is missing", self.name, ROOMS[index]);
            }
        }
        place.heard = seq;
        place.add(seq);
        if let Some(id) = id
            && let Some(message) = self.waiting.iter_mut().find(|message| message.id == id)
        {
            message.seen = Some(seq);
        }
    }

    fn hear_receipt(&mut self, index: usize, seq: u64, id: &str, truth: &mut Truth) {
        let message = self.waiting.pop_front().unwrap_or_else(|| panic!("{}: a receipt for {id} too many", self.name));
        assert_eq!(message.id, id, "{}: receipts come in order", self.name);
        assert_eq!(message.room, index);
        assert!(message.seen.is_none_or(|seen| seen == seq), "{id} was {:?}, and is receipted as {seq}", message.seen);
        // It was in the history before the server was killed, and is known again after it.
        self.known_before += u64::from(message.again && truth.is_old(index, seq));
        truth.told(index, seq, &message.text);
        assert_eq!(self.receipts.insert(message.text, (index, seq)), None);
        self.places[index].add(seq);
    }

    /// Says something new while there is room in the window.
    fn go_on(&mut self, out: &mut Vec<u8>) {
        while !self.is_done && self.is_sure && self.waiting.len() < WINDOW {
            self.said += 1;
            let (number, said) = (self.number, self.said);
            let room = usize::try_from(said).unwrap() % ROOMS.len();
            let (id, text) = (format!("{number}-{said}"), format!("{} says thing {said}", self.name));
            let message = Message { room, id, text, seen: None, again: false };
            put(self.wire, &object(&message), out);
            self.waiting.push_back(message);
        }
    }

    pub(crate) fn is_content(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn has_all(&self, room: usize, last: u64) -> bool {
        self.places[room].whole == last
    }

    pub(crate) fn receipted(&self, room: usize) -> impl Iterator<Item = (&String, u64)> {
        self.receipts.iter().filter(move |(_, (there, _))| *there == room).map(|(text, (_, seq))| (text, *seq))
    }
}

fn object(message: &Message) -> String {
    format!(r#"{{"say":"{}","room":"{}","id":"{}"}}"#, message.text, ROOMS[message.room], message.id)
}
