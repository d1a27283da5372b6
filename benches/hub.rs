//! The hub alone: what a turn costs without sockets, without the kernel. The order of calls is the loop's.

use std::hint::black_box;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parlor::hub::{Act, Address, ConnId, Cx, Framing, Hub, Limits, Moment, Profile, Service, Wall};
use parlor::services::Echo;

/// A line of 64 bytes on the wire.
const LINE: &[u8; 64] = b"a line of chat, as long as lines of chat are: sixty-four bytes.\n";

/// Drives a hub through turns in which streams take whatever they are given.
struct World {
    hub: Hub,
    clients: Vec<ConnId>,
    turns: u64,
    /// Lists taken from the hub, kept for their memory, as the pump keeps them.
    ids: Vec<ConnId>,
}

impl World {
    fn new(service: impl Service, clients: usize) -> Self {
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(7)));
        let service = hub.add(service);
        let profile = Profile {
            framing: Framing::LINES,
            silence: Some(Duration::from_secs(300)),
            refuse_http: true,
            limits: Rc::new(Limits::default()),
            address: Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 8888))),
        };
        let listener = hub.listen(service, profile);
        let peer = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 50_000)));
        let clients = (0..clients).map(|_| hub.accepted(listener, peer.clone(), None)).collect();
        Self { hub, clients, turns: 0, ids: Vec::new() }
    }

    /// The first client says something; answers how many bytes went out, to everybody together.
    fn turn(&mut self, bytes: &[u8]) -> usize {
        let (hub, id) = (&mut self.hub, self.clients[0]);
        self.turns += 1;
        hub.begin(Moment::from_nanos(self.turns * 1000), Wall::from_millis(self.turns));
        hub.frame_buffered();
        hub.take_woken(&mut self.ids);
        self.ids.clear();
        assert!(hub.intake(id) >= bytes.len(), "there is room for input");
        hub.receive(id, bytes);
        assert!(hub.intake(id) > 0, "there is room for more");
        hub.expire();
        hub.turn_end();
        let mut written = 0;
        hub.take_dirty(&mut self.ids);
        for id in self.ids.drain(..) {
            let count = black_box(hub.output(id)).len();
            hub.wrote(id, count);
            written += count;
        }
        hub.take_changed(&mut self.ids);
        for id in self.ids.drain(..) {
            assert_eq!(hub.settle(id), Act::Keep);
        }
        assert!(hub.take_requests().is_empty() && !hub.is_busy());
        written
    }
}

/// Everyone hears what anyone says: encoded once, put into every outbox.
#[derive(Default)]
struct Room {
    members: Vec<ConnId>,
    wire: Vec<u8>,
}

impl Service for Room {
    fn opened(&mut self, _: &mut Cx<'_>, id: ConnId) {
        self.members.push(id);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, _: ConnId, frame: &[u8]) {
        self.wire.clear();
        Framing::LINES.encode(frame, &mut self.wire);
        for &member in &self.members {
            let _ = cx.send_wire(member, &self.wire);
        }
    }
}

fn echo(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub-echo");
    for lines in [1, 64] {
        let bytes = LINE.repeat(lines);
        let mut world = World::new(Echo::new(false), 1);
        assert_eq!(world.turn(&bytes), bytes.len());
        group.throughput(Throughput::Elements(lines as u64));
        group.bench_function(BenchmarkId::new("lines-per-turn", lines), |bencher| {
            bencher.iter(|| world.turn(black_box(&bytes)));
        });
    }
    // Half a line, then the rest: the way through the buffer for input.
    let (front, back) = LINE.split_at(32);
    let mut world = World::new(Echo::new(false), 1);
    group.throughput(Throughput::Elements(1));
    group.bench_function("line-in-two-turns", |bencher| {
        bencher.iter(|| world.turn(black_box(front)) + world.turn(black_box(back)));
    });
    group.finish();
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hub-fan-out");
    for members in [100, 1000] {
        let mut world = World::new(Room::default(), members);
        assert_eq!(world.turn(LINE), members * LINE.len());
        group.throughput(Throughput::Elements(members as u64));
        group.bench_function(BenchmarkId::new("members", members), |bencher| {
            bencher.iter(|| world.turn(black_box(LINE)));
        });
    }
    group.finish();
}

criterion_group!(benches, echo, fan_out);
criterion_main!(benches);
