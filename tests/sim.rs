//! A seeded world that drives the hub and the pump as the loop does, with streams, clients, peers, time and chance of
//! its own, and holds every promise against what happens.
//!
//! `PARLOR_SEEDS=100000 cargo test --release --test sim` plays more worlds, `PARLOR_SEED=17` plays one and shows the end
//! of its transcript when it fails.

#[path = "sim/book.rs"]
mod book;
#[path = "sim/build.rs"]
mod build;
#[path = "sim/calls.rs"]
mod calls;
#[path = "sim/chance.rs"]
mod chance;
#[path = "sim/checks.rs"]
mod checks;
#[path = "sim/chronicle.rs"]
mod chronicle;
#[path = "sim/client.rs"]
mod client;
#[path = "sim/desk.rs"]
mod desk;
#[path = "sim/driver.rs"]
mod driver;
#[path = "sim/far_side.rs"]
mod far_side;
#[path = "sim/far_wire.rs"]
mod far_wire;
#[path = "sim/kernel.rs"]
mod kernel;
#[path = "sim/model.rs"]
mod model;
#[path = "sim/peer.rs"]
mod peer;
#[path = "sim/porter.rs"]
mod porter;
#[path = "sim/relay.rs"]
mod relay;
#[path = "sim/room.rs"]
mod room;
#[path = "sim/sabotage.rs"]
mod sabotage;
#[path = "sim/script.rs"]
mod script;
#[path = "sim/scripts.rs"]
mod scripts;
#[path = "sim/stream.rs"]
mod stream;
#[path = "sim/watch.rs"]
mod watch;
#[path = "sim/works.rs"]
mod works;
#[path = "sim/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use chronicle::Chronicle;
use sabotage::Sabotage;
use world::{Report, World};

/// Plays the world of one seed. A panic is a failure like another.
fn play(seed: u64, sabotage: Sabotage, told: bool) -> Result<Report, String> {
    let chronicle = Rc::new(Chronicle::new(told));
    let played = panic::catch_unwind(AssertUnwindSafe(|| World::new(seed, sabotage, &chronicle).play()));
    let result = played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("of an unknown kind")))
    });
    result.map_err(|why| match chronicle.last_lines() {
        lines if lines.is_empty() => why,
        lines => format!("{why}\nthe last that happened:\n{}", lines.join("\n")),
    })
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// The first failure of several seeds, and what happened in all of them.
fn play_many(seeds: u64) -> Result<BTreeMap<&'static str, u64>, (u64, String)> {
    let next = AtomicU64::new(0);
    let counts = Mutex::new(BTreeMap::new());
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    match play(seed, Sabotage::None, false) {
                        Ok(report) => {
                            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                            for (what, count) in report.counts {
                                *counts.entry(what).or_default() += count;
                            }
                        }
                        Err(why) => {
                            next.store(seeds, Ordering::Relaxed);
                            failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((seed, why));
                        }
                    }
                }
            });
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => Ok(counts.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[test]
fn a_thousand_worlds_keep_every_promise() {
    if let Some(seed) = number_from("PARLOR_SEED") {
        if let Err(why) = play(seed, Sabotage::None, true) {
            panic!("seed {seed}: {why}");
        }
        return;
    }
    let seeds = number_from("PARLOR_SEEDS").unwrap_or(1000);
    match play_many(seeds) {
        Ok(counts) => println!("{counts:#?}"),
        Err((seed, why)) => panic!("seed {seed}: {why}\nagain: PARLOR_SEED={seed} cargo test --test sim"),
    }
}
