//! Help, version, and what is no command.

use crate::support::Start;

#[test]
fn help_and_version_answer_everywhere_on_standard_output() {
    for command in [&[][..], &["serve"], &["probe"], &["history"], &["check"], &["passwd"], &["generate"]] {
        for (flag, wanted) in [("--help", "Usage: parlor"), ("--version", env!("CARGO_PKG_VERSION"))] {
            let finished = Start::parlor(command).flags(&[flag]).run();
            assert_eq!(finished.code(), 0, "{command:?} {flag}: {finished:#?}");
            assert!(finished.stdout.contains(wanted), "{command:?} {flag}: {finished:#?}");
            assert!(finished.stderr.is_empty(), "{command:?} {flag}: {finished:#?}");
        }
    }
}

#[test]
fn what_is_no_command_is_wrong_usage() {
    let wrong: [&[&str]; 11] = [
        &["nope"],
        &["--nope"],
        &["serve", "--nope"],
        &["serve", "stray"],
        &["probe", "a:1", "b:1"],
        &["history", "no.name"],
        &["history", "one", "two"],
        &["history", "--since", "then"],
        &["check"],
        &["passwd", "file"],
        &["passwd", "file", "no.name"],
    ];
    for words in wrong {
        let finished = Start::parlor(words).run();
        assert_eq!((finished.code(), finished.stdout.as_str()), (2, ""), "{words:?}: {finished:#?}");
        assert!(!finished.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn messages_without_a_terminal_have_no_colours() {
    for words in [&["--help"][..], &["--nope"], &["serve", "--log", "loud"]] {
        for finished in [Start::parlor(words).run(), Start::parlor(words).env("NO_COLOR", "1").run()] {
            let text = finished.stdout + &finished.stderr.join("\n");
            assert!(!text.contains('\x1b'), "{words:?}: {text}");
        }
    }
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let coloured = Start::parlor(&["--nope"]).env("TERM", "xterm").on_terminal().run();
    assert!(coloured.stderr.iter().any(|line| line.contains('\x1b')), "no colours at all: {coloured:#?}");
    let plain = Start::parlor(&["--nope"]).env("TERM", "xterm").env("NO_COLOR", "1").on_terminal().run();
    assert!(!plain.stderr.iter().any(|line| line.contains('\x1b')), "{plain:#?}");
}
