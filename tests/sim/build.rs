//! A world out of a seed: its weather, its limits, its services and who comes to them.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{Address, Framing, Hub, Limits, Profile, Service, ServiceId};
use parlor::services::{Echo, Upper};

use crate::chance::Chance;
use crate::client::Client;
use crate::desk::Desk;
use crate::kernel::{Kind, MICRO, MILLI, SECOND, Weather};
use crate::porter::Porter;
use crate::relay::Relay;
use crate::room::Room;
use crate::script::{self, Behind, Gate};
use crate::watch::Watch;
use crate::works::Works;

/// A service without a part in the play: through it the world asks the hub.
#[derive(Debug)]
pub(crate) struct Probe;

impl Service for Probe {
    fn frame(&mut self, _cx: &mut parlor::hub::Cx<'_>, _id: parlor::hub::ConnId, _frame: &[u8]) {}
}

/// What is common to the limits of one world.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) base: Limits,
    /// Much can be read, and answered, at once.
    pub(crate) wide: bool,
    /// No output mark of this world is lower.
    pub(crate) lowest: usize,
    pub(crate) room: Limits,
}

pub(crate) fn weather(chance: &mut Chance) -> Weather {
    let pace = *chance.pick(&[50 * MICRO, 500 * MICRO, 5 * MILLI]);
    if chance.one_in(4) {
        return Weather { interrupted: 0, partial: 0, no_room: 0, late: 0, twice: 0, pace };
    }
    Weather {
        interrupted: chance.between(8, 40),
        partial: chance.between(2, 8),
        no_room: chance.between(8, 60),
        late: chance.between(5, 100),
        twice: chance.between(5, 100),
        pace,
    }
}

/// Small, so that the marks are reached; but for members of the room, nobody who behaves comes to a maximum.
pub(crate) fn bounds(chance: &mut Chance) -> Bounds {
    let wide = chance.one_in(25);
    let high = if wide { *chance.pick(&[20_000, 400_000]) } else { chance.size(40, 1500) };
    let low = chance.size(0, high / 2);
    let unread = if wide { chance.size(10_000, 100_000) } else { chance.size(1, 700) };
    // What one read brings, and what may be asked for at once, must fit behind what waits already.
    let lag = high + unread + 8_000;
    let base = Limits {
        unread,
        high,
        low,
        lag,
        lag_for: Duration::from_secs(40),
        output: lag + 30_000,
        stall: Duration::from_secs(chance.between(50, 90)),
        farewell: Duration::from_secs(120),
        linger: Duration::from_secs(chance.between(2, 10)),
        linger_bytes: chance.size(4_000, 64_000),
    };
    let room = base.clone();
    Bounds { base, wide, lowest: low, room }
}

impl Bounds {
    /// For connections that services ask for. Some take longer to stand than output may lag behind.
    pub(super) fn of_the_asked(&self) -> Limits {
        Limits { lag: self.base.high + self.base.unread + 800, lag_for: Duration::from_secs(8), ..self.base.clone() }
    }

    /// Others that keep the same promises.
    pub(super) fn others(&mut self, chance: &mut Chance) -> Vec<Rc<Limits>> {
        let mut others = vec![Rc::new(self.base.clone())];
        for _ in 0..2 {
            let high = chance.size(40, self.base.high);
            let low = chance.size(0, high / 2);
            self.lowest = self.lowest.min(low);
            let unread = chance.size(1, self.base.unread);
            others.push(Rc::new(Limits { unread, high, low, ..self.base.clone() }));
        }
        others
    }

    /// The room's members may be too slow for it.
    fn set_room(&mut self, chance: &mut Chance) {
        let high = chance.size(100, 400);
        let low = chance.size(0, high / 2);
        self.lowest = self.lowest.min(low);
        let lag = high + chance.size(50, 400);
        let lag_for = Duration::from_millis(chance.between(500, 20_000));
        self.room = Limits { high, low, lag, lag_for, output: lag + chance.size(200, 2000), ..self.base.clone() };
    }
}

fn framing(chance: &mut Chance) -> Framing {
    let max = u32::try_from(chance.size(100, 400)).expect("little");
    match chance.size(0, 3) {
        0 | 1 => Framing::Lines { max },
        2 => Framing::Length { max },
        _ => Framing::Fixed,
    }
}

/// Adds the services, each with a listener; the room has two.
pub(super) fn gates(
    hub: &mut Hub,
    desk: &Desk,
    bounds: &mut Bounds,
    chance: &mut Chance,
) -> (Vec<Gate>, ServiceId, ServiceId) {
    let others = bounds.others(chance);
    let kinds = [*chance.pick(&[Kind::Tcp, Kind::Unix]), Kind::Pipe, Kind::Tcp].to_vec();
    let works = hub.add(Watch::new(Works::new(desk, others), desk, true));
    let porter = hub.add(Watch::new(Porter::new(desk), desk, true));
    let services = [
        (Behind::Works, works),
        (Behind::Echo, hub.add(Watch::new(Echo::new(false), desk, false))),
        (Behind::StampedEcho, hub.add(Watch::new(Echo::new(true), desk, false))),
        (Behind::Upper, hub.add(Watch::new(Upper::default(), desk, false))),
        (Behind::Porter, porter),
        (Behind::Relay, hub.add(Watch::new(Relay::new(desk, kinds), desk, true))),
    ];
    let room = hub.add(Watch::new(Room::new(desk, chance.one_in(2)), desk, true));
    let mut gates = Vec::new();
    for (behind, service) in services {
        let framing = if behind == Behind::Relay { Framing::Raw } else { framing(chance) };
        let mut limits = bounds.base.clone();
        if behind == Behind::Relay {
            limits.unread = limits.unread.max(30);
        }
        gates.push(gate(hub, service, behind, framing, limits, bounds.wide, chance));
    }
    bounds.set_room(chance);
    for framing in [Framing::LINES, Framing::LENGTH] {
        gates.push(gate(hub, room, Behind::Room, framing, bounds.room.clone(), false, chance));
    }
    (gates, works, porter)
}

fn gate(
    hub: &mut Hub,
    service: ServiceId,
    behind: Behind,
    framing: Framing,
    limits: Limits,
    wide: bool,
    chance: &mut Chance,
) -> Gate {
    let silence = chance.one_in(4).then(|| u32::try_from(chance.between(30, 60)).expect("little"));
    let refuses_http = chance.one_in(2) && behind != Behind::Porter && matches!(framing, Framing::Lines { .. });
    let profile = Profile {
        framing,
        silence: silence.map(|seconds| Duration::from_secs(seconds.into())),
        refuse_http: refuses_http,
        limits: Rc::new(limits),
        address: Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))),
    };
    let listener = hub.listen(service, profile);
    let kind = *chance.pick(&[Kind::Tcp, Kind::Unix]);
    Gate { listener, behind, kind, framing, refuses_http, silence, wide }
}

/// Those who will come, and when.
pub(super) fn clients(gates: &[Gate], chance: &mut Chance) -> Vec<(u64, Client)> {
    let count = chance.size(1, 12);
    // Now and then all meet in the room.
    let meet = chance.one_in(5);
    let within = *chance.pick(&[0, 20 * MILLI, 2 * SECOND]);
    (1..=count)
        .map(|number| {
            let number = u32::try_from(number).expect("a dozen");
            let gate = match chance.size(0, 9) {
                _ if meet => gates.len() - 1 - chance.size(0, 1),
                0..=4 => 0,
                _ => chance.size(1, gates.len() - 1),
            };
            let script = script::write(&gates[gate], number, chance);
            (chance.between(0, within), Client::new(number, gate, script, chance.fork()))
        })
        .collect()
}
