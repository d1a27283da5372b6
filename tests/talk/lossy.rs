//! Delivery over a network that loses three of ten datagrams.

use std::net::SocketAddr;
use std::time::Instant;

use rustix::process::Signal;

use crate::network::{Network, Weather};
use crate::support::own_address;
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
    network.expect_bad(STORM);
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
fn d30_a_partner_who_begins_anew_in_the_middle_misses_nothing_that_the_first_had_not() {
    const LINES: usize = 2000;
    let ben_is_at = SocketAddr::from((own_address(), 8085));
    let people = |ann: SocketAddr| [("ben", ben_is_at.to_string()), ("ann", ann.to_string())];
    let start = |people: &[(&str, String); 2]| {
        let people = people.each_ref().map(|(name, at)| (*name, at.as_str()));
        Talker::start("ben", &people, &["--wait", "20"])
    };
    let network = Network::between(|_| ben_is_at, STORM, 17);
    let people = people(network.sides[1]);
    let first = start(&people);
    let side = network.sides[0].to_string();
    let mut ann = Talker::start("ann", &[("ann", "127.0.0.1:0"), ("ben", &side)], &["--wait", "20"]);
    ann.pour((0..LINES).map(|number| number.to_string()));
    let mut heard: Vec<String> = (0..LINES / 4).map(|_| first.shown()).collect();
    first.signal(Signal::TERM);
    let (ended, more) = first.wait();
    assert!(ended.success(), "{ended}");
    heard.extend(more);
    let mut second = start(&people);
    second.end();
    let (_, again) = second.wait();
    assert!(ann.wait().0.success());
    let number = |line: &String| line.strip_prefix("<ann?> ").expect("ann's").parse::<usize>().expect("a number");
    let (heard, again): (Vec<usize>, Vec<usize>) =
        (heard.iter().map(number).collect(), again.iter().map(number).collect());
    assert!(heard.len() < LINES, "it was over before anybody left");
    assert_eq!(heard, (0..heard.len()).collect::<Vec<_>>());
    // It goes on where the first one was, or with what ann can't know to have arrived.
    assert!(again[0] <= heard.len(), "between {} and {}", heard.len(), again[0]);
    assert_eq!(again, (again[0]..LINES).collect::<Vec<_>>());
    network.expect_bad(STORM);
}

#[test]
fn a16_forged_datagrams_from_the_partners_own_address_change_nothing() {
    const LINES: u32 = 500;
    let (mut ann, mut ben, network) = pair(STORM, 19, "20");
    ann.pour((0..LINES).map(|number| number.to_string()));
    ben.pour(std::iter::empty());
    // Who can forge a source, and does not hear what is sent there, has to guess one number of 2⁶⁴.
    for number in 0..LINES {
        let mine = format!("{:016x}", u64::from(number) + 1);
        for yours in ["0000000000000000", "00000000000000ff"] {
            network.forge(&format!("talk1 hello {mine} {yours} 0 0"));
            network.forge(&format!("talk1 said {mine} {yours} {number} ff {number} ann ben\nforged"));
            network.forge(&format!("talk1 heard {mine} {yours} {number} {}", "f".repeat(32)));
            network.forge(&format!("talk1 end {mine} {yours} 0 0 1"));
        }
    }
    let (ended, heard) = ben.wait();
    assert_eq!(heard, (0..LINES).map(|number| format!("<ann?> {number}")).collect::<Vec<_>>());
    assert!(ended.success() && ann.wait().0.success());
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
fn lines_that_cannot_arrive_are_told_after_ten_seconds_and_counted_at_the_end() {
    let (mut ann, ben, network) = pair(Weather { lost: 100, doubled: 0, late: 0 }, 13, "12");
    drop(ben);
    ann.say("one");
    ann.say("two");
    ann.end();
    // It waits for as long as it was told to.
    let log = ann.log.clone();
    let (ended, heard) = ann.wait();
    assert_eq!((ended.code(), heard.len()), (Some(1), 0));
    let lines = log.to_the_end();
    let missed =
        format!("- ! no-answer: nobody answers at {}; lines that are sent again and again: 2", network.sides[0]);
    assert_eq!(lines.iter().filter(|line| **line == missed).count(), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("lines that may not have arrived: 2")), "{lines:#?}");
}
