//! Delivery over a network that loses three of ten datagrams.

use std::time::Instant;

use crate::network::{Network, Weather};
use crate::talker::Talker;

const STORM: Weather = Weather { lost: 30, doubled: 5, late: 30 };

/// Ann and ben, with a network between them.
fn pair(weather: Weather, seed: u64, wait: &str) -> (Talker, Talker, Network) {
    // Ben is found through the network, and finds ann there: she has to speak first.
    let mut ben = None;
    let network = Network::between(
        |side| {
            let started =
                Talker::start("ben", &[("ben", "127.0.0.1:0"), ("ann", &side.to_string())], &["--wait", wait]);
            ben.insert(started).address
        },
        weather,
        seed,
    );
    let side = network.sides[0].to_string();
    let ann = Talker::start("ann", &[("ann", "127.0.0.1:0"), ("ben", &side)], &["--wait", wait]);
    (ann, ben.expect("started above"), network)
}

/// Both say so many lines at once, and read what the other says.
fn converse(lines: u32, seed: u64) {
    let start = Instant::now();
    let (mut ann, mut ben, network) = pair(STORM, seed, "20");
    ann.pour((0..lines).map(|number| format!("ann's line {number} ñ")));
    ben.pour((0..lines).map(|number| format!("ben's line {number} ü")));
    let (ann_ended, heard_by_ann) = ann.wait();
    let (ben_ended, heard_by_ben) = ben.wait();
    for (heard, name, letter) in [(heard_by_ann, "ben", 'ü'), (heard_by_ben, "ann", 'ñ')] {
        assert_eq!(heard.len(), lines as usize, "lines of {name}");
        for (number, line) in heard.into_iter().enumerate() {
            assert_eq!(line, format!("<{name}?> {name}'s line {number} {letter}"));
        }
    }
    assert!(ann_ended.success() && ben_ended.success(), "{ann_ended} {ben_ended}");
    println!("{lines} lines each way in {:.1} s, {} datagrams", start.elapsed().as_secs_f64(), network.carried());
}

#[test]
fn d30_with_three_of_ten_datagrams_lost_both_read_everything_in_order_and_nothing_twice() {
    for seed in 1..=2 {
        converse(1000, seed);
    }
}

#[test]
fn d30_ten_thousand_lines_each_way_over_a_lossy_network_arrive_in_order() {
    converse(10_000, 7);
}

#[test]
fn long_lines_arrive_whole() {
    let (mut ann, mut ben, _network) = pair(STORM, 11, "20");
    let line = |number: usize| format!("{number} {}", "x".repeat(4000 + number));
    ann.pour((0..90).map(line));
    ben.end();
    let (_, heard) = ben.wait();
    assert_eq!(heard, (0..90).map(|number| format!("<ann?> {}", line(number))).collect::<Vec<_>>());
    assert!(ann.wait().0.success());
}

#[test]
fn lines_that_cannot_arrive_are_counted_at_the_end() {
    let (mut ann, ben, _network) = pair(Weather { lost: 100, doubled: 0, late: 0 }, 13, "3");
    drop(ben);
    ann.say("one");
    ann.say("two");
    ann.end();
    // It waits for as long as it was told to.
    let log = ann.log.clone();
    let (ended, heard) = ann.wait();
    assert_eq!((ended.code(), heard.len()), (Some(1), 0));
    let lines = log.to_the_end();
    assert!(lines.iter().any(|line| line.contains("lines that may not have arrived: 2")), "{lines:#?}");
}
