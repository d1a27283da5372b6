//! `parlor run`, with the real server.

use std::fs;

use tempfile::TempDir;

use crate::program::Program;
use crate::support::{Server, Start};

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
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_parlor"))
        .args(["run", "--at", &at, "count"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "line\n");
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(141), ""));
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
