//! What can't be measured, and what comes to nothing.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::Start;
use crate::support::tools::needs;
use crate::{bench, chat, fanout};

#[test]
fn what_cannot_be_measured_is_wrong_usage() {
    let cases: [(&str, &[&str], &str); 15] = [
        ("fanout", &["--size", "15"], "a text has 16 to 4096 bytes"),
        ("fanout", &["--senders", "3", "--window", "2"], "some would never speak"),
        ("fanout", &["--window", "18446744073709551615"], "more than 64 MiB would be on their way from one speaker"),
        (
            "echo",
            &["--connections", "2", "--depth", "1032445"],
            "more than 64 MiB would be on their way from one speaker",
        ),
        ("fanout", &["--receivers", "0"], "somebody must hear it"),
        ("fanout", &["--receivers", "18446744073709551615"], "1 to 1000000 connections"),
        ("fanout", &["--rate", "0"], "a rate is 0.001 to 1000000000 a second"),
        ("fanout", &["--rate", "1e-300"], "a rate is 0.001 to 1000000000 a second"),
        ("fanout", &["--count", "0"], "nothing would be measured"),
        ("idle", &["--connections", "0"], "1 to 1000000 connections"),
        ("churn", &["--connections", "0"], "1 to 1000000 connections"),
        ("storm", &["--connections", "0"], "1 to 1000000 connections"),
        ("storm", &["--count", "0"], "nothing would be measured"),
        ("storm", &["--count", "516223"], "more than 64 MiB would be on their way from one speaker"),
        ("storm", &["--count", "4294967295"], "more than 64 MiB would be on their way from one speaker"),
    ];
    for (what, words, why) in cases {
        let finished = Start::parlor(&["bench", what, "127.0.0.1:1"]).flags(words).run();
        let told = finished.stderr.join("\n");
        assert!(told.contains(why), "{words:?}: {told}");
        assert_eq!(finished.code(), 2);
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let (code, report) = fanout("127.0.0.1:1", &[]);
    assert_eq!((code, &report["complaint"]), (1, &"connection 0 broke: unreachable: connection refused".into()));
    assert_eq!(report["per_second"], 0.0);
}

#[test]
fn more_connections_than_there_are_descriptors_for_are_named_before_the_first() {
    if !needs("prlimit") {
        return;
    }
    let few = Start::parlor(&["bench", "fanout", "127.0.0.1:1", "--json"]).under(&["prlimit", "--nofile=64:64"]);
    let finished = few.run();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    let told = "101 connections need more descriptors than this process may have, which is 64 (ulimit -Hn)";
    assert!(finished.stdout.contains(told), "{finished:#?}");
}

#[test]
fn a_server_that_lets_people_in_and_never_speaks_is_waited_for_in_vain() {
    // The kernel lets them in.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (code, report) = bench(&["idle", &address, "--connections", "3"]);
    assert_eq!((code, &report["complaint"]), (1, &"what is missing did not come".into()), "{report}");
}

#[test]
fn a_server_that_closes_meanwhile_fails_the_run() {
    let server = chat();
    let address = server.place(0).to_string();
    let words = ["bench", "fanout", &address, "--receivers", "3", "--rate", "100", "--duration", "1000", "--json"];
    let run = Start::parlor(&words).begun();
    run.log.wait("everybody", |line| line.starts_with("4 connected"));
    server.stop();
    let finished = run.wait();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    assert!(finished.stdout.contains(" broke: "), "{finished:#?}");
}

#[test]
fn a_run_in_which_nothing_was_said_is_no_measurement() {
    let server = chat();
    let address = server.place(0).to_string();
    let (code, report) = bench(&["fanout", &address, "--rate", "10", "--duration", "0", "--warmup", "0"]);
    assert_eq!((code, &report["complaint"]), (1, &"nothing was measured".into()), "{report}");
}

#[test]
fn a_process_that_is_not_there_is_named() {
    // Beyond the greatest number that Linux gives a process.
    let finished = Start::parlor(&["bench", "idle", "127.0.0.1:1", "--pid", "4194305"]).run();
    assert_eq!(finished.code(), 1);
    assert!(finished.stderr[0].contains("process 4194305"), "{finished:#?}");
}

#[test]
fn a_process_that_took_no_time_is_not_the_servers() {
    let (server, sleeper) = (chat(), chat());
    sleeper.freeze();
    let pid = sleeper.pid().as_raw_nonzero().to_string();
    let (code, report) = fanout(&server.place(0).to_string(), &["--pid", &pid]);
    assert_eq!(code, 1, "{report}");
    assert!(report["complaint"].as_str().unwrap().contains("not the server's"), "{report}");
}

#[test]
fn a_process_that_ends_meanwhile_fails_the_run() {
    let (server, other) = (chat(), chat());
    let (address, pid) = (server.place(0).to_string(), other.pid().as_raw_nonzero().to_string());
    let words = ["bench", "fanout", &address, "--receivers", "3", "--rate", "100", "--json", "--pid", &pid];
    let run = Start::parlor(&words).begun();
    run.log.wait("everybody", |line| line.starts_with("4 connected"));
    assert_eq!(other.stop().code(), 0);
    let finished = run.wait();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    assert!(finished.stdout.contains(r#""complaint":"the server's process: "#), "{finished:#?}");
}

#[test]
fn a_program_reads_an_object_also_of_what_could_not_even_begin() {
    let (code, report) = bench(&["idle", "127.0.0.1:1", "--pid", "4194305"]);
    assert_eq!((code, &report["ok"]), (1, &false.into()), "{report}");
    assert!(report["complaint"].as_str().unwrap().starts_with("process 4194305: "), "{report}");
}

#[test]
fn whoever_stops_a_run_is_told_how_far_it_was() {
    let server = chat();
    let address = server.place(0).to_string();
    let run = Start::parlor(&["bench", "idle", &address, "--connections", "3", "--duration", "1000", "--json"]).begun();
    run.log.wait("everybody", |line| line.starts_with("3 connected"));
    let finished = run.stop();
    assert_eq!(finished.code(), 1, "{finished:#?}");
    let report: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(
        (&report["complaint"], &report["connections"]),
        (&"it was stopped before it was over".into(), &3.into())
    );
}
