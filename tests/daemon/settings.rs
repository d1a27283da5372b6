//! Flags over the environment over the file over the defaults; what is wrong is named with its place.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{Finished, Start};

/// A configuration in a folder of its own.
pub(crate) struct Written {
    folder: TempDir,
}

impl Written {
    pub(crate) fn new(text: &str) -> Self {
        let this = Self { folder: TempDir::new().unwrap() };
        this.rewrite(text);
        this
    }

    pub(crate) fn rewrite(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("parlor.toml")
    }

    pub(crate) fn shown(&self) -> String {
        self.path().display().to_string()
    }

    pub(crate) fn serve(&self) -> Start {
        Start::serve(&["--config", &self.shown()])
    }

    pub(crate) fn check(&self) -> Finished {
        Start::parlor(&["check", &self.shown()]).run()
    }
}

/// What is wrong with a configuration: every line, without the program's and the file's name before it.
fn complaints(text: &str) -> Vec<String> {
    let written = Written::new(text);
    let finished = written.check();
    assert_eq!((finished.code(), finished.stdout.as_str()), (1, ""), "{text:?}: {finished:#?}");
    let before = format!("parlor: {}:", written.shown());
    let place = |line: &String| line.strip_prefix(&before).unwrap_or_else(|| panic!("{line}")).to_owned();
    finished.stderr.iter().map(place).collect()
}

/// A value and where it came from, as `--print-config` shows them.
pub(crate) fn shown(printed: &str, key: &str) -> (String, String) {
    let line = printed.lines().find(|line| line.starts_with(&format!("{key} = ")));
    let line = line.unwrap_or_else(|| panic!("nothing of {key} in {printed}"));
    let (value, from) = line.split_once(" # ").unwrap();
    (value.split_once(" = ").unwrap().1.trim_end().to_owned(), from.to_owned())
}

pub(crate) fn printed(start: Start) -> String {
    let finished = start.flags(&["--print-config"]).run();
    assert_eq!((finished.code(), finished.stderr.len()), (0, 0), "{finished:#?}");
    finished.stdout
}

#[test]
fn the_sample_in_docs_says_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/parlor.toml");
    let generated = Start::parlor(&["generate", "config"]).run();
    assert_eq!(generated.code(), 0, "{generated:#?}");
    let wanted = generated.stdout;
    assert!(fs::read_to_string(path).unwrap() == wanted, "write it again: parlor generate config > docs/parlor.toml");
}

/// The sample as somebody would have it who takes the # away wherever a value stands.
fn uncommented(sample: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') && !rest.contains(" =  ") => rest.to_owned(),
        _ => line.to_owned(),
    };
    sample.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn every_flag_of_serve_is_a_key_of_the_file_and_a_variable() {
    let help = Start::parlor(&["serve", "--help"]).run().stdout;
    let sample = Start::parlor(&["generate", "config"]).run().stdout;
    let flags = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let name = |flag: &str| flag.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap().to_owned();
    let mut flags: Vec<String> = flags.map(name).filter(|flag| !flag.is_empty()).collect();
    flags.sort();
    flags.dedup();
    assert!(flags.len() > 40, "{flags:?}");
    for flag in flags.iter().filter(|flag| !["help", "version", "config", "print-config"].contains(&&***flag)) {
        let variable = format!("PARLOR_{}", flag.replace('-', "_").to_uppercase());
        assert!(sample.contains(&format!("# --{flag}, {variable}\n")), "{flag} is no key");
        assert!(help.contains(&format!("[env: {variable}")), "{flag} is no variable");
    }
}

#[test]
fn the_sample_without_its_hashes_is_right_and_changes_nothing() {
    let sample = Start::parlor(&["generate", "config"]).run().stdout;
    let written = Written::new(&uncommented(&sample));
    let finished = written.check();
    assert_eq!(finished.code(), 0, "{finished:#?}");
    assert_eq!(finished.stdout, format!("{}: right\n", written.shown()));
    let with = printed(written.serve());
    let without = printed(Start::serve(&[]));
    let values = |text: &str| -> Vec<String> {
        let before = text.split("\n[run").next().unwrap();
        before.lines().map(|line| line.split(" # ").next().unwrap().trim_end().to_owned()).collect()
    };
    assert_eq!(values(&with), values(&without));
    assert!(with.matches(&written.shown()).count() > 35, "{with}");
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file_and_that_over_defaults() {
    let text = "backlog = 1\nfast-open = 2\n\nnodelay = false\nopen = true\nlisten = [\"echo=127.0.0.1:0\"]\n";
    let written = Written::new(text);
    let start = || written.serve().env("PARLOR_FAST_OPEN", "3").env("PARLOR_NODELAY", "on");
    let all = printed(start().flags(&["--nodelay", "off", "--open=false"]));
    let file = |line: usize| format!("{}:{line}", written.shown());
    for (key, value, from) in [
        ("user-timeout", "0", "default"),
        ("backlog", "1", &*file(1)),
        ("fast-open", "3", "PARLOR_FAST_OPEN"),
        ("nodelay", "\"off\"", "--nodelay"),
        ("open", "false", "--open"),
        ("listen", "[\"echo=127.0.0.1:0\"]", &*file(6)),
    ] {
        assert_eq!(shown(&all, key), (value.to_owned(), from.to_owned()), "{key}");
    }
    let listen = |start: Start| shown(&printed(start), "listen");
    let by_environment = listen(start().env("PARLOR_LISTEN", "upper=127.0.0.1:1  echo=127.0.0.1:2"));
    let both = "[\"upper=127.0.0.1:1\", \"echo=127.0.0.1:2\"]".to_owned();
    assert_eq!(by_environment, (both, "PARLOR_LISTEN".to_owned()));
    let by_flag = listen(start().env("PARLOR_LISTEN", "upper=127.0.0.1:1").flags(&["--listen", "upper=127.0.0.1:3"]));
    assert_eq!(by_flag, ("[\"upper=127.0.0.1:3\"]".to_owned(), "--listen".to_owned()));
}

#[test]
fn the_file_may_be_named_by_the_environment() {
    let written = Written::new("listen = [\"upper=127.0.0.1:0\"]\n");
    for command in [&["serve"][..], &[]] {
        let server = Start::parlor(command).env("PARLOR_CONFIG", &written.shown()).expecting(1).go();
        server.client(0).ask(b"a\n", b"A\n");
    }
}

#[test]
fn what_is_shown_is_a_configuration_that_says_the_same() {
    let text = "no-history = true\nunix-mode = 0o640\npause-rooms = [\"a\", \"#b\"]\nnames = \"ascii\"\naccounts = 'a'\n\
                data = '/tmp/a \"b\" \\c'\n[limits]\nlag = 300000\nlag-time = '2m'\n[run.'x.y']\nargv = ['a', \"\\t\"]\nrole = 'operator'\n\
                accounts = ['ann']\n";
    let first = printed(Written::new(text).serve());
    let again = Written::new(&first);
    assert_eq!(again.check().code(), 0, "{first}");
    let second = printed(again.serve());
    let values = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(" # ").next().unwrap().trim_end().to_owned()).collect()
    };
    assert_eq!(values(&first), values(&second));
    for part in [
        "unix-mode = \"0o640\"",
        "pause-rooms = [\"a\", \"#b\"]",
        "argv = [\"a\", \"\\u0009\"]",
        "accounts = [\"ann\"]",
    ] {
        assert!(first.contains(part), "no {part} in {first}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_its_value_and_what_would_be_right() {
    for (text, wanted) in [
        ("nodelay = \"maybe\"", "1:11: nodelay = \"maybe\": expected one of on, off"),
        ("\n  backlog = -1", "2:13: backlog = -1: expected a whole number from 0 to 4294967295"),
        ("flood = 'fast'", "1:9: flood = 'fast': expected BURST/RATE, two numbers above 0, or off"),
        ("open = 1979-05-27", "1:8: open = 1979-05-27: expected a string, a number, true or false, not a datetime"),
        ("log = 'loud'", "1:7: log = 'loud': expected off, error, warn, info, debug or trace"),
        ("data = ''", "1:8: data = '': expected something between the quotes"),
        ("keepalive-count = 200", "1:19: keepalive-count = 200: expected a number from 1 to 127"),
        ("open = 'perhaps'", "1:8: open = 'perhaps': expected true or false"),
        ("[run.x]\nargv = 'ls'", "2:8: argv = 'ls': expected words in brackets, as [\"uptime\", \"-p\"]"),
        (
            "[run]\nx = 1",
            "2:5: x = 1: invalid type: integer `1`, expected a table [run.NAME] with argv, and perhaps time and output",
        ),
        ("log = [\"info\"]", "1:7: log = [\"info\"]: expected one value, not a list"),
        ("listen = []", "1:10: listen = []: expected at least one, for nothing is said by a list of none"),
        ("limits = 1", "1:1: limits is a table: expected [limits], and its keys below it"),
        (
            "[limits]\nline = \"8 KB\"",
            "2:8: limits.line = \"8 KB\": expected a number of bytes, as 65536, 64KiB, 1MiB or 1GiB",
        ),
        ("limits.stall = \"soon\"", "1:16: limits.stall = \"soon\": expected a time, as 90s, 500ms, 10m, 24h or 30d"),
        ("backlog = 0x1_0000_0000", "1:11: backlog = 0x1_0000_0000: expected a whole number from 0 to 4294967295"),
        ("unix-mode = 1777", "1:13: unix-mode = 1777: expected an octal mode up to 777"),
        ("sync = \"second", "1:15: invalid basic string, expected `\"`"),
        ("log = 'info'\nlog = 'warn'", "2:1: duplicate key"),
        (
            "[run.'x y']\nargv = ['a']",
            "1:6: run.\"x y\": a command is called by one word: expected a name without blanks",
        ),
        ("[[run]]\nargv = ['a']", "1:3: run is a table of tables: expected [run.NAME], and its keys below it"),
        ("[run.x]\nargv = []", "2:8: argv = []: expected a program and its arguments, as [\"uptime\", \"-p\"]"),
        (
            "[run.x]\nargv = ['a']\nfoo = 1",
            "3:1: foo = 1: unknown field `foo`, expected one of `argv`, `time`, `output`, `accounts`, `role`",
        ),
        (
            "[run.x]\nargv = ['a']\ntime = '1x'",
            "3:8: time = '1x': \"1x\": expected a time, as 90s, 500ms, 10m, 24h or 30d",
        ),
    ] {
        assert_eq!(complaints(text), [wanted], "{text:?}");
    }
    let address = complaints("listen = [\"echo=127.0.0.1:0\", \"ecco=127.0.0.1:0\"]");
    assert_eq!(address.len(), 1);
    assert!(address[0].starts_with("1:31: listen = \"ecco=127.0.0.1:0\": unknown service \"ecco\""), "{address:?}");
}

#[test]
fn a_key_that_does_not_exist_is_told_which_do() {
    for (text, wanted) in [
        (
            "log = 'info'\nmax_connections = 5",
            "2:1: there is no setting max_connections; there are listen, open, max-connections, ",
        ),
        ("[limits]\nlines = 5", "2:1: there is no setting limits.lines; there are listen, "),
        ("limit-line = 5", "1:1: there is no setting limit-line; there are listen, "),
        ("config = 'x'", "1:1: there is no setting config; there are listen, "),
        ("[nothing]\nx = 1", "1:2: there is no setting nothing; there are listen, "),
    ] {
        let found = complaints(text);
        assert!(found.len() == 1 && found[0].starts_with(wanted), "{text:?}: {found:#?}");
        assert!(found[0].contains(", limits.line, ") && found[0].ends_with(", run.NAME"), "{found:#?}");
    }
}

#[test]
fn every_mistake_of_a_file_is_told_at_once_in_order() {
    let found = complaints("log = 'loud'\nnodelay = 7\n[limits]\nhigh = 'x'\nlow = 'y'\n");
    let places: Vec<&str> = found.iter().map(|line| &line[..line.find(": ").unwrap()]).collect();
    assert_eq!(places, ["1:7", "2:11", "4:8", "5:7"]);
}

#[test]
fn limits_that_contradict_one_another_are_refused() {
    for (text, wanted) in [
        ("[limits]\nlow = '64KiB'", "2:1: limits.low = 64KiB: it must be below limits.high: expected at most 65535"),
        ("[limits]\nhigh = '1MiB'", "2:1: limits.high = 1MiB: it can't be above limits.lag: expected at most 256KiB"),
        (
            "[limits]\n\nunread = 600",
            "3:1: limits.unread = 600, and limits.line = 8KiB (default): a line must fit into limits.unread: expected at \
             most 596",
        ),
        (
            "[limits]\ngone-after = 60",
            "2:1: limits.gone-after = 60: nobody is gone before they were asked (limits.ping-after): expected more than 1m",
        ),
        ("[limits]\nline = 3", "2:1: limits.line = 3: too little to work with: expected at least 512"),
        (
            "[limits]\nhistory-room = '2GiB'",
            "2:1: limits.history-room = 2GiB: one room can't have more than all of limits.history-total: expected at most \
             1GiB",
        ),
        (
            "[limits]\nrooms-each = 0",
            "2:1: limits.rooms-each = 0: everybody comes to the lobby, which is a room: expected at least 1",
        ),
        (
            "[limits]\nline = 512\nframe = 600\nunread = 700",
            "4:1: limits.unread = 700: too little to work with: expected at least 1KiB",
        ),
        (
            " listen = ['echo=127.0.0.1:7', 'upper=127.0.0.1:7']",
            "1:2: listen = echo=127.0.0.1:7, upper=127.0.0.1:7: upper=127.0.0.1:7: another listener has this address: \
             expected each once",
        ),
        (
            "open = true\nlisten = ['echo=127.0.0.1:7', 'upper=0.0.0.0:7']",
            "2:1: listen = echo=127.0.0.1:7, upper=0.0.0.0:7: upper=0.0.0.0:7: another listener has this address: \
             expected each once",
        ),
        (
            "[run.ls]\nargv = ['ls']\n[run.ps]\nargv = ['ps']\nrole = 'operator'",
            "3:6: run.ps: nobody could call it: accounts names no file",
        ),
        (
            "[run.ls]\nargv = ['ls']\ntime = 0",
            "1:6: run.ls: time = 0s: it would be killed at once: expected at least 1ms",
        ),
        (
            "listen = ['echo=0.0.0.0:7']",
            "1:1: listen = echo=0.0.0.0:7: echo=0.0.0.0:7: this address can be reached from other machines, by anybody; TLS and \
             require-login make that safe, and --open says that this is wanted",
        ),
    ] {
        let written = Written::new(text);
        let finished = written.check();
        assert_eq!(finished.code(), 1, "{finished:#?}");
        let wanted = format!("parlor: {}:{wanted}", written.shown());
        assert_eq!(finished.stderr[0], wanted);
    }
}

#[test]
fn a_server_does_not_start_with_a_wrong_configuration() {
    let written = Written::new("listen = [\"echo=127.0.0.1:0\"]\nnodelay = 'maybe'\n");
    let finished = written.serve().run();
    let wanted = format!("parlor: {}:2:11: nodelay = 'maybe': expected one of on, off", written.shown());
    assert_eq!((finished.code(), finished.stderr), (1, vec![wanted]));
    let missing = Start::serve(&["--config", "/nowhere/parlor.toml"]).run();
    assert_eq!(missing.code(), 1);
    assert_eq!(missing.stderr, ["parlor: /nowhere/parlor.toml: No such file or directory (os error 2)"]);
    let endless = Start::parlor(&["check", "/dev/zero"]).run();
    assert_eq!((endless.code(), &*endless.stderr[0]), (1, "parlor: /dev/zero: larger than 1 MiB, no configuration is"));
}

#[test]
fn limits_of_the_file_are_those_of_the_wire() {
    let listen = "listen = [\"echo=127.0.0.1:0\", \"echo+length=127.0.0.1:0\"]\n";
    let written = Written::new(&format!("{listen}[limits]\nline = 600\nframe = 700\n"));
    let server = written.serve().expecting(2).go();
    let line = [b'a'; 600];
    server.client(0).ask(&[&line[..], b"\n"].concat(), &[&line[..], b"\n"].concat());
    server.client(0).ask(&[&line[..], b"a\n"].concat(), b"! too-long: a frame here has at most 600 bytes; goodbye\n");
    let wanted = b"! too-long: a frame here has at most 700 bytes; goodbye";
    let framed = [&[0, 0, 0, 55][..], &wanted[..]].concat();
    server.client(1).ask(&[0, 0, 2, 0xbd], &framed);
}

#[test]
fn names_can_be_kept_to_ascii() {
    let written = Written::new("listen = [\"chat=127.0.0.1:0\"]\nno-history = true\nnames = \"ascii\"\n");
    let server = written.serve().expecting(1).go();
    let mut client = server.client(0);
    assert!(client.line().starts_with("- parlor chat: you are guest1 in #lobby"));
    client.send("/nick анна\n".as_bytes());
    assert_eq!(client.line(), "! bad-name: names have the letters a to z, digits, _ and -; this one has others");
    client.send(b"/nick anna\n");
    assert_eq!(client.line(), "- you are anna");
}
