//! Numbers, acknowledgements and sending again, without a network: time is handed in.

use std::time::Duration;

use parlor::client::talk::outgoing::Outgoing;
use parlor::client::talk::peer::{Peer, Said};
use parlor::client::talk::wire::{Ack, Body, Datagram};
use parlor::hub::{ConnId, Moment};

/// Long after the clock began, as it is in a program that has run for a while.
const LATER: Moment = Moment::from_nanos(3_600_000_000_000);

fn at(milliseconds: u64) -> Moment {
    LATER + Duration::from_millis(milliseconds)
}

fn sent(outgoing: &mut Outgoing<u64>, now: Moment) -> Vec<u64> {
    let mut numbers = Vec::new();
    outgoing.send(now, |number, _| numbers.push(number));
    numbers
}

#[test]
fn d30_an_answer_that_was_late_and_not_lost_is_no_wrong_measure_of_the_way() {
    let mut talk = Outgoing::default();
    talk.push(1);
    assert_eq!(sent(&mut talk, at(0)), [1]);
    talk.arrived(Ack { all: 1, some: 0 }, at(10));
    // The third overtakes the second, which is taken to be lost, and comes all the same.
    talk.push(2);
    assert_eq!(sent(&mut talk, at(20)), [2]);
    talk.push(3);
    assert_eq!(sent(&mut talk, at(40)), [3]);
    talk.arrived(Ack { all: 1, some: 0b10 }, at(50));
    assert_eq!(talk.deadline().map(|due| due <= at(50)), Some(true), "it is said again at once");
    talk.arrived(Ack { all: 3, some: 0 }, at(51));
    assert!(talk.is_empty());
    talk.push(4);
    assert_eq!(sent(&mut talk, at(60)), [4]);
    let due = talk.deadline().expect("the fourth has not arrived");
    assert!(due <= at(260), "waits for {:?} where an answer takes ten milliseconds", due - at(60));
}

#[test]
fn d30_what_is_lost_is_said_again_and_what_arrived_is_not() {
    let mut talk = Outgoing::default();
    (1..=5).for_each(|number| talk.push(number));
    assert_eq!(sent(&mut talk, at(0)), [1, 2, 3, 4, 5]);
    // The third and the fifth have arrived.
    talk.arrived(Ack { all: 0, some: 0b10100 }, at(10));
    assert_eq!(talk.len(), 5, "what has a hole before it is kept");
    let due = talk.deadline().expect("three are missing");
    assert_eq!(sent(&mut talk, due), [1, 2, 4]);
    talk.arrived(Ack { all: 5, some: 0 }, due + Duration::from_millis(10));
    assert!(talk.is_empty() && talk.deadline().is_none());
    // Of what was never said nothing has arrived, whoever says so.
    talk.push(6);
    talk.arrived(Ack { all: 6, some: 0 }, at(1000));
    talk.arrived(Ack { all: 400, some: u128::MAX }, at(1000));
    assert_eq!(sent(&mut talk, at(1000)), [6]);
}

#[test]
fn d30_in_vain_it_is_said_ever_more_seldom_and_never_given_up() {
    let mut talk = Outgoing::default();
    talk.push(1);
    let (mut now, mut pauses) = (at(0), Vec::new());
    for _ in 0..12 {
        assert_eq!(sent(&mut talk, now), [1]);
        let due = talk.deadline().expect("it has not arrived");
        pauses.push((due - now).as_millis());
        now = due;
    }
    assert_eq!(pauses, [200, 400, 800, 1600, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000]);
}

fn peer() -> Peer {
    let id = ConnId::from_bits(1 << 32).expect("it is large enough");
    Peer::new(id, "127.0.0.1:9".parse().expect("an address"), 0xbe)
}

fn written(mine: u64, yours: u64, body: Body<'_>) -> String {
    let mut out = String::new();
    Datagram { mine, yours, ack: Ack::default(), body }.write(&mut out);
    out
}

#[test]
fn a16_our_number_is_told_only_so_often_and_in_no_more_bytes_than_came() {
    let mut peer = peer();
    let hello = written(0xaa, 0, Body::Hello);
    let told = |peer: &mut Peer, now| {
        let answers = (0..1000).filter_map(|_| peer.hear(hello.as_bytes(), now, |what| panic!("{what:?}")));
        answers.inspect(|answer| assert!(answer.len() <= hello.len())).count()
    };
    assert_eq!(told(&mut peer, at(0)), 50);
    assert_eq!(told(&mut peer, at(1000)), 20);
    assert_eq!(told(&mut peer, at(60_000)), 50);
    // No answer is answered, or two that don't know each other would go on for ever.
    let answer = written(0xaa, 0xdead, Body::Heard);
    assert_eq!(peer.hear(answer.as_bytes(), at(120_000), |what| panic!("{what:?}")), None);
}

#[test]
fn two_who_begin_at_once_hear_each_other_and_nobody_counts_as_begun_anew() {
    let (mut ann, mut ben) = (peer(), Peer::new(peer().id, peer().address, 0xbf));
    let mut heard = [Vec::new(), Vec::new()];
    ann.say(Said::Text { to: "ben".to_owned(), text: "from ann".to_owned() }, at(0));
    ben.say(Said::Text { to: "ann".to_owned(), text: "from ben".to_owned() }, at(0));
    let mut scratch = String::new();
    // Everything that one says reaches the other a millisecond later, after the other has spoken.
    let mut under_way = [Vec::new(), Vec::new()];
    for now in 0..20 {
        let mut next = [Vec::new(), Vec::new()];
        for (side, peer, name) in [(0, &mut ann, "ann"), (1, &mut ben, "ben")] {
            peer.speak(at(now), name, &mut scratch, |datagram| next[1 - side].push(datagram.to_owned()));
        }
        for (side, peer) in [(0, &mut ann), (1, &mut ben)] {
            for datagram in &under_way[side] {
                let datagram: &String = datagram;
                let answer = peer.hear(datagram.as_bytes(), at(now), |what| heard[side].push(format!("{what:?}")));
                next[1 - side].extend(answer);
            }
        }
        under_way = next;
    }
    assert_eq!(heard[0], ["Text { from: \"ben\", to: \"ann\", text: \"from ben\" }"]);
    assert_eq!(heard[1], ["Text { from: \"ann\", to: \"ben\", text: \"from ann\" }"]);
    assert!(ann.outgoing.is_empty() && ben.outgoing.is_empty());
}
