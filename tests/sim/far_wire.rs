//! Frames as the far side makes and takes them, written anew: the hub's own encoder would hide its own mistakes.

use parlor::hub::Framing;

use crate::chance::{Chance, digest};

/// One frame on the wire.
pub(crate) fn encode(framing: Framing, frame: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut wire = Vec::new();
    match framing {
        Framing::Lines { .. } => {
            wire.extend_from_slice(frame);
            wire.extend_from_slice(if chance.one_in(3) { b"\r\n" } else { b"\n" });
        }
        Framing::Length { .. } => {
            wire.extend_from_slice(&u32::try_from(frame.len()).expect("a short frame").to_be_bytes());
            wire.extend_from_slice(frame);
        }
        Framing::Fixed => {
            wire.extend_from_slice(frame);
            wire.resize(1024, 0);
        }
        Framing::Raw => wire.extend_from_slice(frame),
    }
    wire
}

/// The first frame of `wire` and how many bytes it takes, once it is whole.
pub(crate) fn first_frame(framing: Framing, wire: &[u8]) -> Option<(&[u8], usize)> {
    match framing {
        Framing::Lines { .. } => {
            let end = wire.iter().position(|&byte| byte == b'\n')?;
            Some((&wire[..end], end + 1))
        }
        Framing::Length { .. } => {
            let prefix: [u8; 4] = wire.get(..4)?.try_into().ok()?;
            let length = usize::try_from(u32::from_be_bytes(prefix)).ok()?;
            Some((wire.get(4..4 + length)?, 4 + length))
        }
        Framing::Fixed => {
            let frame = wire.get(..1024)?;
            let end = frame.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            Some((&frame[..end], 1024))
        }
        Framing::Raw => None,
    }
}

pub(crate) fn framing_named(name: &str, max: u32) -> Framing {
    match name {
        "lines" => Framing::Lines { max },
        "length" => Framing::Length { max },
        _ => Framing::Fixed,
    }
}

/// One piece of a long answer: nobody else's, and at no other place.
pub(crate) fn bulk_piece(tag: &str, number: u32, raw: bool) -> Vec<u8> {
    let mut piece = format!("b {tag} {number} ").into_bytes();
    let mut chance = Chance::new(digest(&piece));
    let more = chance.size(0, 60);
    if raw {
        let at = piece.len();
        piece.resize(at + more, 0);
        chance.fill(&mut piece[at..]);
    } else {
        piece.extend((0..more).map(|_| b'a' + u8::try_from(chance.between(0, 25)).expect("a letter")));
    }
    piece
}

/// What is said over a connection that was opened for a client.
pub(crate) fn call_line(tag: &str, number: u32) -> String {
    format!("x {tag} {number}")
}

/// What a peer that speaks first says.
pub(crate) fn greeting(tag: &str, number: u32) -> String {
    format!("g {tag} {number}")
}
