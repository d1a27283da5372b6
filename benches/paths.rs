//! The hot paths, counted in instructions by gungraun: figures that noise can't move. `benches/instructions` runs them and
//! compares.

#![allow(missing_docs, unused_qualifications, reason = "what the macros write has no documents and too many paths")]

mod stage;
mod world;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use parlor::hub::{Decoder, Framing, Service, Step};
use parlor::services::Echo;
use stage::{LINE, chat};
use world::World;

/// How often each path is walked; `benches/instructions` knows it too.
const TIMES: usize = 1000;

/// A world in which everything has grown to its size.
fn warm(service: impl Service, clients: usize, lines: usize) -> (World, Vec<u8>) {
    let (mut world, bytes) = (World::new(service, clients), LINE.repeat(lines));
    (0..100).for_each(|_| assert!(world.turn(&bytes) > 0));
    (world, bytes)
}

// The first client says so many lines in each turn.
#[library_benchmark]
#[bench::echo_turn(warm(Echo::new(false), 1, 1))]
#[bench::echo_turn_of_16(warm(Echo::new(false), 1, 16))]
#[bench::chat_turn_to_2(warm(chat(), 2, 1))]
#[bench::chat_turn_to_102(warm(chat(), 102, 1))]
#[bench::chat_turn_of_64_to_102(warm(chat(), 102, 64))]
fn turns((mut world, bytes): (World, Vec<u8>)) -> World {
    for _ in 0..TIMES {
        black_box(world.turn(black_box(&bytes)));
    }
    world
}

#[library_benchmark]
#[bench::decode_64_kib_of_lines(LINE.repeat(1024), Decoder::new(Framing::LINES))]
fn decode(wire: Vec<u8>, mut decoder: Decoder) -> Vec<u8> {
    for _ in 0..TIMES {
        let mut rest = black_box(&wire[..]);
        while let Step::Frame(frame, used) = decoder.next(rest) {
            black_box(frame);
            rest = &rest[used..];
        }
        assert!(rest.is_empty());
    }
    wire
}

#[library_benchmark]
#[bench::encode_64_kib_of_lines(Vec::with_capacity(64 * 1024))]
fn encode(mut out: Vec<u8>) -> Vec<u8> {
    for _ in 0..TIMES {
        out.clear();
        for _ in 0..1024 {
            Framing::LINES.encode(black_box(&LINE[..63]), &mut out);
        }
    }
    assert_eq!(out.len(), 64 * 1024);
    out
}

library_benchmark_group!(name = paths, benchmarks = [turns, decode, encode]);

main!(library_benchmark_groups = paths);
