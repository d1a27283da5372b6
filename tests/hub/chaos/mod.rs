//! Histories at random: a service that asks for anything at any time, and a loop with streams that do anything at any
//! time. Whatever happens, the order of calls holds, nothing is forgotten, lost or told twice, and the loop can sleep.

mod restless;
mod world;

use restless::Restless;
use world::World;

/// The numbers that a seed gives (splitmix64).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(crate) fn size(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.size(from.len())]
    }
}

/// Names the seed of a history that failed.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the seed of this history is {}", self.0);
        }
    }
}

/// A number that somebody gave by hand.
fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `PARLOR_SEEDS=100000` plays that many; `PARLOR_SEED=7` plays the seventh alone.
fn histories(count: u64, switching: bool) {
    let seeds = match given("PARLOR_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..given("PARLOR_SEEDS").unwrap_or(count),
    };
    for seed in seeds {
        let _named = Named(seed);
        let mut world = World::new(seed, switching);
        (0..60).for_each(|_| world.step());
        world.finish();
    }
}

#[test]
fn whatever_happens_what_is_said_is_heard_in_order_and_everybody_is_closed_once() {
    histories(150, false);
}

#[test]
fn whatever_happens_while_framings_change_everybody_is_closed_once() {
    histories(150, true);
}
