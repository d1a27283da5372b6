//! A14: path tricks, links, races. A15: somebody else's part.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::house::{House, content, digest};

/// A folder beside the server's, with something precious in it, and a test that nothing there was touched.
struct Outside(TempDir);

impl Outside {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("precious"), b"precious").unwrap();
        Self(folder)
    }

    fn is_untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["precious"]);
        assert_eq!(fs::read(self.0.path().join("precious")).unwrap(), b"precious");
    }
}

#[test]
fn a14_names_that_lead_elsewhere_are_refused() {
    let mut house = House::new();
    let id = house.guest();
    let long = "x".repeat(201);
    for name in [
        "../x",
        "..",
        ".",
        "/etc/passwd",
        "a/b",
        "./x",
        "a\\b",
        "x\0y",
        "\0",
        ".parts",
        ".hidden",
        "-rf",
        "a\u{1b}[2J",
        "a\u{202e}b",
        "a\tb",
        "a\rb",
        "a:b",
        "a*",
        "\u{301}a",
        &long,
    ] {
        for line in [format!("offer {name} 3 {}", digest(b"tea")), format!("get {name}"), format!("get {name} 0")] {
            let answer = house.asks(id, &line);
            assert!(answer.starts_with("! bad-name: "), "{line:?}: {answer}");
            assert!(answer.chars().all(|c| !c.is_control()), "{answer:?}");
        }
    }
    // Words beside the name make no name of several words.
    assert!(house.asks(id, "get a b c").starts_with("! usage: "));
    assert!(house.asks(id, "get  a").starts_with("! "));
    assert!(house.files().is_empty() && house.parts().is_empty());
}

#[test]
fn a14_a_name_is_stored_in_one_form_whatever_form_it_came_in() {
    let mut house = House::new();
    let id = house.guest();
    assert_eq!(house.offers(id, "u\u{308}bung", b"tea"), "- send \u{fc}bung 0");
    house.says(id, b"tea");
    assert_eq!(house.outcome(id), format!("- stored \u{fc}bung 3 {}", digest(b"tea")));
    assert_eq!(house.files(), ["\u{fc}bung"]);
    assert!(house.asks(id, "get u\u{308}bung").starts_with("- body \u{fc}bung 3"));
}

#[test]
fn a14_no_link_is_followed_for_reading_or_writing() {
    let (mut house, outside) = (House::new(), Outside::new());
    symlink(outside.0.path().join("precious"), house.path("link")).unwrap();
    symlink(outside.0.path(), house.path("folder")).unwrap();
    symlink(outside.0.path().join("new"), house.path("dangling")).unwrap();
    let id = house.guest();
    for name in ["link", "folder", "dangling"] {
        assert_eq!(
            house.asks(id, &format!("get {name}")),
            format!("! no-such-file: there is no file {name}; list shows all")
        );
        assert_eq!(house.offers(id, name, b"tea"), format!("- send {name} 0"));
        house.says(id, b"tea");
        assert!(house.outcome(id).starts_with("! name-taken: "), "{name}");
    }
    outside.is_untouched();
    assert!(house.parts().is_empty());
}

#[test]
fn a14_a_pipe_in_the_folder_keeps_nobody_waiting() {
    let mut house = House::new();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, house.path("pipe"), mode).unwrap();
    let id = house.guest();
    assert!(house.asks(id, "get pipe").starts_with("! no-such-file: "));
}

#[test]
fn a14_a_link_put_in_the_place_of_a_part_gets_nothing() {
    let (mut house, outside) = (House::new(), Outside::new());
    let tea = content(1, 100_000);
    let id = house.guest();
    house.offers(id, "tea", &tea);
    house.says(id, &tea[..50_000]);
    let part = house.path(".parts").join(&house.parts()[0]);
    fs::rename(&part, house.path(".parts/elsewhere")).unwrap();
    symlink(outside.0.path().join("precious"), &part).unwrap();
    house.says(id, &tea[50_000..]);
    let answer = house.outcome(id);
    assert!(answer.starts_with("! disk: ") && answer.contains("something else in its place"), "{answer}");
    outside.is_untouched();
    assert!(house.files().is_empty(), "a link got the name");
    // The same at the beginning, and a hard link too.
    for hard in [false, true] {
        if hard {
            fs::hard_link(outside.0.path().join("precious"), &part).unwrap();
        } else {
            symlink(outside.0.path().join("precious"), &part).unwrap();
        }
        let id = house.guest();
        assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
        house.says(id, &tea[..10]);
        house.breaks(id);
        outside.is_untouched();
        fs::remove_file(&part).unwrap();
    }
}

#[test]
fn a14_folders_swapped_for_links_in_mid_transfer_change_nothing() {
    let (mut house, outside) = (House::new(), Outside::new());
    let tea = content(2, 100_000);
    let id = house.guest();
    house.offers(id, "tea", &tea);
    house.says(id, &tea[..50_000]);
    fs::rename(house.path(".parts"), house.path(".moved")).unwrap();
    symlink(outside.0.path(), house.path(".parts")).unwrap();
    house.says(id, &tea[50_000..]);
    assert_eq!(house.outcome(id), format!("- stored tea 100000 {}", digest(&tea)));
    assert_eq!(fs::read(house.path("tea")).unwrap(), tea);
    assert_eq!(house.offers(id, "milk", &tea), "- send milk 0");
    house.says(id, &tea);
    assert!(house.outcome(id).starts_with("- stored milk"));
    outside.is_untouched();
}

#[test]
fn a15_a_part_is_its_owners_and_nobody_else_can_go_on_with_it() {
    let mut house = House::new();
    let tea = content(3, 60_000);
    let alice = house.user(1000);
    house.offers(alice, "tea", &tea);
    house.says(alice, &tea[..30_000]);
    let (bob, guest) = (house.user(1001), house.guest());
    // They begin their own, and take nothing away.
    assert_eq!(house.offers(bob, "tea", &tea), "- send tea 0");
    assert_eq!(house.offers(guest, "tea", &tea), "- send tea 0");
    house.says(bob, &content(5, 40_000));
    house.says(guest, &content(6, 40_000));
    for id in [alice, bob, guest] {
        house.breaks(id);
    }
    assert_eq!(house.parts().len(), 3);
    let alice = house.user(1000);
    assert_eq!(house.offers(alice, "tea", &tea), "- send tea 30000");
    house.says(alice, &tea[30_000..]);
    assert_eq!(house.outcome(alice), format!("- stored tea 60000 {}", digest(&tea)));
}

#[test]
fn a15_another_size_or_digest_is_another_part() {
    let mut house = House::new();
    let tea = content(4, 60_000);
    house.leaves("tea", &tea, 30_000);
    let id = house.guest();
    assert_eq!(house.asks(id, &format!("offer tea 60001 {}", digest(&tea))), "- send tea 0");
    house.breaks(id);
    let id = house.guest();
    assert_eq!(house.asks(id, &format!("offer tea 60000 {}", digest(b"other"))), "- send tea 0");
    house.breaks(id);
    let id = house.guest();
    assert_eq!(house.offers(id, "tee", &tea), "- send tee 0");
    house.breaks(id);
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 30000");
}
