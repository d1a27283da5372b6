//! How a connection ends, at our own server.

use std::net::SocketAddr;
use std::time::Instant;

use rustix::process::Signal;

use crate::support::{Client, Place, Server, proc, until};
use crate::tables::{CLOSE_WAIT, FIN_WAIT2, TIME_WAIT, apart, at_clients, at_server, timers_at_clients};

fn address(server: &Server) -> SocketAddr {
    match server.place(0) {
        Place::Tcp(address) => *address,
        Place::Unix(path) => panic!("{}", path.display()),
    }
}

fn ports(clients: &[Client]) -> Vec<u16> {
    clients.iter().map(|client| client.address().port()).collect()
}

/// Clients that have been heard.
fn clients(server: &Server, count: usize) -> Vec<Client> {
    let mut clients: Vec<Client> = (0..count).map(|_| server.client(0)).collect();
    for client in &mut clients {
        client.ask(b"hello\n", b"hello\n");
    }
    clients
}

#[test]
fn d26_the_side_that_closes_first_keeps_time_wait() {
    let server = Server::with(&[&apart("echo")]);
    let at = address(&server);
    let leaving = clients(&server, 10);
    let left = ports(&leaving);
    drop(leaving);
    until("the clients' TIME_WAIT", || at_clients(at, &left, TIME_WAIT) == 10);
    assert_eq!(at_server(at, &left, TIME_WAIT), 0);

    // Now the server closes first, because it is told to stop.
    let mut clients = clients(&server, 5);
    server.signal(Signal::TERM);
    for client in &mut clients {
        client.expect_end();
    }
    let left = ports(&clients);
    drop(clients);
    assert_eq!(server.wait().code(), 0);
    assert_eq!((at_server(at, &left, TIME_WAIT), at_clients(at, &left, TIME_WAIT)), (5, 0));
}

#[test]
fn d26_time_wait_is_over_after_a_minute_and_so_is_a_fin_wait_2_that_nobody_holds() {
    let server = Server::with(&[&apart("echo")]);
    let at = address(&server);
    // The kernel is asked how long, so nobody has to wait for it.
    let lasts_a_minute = |since: Instant, ports: &[u16], state| {
        until("ten of them", || timers_at_clients(at, ports, state).len() == 10);
        let timers = timers_at_clients(at, ports, state);
        let passed = u64::try_from(since.elapsed().as_millis() / 10).unwrap();
        timers.into_iter().all(|left| left <= 6000 && left + passed + 100 >= 6000)
    };
    server.freeze();
    let leaving: Vec<Client> = (0..10).map(|_| server.client(0)).collect();
    let (left, since) = (ports(&leaving), Instant::now());
    drop(leaving);
    let timeout = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_fin_timeout").unwrap();
    assert!(lasts_a_minute(since, &left, FIN_WAIT2) || timeout.trim() != "60");
    let since = Instant::now();
    server.thaw();
    assert!(lasts_a_minute(since, &left, TIME_WAIT));
}

#[test]
fn d26_our_server_leaves_no_pile_of_close_wait() {
    let server = Server::with(&[&apart("echo")]);
    let at = address(&server);
    server.freeze();
    // Twenty leave while the server can't move: that is the pile.
    let leaving: Vec<Client> = (0..20).map(|_| server.client(0)).collect();
    let left = ports(&leaving);
    drop(leaving);
    until("a pile", || at_server(at, &left, CLOSE_WAIT) == 20);
    server.thaw();
    until("no pile", || at_server(at, &left, CLOSE_WAIT) == 0);
    assert_eq!(server.figures_when("nobody is left", |figures| figures.connections == 0).freed, 20);
}

#[test]
fn d13_a_client_that_has_shut_its_write_side_hears_all_answers_and_then_the_end() {
    let server = Server::with(&[&apart("upper")]);
    let mut client = server.client(0);
    client.send(&b"word\n".repeat(1000));
    client.finish();
    assert_eq!(client.rest(), b"WORD\n".repeat(1000));
}

#[test]
fn d15_whatever_was_opened_is_closed_again() {
    let server = Server::with(&[&apart("echo")]);
    clients(&server, 1);
    let settled = |server: &Server| {
        server.figures_when("nobody is left", |figures| figures.connections == 0);
        proc::descriptors(server.pid()).len()
    };
    let before = settled(&server);
    for round in 0..5 {
        let mut clients = clients(&server, 40);
        assert_eq!(proc::descriptors(server.pid()).len(), before + 40);
        // One way to leave after the other.
        match round {
            0 => drop(clients),
            1 => clients.into_iter().for_each(Client::reset),
            2 => clients.iter().for_each(Client::finish),
            3 => clients.iter_mut().for_each(|client| client.send(&[b'x'; 9000])),
            _ => {
                for client in &mut clients {
                    client.send(b"GET / HTTP/1.1\n");
                }
                drop(clients);
            }
        }
        assert_eq!(settled(&server), before, "round {round}");
    }
}

#[test]
fn d24_the_switch_that_broke_clients_behind_nat_is_gone_from_the_kernel() {
    let switches = std::path::Path::new("/proc/sys/net/ipv4");
    assert!(switches.join("tcp_tw_reuse").exists(), "there are switches to look at");
    assert!(!switches.join("tcp_tw_recycle").exists(), "it left with Linux 4.12");
}
