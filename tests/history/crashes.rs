//! Days full of crashes, against the model.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::model::Model;

fn days(seeds: std::ops::Range<u64>, steps: usize) {
    for seed in seeds {
        let day = catch_unwind(AssertUnwindSafe(|| {
            let mut model = Model::new(seed);
            (0..steps).for_each(|_| model.step());
        }));
        if let Err(panic) = day {
            eprintln!("seed {seed}");
            resume_unwind(panic);
        }
    }
}

#[test]
fn whatever_happens_what_was_seen_is_there_and_no_number_is_given_twice() {
    days(0..30, 300);
}

#[test]
#[ignore = "takes minutes"]
fn the_same_for_a_long_time() {
    days(1000..2000, 600);
}
