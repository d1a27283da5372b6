//! Who is being served: eight bytes for each connection, since there may be ten thousand of them.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::hub::{ConnId, Moment};

/// A connection that is being served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    pub(super) service: &'static str,
    /// Since when, to the second.
    pub(super) since: Moment,
}

/// Bits of a seat that say which service; the others count seconds, for eight years.
const SERVICE_BITS: u32 = 4;

/// The same as it is kept, at its connection's place.
#[derive(Debug, Clone, Copy)]
struct Seat {
    /// Of the connection: who had the place before is somebody else.
    generation: NonZeroU32,
    since: u32,
}

impl Seat {
    fn id(self, slot: usize) -> ConnId {
        let bits = u64::from(self.generation.get()) << 32 | slot as u64;
        ConnId::from_bits(bits).expect("no generation is zero")
    }
}

/// All of them, each at the place that its connection has in the hub.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    seats: Vec<Option<Seat>>,
    names: Vec<&'static str>,
}

impl Attendance {
    pub(super) fn came(&mut self, id: ConnId, service: &'static str, now: Moment) {
        let place = self.names.iter().position(|&name| name == service).unwrap_or_else(|| {
            self.names.push(service);
            self.names.len() - 1
        });
        let service = u32::try_from(place).ok().filter(|&place| place < 1 << SERVICE_BITS);
        let service = service.expect("services are counted by hand");
        let seconds = u32::try_from((now - Moment::START).as_secs()).unwrap_or(u32::MAX).min(u32::MAX >> SERVICE_BITS);
        let generation = u32::try_from(id.to_bits() >> 32).ok().and_then(NonZeroU32::new);
        let generation = generation.expect("no generation is zero");
        if self.seats.len() <= id.slot() {
            self.seats.resize(id.slot() + 1, None);
        }
        self.seats[id.slot()] = Some(Seat { generation, since: seconds << SERVICE_BITS | service });
    }

    pub(super) fn went(&mut self, id: ConnId) {
        if self.get(id).is_some() {
            self.seats[id.slot()] = None;
        }
    }

    pub(super) fn get(&self, id: ConnId) -> Option<Present> {
        let seat = self.seats.get(id.slot())?.filter(|seat| seat.id(id.slot()) == id)?;
        Some(self.present(seat))
    }

    /// Everybody, in the order of their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConnId, Present)> {
        let taken = self.seats.iter().enumerate().filter_map(|(slot, seat)| Some((slot, (*seat)?)));
        taken.map(|(slot, seat)| (seat.id(slot), self.present(seat)))
    }

    fn present(&self, seat: Seat) -> Present {
        let service = self.names[(seat.since & ((1 << SERVICE_BITS) - 1)) as usize];
        Present { service, since: Moment::START + Duration::from_secs((seat.since >> SERVICE_BITS).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(slot: u64, generation: u64) -> ConnId {
        ConnId::from_bits(generation << 32 | slot).expect("generations begin with one")
    }

    #[test]
    fn whoever_went_is_not_there_and_a_newcomer_at_their_place_is() {
        let mut attendance = Attendance::default();
        let (old, new, other) = (id(3, 1), id(3, 2), id(0, 3));
        attendance.came(old, "chat", Moment::START + Duration::from_millis(2500));
        attendance.came(other, "echo", Moment::START);
        assert_eq!(attendance.get(old).map(|present| present.since), Some(Moment::START + Duration::from_secs(2)));
        attendance.came(new, "upper", Moment::START);
        attendance.went(old);
        assert!(attendance.get(old).is_none());
        let found: Vec<_> = attendance.iter().map(|(id, present)| (id, present.service)).collect();
        assert_eq!(found, [(other, "echo"), (new, "upper")]);
        attendance.went(new);
        assert_eq!(attendance.iter().count(), 1);
    }
}
