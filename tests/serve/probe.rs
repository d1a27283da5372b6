//! `parlor probe`: what the kernel says of a connection.

use std::collections::HashMap;
use std::net::TcpListener;

use crate::support::{Finished, Place, Server, Start};

/// Each fact, and what was asked and granted.
fn facts(finished: &Finished) -> HashMap<String, (String, String)> {
    assert_eq!(finished.code(), 0, "{finished:#?}");
    assert!(finished.stderr.is_empty(), "{finished:#?}");
    let mut lines = finished.stdout.lines();
    assert_eq!(lines.next().map(|head| head.split_whitespace().collect()), Some(vec!["ASKED", "GRANTED"]));
    let rows = lines.map(|line| {
        let mut cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        let mut cell = || cells.next().unwrap_or_else(|| panic!("a row of three: {line:?}")).to_owned();
        (cell(), (cell(), cell()))
    });
    rows.collect()
}

fn probe(place: &Place) -> HashMap<String, (String, String)> {
    facts(&Start::parlor(&["probe", &place.to_string()]).run())
}

fn expect(facts: &HashMap<String, (String, String)>, name: &str, asked: &str, granted: &str) {
    let (real_asked, real_granted) = facts.get(name).unwrap_or_else(|| panic!("no {name} in {facts:#?}"));
    assert_eq!((real_asked.as_str(), real_granted.as_str()), (asked, granted), "{name}");
}

#[test]
fn a_tcp_connection_shows_its_ends_its_options_and_the_kernels_figures() {
    let server = Server::with(&["echo=127.0.0.1:0", "upper=[::1]:0"]);
    for (door, family) in ["IPv4", "IPv6"].into_iter().enumerate() {
        let facts = probe(server.place(door));
        expect(&facts, "family", "-", family);
        expect(&facts, "type", "-", "stream");
        expect(&facts, "peer", "-", &server.place(door).to_string());
        let Place::Tcp(local) = Place::parse(&facts["local"].1) else { panic!("no TCP: {facts:#?}") };
        assert!(local.ip().is_loopback() && local.port() != 0, "{local}");
        expect(&facts, "nodelay", "on", "on");
        expect(&facts, "keepalive", "on", "on");
        let times = "60 s idle, 10 s apart, 3 probes";
        expect(&facts, "keepalive-times", times, times);
        // The documents' numbers for a client; Linux grants twice as much, for its own bookkeeping.
        expect(&facts, "receive-buffer", "32768", "65536");
        expect(&facts, "send-buffer", "32768", "65536");
        expect(&facts, "retransmits", "-", "0");
        for (name, unit) in
            [("rtt", "ms"), ("rtt-variance", "ms"), ("congestion-window", "segments"), ("segment", "bytes")]
        {
            let granted = &facts[name].1;
            let number = granted.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok());
            assert!(number.is_some_and(|number| number > 0.0), "{name}: {granted}");
        }
        assert!(facts.contains_key("user-timeout") && facts.contains_key("unacknowledged"));
        assert!(!facts.contains_key("backlog") && !facts.contains_key("reuse-port"), "only for listeners: {facts:#?}");
    }
}

#[test]
fn a_unix_connection_shows_no_tcp() {
    let folder = tempfile::tempdir().expect("ours");
    let server = Server::with(&[&format!("echo=unix:{}", folder.path().join("u.sock").display())]);
    let facts = probe(server.place(0));
    expect(&facts, "family", "-", "Unix");
    expect(&facts, "type", "-", "stream");
    expect(&facts, "peer", "-", &server.place(0).to_string());
    assert!(facts.contains_key("receive-buffer") && !facts.contains_key("rtt") && !facts.contains_key("nodelay"));
}

#[test]
fn a_name_is_looked_up() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let address = format!("localhost:{}", server.place(0).port());
    // The name may mean ::1 too, where nobody listens; then the next address is tried.
    let facts = facts(&Start::parlor(&["probe", &address]).run());
    expect(&facts, "peer", "-", &server.place(0).to_string());
}

#[test]
fn where_nobody_listens_it_fails_with_one_line() {
    let folder = tempfile::tempdir().expect("ours");
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port is left");
    for address in [nobody.to_string(), format!("unix:{}", folder.path().join("nobody").display())] {
        let finished = Start::parlor(&["probe", &address]).run();
        assert_eq!((finished.code(), finished.stdout.as_str()), (1, ""), "{finished:#?}");
        assert_eq!(finished.stderr.len(), 1, "{finished:#?}");
        assert!(finished.stderr[0].contains(&address), "{finished:#?}");
    }
}

#[test]
fn an_address_that_nobody_can_understand_is_wrong_usage() {
    for address in ["127.0.0.1:", ":80", "[::1]80", "[::1", "127.0.0.1:65536", "host:port"] {
        let finished = Start::parlor(&["probe", address]).run();
        assert_eq!((finished.code(), finished.stdout.as_str()), (2, ""), "{address}: {finished:#?}");
    }
    assert_eq!(Start::parlor(&["probe"]).run().code(), 2);
}
