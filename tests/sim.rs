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
#[path = "sim/commands.rs"]
mod commands;
#[path = "sim/desk.rs"]
mod desk;
#[path = "sim/driver.rs"]
mod driver;
#[path = "sim/errands.rs"]
mod errands;
#[path = "sim/far_side.rs"]
mod far_side;
#[path = "sim/far_wire.rs"]
mod far_wire;
#[path = "sim/happenings.rs"]
mod happenings;
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
#[path = "sim/works_script.rs"]
mod works_script;
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

/// What must have happened in a thousand worlds, or they prove less than they seem to.
const HAPPENINGS: [&str; 43] = [
    "alarm",
    "chunk",
    "clients cut off",
    "clients refused",
    "clients served whole",
    "clients that close without reading",
    "clients that stop reading for a while",
    "clients that vanish",
    "clients that were reset",
    "closed: closed",
    "closed: ended",
    "closed: fault",
    "closed: lost",
    "closed: stalled",
    "closed: stopping",
    "closed: unreachable",
    "connections asked for",
    "connections that came to nothing",
    "done",
    "drained",
    "ended",
    "events for a slot's earlier owner",
    "events for no reason",
    "events for somebody who is gone",
    "failed writes",
    "fits: no",
    "frame",
    "holds",
    "http",
    "interrupted calls",
    "marks that cut a read short",
    "opened",
    "out of descriptors",
    "partial-frame",
    "resets",
    "sent: full",
    "sent: gone",
    "silent",
    "slow",
    "timer",
    "too-long",
    "worlds that were stopped",
    "writes that found no room",
];

#[test]
fn a_thousand_worlds_keep_every_promise() {
    if let Some(seed) = number_from("PARLOR_SEED") {
        if let Err(why) = play(seed, Sabotage::None, true) {
            panic!("seed {seed}: {why}");
        }
        return;
    }
    let seeds = number_from("PARLOR_SEEDS").unwrap_or(1000);
    let counts = match play_many(seeds) {
        Ok(counts) => counts,
        Err((seed, why)) => panic!("seed {seed}: {why}\nagain: PARLOR_SEED={seed} cargo test --test sim"),
    };
    println!("{seeds} worlds: {counts:#?}");
    let missing: Vec<_> = HAPPENINGS.iter().filter(|what| !counts.contains_key(*what)).collect();
    assert!(seeds < 1000 || missing.is_empty(), "in {seeds} worlds this never happened: {missing:?}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let mut hashes = Vec::new();
    for seed in 0..20 {
        let [first, second] = [(); 2].map(|()| play(seed, Sabotage::None, false).map(|report| report.hash));
        assert_eq!(first, second, "seed {seed}");
        hashes.push(first);
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 20, "another seed, another world");
}

/// Plays worlds with a mistake in them until one fails, as one must.
fn assert_found(mistake: Sabotage) {
    let found = (0..200).find_map(|seed| play(seed, mistake, false).err().map(|why| (seed, why)));
    let (seed, why) = found.unwrap_or_else(|| panic!("two hundred worlds with {mistake:?} seem well"));
    println!("{mistake:?}, seed {seed}: {}", why.lines().next().unwrap_or_default());
}

#[test]
fn a_byte_that_a_read_swallows_is_missed() {
    assert_found(Sabotage::SwallowedByte);
}

#[test]
fn a_byte_that_a_write_repeats_is_noticed() {
    assert_found(Sabotage::RepeatedByte);
}

#[test]
fn a_stream_that_calls_itself_dry_too_early_is_found_to_stall() {
    assert_found(Sabotage::LyingStream);
}

#[test]
fn an_event_that_does_not_tell_of_the_end_is_found_to_stall() {
    assert_found(Sabotage::HushedEnd);
}

#[test]
fn an_edge_that_nobody_tells_is_found_to_stall() {
    assert_found(Sabotage::LostEdge);
}

#[test]
fn a_driver_that_forgets_whom_the_hub_has_woken_is_found_out() {
    assert_found(Sabotage::LostWakening);
}

#[test]
fn a_driver_that_never_looks_at_deadlines_is_found_out() {
    assert_found(Sabotage::NoExpire);
}

#[test]
fn a_driver_that_forgets_the_end_of_a_turn_is_found_out() {
    assert_found(Sabotage::LostTurnEnd);
}

#[test]
fn a_driver_that_loses_a_jobs_answer_is_found_out() {
    assert_found(Sabotage::LostAnswer);
}

#[test]
fn a_service_that_answers_twice_is_found_out() {
    assert_found(Sabotage::DoubleAnswer);
}

#[test]
fn a_service_that_forgets_to_release_is_found_out() {
    assert_found(Sabotage::LostRelease);
}
