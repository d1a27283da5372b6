//! Handshakes that came to nothing are counted, by why.

use crate::authority::{Authority, Valid};
use crate::house::{House, Secure, refusal};
use crate::support::until;

const LISTENERS: [&str; 2] = ["echo+tls=127.0.0.1:0", "metrics=127.0.0.1:0"];

/// So many failed, each for this reason.
fn expect(house: &House, wanted: &[(&str, u64)]) {
    let reasons = ["too-slow", "no-tls", "their-certificate", "our-certificate", "protocol", "left", "crowded"];
    let counted = || {
        let sample = |why: &str| format!("parlor_handshakes_failed_total{{reason=\"{why}\"}}");
        reasons.map(|why| (why, house.server.metric(1, &sample(why)))).into_iter().filter(|&(_, count)| count > 0)
    };
    until(&format!("{wanted:?}"), || counted().eq(wanted.iter().copied()));
}

#[test]
fn whoever_speaks_no_tls_or_breaks_it_or_goes_is_counted() {
    let house = House::new(&LISTENERS);
    house.client(0).ask(b"hello\n", b"hello\n");
    expect(&house, &[]);
    let mut plain = house.server.client(0);
    plain.send(b"hello\n");
    plain.rest();
    expect(&house, &[("no-tls", 1)]);
    let mut torn = house.server.client(0);
    torn.send(b"\x17\x03\x03\x00\x05hello");
    torn.rest();
    expect(&house, &[("no-tls", 1), ("protocol", 1)]);
    let mut gone = house.server.client(0);
    gone.finish();
    gone.rest();
    expect(&house, &[("no-tls", 1), ("protocol", 1), ("left", 1)]);
}

#[test]
fn whoever_takes_too_long_is_counted() {
    let house = House::with(&LISTENERS, |start, _| start.flags(&["--tls-handshake", "100ms"]));
    house.server.client(0).rest();
    expect(&house, &[("too-slow", 1)]);
}

#[test]
fn a_refused_certificate_is_counted_by_whose_it_is() {
    let asks =
        |start: crate::support::Start, ca: &std::path::Path| start.flags(&["--tls-client-ca", ca.to_str().unwrap()]);
    let house = House::with(&LISTENERS, asks);
    // Nobody who is known here vouches for it.
    let stranger = Authority::new().signs(&["mallory"], Valid::Now);
    refusal(house.server.place(0), house.authority.client_showing(&stranger));
    expect(&house, &[("their-certificate", 1)]);
    // Whoever comes believes somebody else.
    Secure::to(house.server.place(0), Authority::new().client()).err().unwrap();
    expect(&house, &[("their-certificate", 1), ("our-certificate", 1)]);
}
