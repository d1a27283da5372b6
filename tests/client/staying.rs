//! What a broken line costs: nothing missed, nothing twice, neither heard nor said.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::program::Program;
use crate::support::{Server, Start};

/// How often the server is killed; `tests/long.sh client` does it 50 times.
fn kills() -> usize {
    if std::env::var_os("PARLOR_LONG_TESTS").is_some() { 50 } else { 5 }
}

/// On a Unix socket: a port could be somebody else's by the time it is wanted again.
fn start(folder: &TempDir) -> (Server, String) {
    let folder = folder.path().to_str().unwrap();
    let server = Start::serve(&["--flood", "off", "--data", folder]).listen(&format!("chat=unix:{folder}/chat")).go();
    let address = server.place(0).to_string();
    (server, address)
}

/// The field of an object that is a number or a plain text.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("no {name} in {line}"));
    rest.split([',', '}']).next().unwrap().trim_matches('"')
}

fn said(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|line| line.starts_with("{\"type\":\"message\"")).collect()
}

#[test]
fn d14_a_server_killed_under_load_again_and_again_costs_no_number_and_gives_none_twice() {
    let folder = TempDir::new().unwrap();
    let (mut server, address) = start(&folder);
    let follower = Program::parlor(&["chat", &address, "--room", "r", "--follow", "--format", "json"]);
    follower.output_when("a welcome", |lines| lines.iter().any(|line| line.contains("welcome")));

    let mut speaker = Program::parlor(&["chat", &address, "--room", "r"]);
    let mut input = speaker.take_input();
    let enough = Arc::new(AtomicBool::new(false));
    let is_enough = Arc::clone(&enough);
    let feeder = std::thread::spawn(move || {
        let mut count = 0;
        while !is_enough.load(Ordering::Relaxed) {
            count += 1;
            writeln!(input, "{count}").expect("the speaker stays");
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        count
    });
    for _ in 0..kills() {
        let heard = said(&follower.output.lock().unwrap()).len();
        follower.output_when("more of it", |lines| said(lines).len() > heard + 50);
        server.signal(Signal::KILL);
        server.wait();
        (server, _) = start(&folder);
    }
    let heard = said(&follower.output.lock().unwrap()).len();
    follower.output_when("the rest of it", |lines| said(lines).len() > heard);
    enough.store(true, Ordering::Relaxed);
    let count = feeder.join().unwrap();
    let ended = speaker.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    follower.output_when("all of it", |lines| said(lines).len() >= count);

    let lines = follower.output.lock().unwrap().clone();
    let numbers: Vec<usize> = said(&lines).iter().map(|line| field(line, "seq").parse().unwrap()).collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    let texts: Vec<usize> = said(&lines).iter().map(|line| field(line, "text").parse().unwrap()).collect();
    assert_eq!(texts, numbers, "what was said has the order and the numbers in which it was said");
}

#[test]
fn d14_the_reason_of_a_broken_line_is_told_and_when_it_is_tried_again() {
    let folder = TempDir::new().unwrap();
    let (server, address) = start(&folder);
    let mut script = Program::parlor(&["chat", &address, "--room", "r"]);
    script.feed("before\n");
    crate::support::until("what was said before", || {
        let folder = folder.path().to_str().unwrap();
        Program::parlor(&["history", "r", "--data", folder]).end().output.len() == 1
    });
    server.signal(Signal::KILL);
    server.wait();
    script.aside_when("trying again in");
    script.aside_when("connection refused");
    script.feed("while it was down\n");
    let (server, _) = start(&folder);
    script.aside_when("connected again");
    script.feed("after\n");
    let ended = script.end();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let lines = Program::parlor(&["history", "r", "--data", folder.path().to_str().unwrap()]).end().well();
    let texts: Vec<&str> = lines.iter().filter_map(|line| Some(line.split_once("> ")?.1)).collect();
    assert_eq!(texts, ["before", "while it was down", "after"]);
    drop(server);
}
