//! A command and its caller: what one writes the other hears.

use crate::house::House;

#[test]
fn d20_a_command_runs_without_a_shell_and_its_words_are_its_own() {
    let house = House::offering("[run.show]\nargv = [\"/usr/bin/printf\", \"%s|\", \"$HOME\", \"{what:text}\"]\n");
    let mut caller = house.caller();
    let outcome = caller.runs("show a; rm -rf / $(id) `id` > x 'y' * \\n");
    assert_eq!(String::from_utf8(outcome.out).unwrap(), "$HOME|a; rm -rf / $(id) `id` > x 'y' * \\n|");
    assert_eq!(outcome.words, ["- exit 0"]);
}

#[test]
fn d20_both_outputs_come_as_they_are_written_each_marked_and_then_how_it_ended() {
    // It goes on when it is told to, so nobody has to guess how long anything takes.
    let house = House::shell(&[("steps", "echo one; read x; echo two >&2; read x; echo three; exit 7")]);
    let mut caller = house.caller();
    assert_eq!(caller.asks("run steps"), "- started steps");
    caller.client.expect(b"- out 4\none\n");
    caller.feeds(b"\n");
    caller.client.expect(b"- err 4\ntwo\n");
    caller.feeds(b"\n");
    caller.client.expect(b"- out 6\nthree\n- exit 7\n");
}

#[test]
fn d20_ten_mebibytes_on_each_output_at_once_come_back_whole() {
    let script = "head -c 10485760 /dev/zero | tr '\\0' o & head -c 10485760 /dev/zero | tr '\\0' e >&2 & wait";
    let house = House::shell(&[("much", script)]);
    let outcome = house.caller().runs("much");
    assert_eq!(outcome.words, ["- exit 0"]);
    assert_eq!((outcome.out.len(), outcome.err.len()), (10 << 20, 10 << 20));
    assert!(outcome.out.iter().all(|&byte| byte == b'o') && outcome.err.iter().all(|&byte| byte == b'e'));
    assert!(outcome.order.len() > 2, "one after the other: {}", outcome.order);
}

#[test]
fn bytes_of_any_kind_come_as_they_are() {
    let house = House::shell(&[("bytes", "printf '\\000\\377- exit 0\\n\\033[2J'")]);
    let outcome = house.caller().runs("bytes");
    assert_eq!(outcome.out, b"\0\xff- exit 0\n\x1b[2J");
    assert_eq!(outcome.words, ["- exit 0"]);
}

#[test]
fn a_command_is_fed_as_fast_as_it_reads_and_no_faster() {
    let house = House::shell(&[("count", "read go < \"$HOME/$0\" 2>/dev/null; wc -c")]);
    let mut caller = house.caller();
    assert_eq!(caller.asks("run count"), "- started count");
    let (mut credit, mut left) = (65_536, 1_000_000);
    while left > 0 {
        while credit < 30_000.min(left) {
            let line = caller.client.line();
            credit += line.strip_prefix("- more ").unwrap_or_else(|| panic!("{line}")).parse::<usize>().unwrap();
        }
        let count = credit.min(left).min(30_000);
        caller.feeds(&vec![b'x'; count]);
        credit -= count;
        left -= count;
    }
    caller.says("eof");
    let outcome = caller.outcome();
    assert_eq!(String::from_utf8(outcome.out).unwrap().trim(), "1000000");
    assert_eq!(outcome.words, ["- exit 0"]);
}

#[test]
fn more_input_than_is_allowed_is_dropped_and_said() {
    let house = House::shell(&[("sleep", "exec sleep 1000"), ("cat", "exec cat")]);
    let mut caller = house.caller();
    assert_eq!(caller.asks("run sleep"), "- started sleep");
    // It reads nothing: what fits into its pipe is allowed once more, and then nothing.
    caller.feeds(&vec![b'x'; 65_536]);
    let line = caller.client.line();
    let more = line.strip_prefix("- more ").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    caller.feeds(&vec![b'x'; more]);
    caller.feeds(&vec![b'x'; 10_000]);
    assert_eq!(caller.client.line(), "! too-much-input: 0 bytes may be sent now; nothing of these was used");
    assert_eq!(caller.asks("PING"), "PONG");
    caller.says("kill");
    assert_eq!(caller.outcome().words, ["- killed 9"]);
    // What still comes for one that has ended is nobody's.
    caller.feeds(b"run cat\n");
    caller.says("eof");
    caller.says("kill");
    assert_eq!(caller.asks("PING 2"), "PONG 2");
    assert_eq!(caller.asks("run cat"), "- started cat");
    caller.feeds(b"meow");
    caller.client.expect(b"- out 4\nmeow");
    caller.says("eof");
    assert_eq!(caller.outcome().words, ["- exit 0"]);
}

#[test]
fn a_command_that_takes_its_time_before_it_reads_gets_all_of_its_input() {
    let house = House::with(
        "[run.late]\nargv = [\"/bin/sh\", \"-c\", \"sleep 2.5; wc -c\"]\n",
        // How long a client's connection may make no progress.
        |start| start.flags(&["--limit-stall", "1s"]),
    );
    let mut caller = house.caller();
    assert_eq!(caller.asks("run late"), "- started late");
    // More than a pipe holds, so some of it waits in the server.
    caller.feeds(&vec![b'x'; 65_536]);
    let line = caller.client.line();
    let more: usize = line.strip_prefix("- more ").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    caller.feeds(&vec![b'x'; more]);
    caller.says("eof");
    let outcome = caller.outcome();
    assert_eq!(String::from_utf8(outcome.out).unwrap().trim(), (65_536 + more).to_string());
    assert_eq!(outcome.words, ["- exit 0"]);
}

#[test]
fn input_for_a_command_that_does_not_want_it_is_dropped() {
    let house = House::shell(&[("deaf", "exec <&-; echo ready; sleep 0.2; echo done")]);
    let mut caller = house.caller();
    assert_eq!(caller.asks("run deaf"), "- started deaf");
    caller.client.expect(b"- out 6\nready\n");
    let mut sent = 0;
    while sent < 500_000 {
        caller.feeds(&vec![b'x'; 30_000]);
        sent += 30_000;
        let line = caller.asks("PING");
        // Allowed anew each time, until it has ended.
        if line == "- out 5" {
            break;
        }
        assert!(line == "PONG" || line.starts_with("- more "), "{line}");
        if line != "PONG" {
            assert!(["PONG", "- out 5"].contains(&&*caller.client.line()));
        }
    }
}

#[test]
fn whoever_does_not_read_is_written_to_no_further() {
    let house = House::shell(&[("yes", "exec yes")]);
    let mut slow = house.caller();
    assert_eq!(slow.asks("run yes"), "- started yes");
    house.server.figures_when("much that waits", |figures| figures.bytes_in > 200_000);
    let before = house.server.settled().bytes_in;
    // It has filled what there is to fill, and stands still: a second of it moves nothing.
    house.server.expect_sleep();
    assert_eq!(house.server.settled().bytes_in, before);
    assert!(before < 4 << 20, "{before} bytes were read for somebody who reads nothing");
    // Others go on, and so does it when it is read.
    assert_eq!(house.caller().asks("PING"), "PONG");
    for _ in 0..50 {
        let line = slow.client.line();
        let count: usize = line.strip_prefix("- out ").unwrap().parse().unwrap();
        slow.client.expect(&b"y\n".repeat(count)[..count]);
    }
}

#[test]
fn whoever_ends_the_input_hears_everything_to_the_end() {
    let house = House::shell(&[("late", "cat; sleep 1.5; echo late; echo later >&2")]);
    let mut caller = house.caller();
    assert_eq!(caller.asks("run late"), "- started late");
    caller.feeds(b"fed\n");
    caller.client.finish();
    let outcome = caller.outcome();
    assert_eq!((&outcome.out[..], &outcome.err[..]), (&b"fed\nlate\n"[..], &b"later\n"[..]));
    assert_eq!(outcome.words, ["- exit 0"]);
    caller.client.expect_end();
}
