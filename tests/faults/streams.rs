//! Reads, writes and registrations that fail: one peer's matter, never the loop's.

use crate::support::tools::needs;
use crate::support::{Server, Start};

fn failing(call: &str, fault: &str) -> Server {
    let inject = format!("inject={call}:{fault}");
    Start::serve(&[]).listen("echo=127.0.0.1:0").strace(&[&format!("trace={call}"), &inject]).go()
}

#[test]
fn an_interrupted_read_or_write_is_taken_up_again() {
    if !needs("strace") {
        return;
    }
    for call in ["recvfrom", "sendto"] {
        let server = failing(call, "error=EINTR:when=1+2");
        let mut client = server.client(0);
        for round in 0..50 {
            let line = format!("{round}\n");
            client.ask(line.as_bytes(), line.as_bytes());
        }
        client.finish();
        client.expect_end();
        let injected = server.traced().iter().filter(|line| line.contains("(INJECTED)")).count();
        assert!(injected >= 25, "{call}: only {injected} were interrupted");
    }
}

#[test]
fn a_read_or_a_write_that_fails_ends_its_connection_alone() {
    if !needs("strace") {
        return;
    }
    for (call, error) in [
        ("recvfrom", "ECONNRESET"),
        ("recvfrom", "ETIMEDOUT"),
        ("recvfrom", "ENOMEM"),
        ("sendto", "EPIPE"),
        ("sendto", "ECONNRESET"),
        ("sendto", "ENOBUFS"),
    ] {
        let server = failing(call, &format!("error={error}:when=3"));
        let mut bystander = server.client(0);
        bystander.ask(b"1\n", b"1\n");
        let mut victim = server.client(0);
        victim.ask(b"2\n", b"2\n");
        victim.send(b"3\n");
        // Closed with unread input, that is a reset; either way nothing is answered.
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut victim.socket, &mut answer);
        assert!(answer.is_empty(), "{call} {error}: {}", answer.escape_ascii());
        bystander.ask(b"4\n", b"4\n");
        server.client(0).ask(b"5\n", b"5\n");
        server.figures_when("the victim freed", |figures| figures.connections <= 2);
    }
}

#[test]
fn a_newcomer_whom_the_poll_does_not_take_is_let_go_alone() {
    if !needs("strace") {
        return;
    }
    // How many registrations a server makes for itself is its own business: they are counted first.
    let listener = "echo=127.0.0.1:0";
    let before = Start::serve(&[]).listen(listener).strace(&["trace=epoll_ctl"]).go().stop_traced().1;
    let own = before.iter().filter(|line| line.starts_with("epoll_ctl(") && line.contains("EPOLL_CTL_ADD")).count();
    assert!(own > 0, "{before:#?}");
    let server = failing("epoll_ctl", &format!("error=ENOSPC:when={}", own + 1));
    let mut victim = server.client(0);
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut victim.socket, &mut answer);
    assert!(answer.is_empty(), "{}", answer.escape_ascii());
    server.client(0).ask(b"1\n", b"1\n");
    server.figures_when("the victim freed", |figures| figures.freed >= 1);
}

#[test]
fn a_read_at_an_urgent_byte_that_would_block_is_not_believed() {
    if !needs("strace") {
        return;
    }
    // Linux answers so when a signal is pending just then, whatever lies behind the byte, and gives no edge for it.
    // The reads: a greeting, up to the urgent byte, at the urgent byte.
    let server = failing("recvfrom", "error=EAGAIN:when=3");
    let mut client = server.client(0);
    client.ask(b"hello\n", b"hello\n");
    server.freeze();
    client.send(b"before\n");
    assert_eq!(client.socket.send_out_of_band(b"!").expect("TCP"), 1);
    client.send(b"after\n");
    server.thaw();
    client.expect(b"before\nafter\n");
    assert!(server.traced().iter().any(|line| line.contains("(INJECTED)")), "{:#?}", server.traced());
    server.expect_sleep();
}
