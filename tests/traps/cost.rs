//! What a round trip costs in system calls.

use crate::support::Start;
use crate::support::tools::needs;

const ROUNDS: usize = 500;

#[test]
fn a_round_trip_costs_about_one_read_and_one_write_and_accepting_is_the_last_epoll_ctl() {
    if !needs("strace") {
        return;
    }
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("upper=unix:{}", folder.path().join("u.sock").display());
    for (listener, reads_each) in [("echo=127.0.0.1:0", 1), ("echo+length=[::1]:0", 1), (&path, 2)] {
        // Everything that speaks with a socket or with the poll, and whatever else a turn might do needlessly.
        let calls = "trace=!write,rt_sigreturn";
        let server = Start::serve(&[]).listen(listener).strace(&[calls]).go();
        let mut client = server.client(0);
        let frame = if listener.contains("length") { &b"\0\0\0\x04ping"[..] } else { b"PING\n" };
        for _ in 0..ROUNDS {
            client.ask(frame, frame);
        }
        let (finished, trace) = server.stop_traced();
        assert_eq!(finished.code(), 0);
        let is_accept = |line: &String| line.starts_with("accept4(") && !line.contains("EAGAIN");
        let accepted = trace.iter().position(is_accept).expect("one was accepted");
        let (_, descriptor) = trace[accepted].rsplit_once("= ").expect("a call has a result");
        let is_answer = |line: &String| line.starts_with(&format!("sendto({descriptor}, "));
        let last = trace.iter().rposition(is_answer).expect("answers were sent");
        let after = &trace[accepted..=last];
        let count = |call: &str| after.iter().filter(|line| line.starts_with(&format!("{call}("))).count();
        let spare = 20;
        let (reads, writes, polls) = (count("recvfrom"), count("sendto"), count("epoll_wait") + count("epoll_pwait"));
        assert_eq!(writes, ROUNDS, "{listener}");
        // A Unix socket must be read until it has no more: a short read proves nothing there.
        assert!(reads <= ROUNDS * reads_each + spare, "{listener}: {reads} reads");
        assert!(polls <= ROUNDS * reads_each + spare, "{listener}: {polls} polls");
        assert_eq!(count("epoll_ctl"), 1, "{listener}: registered once, when it was accepted");
        assert_eq!(count("setsockopt") + count("fcntl"), 0, "{listener}: options are handed down");
        let known = reads + writes + polls + count("epoll_ctl") + count("accept4");
        assert!(after.len() <= known + spare, "{listener}: {} calls, {known} of them known", after.len());
    }
}
