//! A datagram of a talk, as text that `tcpdump -A` can show. `docs/talk.md` has the form.

use std::fmt::Write;

/// The first word of every datagram; the digit is the version.
const MARK: &str = "talk1";
/// Numbers behind the last one heard in order that an acknowledgement tells of.
pub const WINDOW: u64 = 128;
/// The longest text: what may be said in the chat too.
pub const TEXT: usize = 4096;

/// What a datagram says besides who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// Asks for the receiver's number of the conversation.
    Hello,
    /// Only acknowledges.
    Heard,
    /// Somebody says something.
    Said {
        /// Its number in this conversation.
        number: u64,
        /// Who says it, in their own words.
        from: &'a str,
        /// To whom.
        to: &'a str,
        /// What.
        text: &'a str,
    },
    /// Nothing more will be said.
    End {
        /// The number behind the last thing said.
        number: u64,
    },
}

/// Which numbers have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ack {
    /// All up to this one.
    pub all: u64,
    /// Of those behind it: bit 0 stands for the next.
    pub some: u128,
}

impl Ack {
    /// Has this number arrived?
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        match number.checked_sub(self.all + 1) {
            None => true,
            Some(place) => place < WINDOW && self.some >> place & 1 == 1,
        }
    }

    /// The highest number that has arrived.
    #[must_use]
    pub fn highest(&self) -> u64 {
        self.all + u64::from(u128::BITS - self.some.leading_zeros())
    }
}

/// One datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The sender's number of the conversation, which nobody can guess.
    pub mine: u64,
    /// The receiver's, as far as the sender knows it; 0 if it does not.
    pub yours: u64,
    /// What the sender has heard.
    pub ack: Ack,
    /// What it says.
    pub body: Body<'a>,
}

impl<'a> Datagram<'a> {
    /// Writes it over whatever is in `out`.
    pub fn write(&self, out: &mut String) {
        let Self { mine, yours, ack, body } = self;
        let kind = match body {
            Body::Hello => "hello",
            Body::Heard => "heard",
            Body::Said { .. } => "said",
            Body::End { .. } => "end",
        };
        out.clear();
        let (all, some) = (ack.all, ack.some);
        write!(out, "{MARK} {kind} {mine:016x} {yours:016x} {all} {some:x}").expect("a string takes everything");
        match body {
            Body::Hello | Body::Heard => {}
            Body::Said { number, from, to, text } => write!(out, " {number} {from} {to}\n{text}").expect("likewise"),
            Body::End { number } => write!(out, " {number}").expect("likewise"),
        }
    }

    /// Reads one; `None` if it is none.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let whole = std::str::from_utf8(bytes).ok()?;
        let (head, text) = whole.split_once('\n').map_or((whole, None), |(head, text)| (head, Some(text)));
        let mut words = head.split(' ');
        let mut word = || words.next();
        if word()? != MARK {
            return None;
        }
        let kind = word()?;
        let (mine, yours) = (hexadecimal(word()?)?, hexadecimal(word()?)?);
        let ack = Ack { all: word()?.parse().ok()?, some: u128::from_str_radix(word()?, 16).ok()? };
        let body = match (kind, text) {
            ("hello", None) => Body::Hello,
            ("heard", None) => Body::Heard,
            ("said", Some(text)) if text.len() <= TEXT => {
                Body::Said { number: word()?.parse().ok()?, from: word()?, to: word()?, text }
            }
            ("end", None) => Body::End { number: word()?.parse().ok()? },
            _ => return None,
        };
        let is_sound = mine != 0 && ack.all <= u64::MAX / 2 && words.next().is_none();
        is_sound.then_some(Self { mine, yours, ack, body })
    }
}

fn hexadecimal(word: &str) -> Option<u64> {
    if word.len() == 16 { u64::from_str_radix(word, 16).ok() } else { None }
}
