//! `parlor put`, `get` and `files`, with the real server.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::program::{Ended, Nobody, Program};
use crate::relay::breaking;
use crate::screen::Screen;
use crate::support::{Server, Start};

struct Store {
    server: Server,
    folder: TempDir,
}

impl Store {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let kept = folder.path().join("kept");
        let start = Start::serve(&["--no-history", "--files", kept.to_str().unwrap()]);
        Self { server: start.listen("files=127.0.0.1:0").go(), folder }
    }

    fn address(&self) -> String {
        self.server.place(0).to_string()
    }

    /// A path of ours, beside what the server keeps.
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn put(&self, path: &str) -> Ended {
        Program::parlor(&["put", path, &self.address()]).end()
    }

    fn get(&self, name: &str, into: &str) -> Ended {
        Program::parlor(&["get", name, &self.address(), "--output", &self.path(into)]).end()
    }
}

/// Bytes that do not repeat.
fn content(size: usize) -> Vec<u8> {
    let mut state: u32 = 7;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn parts(folder: &Path) -> usize {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".part")).count()
}

#[test]
fn a_file_is_put_listed_and_got_and_its_digest_shown() {
    const TEA: &str = "27150f2fab7401fec3d9ab70bd7653f8d6c35452d4b4bad0f8c213f29e069048";
    let store = Store::new();
    let tea = store.write("tea.txt", b"green tea\n");
    let put = store.put(&tea);
    assert_eq!((put.code, put.output), (Some(0), vec![format!("{TEA}  tea.txt")]));
    let list = Program::parlor(&["files", &store.address()]).end().well();
    assert_eq!(list.len(), 1);
    assert!(list[0].trim_start().starts_with("10 B  20") && list[0].ends_with("Z  tea.txt"), "{list:?}");
    let got = store.get("tea.txt", "got");
    assert_eq!((got.code, got.output), (Some(0), vec![format!("{TEA}  {}", store.path("got"))]));
    assert_eq!(fs::read(store.path("got")).unwrap(), b"green tea\n");
    // Put once more it is there already.
    assert_eq!(store.put(&tea).code, Some(0));
}

#[test]
fn elsewhere_than_on_a_terminal_progress_is_a_line_for_each_ten_per_cent() {
    let store = Store::new();
    let path = store.write("big", &content(5_000_000));
    let put = store.put(&path);
    assert_eq!(put.code, Some(0), "{put:#?}");
    assert!(put.aside.len() <= 10 && put.aside.iter().all(|line| line.starts_with("big ") && line.contains("% ")));
    assert!(put.aside.last().unwrap().starts_with("big 100% "), "{put:#?}");
    assert_eq!(store.get("big", "got").code, Some(0));
    assert_eq!(fs::read(store.path("got")).unwrap(), content(5_000_000));
}

#[test]
fn empty_files_go_both_ways() {
    let store = Store::new();
    let path = store.write("empty", b"");
    assert_eq!(store.put(&path).code, Some(0));
    assert_eq!(store.get("empty", "got").code, Some(0));
    assert_eq!(fs::read(store.path("got")).unwrap(), b"");
}

#[test]
fn over_a_line_that_breaks_a_file_goes_on_where_it_was() {
    let store = Store::new();
    let path = store.write("big", &content(6_000_000));
    let limits = [3_000_000, 2_500_000, usize::MAX];
    let put = Program::parlor(&["put", &path, &breaking(&store.address(), &limits)]).end();
    assert_eq!(put.code, Some(0), "{put:#?}");
    let again = put.aside.iter().filter(|line| line.contains("trying again")).count();
    assert_eq!(again, 2, "{put:#?}");
    let address = breaking(&store.address(), &limits);
    let got = Program::parlor(&["get", "big", &address, "--output", &store.path("got")]).end();
    assert_eq!(got.code, Some(0), "{got:#?}");
    assert_eq!(fs::read(store.path("got")).unwrap(), content(6_000_000));
    assert_eq!(parts(store.folder.path()), 0);
}

#[test]
fn on_a_terminal_of_any_width_the_bar_is_one_row_and_what_is_told_meanwhile_begins_another() {
    let store = Store::new();
    let path = store.write("quite-a-long-name-of-a-file-that-is-big", &content(6_000_000));
    let address = breaking(&store.address(), &[3_000_000, usize::MAX]);
    let mut screen = Screen::parlor(&["put", &path, &address], 60, 20);
    assert_eq!(screen.wait(), Some(0));
    screen.when("the end", |rows| {
        let bars: Vec<&String> = rows.iter().filter(|row| row.starts_with("quite-a-long-")).collect();
        // One for each connection, and behind the first why it ended.
        bars.len() == 2
            && bars.iter().all(|bar| bar.contains("% "))
            && rows.iter().position(|row| row == bars[0]) == Some(0)
            && rows[1].starts_with("parlor: ")
    });
}

#[test]
fn what_is_no_plain_file_is_neither_put_nor_put_out_of_its_place() {
    let store = Store::new();
    let tea = store.write("tea.txt", b"green tea\n");
    assert_eq!(store.put(&tea).code, Some(0));
    fs::create_dir(store.path("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, store.path("pipe"), rustix::fs::Mode::RWXU).unwrap();
    for (name, force) in [("folder", false), ("folder/", true), ("pipe", true), ("pipe", false)] {
        let mut args =
            vec!["get".to_owned(), "tea.txt".to_owned(), store.address(), format!("--output={}", store.path(name))];
        args.extend(force.then(|| "--force".to_owned()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let told = Program::parlor(&args).end().badly();
        assert!(told.ends_with(": that is no plain file; --output names another"), "{told}");
    }
    assert!(fs::metadata(store.path("folder")).unwrap().is_dir());
    // Nor is it waited for until somebody writes into it.
    assert!(store.put(&store.path("pipe")).badly().ends_with(": that is no plain file"));
    assert_eq!(parts(store.folder.path()), 0);
}

#[test]
fn interrupted_a_file_goes_on_when_the_same_command_is_given_again() {
    let store = Store::new();
    let path = store.write("big", &content(6_000_000));
    assert_eq!(store.put(&path).code, Some(0));
    // The line breaks for good in the middle, and somebody loses patience.
    let address = breaking(&store.address(), &[3_000_000, 0]);
    let get = Program::parlor(&["get", "big", &address, "--output", &store.path("got")]);
    get.aside_when("trying again");
    get.signal(Signal::INT);
    let ended = get.wait();
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    assert!(ended.aside.last().unwrap().contains("goes on where it was"), "{ended:#?}");
    assert_eq!(parts(store.folder.path()), 1);
    // What is missing is less than all of it.
    let address = breaking(&store.address(), &[4_000_000, 0]);
    let got = Program::parlor(&["get", "big", &address, "--output", &store.path("got")]).end();
    assert_eq!(got.code, Some(0), "{got:#?}");
    assert_eq!(fs::read(store.path("got")).unwrap(), content(6_000_000));
}

#[test]
fn a_part_of_something_else_is_thrown_away() {
    let store = Store::new();
    let path = store.write("tea", b"green tea\n");
    assert_eq!(store.put(&path).code, Some(0));
    for (length, digit) in [(4, "0"), (400, "1")] {
        let part = format!("got.{}.part", digit.repeat(64));
        store.write(&part, &vec![b'x'; length]);
        let got = store.get("tea", "got");
        assert_eq!(got.code, Some(0), "{got:#?}");
        assert_eq!(fs::read(store.path("got")).unwrap(), b"green tea\n");
        assert_eq!(parts(store.folder.path()), 0);
        fs::remove_file(store.path("got")).unwrap();
    }
}

#[test]
fn each_kind_of_failure_has_its_exit_code_and_one_line() {
    let store = Store::new();
    let tea = store.write("tea", b"green tea\n");
    assert_eq!(store.put(&tea).code, Some(0));
    let code = |ended: Ended, words: &str| {
        assert_eq!(ended.aside.len(), 1, "{ended:#?}");
        assert!(ended.aside[0].starts_with("parlor: ") && ended.aside[0].contains(words), "{ended:#?}");
        assert!(ended.output.is_empty(), "{ended:#?}");
        ended.code
    };
    assert_eq!(code(store.put(&store.path("nothing")), "No such file"), Some(1));
    assert_eq!(code(Program::parlor(&["get", "a/b", &store.address()]).end(), "no name of a file"), Some(1));
    fs::write(store.path("got"), "mine").unwrap();
    assert_eq!(code(store.get("tea", "got"), "--force"), Some(1));
    assert_eq!(fs::read(store.path("got")).unwrap(), b"mine");
    let nobody = Program::parlor(&["put", &tea, "unix:/nowhere/at.all"]).end();
    assert_eq!(code(nobody, "there is no such socket"), Some(3));
    fs::write(&tea, "black tea\n").unwrap();
    assert_eq!(code(store.put(&tea), "name-taken"), Some(4));
    assert_eq!(code(store.get("coffee", "coffee"), "no-such-file"), Some(5));
}

#[test]
fn another_service_is_told_from_files() {
    let chat = crate::people::Chat::forgetful();
    let ended = Program::parlor(&["files", &chat.server.place(0).to_string()]).end();
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    assert!(ended.aside[0].contains("something else than parlor files answers there"), "{ended:#?}");
}

#[test]
fn whoever_finds_no_server_of_files_is_told_how_to_start_one() {
    let nobody = Nobody::there();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "x").unwrap();
    for command in [&["files"][..], &["get", "f"], &["put", path.to_str().unwrap()]] {
        let ended = Program::parlor(&[command, &[&nobody.address()]].concat()).end();
        assert_eq!(ended.code, Some(3), "{ended:#?}");
        let told = &ended.aside[0];
        assert!(told.contains("nobody listens there") && told.contains("`parlor serve --listen files="), "{told}");
        assert!(!told.contains("parlor chat"), "{told}");
    }
}
