//! Last words must arrive: closing with unread input would reset the connection and destroy them.

use std::io::Write;
use std::thread;

use crate::support::Server;
use crate::support::client::Wire;

#[test]
fn a_pipelining_client_that_overruns_the_line_limit_still_reads_its_answers_and_the_reason() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo=unix:{}", folder.path().join("u.sock").display());
    let server = Server::with(&["echo=127.0.0.1:0", "echo=[::1]:0", &path]);
    let good = b"a good line\n".repeat(500);
    // Within what may be dropped while lingering; some of it is on its way when the server closes.
    let all = [&good[..], &[b'A'; 8193], b"\n", &b"a line too late\n".repeat(3000)].concat();
    for door in 0..3 {
        for pieces in [all.len(), 1000, 7000] {
            let mut client = server.client(door);
            let mut writer = client.twin();
            thread::scope(|scope| {
                scope.spawn(|| all.chunks(pieces).for_each(|piece| writer.send(piece)));
                client.expect(&good);
                assert!(client.line().starts_with("! too-long: "));
                client.expect_end();
            });
        }
    }
}

#[test]
fn all_that_arrived_before_the_server_looked_does_not_cost_the_reason() {
    let server = Server::with(&["echo=127.0.0.1:0", "echo+length=127.0.0.1:0"]);
    for door in [0, 1] {
        let (good, bad): (_, &[u8]) = match door {
            0 => (Wire::Lines.frame(b"good"), b"GET\0"),
            _ => (Wire::Length.frame(b"good"), b"\xff\xff\xff\xff"),
        };
        let mut client = server.client(door);
        client.ask(&good, &good);
        server.freeze();
        client.send(&[&good[..], bad, &vec![b'A'; 60_000]].concat());
        server.thaw();
        client.expect(&good);
        let reason = client.rest();
        let text = if door == 0 { &reason[..] } else { &reason[4..] };
        assert!(text.starts_with(b"! too-long: "), "{}", text.escape_ascii());
    }
}

#[test]
fn a_client_that_goes_on_talking_after_the_reason_is_cut_off_in_the_end() {
    let server = Server::with(&["echo=127.0.0.1:0"]);
    let mut client = server.client(0);
    client.send(b"GET / HTTP/1.1\n");
    assert!(client.line().starts_with("! http: "));
    client.expect_end();
    // Nothing of this is kept: after 64 KiB the connection is gone, and a write says so.
    let piece = [b'A'; 1024];
    let mut taken = 0;
    while client.socket.write_all(&piece).is_ok() {
        taken += piece.len();
        assert!(taken < 64 * 1024 * 1024, "it is never cut off");
    }
    assert_eq!(server.settled().connections, 0);
}
