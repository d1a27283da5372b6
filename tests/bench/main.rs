//! The load generator, and above all that its checks fail when a server delivers wrongly.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

#[path = "../support/mod.rs"]
mod support;

mod churn;
mod refused;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::Value;
use support::{Server, Start};

/// What becomes of one message on its way to the last who hears it: what is written instead.
type Spoil = fn(number: u32, line: &[u8]) -> Vec<u8>;

/// The beginning of a message in the chat, as hearers get it.
const SAID: &str = "#bench <s0> ";

/// A relay that gives each line to all others, as it came, but for what `spoil` does at the last connection. It lets
/// in as many as are said to come.
fn relay(connections: usize, spoil: Spoil) -> SocketAddr {
    relay_with(connections, "", spoil)
}

/// The same; with something before each line, it lets people in as the chat does.
fn relay_with(connections: usize, before: &'static str, spoil: Spoil) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let streams: Vec<TcpStream> = listener.incoming().take(connections).map(Result::unwrap).collect();
        let writers: Vec<TcpStream> = streams.iter().map(|stream| stream.try_clone().unwrap()).collect();
        let writers = Arc::new(Mutex::new(writers));
        for (from, stream) in streams.into_iter().enumerate() {
            let writers = Arc::clone(&writers);
            thread::spawn(move || pass(from, stream, &writers, before, spoil));
        }
    });
    address
}

fn pass(from: usize, stream: TcpStream, writers: &Mutex<Vec<TcpStream>>, before: &str, spoil: Spoil) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let mut writers = writers.lock().unwrap();
        if line.starts_with(b"/") {
            if line == b"/leave lobby" {
                writers[from].write_all(b"- you left #lobby\n").unwrap();
            }
            continue;
        }
        let number: u32 = std::str::from_utf8(&line[6..16]).unwrap().parse().unwrap();
        let line = [before.as_bytes(), &line, b"\n"].concat();
        let last = writers.len() - 1;
        for (to, writer) in writers.iter_mut().enumerate().filter(|(to, _)| *to != from) {
            let bytes = if to == last { spoil(number, &line) } else { line.clone() };
            // The generator leaves when it has heard enough.
            let _ = writer.write_all(&bytes);
        }
    }
}

/// The same line with another number.
fn numbered(line: &[u8], number: u32) -> Vec<u8> {
    let mut line = line.to_vec();
    line[6..16].copy_from_slice(format!("{number:010}").as_bytes());
    line
}

/// `parlor bench` with these words: its exit code and its report.
pub(crate) fn bench(words: &[&str]) -> (i32, Value) {
    let finished = Start::parlor(&["bench"]).flags(words).flags(&["--json"]).run();
    let report = serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("no report: {finished:#?}"));
    (finished.code(), report)
}

/// Twenty messages of one speaker to three hearers, two on their way at once.
pub(crate) fn fanout(address: &str, more: &[&str]) -> (i32, Value) {
    let words = ["fanout", address, "--receivers", "3", "--window", "2", "--count", "20", "--warmup", "0"];
    bench(&[&words, more].concat())
}

fn faults(report: &Value) -> [u64; 4] {
    ["lost", "repeated", "reordered", "wrong"].map(|fault| report[fault].as_u64().unwrap())
}

fn fanout_over(spoil: Spoil) -> (i32, [u64; 4], u64) {
    let (code, report) = fanout(&relay(4, spoil).to_string(), &["--dialect", "lines"]);
    (code, faults(&report), report["deliveries"].as_u64().unwrap())
}

#[test]
fn a_relay_that_delivers_everything_passes() {
    assert_eq!(fanout_over(|_, line| line.to_vec()), (0, [0, 0, 0, 0], 60));
}

#[test]
fn a_message_that_one_of_three_does_not_hear_is_lost() {
    assert_eq!(fanout_over(|number, line| if number == 7 { vec![] } else { line.to_vec() }), (1, [1, 0, 0, 0], 59));
}

#[test]
fn a_message_heard_twice_is_repeated() {
    let twice: Spoil = |number, line| if number == 7 { line.repeat(2) } else { line.to_vec() };
    assert_eq!(fanout_over(twice), (1, [0, 1, 0, 0], 61));
}

#[test]
fn what_is_said_before_the_measurement_is_not_to_be_heard_twice_either() {
    let (code, [lost, repeated, reordered, wrong], heard) =
        fanout_over(|number, line| if number == 0 { line.repeat(2) } else { line.to_vec() });
    // Where the machine is slow, it is said more than once.
    assert_eq!((code, lost, reordered, wrong, heard, repeated > 0), (1, 0, 0, 0, 60, true));
}

#[test]
fn a_message_heard_after_the_next_is_out_of_order() {
    // Numbers 7 and 8 are said together.
    let late: Spoil = |number, line| match number {
        7 => vec![],
        8 => [line, &numbered(line, 7)].concat(),
        _ => line.to_vec(),
    };
    assert_eq!(fanout_over(late), (1, [0, 0, 1, 0], 60));
}

#[test]
fn a_hearer_who_hears_nothing_at_all_is_waited_for_in_vain() {
    let (code, report) = fanout(&relay(4, |_, _| vec![]).to_string(), &["--dialect", "lines"]);
    assert_eq!((code, &report["complaint"]), (1, &"what is missing did not come".into()), "{report}");
}

#[test]
fn a_byte_that_was_not_said_is_wrong_and_its_message_lost() {
    let spoilt: Spoil = |number, line| match number {
        7 => line.to_ascii_uppercase(),
        _ => line.to_vec(),
    };
    assert_eq!(fanout_over(spoilt), (1, [1, 0, 0, 1], 59));
}

#[test]
fn what_is_heard_besides_and_has_not_even_the_shape_of_a_message_is_wrong() {
    let cut: Spoil = |number, line| match number {
        7 => [line, SAID.as_bytes(), b"half of it\n"].concat(),
        _ => line.to_vec(),
    };
    let (code, report) = fanout(&relay_with(4, SAID, cut).to_string(), &[]);
    assert_eq!((code, faults(&report), &report["deliveries"]), (1, [0, 0, 0, 1], &60.into()), "{report}");
}

#[test]
fn a_message_under_the_name_of_another_is_wrong_and_its_message_lost() {
    let misnamed: Spoil = |number, line| match number {
        7 => [b"#bench <s1> ", &line[SAID.len()..]].concat(),
        _ => line.to_vec(),
    };
    let (code, report) = fanout(&relay_with(4, SAID, misnamed).to_string(), &[]);
    assert_eq!((code, faults(&report), &report["deliveries"]), (1, [1, 0, 0, 1], &59.into()), "{report}");
}

#[test]
fn a_line_of_a_kind_that_the_chat_does_not_have_is_wrong() {
    let spoilt: Spoil = |number, line| match number {
        7 => [line, b"?bench <s0> half of it\n"].concat(),
        _ => line.to_vec(),
    };
    let (code, report) = fanout(&relay_with(4, SAID, spoilt).to_string(), &[]);
    assert_eq!((code, faults(&report), &report["deliveries"]), (1, [0, 0, 0, 1], &60.into()), "{report}");
}

#[test]
fn a_message_that_nobody_has_said_is_wrong() {
    let invented: Spoil = |number, line| match number {
        7 => [line, &numbered(line, 4_000_000)].concat(),
        _ => line.to_vec(),
    };
    assert_eq!(fanout_over(invented), (1, [0, 0, 0, 1], 60));
}

pub(crate) fn chat() -> Server {
    let flags = ["--no-history", "--flood", "off"];
    Start::serve(&flags).listen("chat=127.0.0.1:0").listen("echo=127.0.0.1:0").go()
}

#[test]
fn the_chat_gives_each_message_to_all_others_once_and_in_order() {
    let server = chat();
    let pid = server.pid().as_raw_nonzero().to_string();
    let (code, report) = fanout(&server.place(0).to_string(), &["--senders", "2", "--pid", &pid]);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    // Speakers hear each other: two times twenty messages, each to four.
    assert_eq!((&report["messages"], &report["deliveries"]), (&40.into(), &160.into()));
    assert_eq!((&report["loop"], &report["window"], &report["rate"]), (&"closed".into(), &2.into(), &Value::Null));
    assert_eq!(report["behind_us"], Value::Null);
    assert!(report["server"]["cpu_ns"].as_u64().unwrap() > 0 && report["server"]["resident"].as_u64().unwrap() > 0);
    assert!(report["latency_us"]["p99.99"].as_f64().unwrap() > 0.0);
}

#[test]
fn in_the_open_loop_as_much_is_said_as_was_planned() {
    let server = chat();
    let (code, report) =
        bench(&["fanout", &server.place(0).to_string(), "--rate", "200", "--duration", "0.25", "--warmup", "0.1"]);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    assert_eq!((&report["messages"], &report["deliveries"]), (&50.into(), &5000.into()));
    assert_eq!((&report["loop"], &report["window"]), (&"open".into(), &Value::Null));
}

#[test]
fn what_was_planned_is_said_also_when_the_generator_is_behind_its_plan() {
    let floor = Start::parlor(&["bench", "floor", "--echo", "127.0.0.1:0"]).expecting(1).go();
    // No machine says twenty thousand messages in two milliseconds.
    let words = ["--connections", "1", "--rate", "10000000", "--duration", "0.002", "--warmup", "0"];
    let (code, report) = bench(&[&["echo", &floor.place(0).to_string()], &words[..]].concat());
    assert_eq!((code, faults(&report), &report["messages"]), (0, [0; 4], &20_000.into()), "{report}");
    // Whoever reads the latencies is told that they are the generator's.
    assert!(report["behind_us"].as_f64().unwrap() > 0.0, "{report}");
}

/// An echo that keeps what the first two connections of three say to itself, until the last has said 40 messages. What
/// is said before the measurement has the number 0.
fn echo_to_the_last_first() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (is_over, over) = (Arc::new(Mutex::new(false)), Arc::new(Condvar::new()));
    thread::spawn(move || {
        for stream in listener.incoming().take(3).map(Result::unwrap) {
            let (is_over, over) = (Arc::clone(&is_over), Arc::clone(&over));
            thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let (speaker, number) = (&line[..5], &line[6..16]);
                    if speaker != b"00002" && number != b"0000000000" {
                        drop(over.wait_while(is_over.lock().unwrap(), |is_over| !*is_over).unwrap());
                    } else if number == b"0000000040" {
                        *is_over.lock().unwrap() = true;
                        over.notify_all();
                    }
                    let _ = writer.write_all(&[&line[..], b"\n"].concat());
                }
            });
        }
    });
    address
}

#[test]
fn every_speaker_says_its_count_also_when_the_last_is_the_first_to_have_done_so() {
    let words = ["--connections", "3", "--depth", "4", "--count", "40", "--warmup", "0"];
    let (code, report) = bench(&[&["echo", &echo_to_the_last_first().to_string()], &words[..]].concat());
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    assert_eq!((&report["messages"], &report["deliveries"]), (&120.into(), &120.into()));
}

#[test]
fn the_echo_and_the_floor_give_everything_back() {
    let server = chat();
    let floor = Start::parlor(&["bench", "floor", "--echo", "127.0.0.1:0"]).expecting(1).go();
    for address in [server.place(1), floor.place(0)] {
        let words = ["--connections", "5", "--depth", "4", "--count", "20", "--warmup", "0.1"];
        let (code, report) = bench(&[&["echo", &address.to_string()], &words[..]].concat());
        assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
        assert_eq!((&report["messages"], &report["deliveries"]), (&100.into(), &100.into()));
    }
}

#[test]
fn the_floor_gives_each_chunk_to_all_others() {
    let floor = Start::parlor(&["bench", "floor", "127.0.0.1:0"]).expecting(1).go();
    let (code, report) = fanout(&floor.place(0).to_string(), &["--dialect", "lines", "--senders", "2"]);
    assert_eq!((code, faults(&report), &report["deliveries"]), (0, [0; 4], &160.into()), "{report}");
}

#[test]
fn the_servers_complaint_fails_the_run() {
    let server = chat();
    let (code, report) = fanout(&server.place(0).to_string(), &["--name", "a.b"]);
    assert_eq!(code, 1);
    assert!(report["complaint"].as_str().unwrap().starts_with("the server says: ! bad-name"), "{report}");
}

#[test]
fn idle_connections_are_counted_and_stay() {
    let server = chat();
    let pid = server.pid().as_raw_nonzero().to_string();
    let address = server.place(0).to_string();
    let (code, report) = bench(&["idle", &address, "--connections", "100", "--duration", "0.2", "--pid", &pid]);
    assert_eq!((code, &report["connections"]), (0, &100.into()), "{report}");
    assert!(report["arrival"]["cpu_ns_each"].as_f64().unwrap() > 0.0);
    assert!(report["memory_each"].as_f64().unwrap() >= 0.0);
}

#[test]
fn after_a_storm_everybody_has_heard_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Start::serve(&["--data", data, "--flood", "off"]).listen("chat=127.0.0.1:0").go();
    let (code, report) = bench(&["storm", &server.place(0).to_string(), "--connections", "20", "--count", "5"]);
    assert_eq!((code, faults(&report)), (0, [0; 4]), "{report}");
    // Five before, five while they were away, five as they returned.
    assert_eq!((&report["messages"], &report["deliveries"]), (&15.into(), &300.into()));
}

#[test]
fn a_storm_without_a_history_fails() {
    let server = chat();
    let (code, report) = bench(&["storm", &server.place(0).to_string(), "--connections", "3"]);
    assert_eq!(code, 1);
    assert!(report["complaint"].as_str().unwrap().starts_with("the server says: ! "), "{report}");
}
