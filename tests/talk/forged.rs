//! What anybody can send to anybody: bounded, and never believed.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use crate::support::PATIENCE;
use crate::talker::Talker;

/// A socket that speaks the protocol by hand, written down here a second time.
pub(crate) struct Hand {
    pub(crate) socket: UdpSocket,
    theirs: String,
}

const MINE: &str = "00000000000000aa";

impl Hand {
    /// Asks for the other side's number, as everybody has to.
    pub(crate) fn greet(talker: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is left");
        socket.connect(talker).expect("loopback");
        socket.set_read_timeout(Some(PATIENCE)).expect("every socket takes this");
        let hello = format!("talk1 hello {MINE} 0000000000000000 0 0");
        socket.send(hello.as_bytes()).expect("loopback");
        let mut hand = Self { socket, theirs: String::new() };
        let answer = hand.hear();
        assert!(answer.len() <= hello.len(), "more came back than was sent: {answer}");
        let words: Vec<&str> = answer.split(' ').collect();
        assert_eq!((words[0], words[1], words[3], words[4], words[5]), ("talk1", "heard", MINE, "0", "0"));
        words[2].clone_into(&mut hand.theirs);
        hand
    }

    fn hear(&self) -> String {
        let mut bytes = [0; 8192];
        let size = self.socket.recv(&mut bytes).expect("an answer");
        String::from_utf8(bytes[..size].to_vec()).expect("text")
    }

    pub(crate) fn say(&self, number: u64, from: &str, text: &str) {
        self.say_to(number, from, "ben", text);
    }

    fn say_to(&self, number: u64, from: &str, to: &str, text: &str) {
        self.send(&format!("talk1 said {MINE} {} 0 0 {number} {from} {to}\n{text}", self.theirs));
    }

    fn send(&self, datagram: &str) {
        self.socket.send(datagram.as_bytes()).expect("loopback");
    }
}

fn ben() -> Talker {
    Talker::start("ben", &[("ben", "127.0.0.1:0"), ("JACK", "127.0.0.1:9")], &[])
}

#[test]
fn a9_controls_in_texts_and_names_never_reach_the_terminal() {
    let ben = ben();
    let hand = Hand::greet(ben.address);
    let at = hand.socket.local_addr().expect("bound");
    hand.say(1, "JACK", "\x1b[31mred\x07 \u{202e}gnol\u{9b} a\nb\rc");
    assert_eq!(
        ben.shown(),
        format!("<JACK? at {at}> \u{fffd}[31mred\u{fffd} \u{fffd}gnol\u{fffd} a\u{fffd}b\u{fffd}c")
    );
    hand.say(2, "\x1b]0;x", "name");
    assert_eq!(ben.shown(), format!("<\u{fffd}\u{fffd}0\u{fffd}x? at {at}> name"));
}

#[test]
fn a8_a_name_that_is_none_says_nothing_but_a_name() {
    let ben = ben();
    let hand = Hand::greet(ben.address);
    let at = hand.socket.local_addr().expect("bound");
    // What would look like a line of somebody whom the book knows, if it were shown as it came.
    let forged = "JACK?>\u{3000}trust\u{a0}me";
    hand.say(1, forged, "text");
    let clean = "JACK\u{fffd}\u{fffd}\u{fffd}trust\u{fffd}me";
    assert_eq!(ben.shown(), format!("<{clean}? at {at}> text"));
    hand.say_to(2, "JACK", forged, "text");
    assert_eq!(ben.shown(), format!("<JACK? at {at} to {clean}> text"));
    // No name at all, and one that would fill the screen.
    hand.say(3, "", "text");
    assert_eq!(ben.shown(), format!("<\u{fffd}? at {at}> text"));
    hand.say(4, &"x".repeat(4000), "text");
    assert_eq!(ben.shown(), format!("<{}? at {at}> text", "x".repeat(32)));
}

#[test]
fn a_name_is_never_shown_as_if_it_were_known() {
    let ben = ben();
    let hand = Hand::greet(ben.address);
    // JACK stands in the book, at another address.
    hand.say(1, "JACK", "trust me");
    let at = hand.socket.local_addr().expect("bound");
    assert_eq!(ben.shown(), format!("<JACK? at {at}> trust me"));
}

#[test]
fn whoever_does_not_hear_us_is_not_heard() {
    let ben = ben();
    let hand = Hand::greet(ben.address);
    // A forger does not know the number that was sent to the address.
    hand.send(&format!("talk1 said {MINE} 1111111111111111 0 0 1 JACK ben\nforged"));
    hand.send(&format!("talk1 said {MINE} 0000000000000000 0 0 1 JACK ben\nforged"));
    hand.say(1, "JACK", "true");
    assert!(ben.shown().ends_with("> true"));
}

#[test]
fn d32_numbers_are_put_in_order_doubles_dropped_and_lies_ignored() {
    let ben = ben();
    let hand = Hand::greet(ben.address);
    for number in [3, 2, 2, 500, 4, u64::MAX, 0, 1, 1, 5] {
        hand.say(number, "JACK", &format!("line {number}"));
    }
    // An acknowledgement of what was never said.
    hand.send(&format!("talk1 heard {MINE} {} 9223372036854775807 ffffffffffffffffffffffffffffffff", hand.theirs));
    for number in 1..=5 {
        assert!(ben.shown().ends_with(&format!("> line {number}")), "number {number}");
    }
    // The acknowledgement of it all comes once a turn, so others may stand before it.
    while !hand.hear().ends_with(" 5 0") {}
}

#[test]
fn a16_a_flood_of_nonsense_from_many_addresses_leaves_a_talk_alive() {
    let mut ben = Talker::start("ben", &[("ben", "127.0.0.1:0")], &[]);
    let shapes: Vec<Vec<u8>> = vec![
        vec![],
        vec![0xff; 1000],
        b"talk1 hello".to_vec(),
        b"talk1 said 00000000000000aa 00000000000000bb 0 0 1 a b\n\x00".to_vec(),
        format!("talk1 hello {MINE} 0000000000000000 0 0").into_bytes(),
        vec![b'x'; 9000],
    ];
    for address in 0..100 {
        let socket = UdpSocket::bind((std::net::Ipv4Addr::new(127, 2, 0, 1 + address), 0)).expect("a port is left");
        for number in 0..200 {
            socket.send_to(&shapes[number % shapes.len()], ben.address).expect("loopback");
        }
    }
    let mut hand = None;
    crate::support::until("a greeting that gets through", || {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is left");
        socket.connect(ben.address).expect("loopback");
        socket.set_read_timeout(Some(Duration::from_secs(1))).expect("every socket takes this");
        socket.send(format!("talk1 hello {MINE} 0000000000000000 0 0").as_bytes()).expect("loopback");
        hand = socket.recv(&mut [0; 100]).ok();
        hand.is_some()
    });
    let hand = Hand::greet(ben.address);
    hand.say(1, "JACK", "still there?");
    assert!(ben.shown().ends_with("> still there?"));
    ben.say("still here");
    loop {
        if hand.hear().ends_with("\nstill here") {
            break;
        }
    }
}

#[test]
fn a16_strangers_without_number_push_nobody_out_who_talks_to_us() {
    let mut ben = Talker::start("ben", &[("ben", "127.0.0.1:0")], &[]);
    let hand = Hand::greet(ben.address);
    hand.say(1, "JACK", "hello");
    assert!(ben.shown().ends_with("> hello"));
    // More than are known at a time, each from another address.
    for number in 0..1100_u32 {
        let address = std::net::Ipv4Addr::from(u32::from(std::net::Ipv4Addr::new(127, 3, 0, 1)) + number);
        let socket = UdpSocket::bind((address, 0)).expect("a port is left");
        socket.connect(ben.address).expect("loopback");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("every socket takes this");
        let mut told = || {
            socket.send(format!("talk1 hello {MINE} 0000000000000000 0 0").as_bytes()).expect("loopback");
            socket.recv(&mut [0; 100]).is_ok()
        };
        // Until it was surely heard.
        crate::support::until("an answer", &mut told);
    }
    ben.say("still there?");
    while !hand.hear().ends_with("\nstill there?") {}
}
