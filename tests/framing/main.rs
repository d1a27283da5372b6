//! Bytes to frames and back: the same frames however the network cuts them, through [`Decoder`] alone and through a
//! whole [`Hub`].
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod cost;
mod cuts;
mod encode;
mod random;
mod streams;

use std::rc::Rc;

use parlor::hub::{Address, ConnId, Cx, Decoder, Fault, Framing, Hub, Limits, Moment, Profile, Service, Step, Wall};

/// What came out of a stream, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    Frame(Vec<u8>),
    /// A raw stretch, however many pieces it came in.
    Raw(Vec<u8>),
    Fault(Fault),
    /// The end, after everything else.
    Ended,
}

/// What a frame asks of the connection that it came on, so that a stream can change its own framing.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Framing(Framing),
    Raw(u64),
}

fn wish(frame: &[u8]) -> Option<Wish> {
    match frame {
        b"=lines" => Some(Wish::Framing(Framing::Lines { max: 8 })),
        b"=length" => Some(Wish::Framing(Framing::Length { max: 8 })),
        b"=fixed" => Some(Wish::Framing(Framing::Fixed)),
        b"=raw" => Some(Wish::Framing(Framing::Raw)),
        [b'+', count @ ..] => std::str::from_utf8(count).ok()?.parse().ok().map(Wish::Raw),
        _ => None,
    }
}

fn hear_chunk(heard: &mut Vec<Heard>, piece: &[u8]) {
    assert!(!piece.is_empty(), "a chunk always holds something");
    match heard.last_mut() {
        Some(Heard::Raw(bytes)) => bytes.extend_from_slice(piece),
        _ => heard.push(Heard::Raw(piece.to_vec())),
    }
}

/// Shows a decoder the pieces one after the other, and then the end.
pub(crate) fn through_decoder(framing: Framing, pieces: &[&[u8]]) -> Vec<Heard> {
    let (mut decoder, mut unread, mut heard) = (Decoder::new(framing), Vec::new(), Vec::new());
    for piece in pieces {
        unread.extend_from_slice(piece);
        let used = take_frames(&mut decoder, &unread, &mut heard);
        if matches!(heard.last(), Some(Heard::Fault(_))) {
            return heard;
        }
        unread.drain(..used);
    }
    match decoder.finish(&unread) {
        Step::Frame(frame, used) => {
            assert_eq!(used, unread.len(), "the last line uses up what is left");
            heard.extend([Heard::Frame(frame.to_vec()), Heard::Ended]);
        }
        Step::Broken(fault) => heard.push(Heard::Fault(fault)),
        Step::More => heard.push(Heard::Ended),
        Step::Chunk(_) => panic!("a raw stretch is never left over"),
    }
    heard
}

fn take_frames(decoder: &mut Decoder, bytes: &[u8], heard: &mut Vec<Heard>) -> usize {
    let mut used = 0;
    loop {
        match decoder.next(&bytes[used..]) {
            Step::Frame(frame, size) => {
                heard.push(Heard::Frame(frame.to_vec()));
                used += size;
                match wish(frame) {
                    Some(Wish::Framing(framing)) => decoder.set_framing(framing),
                    Some(Wish::Raw(count)) => decoder.set_raw(count),
                    None => {}
                }
            }
            Step::Chunk(piece) => {
                hear_chunk(heard, piece);
                used += piece.len();
            }
            Step::More => return used,
            Step::Broken(fault) => {
                heard.push(Heard::Fault(fault));
                return used;
            }
        }
    }
}

/// Writes down what it hears.
#[derive(Debug, Default)]
struct Recorder {
    heard: Vec<Heard>,
}

impl Service for Recorder {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        self.heard.push(Heard::Frame(frame.to_vec()));
        match wish(frame) {
            Some(Wish::Framing(framing)) => cx.set_framing(id, framing),
            Some(Wish::Raw(count)) => cx.set_raw(id, count),
            None => {}
        }
    }

    fn chunk(&mut self, _cx: &mut Cx<'_>, _id: ConnId, bytes: &[u8]) {
        hear_chunk(&mut self.heard, bytes);
    }

    fn fault(&mut self, _cx: &mut Cx<'_>, _id: ConnId, fault: Fault) {
        self.heard.push(Heard::Fault(fault));
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.heard.push(Heard::Ended);
        cx.close(id);
    }
}

/// Sends the pieces to a hub's only connection, one a turn, and then the end.
pub(crate) fn through_hub(framing: Framing, pieces: &[&[u8]]) -> Vec<Heard> {
    let mut hub = Hub::new(Limits::default(), Box::new(|_| {}));
    let service = hub.add(Recorder::default());
    let limits = Rc::new(Limits::default());
    let profile = Profile { framing, silence: None, refuse_http: true, limits, address: Address::Pipe };
    let listener = hub.listen(service, profile);
    let id = hub.accepted(listener, Address::Pipe, None);
    for &piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() && (hub.intake(id) > 0 || hub.is_busy()) {
            hub.begin(Moment::START, Wall::from_millis(0));
            hub.frame_buffered();
            let room = hub.intake(id).min(rest.len());
            hub.receive(id, &rest[..room]);
            rest = &rest[room..];
            flush(&mut hub);
        }
    }
    for _ in 0..8 {
        hub.begin(Moment::START, Wall::from_millis(0));
        hub.frame_buffered();
        if hub.intake(id) > 0 {
            hub.input_over(id);
        }
        flush(&mut hub);
    }
    assert!(hub.is_empty(), "the end, or a fault, was the connection's end");
    hub.service::<Recorder>(service).unwrap().heard.clone()
}

/// Takes all output, and frees what has come to its end.
fn flush(hub: &mut Hub) {
    let mut ids = Vec::new();
    hub.take_dirty(&mut ids);
    for id in ids.drain(..) {
        let count = hub.output(id).len();
        hub.wrote(id, count);
    }
    hub.take_changed(&mut ids);
    for id in ids {
        let _ = hub.settle(id);
    }
}
