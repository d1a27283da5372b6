//! Values as they may be written, and what is shown of them.

use crate::settings::{Written, printed, shown};
use crate::support::Start;

#[test]
fn a_number_may_be_written_as_toml_allows_it() {
    let all =
        printed(Written::new("backlog = 0x10\nfast-open = 0b11\nuser-timeout = 0o17\nunix-mode = 0o640\n").serve());
    for (key, value) in [("backlog", "16"), ("fast-open", "3"), ("user-timeout", "15"), ("unix-mode", "\"0o640\"")] {
        assert_eq!(shown(&all, key).0, value, "{key}");
    }
}

#[test]
fn listeners_that_do_not_meet_are_right() {
    for listeners in [
        "'echo=127.0.0.1:7', 'echo=127.0.0.2:7'",
        "'echo=127.0.0.1:7', 'echo+udp=127.0.0.1:7'",
        "'echo=0.0.0.0:7', 'echo=[::]:7'",
        "'echo=0.0.0.0:0', 'echo=127.0.0.1:0'",
        "'echo=[fe80::1%1]:7', 'echo=[fe80::1%2]:7'",
        "'echo=[fe80::1%lo]:7'",
        "'echo=unix:a', 'echo=unix:b'",
    ] {
        let finished = Written::new(&format!("open = true\nlisten = [{listeners}]\n")).check();
        assert_eq!(finished.code(), 0, "{listeners}: {finished:#?}");
    }
}

#[test]
fn of_several_state_folders_the_first_is_the_historys() {
    let data = |folders: &str| shown(&printed(Start::serve(&[]).env("STATE_DIRECTORY", folders)), "data").0;
    assert_eq!(data("/var/lib/parlor:/var/lib/more"), "\"/var/lib/parlor\"");
    assert_eq!(data("/var/lib/parlor"), "\"/var/lib/parlor\"");
}

/// A folder that is named is used for bans, also without a history; one that nobody named is not.
#[test]
fn without_a_history_no_folder_is_shown_that_nobody_named() {
    let first = printed(Start::serve(&["--no-history"]));
    assert!(first.lines().any(|line| line.starts_with("#data =")), "{first}");
    let named = printed(Start::serve(&["--no-history", "--data", "/named"]));
    assert_eq!(shown(&named, "data"), ("\"/named\"".to_owned(), "--data".to_owned()));
}

#[test]
fn what_is_wrong_in_the_environment_is_named_as_it_stands_there() {
    for (name, value, wanted) in [
        (
            "PARLOR_BACKLOG",
            "-1",
            "error: invalid value '-1' for 'PARLOR_BACKLOG (--backlog <N>)': expected a whole number from 0 to 4294967295",
        ),
        (
            "PARLOR_OPEN",
            "",
            "error: invalid value '' for 'PARLOR_OPEN (--open[=<true|false>])': value was not a boolean",
        ),
        ("PARLOR_CONFIG", "", "error: a value is required for 'PARLOR_CONFIG (--config <FILE>)' but none was supplied"),
        ("PARLOR_NODELAY", "maybe", "error: invalid value 'maybe' for 'PARLOR_NODELAY (--nodelay <NODELAY>)'"),
        (
            "PARLOR_LIMIT_LINE",
            "8KB",
            "error: invalid value '8KB' for 'PARLOR_LIMIT_LINE (--limit-line <BYTES>)': expected a number of bytes, as 65536, 64KiB, 1MiB or 1GiB",
        ),
    ] {
        for command in [&["serve"][..], &[], &["serve", "--listen", "echo=127.0.0.1:0"]] {
            let finished = Start::parlor(command).env(name, value).run();
            assert_eq!((finished.code(), &*finished.stderr[0]), (2, wanted), "{command:?}");
        }
    }
    // A flag is blamed for itself, whatever the environment says.
    let finished = Start::serve(&["--backlog=-1"]).env("PARLOR_BACKLOG", "5").run();
    assert!(finished.stderr[0].contains("'-1' for '--backlog <N>'"), "{finished:#?}");
}
