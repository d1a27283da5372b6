//! What a room hears, as bytes: encoded once for each form and framing that somebody in it uses, not once for each
//! member. A member gets one piece of them a turn, cut only around what they said themselves.

use std::ops::Range;
use std::rc::Rc;

use super::batch::{Batch, Event, RoomEvents, What};
use super::language::{Form, Speech, When, write};
use crate::hub::{FIXED_FRAME, Framing, Wall};

/// A framing, as far as it matters to what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Lines,
    Length,
    Fixed,
}

impl From<Framing> for Shape {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Lines { .. } | Framing::Raw => Self::Lines,
            Framing::Length { .. } => Self::Length,
            Framing::Fixed => Self::Fixed,
        }
    }
}

/// A form and a framing together: members with the same one get the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Voicing {
    pub(super) form: Form,
    pub(super) shape: Shape,
}

impl Voicing {
    fn index(self) -> usize {
        self.shape as usize + if self.form == Form::Json { 3 } else { 0 }
    }

    /// Appends one thing to say as it stands on the wire.
    pub(super) fn write(self, speech: &Speech<'_>, out: &mut Vec<u8>, spare: &mut Vec<u8>) {
        if self.shape == Shape::Lines {
            write(self.form, speech, out);
            return out.push(b'\n');
        }
        spare.clear();
        write(self.form, speech, spare);
        if self.shape == Shape::Length {
            return Framing::LENGTH.encode(spare, out);
        }
        let start = out.len();
        Framing::Fixed.encode(spare, out);
        if is_continued(&out[start..]) {
            Framing::Fixed.encode(b"", out);
        }
    }
}

/// Would a reader of fixed frames take the next one for more of this line? A frame is continued when no character of
/// four bytes would have fitted any more. Without an empty frame behind a line that just fills its last one, somebody
/// could choose a text of which a piece passes for a line of its own.
fn is_continued(frames: &[u8]) -> bool {
    let last = &frames[frames.len().saturating_sub(FIXED_FRAME)..];
    last.len() == FIXED_FRAME && last[FIXED_FRAME - 4] != 0
}

/// One room's events as bytes, for every voicing in use.
#[derive(Debug, Default)]
pub(super) struct Wires {
    wires: [Wire; 6],
    spare: Vec<u8>,
}

/// One voicing's bytes, and where each event ends in them.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Also in the outboxes of those who hear all of it.
    bytes: Rc<Vec<u8>>,
    ends: Vec<u32>,
}

impl Wires {
    /// Forgets another room's events.
    pub(super) fn clear(&mut self) {
        for wire in &mut self.wires {
            if !wire.ends.is_empty() {
                match Rc::get_mut(&mut wire.bytes) {
                    Some(bytes) => bytes.clear(),
                    None => wire.bytes = Rc::default(), // somebody lags, and has not read it yet
                }
                wire.ends.clear();
            }
        }
    }

    /// A room's events in a voicing; encoded when first asked for.
    #[inline]
    pub(super) fn get(&mut self, voicing: Voicing, batch: &Batch, room: &RoomEvents, name: &str) -> &Wire {
        if self.wires[voicing.index()].ends.is_empty() {
            self.encode(voicing, batch, room, name);
        }
        &self.wires[voicing.index()]
    }

    #[cold]
    fn encode(&mut self, voicing: Voicing, batch: &Batch, room: &RoomEvents, name: &str) {
        let Wire { bytes, ends } = &mut self.wires[voicing.index()];
        let bytes = Rc::make_mut(bytes);
        for event in &room.events {
            if let Some(speech) = speech(batch, event, name) {
                voicing.write(&speech, bytes, &mut self.spare);
            }
            ends.push(u32::try_from(bytes.len()).expect("a turn's bytes are far below 4 GiB"));
        }
    }
}

impl Wire {
    /// The bytes of all events.
    pub(super) fn whole(&self) -> &Rc<Vec<u8>> {
        &self.bytes
    }

    /// The bytes of some events.
    pub(super) fn piece(&self, events: Range<u32>) -> &[u8] {
        let end_of = |count: u32| if count == 0 { 0 } else { self.ends[count as usize - 1] as usize };
        &self.bytes[end_of(events.start)..end_of(events.end)]
    }
}

fn speech<'a>(batch: &'a Batch, event: &Event, room: &'a str) -> Option<Speech<'a>> {
    let (from, text, at) = (batch.text(&event.from), batch.text(&event.text), batch.at.unwrap_or(Wall::from_millis(0)));
    Some(match event.what {
        What::Struck => return None,
        What::Said | What::Acted => Speech::Said {
            room,
            seq: (event.seq > 0).then_some(event.seq),
            at,
            from,
            text,
            action: event.what == What::Acted,
            when: When::Live,
            id: None,
        },
        What::Joined => Speech::Joined { room, from, at, back: false },
        What::Back => Speech::Joined { room, from, at, back: true },
        What::Left => Speech::Left { room, from, at, reason: text },
        What::Renamed => Speech::Renamed { room, from, at, to: text },
        What::Topic => Speech::Topic { room, from, at, text },
    })
}
