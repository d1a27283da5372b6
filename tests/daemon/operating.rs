//! The admin socket, beyond what `docs/protocol.md` shows of it.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Client, Server, Start, until};

fn served(flags: &[&str]) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let admin = format!("admin=unix:{}", folder.path().join("admin").display());
    let start = Start::serve(&["--no-history"]).flags(flags).listen("echo=127.0.0.1:0").listen(&admin);
    (start.go(), folder)
}

fn operator(server: &Server) -> Client {
    let mut client = server.client(1);
    assert_eq!(client.line(), "- parlor admin; help lists what can be done");
    client
}

/// A long answer.
fn answer(operator: &mut Client, command: &str) -> Vec<String> {
    operator.send(format!("{command}\n").as_bytes());
    let end = format!("- end {}", command.split(' ').next().unwrap());
    let mut lines = Vec::new();
    loop {
        match operator.line() {
            line if line == end => return lines,
            line => lines.push(line.strip_prefix("- ").unwrap_or_else(|| panic!("{line}")).to_owned()),
        }
    }
}

#[test]
fn whoever_is_kicked_is_told_and_gone() {
    let (server, _folder) = served(&[]);
    let mut operator = operator(&server);
    let (mut one, mut other) = (server.client(0), server.client(0));
    one.ask(b"a\n", b"a\n");
    other.ask(b"b\n", b"b\n");
    let lines = answer(&mut operator, "connections echo");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let line = lines.iter().find(|line| line.contains(&format!(" {} for ", one.address()))).unwrap();
    let number = line.split(' ').next().unwrap().to_owned();
    operator.ask(format!("kick {number}\n").as_bytes(), format!("- kicked {number}\n").as_bytes());
    assert_eq!(one.rest(), b"! kicked: an operator closed this connection\n");
    other.ask(b"still here\n", b"still here\n");
    until("one less", || answer(&mut operator, "connections echo").len() == 1);
    operator.send(format!("kick {number}\n").as_bytes());
    assert!(operator.line().starts_with("! no-such-connection: "));
}

#[test]
fn info_shows_what_the_kernel_knows() {
    let (server, _folder) = served(&[]);
    let mut operator = operator(&server);
    let mut client = server.client(0);
    client.ask(b"a\n", b"a\n");
    let line = answer(&mut operator, "connections echo").remove(0);
    let facts = answer(&mut operator, &format!("info {}", line.split(' ').next().unwrap()));
    assert!(facts[0].starts_with(&line[..line.find(" for ").unwrap()]), "{facts:?}");
    for fact in ["family: IPv4", "nodelay: on (asked: on)", &format!("peer: {}", client.address())] {
        assert!(facts.iter().any(|found| found == fact), "no {fact} in {facts:#?}");
    }
    assert!(facts.iter().any(|fact| fact.starts_with("rtt: ")), "{facts:#?}");
}

#[test]
fn drain_ends_the_server_in_order() {
    let (server, _folder) = served(&[]);
    let mut operator = operator(&server);
    operator.ask(b"drain\n", b"- stopping\n");
    operator.expect_end();
    assert_eq!(server.wait().code(), 0);
}

#[test]
fn the_level_of_the_log_changes_and_a_reload_leaves_it() {
    let (server, _folder) = served(&[]);
    let mut operator = operator(&server);
    operator.ask(b"log debug\n", b"- log debug\n");
    server.client(0).ask(b"a\n", b"a\n");
    server.log.wait("who came", |line| line.contains("DEBUG echo ") && line.contains(": opened, from 127.0.0.1:"));
    operator.ask(b"reload\n", b"- reloading; the log says what has changed\n");
    server.log.wait("the reload", |line| line.contains("reloaded: nothing has changed"));
    operator.ask(b"log\n", b"- log debug\n");
}

#[test]
fn an_operators_socket_is_not_for_everybody() {
    for (mode, wanted) in [("600", 0o600), ("666", 0o660), ("777", 0o770)] {
        let (_server, folder) = served(&["--unix-mode", mode]);
        let found = std::fs::metadata(folder.path().join("admin")).unwrap().permissions().mode();
        assert_eq!(found & 0o777, wanted, "{mode}");
    }
    let finished = Start::serve(&["--listen", "admin=127.0.0.1:0"]).run();
    assert_eq!(finished.code(), 2);
    assert!(finished.stderr[0].contains("admin is on Unix sockets only: expected admin=unix:PATH"), "{finished:#?}");
}

#[test]
fn several_doors_lead_to_one_service() {
    let folder = tempfile::tempdir().unwrap();
    let door = |name: &str| format!("admin=unix:{}", folder.path().join(name).display());
    let server = Start::serve(&[]).listen(&door("a")).listen(&door("b")).go();
    let (mut one, mut two) = (server.client(0), server.client(1));
    for operator in [&mut one, &mut two] {
        assert_eq!(operator.line(), "- parlor admin; help lists what can be done");
    }
    assert_eq!(answer(&mut one, "connections admin").len(), 2);
    assert!(answer(&mut two, "stats").contains(&"connections admin 2".to_owned()));
}

#[test]
fn answers_come_in_the_order_of_questions() {
    let (server, _folder) = served(&[]);
    let mut operator = operator(&server);
    let mut client = server.client(0);
    client.ask(b"a\n", b"a\n");
    let number = answer(&mut operator, "connections echo")[0].split(' ').next().unwrap().to_owned();
    operator.send(format!("info {number}\nstats\nconnections upper\nlog\nstats\n").as_bytes());
    let mut ends = Vec::new();
    while ends.len() < 5 {
        let line = operator.line();
        if line.starts_with("- end ") || line.starts_with("- log ") {
            ends.push(line[2..].to_owned());
        }
    }
    assert_eq!(ends, ["end info", "end stats", "end connections", "log info", "end stats"]);
}

#[test]
fn a_program_in_the_chat_is_told_in_its_own_form_that_it_is_kicked() {
    let folder = tempfile::tempdir().unwrap();
    let admin = format!("admin=unix:{}", folder.path().join("admin").display());
    let server = Start::serve(&["--no-history"]).listen("chat=127.0.0.1:0").listen(&admin).go();
    let mut operator = operator(&server);
    let mut program = server.client(0);
    assert!(program.line().starts_with("- parlor chat"));
    program.send(b"/format json\n");
    assert!(program.line().contains(r#""type":"welcome""#));
    let number = answer(&mut operator, "connections chat")[0].split(' ').next().unwrap().to_owned();
    operator.ask(format!("kick {number}\n").as_bytes(), format!("- kicked {number}\n").as_bytes());
    let wanted = r#"{"type":"error","code":"kicked","text":"an operator closed this connection"}"#;
    assert_eq!(String::from_utf8(program.rest()).unwrap(), format!("{wanted}\n"));
}

/// What comes when a newcomer says something, and what one more is told.
fn after(server: &Server, door: usize, times: u32, nonsense: &[u8]) -> String {
    for _ in 0..times {
        let mut client = server.client(door);
        client.send(nonsense);
        client.finish();
        client.rest();
    }
    let mut next = server.client(door);
    next.send(b"a\n");
    next.finish();
    String::from_utf8_lossy(&next.rest()).into_owned()
}

#[test]
fn whoever_breaks_the_framing_again_and_again_stays_out_for_a_while() {
    for (listen, times, nonsense) in [
        ("echo+length=127.0.0.1:0", 4, &b"\xff\xff\xff\xff"[..]),
        ("echo=127.0.0.1:0", 4, b"POST / HTTP/1.1\r\n"),
        ("upper=127.0.0.1:0", 4, b"\x16\x03\x01\x02\x00\x01"),
        ("chat=127.0.0.1:0", 4, &[b'a'; 9000]),
    ] {
        let start = Start::serve(&["--no-history", "--count-loopback"]).listen(listen);
        let server = start.listen("echo=127.0.0.1:0").go();
        let told = after(&server, 0, times, nonsense);
        assert!(told.contains("! penalty: too much went wrong from your address; come again in "), "{listen}: {told}");
        assert!(after(&server, 1, 0, b"").starts_with("! penalty: "), "the door is one for all listeners");
    }
    // A line that breaks in the middle of a frame is hardly a misdeed.
    let server = Start::serve(&["--count-loopback"]).listen("echo+length=127.0.0.1:0").go();
    assert!(!after(&server, 0, 5, b"\0\0\0\x09ab").contains("penalty"));
    // Nor is one asked about it who does not want to know.
    let server = Start::serve(&["--count-loopback", "--penalties=off"]).listen("echo=127.0.0.1:0").go();
    assert_eq!(after(&server, 0, 5, b"GET / HTTP/1.1\r\n"), "a\n");
}
