//! Files go out: whole, from an offset, while others come and go.

use std::fs;

use crate::house::{House, content, digest};

/// How often this process has a file open that has no name any more.
fn removed_and_open(house: &House, name: &str) -> usize {
    let gone = format!("{} (deleted)", house.path(name).display());
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    open.filter(|path| path.to_str() == Some(&gone)).count()
}

#[test]
fn a_removed_file_that_somebody_was_getting_is_let_go_by_a_helper_for_that_may_take_a_while() {
    // After so many jobs: it was opened, its digest was found, it was all sent.
    for (jobs, breaks) in [(1, true), (2, true), (3, false)] {
        let mut house = House::new();
        fs::write(house.path("tea"), b"tea").unwrap();
        let id = house.guest();
        house.held = true;
        house.says(id, b"get tea\n");
        for _ in 1..jobs {
            house.work();
        }
        if breaks {
            house.breaks(id);
        }
        house.work();
        fs::remove_file(house.path("tea")).unwrap();
        assert_eq!((removed_and_open(&house, "tea"), house.jobs()), (1, 1), "after {jobs}");
        house.work();
        assert_eq!(removed_and_open(&house, "tea"), 0);
    }
}

#[test]
fn a_file_goes_out_as_it_is_and_the_connection_goes_on_behind_it() {
    let mut house = House::new();
    let tea = content(1, 300_000);
    fs::write(house.path("tea"), &tea).unwrap();
    let id = house.guest();
    house.says(id, b"get tea\nPING behind\n");
    assert_eq!(house.line(id), format!("- body tea 300000 {} 0", digest(&tea)));
    let rest = house.rest(id);
    assert_eq!(rest[..300_000], tea);
    assert_eq!(&rest[300_000..], b"PONG behind\n");
}

#[test]
fn a_file_goes_out_from_any_offset_up_to_its_end() {
    let mut house = House::new();
    let tea = content(2, 100_000);
    fs::write(house.path("tea"), &tea).unwrap();
    let id = house.guest();
    for offset in [0, 1, 65_536, 99_999, 100_000] {
        let line = house.asks(id, &format!("get tea {offset}"));
        assert_eq!(line, format!("- body tea 100000 {} {offset}", digest(&tea)));
        assert_eq!(house.rest(id), tea[offset..]);
    }
    assert_eq!(house.asks(id, "get tea 100001"), "! bad-offset: tea has 100000 bytes");
    assert_eq!(house.asks(id, "get milk"), "! no-such-file: there is no file milk; list shows all");
}

#[test]
fn a_digest_is_found_out_once_and_again_when_the_file_is_another() {
    let mut house = House::new();
    fs::write(house.path("tea"), b"green").unwrap();
    let id = house.guest();
    house.held = true;
    let mut jobs = Vec::new();
    for now in [&b"green"[..], b"green", b"black!"] {
        fs::write(house.path("tea.new"), now).unwrap();
        if fs::read(house.path("tea")).unwrap() != now {
            fs::rename(house.path("tea.new"), house.path("tea")).unwrap();
        }
        house.says(id, b"get tea\n");
        let mut count = 0;
        while house.jobs() > 0 {
            house.work();
            count += 1;
        }
        jobs.push(count);
        assert_eq!(house.line(id), format!("- body tea {} {} 0", now.len(), digest(now)));
        assert_eq!(house.rest(id), now);
    }
    // To open it, to read it for the digest, to read a piece of it, to close it.
    assert_eq!(jobs, [4, 3, 4]);
}

#[test]
fn a_file_that_is_removed_or_replaced_meanwhile_goes_out_as_it_was() {
    let mut house = House::new();
    let (tea, milk) = (content(3, 200_000), content(4, 200_000));
    fs::write(house.path("tea"), &tea).unwrap();
    let id = house.guest();
    house.held = true;
    house.says(id, b"get tea\n");
    while house.rest(id).is_empty() {
        house.work();
    }
    fs::remove_file(house.path("tea")).unwrap();
    fs::write(house.path("tea"), &milk).unwrap();
    let other = house.guest();
    house.let_go();
    let mut got = house.rest(id);
    let missing = tea.len() - got.len().min(tea.len());
    assert_eq!(missing, 0, "only {} bytes came", got.len());
    got.truncate(tea.len());
    assert_eq!(got, tea);
    assert_eq!(house.asks(other, "get tea"), format!("- body tea 200000 {} 0", digest(&milk)));
}

#[test]
fn a_file_that_shrinks_meanwhile_ends_the_connection_instead_of_lying() {
    let mut house = House::new();
    fs::write(house.path("tea"), content(5, 200_000)).unwrap();
    let id = house.guest();
    house.held = true;
    house.says(id, b"get tea\n");
    while house.rest(id).is_empty() {
        house.work();
    }
    fs::File::options().write(true).open(house.path("tea")).unwrap().set_len(70_000).unwrap();
    house.let_go();
    assert!(!house.is_there(id));
    assert!(!house.rest(id).windows(2).any(|pair| pair == b"! "), "an error in the middle of a body");
}

#[test]
fn a_listing_shows_what_can_be_got_in_order() {
    let mut house = House::new();
    for (name, size) in [("tea", 3), ("Milk", 4), ("übung.txt", 0), (".hidden", 5), ("two words", 6), ("-dash", 1)] {
        fs::write(house.path(name), vec![b'x'; size]).unwrap();
    }
    fs::create_dir(house.path("folder")).unwrap();
    std::os::unix::fs::symlink("tea", house.path("link")).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_780_000_000_120);
    fs::File::open(house.path("tea")).unwrap().set_modified(time).unwrap();
    let id = house.guest();
    assert!(house.asks(id, "list").starts_with("- file Milk 4 20"));
    assert_eq!(house.line(id), "- file tea 3 2026-05-28T20:26:40.120Z");
    assert!(house.line(id).starts_with("- file übung.txt 0 20"));
    assert_eq!(house.line(id), "- end list");
}

#[test]
fn a_long_listing_comes_as_it_is_read() {
    let mut house = House::new();
    for number in 0..3000 {
        fs::write(house.path(&format!("file-{number:04}")), b"").unwrap();
    }
    let id = house.guest();
    house.says(id, b"LIST\n");
    for number in 0..3000 {
        assert!(house.line(id).starts_with(&format!("- file file-{number:04} 0 ")));
    }
    assert_eq!(house.line(id), "- end list");
}
