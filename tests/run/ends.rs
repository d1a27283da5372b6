//! How commands end: by themselves, by time, by what they write, with their callers.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::house::{Caller, House, offer};
use crate::support::tools::{CONTAINED, may_be_contained_with_proc, needs};
use crate::support::{proc, until};

/// Writes the numbers of the processes that it is, one in a group of its own making, and then waits for ever.
const FAMILY: &str = "sleep 1000 & echo $$ $!; wait";

/// Starts it and answers the numbers.
fn family(caller: &mut Caller) -> Vec<Pid> {
    assert_eq!(caller.asks("run family"), "- started family");
    assert!(caller.client.line().starts_with("- out "));
    caller.client.line().split(' ').map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect()
}

/// Gone, not even a zombie: but whom the system's first process has to reap may stay one until it does.
fn are_gone(pids: &[Pid]) {
    until("the end of a family", || {
        test_kill_process(pids[0]).is_err()
            && pids.iter().all(|&pid| test_kill_process(pid).is_err() || proc::state(pid) == 'Z')
    });
}

/// The processes whose parent the server is, zombies included.
fn children(house: &House) -> Vec<i32> {
    children_of(house.server.pid().as_raw_pid())
}

fn children_of(server: i32) -> Vec<i32> {
    let status = |pid: i32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let parent = |pid: i32| status(pid).rsplit(") ").next()?.split(' ').nth(1)?.parse::<i32>().ok();
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(|&pid| parent(pid) == Some(server)).collect()
}

#[test]
fn d20_a_command_that_sleeps_for_ever_is_gone_when_its_time_is_up() {
    let house = House::offering("[run.sleep]\nargv = [\"sleep\", \"100000\"]\ntime = \"300ms\"\n");
    let mut caller = house.caller();
    let outcome = caller.runs("sleep");
    assert_eq!(outcome.words, ["! time-limit: it ran for 0.3 s, and was killed", "- killed 9"]);
    assert!(children(&house).is_empty());
    // The connection goes on.
    assert_eq!(caller.runs("sleep").words.len(), 2);
}

#[test]
fn d20_whoever_leaves_takes_the_command_along_with_all_of_its_group() {
    let house = House::shell(&[("family", FAMILY)]);
    for how in 0..4 {
        let mut caller = house.caller();
        let pids = family(&mut caller);
        match how {
            0 => drop(caller),
            1 => caller.client.reset(),
            2 => assert_eq!(caller.asks("quit"), "- goodbye"),
            // Input first, and everything else a while later.
            _ => {
                caller.client.finish();
                assert_eq!(caller.client.line(), "- running");
                drop(caller);
            }
        }
        are_gone(&pids);
        until("no child", || children(&house).is_empty());
    }
    house.server.figures_when("no connection", |figures| figures.connections == 0);
}

#[test]
fn a_stopping_server_takes_all_commands_along() {
    let house = House::shell(&[("family", FAMILY)]);
    let mut callers = [house.caller(), house.caller()];
    let families: Vec<Vec<Pid>> = callers.iter_mut().map(family).collect();
    house.server.signal(Signal::TERM);
    for pids in families {
        are_gone(&pids);
    }
    assert_eq!(house.server.wait().code(), 0);
}

#[test]
fn d20_a_hundred_commands_leave_no_zombie_and_no_descriptor() {
    let house = House::shell(&[("quick", "echo hello")]);
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", house.server.pid().as_raw_pid())).unwrap().count();
    let mut caller = house.caller();
    caller.runs("quick");
    house.server.settled();
    let before = descriptors();
    for number in 0..100 {
        let outcome = caller.runs("quick");
        assert_eq!(
            (&outcome.out[..], outcome.words.as_slice()),
            (&b"hello\n"[..], &["- exit 0".to_owned()][..]),
            "{number}"
        );
    }
    assert!(children(&house).is_empty());
    house.server.settled();
    assert_eq!(descriptors(), before);
}

#[test]
fn what_a_command_leaves_behind_in_its_group_is_killed_with_its_end() {
    let house = House::shell(&[("leaves", "sleep 1000 & echo $!; exit 3")]);
    let outcome = house.caller().runs("leaves");
    assert_eq!(outcome.words, ["- exit 3"]);
    let left = String::from_utf8(outcome.out).unwrap().trim().parse().unwrap();
    let left = Pid::from_raw(left).unwrap();
    until("the end of who was left behind", || test_kill_process(left).is_err() || proc::state(left) == 'Z');
}

#[test]
fn what_is_left_to_a_server_that_is_the_first_process_of_its_container_is_reaped() {
    if !may_be_contained_with_proc() {
        return;
    }
    let commands = [
        ("leaves", "sleep 1000 & exit 3"),
        ("family", "(sleep 1000 & sleep 1000) & exit 4"),
        ("escapes", "setsid sh -c \"sleep 0.1\" >&- 2>&- & exit 5"),
    ];
    let offers: String = commands.map(|(name, script)| offer(name, script)).concat();
    let house = House::with(&offers, |start| start.under(&CONTAINED).under(&["--mount-proc"]));
    let mut caller = house.caller();
    for (name, code) in [("leaves", 3), ("family", 4), ("escapes", 5), ("leaves", 3)] {
        assert_eq!(caller.runs(name).words, [format!("- exit {code}")]);
    }
    let inside = children_of(house.server.pid().as_raw_pid())[0];
    until("no child, and no zombie", || children_of(inside).is_empty());
    // Those that run are not taken for orphans: they end as ever.
    assert_eq!(caller.runs("leaves").words, ["- exit 3"]);
}

#[test]
fn a_command_is_heard_to_its_end_though_whoever_started_the_server_cared_for_no_child() {
    let house =
        House::with(&offer("dies", "echo last words; exit 3"), |start| start.under(&["env", "--ignore-signal=CHLD"]));
    let outcome = house.caller().runs("dies");
    assert_eq!((&outcome.out[..], outcome.words), (&b"last words\n"[..], vec!["- exit 3".to_owned()]));
}

#[test]
fn a_command_that_leaves_its_own_group_is_killed_all_the_same() {
    if !needs("perl") {
        return;
    }
    let leaves = "exec perl -e \"setpgrp(0, getpgrp(getppid())) or die; sleep 1000\"";
    let house = House::offering(&format!("{}time = \"300ms\"\n", offer("leaves", leaves)));
    let outcome = house.caller().runs("leaves");
    assert_eq!(outcome.words, ["! time-limit: it ran for 0.3 s, and was killed", "- killed 9"]);
    assert!(children(&house).is_empty());
}

#[test]
fn whoever_has_left_the_group_keeps_nobody_waiting() {
    let house = House::shell(&[("escapes", "setsid sleep 1000 & echo $!; sleep 0.1; exit 4")]);
    let outcome = house.caller().runs("escapes");
    assert_eq!(outcome.words, ["- exit 4"]);
    let escaped = String::from_utf8(outcome.out).unwrap().trim().parse().unwrap();
    // It is nobody's now but ours.
    kill_process(Pid::from_raw(escaped).unwrap(), Signal::KILL).expect("it sleeps still");
}

#[test]
fn a_command_that_writes_too_much_is_heard_up_to_there_and_killed() {
    let house = House::offering("[run.yes]\nargv = [\"yes\"]\noutput = 100001\n");
    let outcome = house.caller().runs("yes");
    assert_eq!(outcome.out, [&b"y\n".repeat(50_000)[..], b"y"].concat());
    assert_eq!(outcome.words, ["! output-limit: it wrote more than 100001 bytes, and was killed", "- killed 9"]);
}

#[test]
fn a_command_that_dies_of_a_signal_says_which() {
    let house = House::shell(&[("term", "kill -TERM $$; sleep 1000")]);
    assert_eq!(house.caller().runs("term").words, ["- killed 15"]);
}

#[test]
fn a_command_has_a_clean_environment_no_descriptors_of_the_server_and_its_own_group() {
    let script = "env | sort; ls -l /proc/self/fd; pwd; cut -d ' ' -f 5 /proc/$$/stat; echo $$";
    let house = House::with(
        &format!("[run.look]\nargv = [\"/bin/sh\", \"-c\", \"\"\"{}\"\"\"]\n", script.replace('\\', "\\\\")),
        |start| start.env("SECRET", "hunter2").listen("echo=127.0.0.1:0"),
    );
    let outcome = house.caller().runs("look");
    let text = String::from_utf8(outcome.out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(!text.contains("hunter2"));
    assert!(lines.contains(&"HOME=/") && lines.contains(&"LANG=C.UTF-8"), "{text}");
    // What whoever started the server left open to it is theirs; nothing that the server has opened is there.
    let opened = lines.iter().filter(|line| line.contains("socket:") || line.contains("anon_inode:"));
    assert_eq!(opened.count(), 0, "{text}");
    assert!(lines.contains(&"/"), "{text}");
    assert_eq!(lines[lines.len() - 2], lines[lines.len() - 1], "{text}");
}
