//! One busy peer must not starve the others.

use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::support::tools::needs;
use crate::support::{Client, Server, Start, proc, until};

/// Sends short lines as fast as they are taken, and reads the answers, until the connection is shut.
fn flood<'scope>(scope: &'scope thread::Scope<'scope, '_>, client: &Client, answered: &'scope AtomicU64) {
    let (mut writer, mut reader) = (client.twin(), client.twin());
    scope.spawn(move || {
        let lines = b"f\n".repeat(32 * 1024);
        while std::io::Write::write_all(&mut writer.socket, &lines).is_ok() {}
    });
    scope.spawn(move || {
        let mut bytes = vec![0; 256 * 1024];
        while let Ok(count @ 1..) = std::io::Read::read(&mut reader.socket, &mut bytes) {
            answered.fetch_add(count as u64, Ordering::Relaxed);
        }
    });
}

#[test]
fn a_hundred_pingers_are_answered_while_one_peer_floods() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut pingers: Vec<Client> = (0..100).map(|_| server.client(0)).collect();
    let flooder = server.client(0);
    let answered = AtomicU64::new(0);
    thread::scope(|scope| {
        flood(scope, &flooder, &answered);
        until("a flood", || answered.load(Ordering::Relaxed) > 1024 * 1024);
        let before = server.figures();
        for round in 0..10 {
            let seen = answered.load(Ordering::Relaxed);
            let ping = format!("ping {round}\n");
            for pinger in &mut pingers {
                pinger.send(ping.as_bytes());
            }
            for pinger in &mut pingers {
                pinger.expect(ping.as_bytes());
            }
            until("a flood that goes on", || answered.load(Ordering::Relaxed) > seen);
        }
        let after = server.figures();
        flooder.socket.shutdown(Shutdown::Both).expect("it stands");

        // What one connection may use of a turn: 1,024 frames from its buffer, and as many from a read of 64 KiB.
        let (turns, pings) = (after.turns - before.turns, 1000);
        let (frames, bytes) = (after.frames - before.frames - pings, after.bytes_in - before.bytes_in - pings * 7);
        assert!(frames <= turns * 2048, "{frames} frames of the flood in {turns} turns");
        assert!(bytes <= turns * 64 * 1024, "{bytes} bytes of the flood in {turns} turns");
    });
}

#[test]
fn a_flood_of_newcomers_is_let_in_by_so_many_a_turn_and_keeps_no_other_door_shut() {
    if !needs("strace") {
        return;
    }
    proc::raise_own_limit();
    let polls = "?epoll_wait,?epoll_pwait,?epoll_pwait2";
    let start = Start::serve(&[]).listen("echo=127.0.0.1:0").listen("echo=[::1]:0");
    let server = start.strace(&[&format!("trace=accept4,{polls}")]).go();
    let mut inside = server.client(0);
    inside.ask(b"1\n", b"1\n");
    // All wait at the door when the server looks.
    server.freeze();
    let newcomers: Vec<Client> = (0..proc::accept_queue()).map(|_| server.client(0)).collect();
    let mut other_door = server.client(1);
    inside.send(b"2\n");
    other_door.send(b"3\n");
    server.thaw();
    inside.expect(b"2\n");
    other_door.expect(b"3\n");
    let everybody = 2 + newcomers.len() as u64;
    server.figures_when("everybody inside", |figures| figures.connections == everybody);
    drop(newcomers);
    let (_, trace) = server.stop_traced();
    let turns: Vec<usize> = trace
        .split(|line| line.starts_with("epoll_"))
        .map(|turn| turn.iter().filter(|line| line.starts_with("accept4(")).count())
        .collect();
    assert!(turns.iter().sum::<usize>() as u64 > everybody, "the trace tells less than happened");
    assert!(turns.iter().all(|&calls| calls <= 64), "accepts of each turn: {turns:?}");
}
