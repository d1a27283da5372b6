//! Bytes to frames and back.
//!
//! A [`Decoder`] is shown what has arrived and not been used yet. It never copies: a frame is a slice of what it was
//! shown. It never looks at a byte twice either: how far the search for a newline came is remembered, so that a line
//! that arrives byte by byte costs as much as one that arrives whole.

use memchr::memchr;

use super::limits::{FIXED_FRAME, LENGTH_FRAME, LINE};
use super::service::Fault;

/// How frames stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Ended by LF; a CR before it is taken off.
    Lines {
        /// The longest line, without its end.
        max: u32,
    },
    /// Four bytes, big-endian, then that many.
    Length {
        /// The longest frame, without its prefix.
        max: u32,
    },
    /// 1,024 bytes, padded with NUL.
    Fixed,
    /// No frames at all: every piece comes as a chunk.
    Raw,
}

impl Framing {
    /// Lines of the usual length.
    pub const LINES: Self = Self::Lines { max: LINE };
    /// Length-prefixed frames of the usual length.
    pub const LENGTH: Self = Self::Length { max: LENGTH_FRAME };

    /// Appends `frame` to `out` as it stands on the wire. The fixed framing cuts what is longer than one frame into
    /// several, between characters.
    #[inline]
    pub fn encode(self, frame: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Lines { .. } => {
                out.extend_from_slice(frame);
                out.push(b'\n');
            }
            Self::Length { .. } => {
                let length = u32::try_from(frame.len()).expect("no buffer here holds 4 GiB");
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(frame);
            }
            Self::Fixed => encode_fixed(frame, out),
            Self::Raw => out.extend_from_slice(frame),
        }
    }
}

impl Framing {
    /// The longest frame as it stands on the wire.
    #[must_use]
    pub const fn longest(self) -> usize {
        match self {
            Self::Lines { max } => max as usize + 2,
            Self::Length { max } => max as usize + 4,
            Self::Fixed => FIXED_FRAME,
            Self::Raw => 1,
        }
    }

    /// How many bytes the first frame of `wire` takes, at most all of them; at least one.
    pub(super) fn first_on_wire(self, wire: &[u8]) -> usize {
        let size = match self {
            Self::Lines { .. } => memchr(b'\n', wire).map(|end| end + 1),
            Self::Length { .. } => wire.split_first_chunk().map(|(prefix, _)| 4 + u32::from_be_bytes(*prefix) as usize),
            Self::Fixed => Some(FIXED_FRAME),
            Self::Raw => Some(1),
        };
        size.unwrap_or(wire.len()).clamp(1, wire.len().max(1))
    }
}

fn encode_fixed(mut rest: &[u8], out: &mut Vec<u8>) {
    loop {
        let (piece, after) = rest.split_at(cut(rest));
        out.extend_from_slice(piece);
        out.resize(out.len() + FIXED_FRAME - piece.len(), 0);
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

/// Where to cut for one fixed frame: before a character that would not fit whole. What is no UTF-8 is cut anywhere.
fn cut(rest: &[u8]) -> usize {
    if rest.len() <= FIXED_FRAME {
        return rest.len();
    }
    let starts_character = |&at: &usize| rest[at] & 0xC0 != 0x80;
    (FIXED_FRAME - 3..=FIXED_FRAME).rev().find(starts_character).unwrap_or(FIXED_FRAME)
}

/// What the decoder found at the front of the bytes it was shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A whole frame; so many bytes are used up with it.
    Frame(&'a [u8], usize),
    /// A piece of a raw stretch, used up whole.
    Chunk(&'a [u8]),
    /// Nothing yet: show it the same bytes again, with more behind them.
    More,
    /// This can't become a frame any more.
    Broken(Fault),
}

/// Finds frames in the input of one connection.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    /// Bytes of a raw stretch still to come.
    raw: u64,
    /// How many of the bytes shown last are known to hold no newline.
    scanned: usize,
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, raw: 0, scanned: 0 }
    }

    /// How frames stand now, raw stretches aside.
    #[must_use]
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// What follows the last frame is framed so.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
        self.scanned = 0;
    }

    /// The next `count` bytes are raw; after them the framing goes on as before.
    pub fn set_raw(&mut self, count: u64) {
        self.raw = count;
        self.scanned = 0;
    }

    /// Looks at `bytes`: all that has arrived behind the last frame.
    #[inline]
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        if bytes.is_empty() {
            return Step::More;
        }
        if self.raw > 0 {
            let piece = &bytes[..bytes.len().min(usize::try_from(self.raw).unwrap_or(usize::MAX))];
            self.raw -= piece.len() as u64;
            return Step::Chunk(piece);
        }
        match self.framing {
            Framing::Lines { max } => self.line(bytes, max as usize),
            Framing::Length { max } => match bytes.split_first_chunk() {
                None => Step::More,
                Some((prefix, _)) if u32::from_be_bytes(*prefix) > max => Step::Broken(Fault::TooLong { max }),
                Some((prefix, rest)) => {
                    let length = u32::from_be_bytes(*prefix) as usize;
                    rest.get(..length).map_or(Step::More, |frame| Step::Frame(frame, 4 + length))
                }
            },
            Framing::Fixed => match bytes.get(..FIXED_FRAME) {
                None => Step::More,
                Some(frame) => Step::Frame(without_padding(frame), FIXED_FRAME),
            },
            Framing::Raw => Step::Chunk(bytes),
        }
    }

    /// The input is over, and `bytes` are what is left of it: a line without its end counts, part of another frame
    /// is a fault.
    pub fn finish<'a>(&self, bytes: &'a [u8]) -> Step<'a> {
        match self.framing {
            _ if bytes.is_empty() => Step::More,
            Framing::Lines { max } => match without_cr(bytes) {
                line if line.len() > max as usize => Step::Broken(Fault::TooLong { max }),
                line => Step::Frame(line, bytes.len()),
            },
            _ => Step::Broken(Fault::Partial),
        }
    }

    #[inline]
    fn line<'a>(&mut self, bytes: &'a [u8], max: usize) -> Step<'a> {
        let too_long = Step::Broken(Fault::TooLong { max: u32::try_from(max).unwrap_or(u32::MAX) });
        let Some(found) = memchr(b'\n', &bytes[self.scanned..]) else {
            self.scanned = bytes.len();
            // One byte more than the longest line may still be the CR of its end.
            return if without_cr(bytes).len() > max { too_long } else { Step::More };
        };
        let end = self.scanned + found;
        self.scanned = 0;
        match without_cr(&bytes[..end]) {
            line if line.len() > max => too_long,
            line => Step::Frame(line, end + 1),
        }
    }
}

/// Most of a fixed frame is padding, so it is taken off in words.
fn without_padding(frame: &[u8]) -> &[u8] {
    let words = frame.rchunks_exact(8).take_while(|word| **word == [0; 8]).count();
    let rest = &frame[..frame.len() - 8 * words];
    &rest[..rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1)]
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Is this how a web browser's request begins (`METHOD TARGET HTTP/1.x`)? A web page must not be able to speak to a
/// line service through its visitor's browser, so the hub refuses a first frame of which the first line has this shape.
#[must_use]
pub fn is_http_request(frame: &[u8]) -> bool {
    let words: Vec<&[u8]> = frame.splitn(3, |&byte| byte == b' ').collect();
    matches!(words[..], [method @ [_, ..], [_, ..], [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9', rest @ ..]]
        if method.iter().all(u8::is_ascii_graphic) && matches!(rest, [] | [b'\r' | b'\n', ..]))
}

/// Is this how TLS begins: a record that holds a client's hello? No text begins so, and no length that anybody takes.
pub(super) fn is_tls_hello(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 3, 0..=4, _, _, 1, ..])
}
