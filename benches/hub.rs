//! The hub alone: what a turn costs without sockets, without the kernel. The order of calls is the loop's.

mod stage;
mod world;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parlor::hub::{ConnId, Cx, Framing, Moment, Service, Timers};
use parlor::log::{Log, Record, Settings, SyncMode};
use parlor::services::Echo;
use stage::{LINE, chat};
use world::World;

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

/// The chat itself: parsed, carried out, encoded once, put into every outbox.
fn chat_fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chat-fan-out");
    for (members, lines) in [(100, 1), (100, 64), (1000, 1)] {
        let bytes = LINE.repeat(lines);
        let mut world = World::new(chat(), members);
        assert!(world.turn(&bytes) > (members - 1) * bytes.len());
        group.throughput(Throughput::Elements((members * lines) as u64));
        group.bench_function(BenchmarkId::new(format!("members-{members}-lines"), lines), |bencher| {
            bencher.iter(|| world.turn(black_box(&bytes)));
        });
    }
    group.finish();
}

fn log_append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("log-append");
    for records in [1, 64] {
        let folder = tempfile::tempdir().expect("there is room for a history");
        let settings = Settings { sync: SyncMode::Never, ..Settings::default() };
        let (mut log, _) = Log::open(folder.path(), settings, 1, &mut |_| ()).expect("it opens");
        let record = Record {
            room: "lobby",
            seq: 0,
            at: 1,
            action: false,
            from: "alice",
            session: [1; 16],
            id: "",
            text: "a line of chat, as long as lines of chat are: sixty-four bytes.",
        };
        group.throughput(Throughput::Elements(records));
        group.bench_function(BenchmarkId::new("records-per-commit", records), |bencher| {
            bencher.iter(|| {
                for _ in 0..records {
                    log.push(black_box(&record));
                }
                let committed = log.commit().expect("the disk takes it");
                while let Some(chore) = log.chores(1) {
                    log.chore_done(chore());
                }
                committed
            });
        });
    }
    group.finish();
}

fn timers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers");
    for slots in [100_u32, 10_000] {
        let mut timers = Timers::default();
        let mut now = Moment::START;
        for slot in 0..slots {
            timers.set(slot, now + Duration::from_micros(slot.into()));
        }
        // One fires and is set anew, behind all others.
        group.bench_function(BenchmarkId::new("fire-and-set-among", slots), |bencher| {
            bencher.iter(|| {
                now = timers.first().expect("all have a deadline");
                let slot = timers.expired(now).expect("it has passed");
                timers.set(slot, now + Duration::from_micros(slots.into()));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, echo, fan_out, chat_fan_out, log_append, timers);
criterion_main!(benches);
