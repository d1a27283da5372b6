//! Nothing that was receipted is lost, whenever the server is killed.
//!
//! Eight programs speak in three rooms while the server is killed and started again, time after time: 8 times in the
//! short version, 200 times in the long one, `tests/long.sh crash`, some minutes.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/crowd.rs"]
mod crowd;
#[path = "../support/mod.rs"]
mod support;

mod program;
mod takeover;
mod world;

use rustix::process::Signal;

use crowd::{Crowd, Dice, long};
use support::Start;
use world::World;

/// How a life of the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Asked,
}

fn live_through(sync: &str, kills: usize, seed: u64) {
    println!("seed {seed}, {kills} kills, --sync {sync}");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut dice = Dice(seed);
    let mut crowd = Crowd::new();
    let mut world = World::new();
    for life in 0..=kills {
        let start = Start::serve(&["--data", data, "--sync", sync, "--flood", "off"]);
        let server = start.listen("chat=127.0.0.1:0").listen("chat+length=127.0.0.1:0").go();
        world.come(&mut crowd, [server.place(0), server.place(1)]);
        if life == kills {
            world.finish(&mut crowd);
            world.check_resumed(&mut crowd, server.place(0));
            world.check_export(data); // beside a running server
            assert_eq!(server.stop().code(), 0);
            world.check_export(data);
            break;
        }
        let end = if life % 4 == 3 { End::Asked } else { End::Killed };
        // Some lives end before everybody is back, some in the middle of the talk.
        let lines = if dice.below(4) == 0 { dice.below(40) } else { dice.below(4000) };
        world.listen(&mut crowd, lines);
        match end {
            End::Killed => server.signal(Signal::KILL),
            End::Asked => server.signal(Signal::TERM),
        }
        world.lose_server(&mut crowd);
        if end == End::Asked {
            assert_eq!(server.wait().code(), 0, "asked to stop, it stops in order");
        }
    }
    println!("{world}");
}

#[test]
fn what_was_receipted_survives_kill_9() {
    live_through("second", if long() { 200 } else { 8 }, 0x5EED_0001);
}

#[test]
fn what_was_receipted_survives_kill_9_when_everything_is_synced() {
    live_through("always", if long() { 50 } else { 8 }, 0x5EED_0002);
}
