//! Flags, environment, and the socket options that they ask for.

use crate::support::{Server, Start};

/// Flag, a value that is not the default, and what the log says of it: name, asked, granted.
const KNOBS: [[&str; 5]; 9] = [
    ["reuse-address", "off", "reuse-address", "off", "off"],
    ["reuse-port", "on", "reuse-port", "on", "on"],
    ["backlog", "7", "backlog", "7", "7"],
    ["nodelay", "off", "nodelay", "off", "off"],
    ["receive-buffer", "20000", "receive-buffer", "20000", "40000"],
    ["send-buffer", "30000", "send-buffer", "30000", "60000"],
    ["fast-open", "5", "fast-open", "5", "5"],
    ["user-timeout", "1234", "user-timeout", "1234 ms", "1234 ms"],
    ["keepalive", "off", "keepalive", "off", "off"],
];

/// What is said of an option in the log; the server waits for nothing between these lines and the readiness line.
fn said(server: &Server, door: usize, option: &str) -> String {
    let mark = format!(" {}: {option}: ", server.place(door));
    let lines = server.log.lines();
    let line = lines.iter().find_map(|line| line.split_once(&mark));
    line.unwrap_or_else(|| panic!("nothing of {option} in {lines:#?}")).1.to_owned()
}

fn variable(flag: &str) -> String {
    format!("PARLOR_{}", flag.replace('-', "_").to_uppercase())
}

fn debugging() -> Start {
    Start::serve(&["--log", "debug"]).listen("echo=127.0.0.1:0")
}

#[test]
fn socket_options_are_the_documents_numbers_unless_asked_otherwise() {
    let folder = tempfile::tempdir().expect("ours");
    let path = format!("echo=unix:{}", folder.path().join("u.sock").display());
    let server = debugging().listen("upper=[::1]:0").listen(&path).go();
    for door in [0, 1] {
        for (option, wanted) in [
            ("type", "stream"),
            ("local", &*server.place(door).to_string()),
            ("reuse-address", "asked on, granted on"),
            ("reuse-port", "asked off, granted off"),
            ("nodelay", "asked on, granted on"),
            ("keepalive", "asked on, granted on"),
            ("keepalive-times", "asked 60 s idle, 10 s apart, 3 probes, granted 60 s idle, 10 s apart, 3 probes"),
            ("receive-buffer", "asked 65536, granted 131072"),
            ("send-buffer", "asked 65536, granted 131072"),
            ("fast-open", "asked 1, granted 1"),
            ("user-timeout", "0 ms"),
        ] {
            assert_eq!(said(&server, door, option), wanted, "{option}");
        }
        assert!(said(&server, door, "backlog").starts_with("asked 511, granted "));
        assert_eq!(said(&server, door, "family"), ["IPv4", "IPv6"][door]);
    }
    // A Unix socket has buffers, and nothing of TCP.
    assert_eq!(said(&server, 2, "family"), "Unix");
    assert_eq!(said(&server, 2, "send-buffer"), "asked 65536, granted 131072");
    let lines = server.log.lines();
    assert!(!lines.iter().any(|line| line.contains("u.sock: nodelay") || line.contains("u.sock: reuse")), "{lines:#?}");
}

#[test]
fn every_socket_option_is_a_flag_and_an_environment_variable_and_takes_effect() {
    let by_flag =
        KNOBS.iter().fold(debugging(), |start, [flag, value, ..]| start.flags(&[&format!("--{flag}"), value]));
    let by_environment = KNOBS.iter().fold(debugging(), |start, [flag, value, ..]| start.env(&variable(flag), value));
    for server in [by_flag.go(), by_environment.go()] {
        for [flag, _, option, asked, granted] in KNOBS {
            assert_eq!(said(&server, 0, option), format!("asked {asked}, granted {granted}"), "--{flag}");
        }
        server.client(0).ask(b"1\n", b"1\n");
    }
}

#[test]
fn keepalive_times_are_flags_and_environment_variables_and_take_effect() {
    let times = [("keepalive-idle", "11"), ("keepalive-interval", "12"), ("keepalive-count", "4")];
    let by_flag = times.iter().fold(debugging(), |start, (flag, value)| start.flags(&[&format!("--{flag}"), value]));
    let by_environment = times.iter().fold(debugging(), |start, (flag, value)| start.env(&variable(flag), value));
    for server in [by_flag.go(), by_environment.go()] {
        let wanted = "11 s idle, 12 s apart, 4 probes";
        assert_eq!(said(&server, 0, "keepalive-times"), format!("asked {wanted}, granted {wanted}"));
        assert_eq!(said(&server, 0, "keepalive"), "asked on, granted on");
    }
}

#[test]
fn buffers_can_be_left_to_the_kernel() {
    let server = debugging().flags(&["--receive-buffer", "kernel", "--send-buffer", "kernel"]).go();
    for option in ["receive-buffer", "send-buffer"] {
        let size = said(&server, 0, option);
        assert!(size.parse::<u32>().is_ok(), "only what the kernel says, for nothing was asked: {size}");
    }
}

#[test]
fn flags_stand_over_the_environment() {
    let mut start = debugging().env("PARLOR_LISTEN", "upper=127.0.0.1:0 upper=[::1]:0").env("PARLOR_LOG", "error");
    for [flag, value, ..] in KNOBS {
        let other = match value {
            "on" => "off",
            "off" => "on",
            _ => "77",
        };
        start = start.env(&variable(flag), other).flags(&[&format!("--{flag}"), value]);
    }
    let server = start.go();
    for [flag, _, option, asked, granted] in KNOBS {
        assert_eq!(said(&server, 0, option), format!("asked {asked}, granted {granted}"), "--{flag}");
    }
    server.client(0).ask(b"echo, not upper\n", b"echo, not upper\n");
    let listening = server.log.lines().iter().filter(|line| line.contains(" listening ")).count();
    assert_eq!(listening, 1, "the environment's listeners are there too");
}

#[test]
fn listeners_may_come_from_the_environment() {
    for command in [&["serve"][..], &[]] {
        let start = Start::parlor(command).env("PARLOR_LISTEN", " echo=127.0.0.1:0  upper+length=[::1]:0\n");
        let server = start.expecting(2).go();
        server.client(0).ask(b"a\n", b"a\n");
        server.client(1).ask(b"\0\0\0\x01a", b"\0\0\0\x01A");
    }
}

#[test]
fn an_empty_list_of_listeners_is_wrong_usage_and_not_a_server_for_nobody() {
    for empty in ["", "  "] {
        let finished = Start::serve(&[]).env("PARLOR_LISTEN", empty).run();
        assert_eq!(finished.code(), 2, "{finished:#?}");
        assert!(finished.stderr[0].contains("PARLOR_LISTEN"), "{finished:#?}");
    }
}

#[test]
fn the_other_flags_may_come_from_the_environment_too() {
    for yes in ["1", "true", "on", "yes"] {
        let server = Start::serve(&[]).listen("echo=0.0.0.0:0").env("PARLOR_OPEN", yes).go();
        assert_eq!(server.stop().code(), 0);
    }
    for no in ["0", "false", "off", "no"] {
        let finished = Start::serve(&[]).listen("echo=0.0.0.0:0").env("PARLOR_OPEN", no).run();
        assert_eq!(finished.code(), 1, "{finished:#?}");
    }
    let server = Start::serve(&[]).listen("echo=127.0.0.1:0").env("PARLOR_MAX_CONNECTIONS", "0").go();
    assert!(server.client(0).line().starts_with("! full: "));
    let finished = Start::serve(&[]).listen("echo=192.0.2.1:0").env("PARLOR_LOG", "off").run();
    assert_eq!((finished.code(), finished.stderr.len()), (1, 1), "a failure is told, logged or not: {finished:#?}");
}

#[test]
fn values_that_make_no_sense_are_wrong_usage_by_flag_and_by_environment() {
    for (flag, value) in [
        ("nodelay", "maybe"),
        ("backlog", "many"),
        ("backlog", "-1"),
        ("keepalive-idle", "0"),
        ("keepalive-interval", "32768"),
        ("keepalive-count", "128"),
        ("receive-buffer", "big"),
        ("send-buffer", ""),
        ("user-timeout", "1s"),
        ("max-connections", "all"),
        ("log", "loud"),
        ("unix-mode", "1777"),
    ] {
        let by_flag = Start::serve(&[]).listen("echo=127.0.0.1:0").flags(&[&format!("--{flag}={value}")]).run();
        let by_environment = Start::serve(&[]).listen("echo=127.0.0.1:0").env(&variable(flag), value).run();
        for finished in [by_flag, by_environment] {
            assert_eq!((finished.code(), finished.stdout.as_str()), (2, ""), "{flag} {value:?}: {finished:#?}");
            assert!(finished.stderr[0].contains(flag), "{finished:#?}");
        }
    }
}

#[test]
fn two_servers_share_a_port_only_when_both_say_so() {
    let sharing = |at: &str| Start::serve(&["--reuse-port", "on"]).listen(&format!("echo={at}"));
    let first = sharing("127.77.0.2:0").go();
    let at = first.place(0).to_string();
    let second = sharing(&at).go();
    let finished = Start::serve(&[]).listen(&format!("echo={at}")).run();
    assert_eq!(finished.code(), 1, "a third came in uninvited: {finished:#?}");
    // Whoever is left has the door to itself.
    assert_eq!(first.stop().code(), 0);
    second.client(0).ask(b"1\n", b"1\n");
}
