//! The door: how many come from one address, who is kept out for a while, and who hoards. With made-up addresses, in
//! a hub without sockets.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use parlor::hub::{Act, Address, ConnId, Cx, Framing, Hub, Limits, ListenerId, Moment, Profile, Reason, Service, Wall};
use parlor::net::{AddressRules, Doorkeeper, PerAddress};

/// Says nothing, unless it is asked for a heap, by one for itself or for everybody.
#[derive(Default)]
struct Quiet {
    everybody: Vec<ConnId>,
}

impl Service for Quiet {
    fn opened(&mut self, _: &mut Cx<'_>, id: ConnId) {
        self.everybody.push(id);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let words = std::str::from_utf8(frame).unwrap();
        if let Some(size) = words.strip_prefix("all ") {
            let heap = Rc::new(vec![b'x'; size.parse().unwrap()]);
            for &id in &self.everybody {
                let _ = cx.send_shared(id, &heap);
            }
        } else {
            let _ = cx.send(id, &vec![b'x'; words.parse().unwrap()]);
        }
    }
}

struct House {
    hub: Hub,
    door: Doorkeeper,
    listener: ListenerId,
    now: Moment,
    misdeeds: SyncSender<(IpAddr, Duration)>,
}

const SECOND: Duration = Duration::from_secs(1);

impl House {
    fn new(door: AddressRules) -> Self {
        Self::sparing(door, usize::MAX)
    }

    fn sparing(door: AddressRules, most: usize) -> Self {
        let (misdeeds, noted) = sync_channel(1024);
        let limits = Limits::default();
        let one = limits.output;
        let mut hub = Hub::new(limits.clone(), Box::new(|bytes: &mut [u8]| bytes.fill(0)));
        let service = hub.add(Quiet::default());
        let (framing, limits) = (Framing::LINES, Rc::new(limits));
        let profile = Profile { framing, silence: None, refuse_http: true, limits, address: Address::Pipe };
        let listener = hub.listen(service, profile);
        let door = Doorkeeper::new(10_000, 20_000).watchful(door, noted).sparing(most, one);
        Self { hub, door, listener, now: Moment::START + SECOND, misdeeds }
    }

    /// What a newcomer is told who is turned away, or their connection.
    fn comes(&mut self, from: &str) -> Result<ConnId, String> {
        let peer = Address::Tcp(SocketAddr::new(from.parse().unwrap(), 1234));
        self.hub.begin(self.now, Wall::from_millis(0));
        let (refused, inside) = (self.hub.tally().refused, self.hub.connections());
        let id =
            self.door.admit(&mut self.hub, inside, self.listener, peer, None, self.now).expect("few are being told");
        if self.hub.tally().refused == refused {
            return Ok(id);
        }
        let line = String::from_utf8(self.hub.output(id).to_vec()).unwrap();
        self.goes(id);
        Err(line.trim_end().to_owned())
    }

    fn goes(&mut self, id: ConnId) {
        self.hub.fail(id, Reason::Closed);
        self.settle();
    }

    /// Frees whoever goes; answers who closes.
    fn settle(&mut self) -> Vec<(ConnId, Act)> {
        let mut changed = Vec::new();
        self.hub.take_changed(&mut changed);
        changed.into_iter().map(|id| (id, self.hub.settle(id))).collect()
    }

    fn is_misdeed(&self, from: &str, weight: u64) {
        self.misdeeds.send((from.parse().unwrap(), Duration::from_secs(weight))).unwrap();
    }
}

fn counting(open: u32, new: u32) -> AddressRules {
    AddressRules {
        per_address: PerAddress { open: Some(open), new: Some(new) },
        count_loopback: false,
        penalties: true,
    }
}

#[test]
fn sixteen_from_one_address_and_a_place_is_free_when_one_goes() {
    let mut house = House::new(counting(16, 1000));
    let ids: Vec<ConnId> = (0..16).map(|_| house.comes("192.0.2.1").unwrap()).collect();
    let told = "! too-many-open: 16 connections are open from your address (per-address)";
    assert_eq!(house.comes("192.0.2.1").unwrap_err(), told);
    assert_eq!(house.comes("::ffff:192.0.2.1").unwrap_err(), told, "however it is written");
    house.comes("192.0.2.2").unwrap();
    house.goes(ids[3]);
    house.comes("192.0.2.1").unwrap();
    assert_eq!(house.comes("192.0.2.1").unwrap_err(), told);
}

#[test]
fn a_network_of_ipv6_is_one_address() {
    let mut house = House::new(counting(2, 1000));
    house.comes("2001:db8:1:2::1").unwrap();
    house.comes("2001:db8:1:2:3::1").unwrap();
    house.comes("2001:db8:1:2:ffff::1").unwrap_err();
    house.comes("2001:db8:1:3::1").unwrap();
}

#[test]
fn thirty_two_new_ones_in_ten_minutes() {
    let mut house = House::new(counting(16, 32));
    for _ in 0..32 {
        let id = house.comes("192.0.2.1").unwrap();
        house.goes(id);
    }
    let told = "! too-many-came: 32 connections came from your address in ten minutes (new-per-address)";
    assert_eq!(house.comes("192.0.2.1").unwrap_err(), told);
    house.comes("192.0.2.2").unwrap();
    house.now = house.now + Duration::from_secs(599);
    house.comes("192.0.2.1").unwrap_err();
    house.now = house.now + SECOND;
    house.comes("192.0.2.1").unwrap();
}

#[test]
fn loopback_and_unix_sockets_are_not_counted_unless_that_is_wanted() {
    let mut house = House::new(counting(1, 1));
    for _ in 0..100 {
        house.comes("127.0.0.1").unwrap();
        house.comes("::1").unwrap();
    }
    let mut house = House::new(AddressRules { count_loopback: true, ..counting(1, 1) });
    house.comes("127.0.0.1").unwrap();
    house.comes("127.0.0.1").unwrap_err();
    house.comes("127.0.0.2").unwrap();
}

#[test]
fn both_counts_can_be_switched_off() {
    let mut house = House::new(AddressRules::default());
    for _ in 0..1000 {
        house.comes("192.0.2.1").unwrap();
    }
}

#[test]
fn penalties_add_up_keep_out_for_their_time_and_end() {
    let mut house = House::new(counting(1000, 1000));
    // Below fifteen seconds nobody is kept out.
    house.is_misdeed("192.0.2.1", 5);
    house.is_misdeed("192.0.2.1", 5);
    house.comes("192.0.2.1").unwrap();
    house.is_misdeed("192.0.2.1", 5);
    let told = "! penalty: too much went wrong from your address; come again in 16 s (penalties)";
    assert_eq!(house.comes("192.0.2.1").unwrap_err(), told);
    house.comes("192.0.2.2").unwrap();
    // Once kept out, for all of the time.
    house.now = house.now + Duration::from_secs(14);
    house.comes("192.0.2.1").unwrap_err();
    house.now = house.now + SECOND;
    house.comes("192.0.2.1").unwrap();
    // Served is served: it begins anew.
    house.is_misdeed("192.0.2.1", 10);
    house.comes("192.0.2.1").unwrap();
    // And never more than ten minutes.
    for _ in 0..200 {
        house.is_misdeed("192.0.2.1", 10);
    }
    house.comes("192.0.2.1").unwrap_err();
    house.now = house.now + Duration::from_secs(599);
    house.comes("192.0.2.1").unwrap_err();
    house.now = house.now + 2 * SECOND;
    house.comes("192.0.2.1").unwrap();
}

#[test]
fn penalties_can_be_switched_off_and_do_not_count_on_this_machine() {
    let mut house = House::new(AddressRules { penalties: false, ..counting(1000, 1000) });
    house.is_misdeed("192.0.2.1", 100);
    house.comes("192.0.2.1").unwrap();
    let mut house = House::new(counting(1000, 1000));
    house.is_misdeed("127.0.0.1", 100);
    house.comes("127.0.0.1").unwrap();
}

#[test]
fn a_hundred_thousand_addresses_are_not_all_remembered_and_nobody_is_refused_for_it() {
    let mut house = House::new(counting(16, 1));
    for number in 0..100_000_u32 {
        let address = IpAddr::V4((0x0A00_0000 + number).into());
        let id = house.comes(&address.to_string()).unwrap();
        house.goes(id);
    }
    house.comes("10.1.134.159").unwrap_err();
    house.comes("10.0.0.0").unwrap();
}

#[test]
fn so_many_addresses_with_penalties_that_all_matter_are_not_all_remembered_either() {
    let mut house = House::new(counting(16, 1000));
    let address = |number: u32| IpAddr::V4((0x0A00_0000 + number).into()).to_string();
    for number in 0..66_000 {
        house.is_misdeed(&address(number), 600);
        if number % 1000 == 999 {
            // Whoever comes has the door hear of them.
            house.comes("192.0.2.1").map(|id| house.goes(id)).unwrap();
        }
    }
    house.comes(&address(65_999)).unwrap_err();
    house.comes(&address(0)).unwrap();
}

#[test]
fn the_largest_go_first_once_all_together_hoard_too_much() {
    const MIB: usize = 1024 * 1024;
    let mut house = House::sparing(AddressRules::default(), MIB);
    let sizes = [100_000, 500_000, 200_000, 400_000, 50_000];
    let ids = sizes.map(|_| house.comes("192.0.2.1").unwrap());
    house.now = house.now + SECOND;
    for (id, size) in ids.into_iter().zip(sizes) {
        house.hub.receive(id, format!("{size}\n").as_bytes());
    }
    house.door.relieve(&mut house.hub, house.now);
    house.hub.turn_end();
    let waiting = ids.map(|id| house.hub.output(id).len());
    let told = "! slow: too much waited to be read here; what is missing was dropped; goodbye\n";
    assert_eq!(waiting, [100_001, told.len(), 200_001, 262_144, 50_001], "a turn writes 256 KiB at most");
    assert_eq!(house.hub.output(ids[1]), told.as_bytes());
    // Below the bound nobody goes, and it is not looked at again at once.
    house.now = house.now + SECOND;
    house.door.relieve(&mut house.hub, house.now);
    assert_eq!(house.hub.hoarded().0, 750_004 + told.len());
}

#[test]
fn whoever_hoards_while_going_goes_without_last_words() {
    let mut house = House::sparing(AddressRules::default(), 1000);
    let id = house.comes("192.0.2.1").unwrap();
    house.now = house.now + SECOND;
    house.hub.receive(id, b"5000\n");
    // A part was written: what belongs to that line still goes out, and is more than all may hoard.
    house.hub.output(id);
    house.hub.wrote(id, 100);
    house.door.relieve(&mut house.hub, house.now);
    assert_eq!(house.hub.hoarded().0, 0);
    assert_eq!(house.settle(), [(id, Act::Free)]);
}

#[test]
fn what_is_shared_is_hoarded_once_however_many_wait_for_it() {
    let mut house = House::sparing(AddressRules::default(), 30_000);
    let ids: Vec<ConnId> = (0..10).map(|_| house.comes("192.0.2.1").unwrap()).collect();
    house.now = house.now + SECOND;
    house.hub.receive(ids[0], b"all 10000\n");
    assert_eq!(house.hub.hoarded().0, 10_000);
    house.door.relieve(&mut house.hub, house.now);
    assert!(
        ids.iter().all(|&id| house.hub.output(id).len() == 10_000),
        "ten that wait for the same cost as much as one"
    );
    // Whoever has begun to read it needs it as long as the others do.
    house.hub.wrote(ids[1], 6_000);
    assert_eq!(house.hub.hoarded().0, 10_000);
    // Behind something else it is copied, and then it is theirs alone.
    house.hub.receive(ids[2], b"20000\n");
    house.hub.receive(ids[3], b"15000\n");
    assert_eq!(house.hub.hoarded().0, 10_000 + 30_001 + 25_001);
    house.now = house.now + SECOND;
    house.door.relieve(&mut house.hub, house.now);
    let given_up: Vec<&ConnId> = ids.iter().filter(|&&id| house.hub.output(id).starts_with(b"! slow")).collect();
    assert_eq!(given_up, [&ids[2], &ids[3]], "the largest of their own go");
}
