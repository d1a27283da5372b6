//! Timers against the plainest list of deadlines.

use std::collections::BTreeMap;

use parlor::hub::{Moment, Timers};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[derive(Debug, Clone)]
enum Use {
    Set(u32, Moment),
    /// Everything up to a moment.
    Expire(Moment),
    /// One of them.
    ExpireOne(Moment),
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![8 => (0..40u64).prop_map(Moment::from_nanos), 1 => Just(Moment::NEVER)]
}

fn one_use() -> impl Strategy<Value = Use> {
    prop_oneof![
        12 => (0..24u32, moment()).prop_map(|(slot, at)| Use::Set(slot, at)),
        1 => (0..20u64).prop_map(|nanos| Use::Expire(Moment::from_nanos(nanos))),
        2 => (0..40u64).prop_map(|nanos| Use::ExpireOne(Moment::from_nanos(nanos))),
    ]
}

/// Takes one slot out, as the plain list must allow it.
fn expire(timers: &mut Timers, plain: &mut BTreeMap<u32, Moment>, now: Moment) -> Option<u32> {
    let first = plain.values().copied().min();
    let slot = timers.expired(now);
    match slot {
        None => assert!(first.is_none_or(|at| at > now), "{first:?} has passed"),
        Some(slot) => assert_eq!(plain.remove(&slot), first, "the earliest goes first, and at {now:?} it is due"),
    }
    slot
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(4), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn timers_do_what_a_plain_list_of_deadlines_does(uses in prop::collection::vec(one_use(), 0..200)) {
        let (mut timers, mut plain) = (Timers::default(), BTreeMap::new());
        for one in uses {
            match one {
                Use::Set(slot, Moment::NEVER) => {
                    timers.set(slot, Moment::NEVER);
                    plain.remove(&slot);
                }
                Use::Set(slot, at) => {
                    timers.set(slot, at);
                    plain.insert(slot, at);
                }
                Use::Expire(now) => while expire(&mut timers, &mut plain, now).is_some() {},
                Use::ExpireOne(now) => {
                    expire(&mut timers, &mut plain, now);
                }
            }
            prop_assert_eq!(timers.first(), plain.values().copied().min());
            for slot in 0..26 {
                prop_assert_eq!(timers.of(slot), plain.get(&slot).copied().unwrap_or(Moment::NEVER));
            }
        }
        let mut order = Vec::new();
        while let Some(at) = timers.first() {
            order.push(at);
            prop_assert!(expire(&mut timers, &mut plain, Moment::NEVER).is_some());
        }
        prop_assert!(order.is_sorted() && plain.is_empty());
    }
}

#[test]
fn a_slot_has_one_deadline_however_often_it_is_set() {
    let mut timers = Timers::default();
    for nanos in (0..1000).rev().chain(0..1000) {
        timers.set(3, Moment::from_nanos(nanos));
    }
    assert_eq!(timers.of(3), Moment::from_nanos(999));
    assert_eq!(timers.expired(Moment::from_nanos(998)), None);
    assert_eq!(timers.expired(Moment::from_nanos(999)), Some(3));
    assert_eq!((timers.expired(Moment::NEVER), timers.first()), (None, None));
}

#[test]
fn a_slot_that_was_never_seen_has_no_deadline() {
    let mut timers = Timers::default();
    assert_eq!((timers.of(1_000_000), timers.first()), (Moment::NEVER, None));
    timers.set(1000, Moment::NEVER);
    assert_eq!((timers.of(1000), timers.first()), (Moment::NEVER, None));
}

/// The entry that fills the place of one that was taken out may belong above it: it comes from another branch.
#[test]
fn one_taken_out_is_replaced_by_one_that_may_be_due_before_those_above_it() {
    let mut timers = Timers::default();
    // In the order of the heap: whoever is set stays where it is put.
    let nanos = [1, 10, 2, 11, 12, 25, 3, 13, 14, 15, 16, 30, 31, 32, 4];
    for (slot, nanos) in (0..).zip(nanos) {
        timers.set(slot, Moment::from_nanos(nanos));
    }
    timers.set(7, Moment::NEVER);
    let order: Vec<u64> = std::iter::from_fn(|| {
        let due = timers.first()?;
        timers.expired(due).map(|slot| nanos[slot as usize])
    })
    .collect();
    assert_eq!(order, [1, 2, 3, 4, 10, 11, 12, 14, 15, 16, 25, 30, 31, 32]);
}
