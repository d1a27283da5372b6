//! `parlor run`, with the real server.

use std::fs::{self, File};

use tempfile::TempDir;

use crate::program::Program;
use crate::support::{Server, Start, until};

struct Offer {
    server: Server,
    _folder: TempDir,
}

fn offer() -> Offer {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let commands = r#"
        [run.greet]
        argv = ["echo", "hello", "{who:name}"]
        [run.sort]
        argv = ["sort", "-n"]
        [run.fail]
        argv = ["sh", "-c", "echo out; echo err >&2; exit 7"]
        [run.count]
        argv = ["sh", "-c", "while :; do echo line; done"]
        output = "1GiB"
        [run.silent]
        argv = ["sh", "-c", "read line; exit 3"]
        [run.tick]
        argv = ["sh", "-c", "while :; do echo line; sleep 0.1; done"]
        [run.die]
        argv = ["sh", "-c", "kill -TERM $$"]
    "#;
    fs::write(path("parlor.toml"), commands).unwrap();
    let start = Start::serve(&["--no-history", "--config", &path("parlor.toml")]);
    let server = start.listen(&format!("run=unix:{}", path("run.sock"))).go();
    Offer { server, _folder: folder }
}

fn run(offer: &Offer, words: &[&str]) -> Program {
    let at = offer.server.place(0).to_string();
    Program::parlor(&[&["run", "--at", &at], words].concat())
}

#[test]
fn a_command_has_our_input_and_output_and_we_have_its_code() {
    let offer = offer();
    assert_eq!(run(&offer, &["greet", "ann"]).end().well(), ["hello ann"]);
    let failed = run(&offer, &["fail"]).end();
    assert_eq!((failed.code, failed.output, failed.aside), (Some(7), vec!["out".to_owned()], vec!["err".to_owned()]));
    let died = run(&offer, &["die"]).end();
    assert_eq!((died.code, died.aside.len()), (Some(128 + 15), 1), "{died:#?}");
}

#[test]
fn a_command_goes_when_nobody_reads_what_it_writes() {
    use std::io::{BufRead, BufReader};
    let offer = offer();
    let at = offer.server.place(0).to_string();
    // One that writes without a pause, and one that writes a little now and then.
    for word in ["count", "tick"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_parlor"))
            .args(["run", "--at", &at, word])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_eq!(first, "line\n");
        let mut code = None;
        until("the end", || {
            code = child.try_wait().unwrap().and_then(|status| status.code());
            code.is_some()
        });
        let ended = child.wait_with_output().unwrap();
        assert_eq!((code, String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(141), ""), "{word}");
    }
}

#[test]
fn a_command_that_writes_nothing_does_not_miss_its_reader() {
    let offer = offer();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let args = ["run", "--at", &offer.server.place(0).to_string(), "silent"];
    let ended = Program::writing(&args, File::from(std::os::fd::OwnedFd::from(writer)), "line\n");
    assert_eq!((ended.code, ended.aside.len()), (Some(3), 0), "{ended:#?}");
}

#[test]
fn output_that_cannot_be_kept_and_input_that_cannot_be_read_are_failures() {
    let offer = offer();
    let at = offer.server.place(0).to_string();
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for words in [["greet", "ann"].as_slice(), &["count"]] {
        let ended = Program::writing(&[&["run", "--at", &at], words].concat(), full(), "");
        assert_eq!(ended.badly(), "parlor: standard output: no storage space");
    }
    let folder = File::open(".").unwrap();
    let ended = Program::reading(&["run", "--at", &at, "sort"], folder).wait();
    assert_eq!(ended.badly(), "parlor: standard input: is a directory");
}

#[test]
fn much_input_goes_through_as_fast_as_the_command_reads() {
    let offer = offer();
    let mut sort = run(&offer, &["sort"]);
    let mut input = sort.take_input();
    let feeder = std::thread::spawn(move || {
        use std::io::Write;
        let numbers: Vec<String> = (1..=50_000).rev().map(|number| number.to_string()).collect();
        input.write_all(numbers.join("\n").as_bytes()).unwrap();
    });
    let sorted = sort.wait().well();
    feeder.join().unwrap();
    assert_eq!(sorted, (1..=50_000).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_is_not_offered_or_not_allowed_fails_with_one_line() {
    let offer = offer();
    for (words, code, told) in
        [(vec!["nothing"], 5, "no-such-command"), (vec!["greet", "-x"], 4, "bad-argument"), (vec!["greet"], 4, "usage")]
    {
        let ended = run(&offer, &words).end();
        assert_eq!((ended.code, ended.aside.len()), (Some(code), 1), "{ended:#?}");
        assert!(ended.aside[0].contains(told), "{ended:#?}");
    }
    let ended = Program::parlor(&["run", "--at", "unix:/nowhere/at.all", "greet", "x"]).end();
    assert_eq!(ended.code, Some(3), "{ended:#?}");
}
