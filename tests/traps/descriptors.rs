//! Out of descriptors: no spin, no stall, everyone served as others leave.

use rustix::process::{Resource, Rlimit, prlimit};

use crate::support::tools::needs;
use crate::support::{Client, Server, Start, proc};

#[test]
fn with_64_descriptors_two_hundred_clients_are_all_served_as_others_leave() {
    if !needs("prlimit") {
        return;
    }
    let server = Start::serve(&[]).listen("echo=127.0.0.1:0").under(&["prlimit", "--nofile=64:64"]).go();
    let mut clients: Vec<Client> = (0..200).map(|_| server.client(0)).collect();
    for client in &mut clients {
        client.send(b"let me in\n");
    }
    server.figures_when("a full house", |figures| figures.connections == 48);
    let before = server.settled();
    assert_eq!(before.frames, 48, "those inside are served, 16 descriptors are kept back");
    server.expect_sleep();
    for mut client in clients {
        client.ask(b"thanks\n", b"let me in\nthanks\n");
    }
    let after = server.figures_when("nobody inside", |figures| figures.connections == 0);
    assert_eq!((after.accepted, after.frames, after.refused), (200, 400, 0));
    // For each: accepted and answered, answered, closed; and the askings.
    let turns = after.turns - before.turns;
    assert!(turns < 200 * 10, "{turns} turns");
    server.expect_sleep();
}

/// Takes away all but `left` of the descriptors that the server has not used yet, behind its back.
fn leave(server: &Server, left: usize) {
    // The limit is on the number of a new one. Some of a high number may be inherited from whoever runs the tests.
    let used = proc::descriptors(server.pid());
    let current = (0..).filter(|number| !used.contains(number)).nth(left).expect("numbers have no end");
    let current = Some(current.try_into().expect("not negative"));
    let before = prlimit(Some(server.pid()), Resource::Nofile, Rlimit { current, maximum: current });
    before.expect("less is always allowed");
}

#[test]
fn when_the_system_has_no_descriptor_left_newcomers_wait_until_somebody_leaves() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    leave(&server, 5);
    let mut clients: Vec<Client> = (0..20).map(|_| server.client(0)).collect();
    for client in &mut clients {
        client.send(b"let me in\n");
    }
    server.figures_when("a full house", |figures| figures.connections == 5);
    // A retry every 100 ms, and nothing between.
    server.expect_sleep();
    for mut client in clients {
        client.ask(b"thanks\n", b"let me in\nthanks\n");
    }
    let after = server.figures_when("nobody inside", |figures| figures.connections == 0);
    assert_eq!(after.accepted, 20);
    // Starved once, and nobody waits any more: no reason to look again.
    server.expect_sleep();
}

#[test]
fn a_full_house_with_nobody_at_the_door_lets_the_loop_sleep() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    // The last one takes the last descriptor, and the look for another finds none though nobody waits.
    leave(&server, 1);
    let mut client = server.client(0);
    client.ask(b"1\n", b"1\n");
    server.expect_sleep();
    drop(client);
    server.figures_when("nobody inside", |figures| figures.connections == 0);
    server.expect_sleep();
    server.client(0).ask(b"2\n", b"2\n");
}

#[test]
fn with_nobody_inside_who_could_leave_a_newcomer_is_turned_away_and_not_left_waiting() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    leave(&server, 0);
    // The spare descriptor is spent on telling this one.
    let mut client = server.client(0);
    assert!(matches!(std::io::Read::read(&mut client.socket, &mut [0]), Ok(0) | Err(_)), "it was let in");
    // What was the spare's is free now.
    server.client(0).ask(b"1\n", b"1\n");
    server.figures_when("nobody inside", |figures| figures.connections == 0);
    server.client(0).ask(b"2\n", b"2\n");
}
