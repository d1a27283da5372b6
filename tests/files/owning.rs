//! Whose files are: how much each may have here, and who may remove what.

use std::fs;
use std::sync::Arc;

use parlor::hub::ConnId;
use parlor::services::chat::Guard;
use parlor::services::files::{Folder, RealDisk, Settings, Step};
use rustix::io::Errno;

use crate::house::{House, content, digest};

/// A thousand bytes for each, two thousand for all guests.
fn narrow() -> Settings {
    Settings { each: 1000, guests: 2000, ..Settings::default() }
}

fn puts(house: &mut House, id: ConnId, name: &str, content: &[u8]) {
    assert_eq!(house.offers(id, name, content), format!("- send {name} 0"));
    house.says(id, content);
    assert_eq!(house.outcome(id), format!("- stored {name} {} {}", content.len(), digest(content)));
}

#[test]
fn each_owner_has_a_quota_and_guests_have_one_together() {
    let mut house = House::with(narrow());
    let (alice, bob, guest, other) = (house.user(1), house.user(2), house.guest(), house.guest());
    puts(&mut house, alice, "a", &content(1, 600));
    assert_eq!(house.asks(alice, "quota"), "- quota 600 1000");
    assert_eq!(
        house.offers(alice, "b", &content(2, 401)),
        "! quota: with it you would have 1001 bytes here, and 1000 is the most"
    );
    puts(&mut house, alice, "b", &content(2, 400));
    assert_eq!(house.asks(bob, "quota"), "- quota 0 1000");
    puts(&mut house, bob, "c", &content(3, 1000));
    puts(&mut house, guest, "d", &content(4, 1500));
    assert_eq!(
        house.offers(other, "e", &content(5, 501)),
        "! quota: with it guests together would have 2001 bytes here, and 2000 is the most"
    );
    assert_eq!(house.asks(other, "quota"), "- quota 1500 2000");
    // What an operator puts there by hand is nobody's.
    fs::write(house.path("by-hand"), content(6, 5000)).unwrap();
    assert_eq!(house.asks(alice, "quota"), "- quota 1000 1000");
    // It is here already, so it takes no more room.
    assert!(house.offers(alice, "a", &content(1, 600)).starts_with("- stored a 600 "));
    assert_eq!(house.offers(alice, "nothing", b""), format!("- stored nothing 0 {}", digest(b"")));
}

#[test]
fn of_two_that_race_to_the_quota_one_is_refused_whatever_the_helpers_do() {
    for (first, second) in [(true, false), (false, true)] {
        let mut house = House::with(narrow());
        let (one, other) = (house.user(1), house.user(1));
        house.held = true;
        let offer = |name: &str, seed: u64| format!("offer {name} 600 {}\n", digest(&content(seed, 600)));
        house.says(one, offer("one", 1).as_bytes());
        house.says(other, offer("other", 2).as_bytes());
        house.let_go();
        assert_eq!(house.line(one), "- send one 0");
        assert_eq!(house.line(other), "! quota: with it you would have 1200 bytes here, and 1000 is the most");
        assert_eq!(house.asks(other, "quota"), "- quota 600 1000");
        // Stored or given up: the room is taken once, or free again.
        if first {
            house.says(one, &content(1, 600));
            assert!(house.outcome(one).starts_with("- stored one"));
        }
        if second {
            house.breaks(one);
        }
        let left = if first { 400 } else { 1000 };
        puts(&mut house, other, "exactly", &content(3, left));
    }
}

#[test]
fn a_file_that_is_placed_while_another_is_offered_counts_once() {
    let mut house = House::with(narrow());
    let (one, other) = (house.user(1), house.user(1));
    house.offers(one, "one", &content(1, 600));
    house.held = true;
    house.says(one, &content(1, 600));
    house.says(other, format!("offer other 400 {}\n", digest(&content(2, 400))).as_bytes());
    house.let_go();
    assert!(house.outcome(one).starts_with("- stored one"));
    assert_eq!(house.line(other), "- send other 0");
}

#[test]
fn what_is_left_of_a_part_counts_for_its_owner_and_not_twice_when_its_rest_comes() {
    let mut house = House::with(narrow());
    let id = house.user(1);
    house.offers(id, "tea", &content(1, 900));
    assert_eq!(house.line_of_another(1, "quota"), "- quota 900 1000");
    house.says(id, &content(1, 900)[..500]);
    house.breaks(id);
    assert_eq!(house.line_of_another(1, "quota"), "- quota 500 1000");
    assert_eq!(house.line_of_another(2, "quota"), "- quota 0 1000");
    let id = house.user(1);
    assert_eq!(
        house.offers(id, "milk", &content(2, 501)),
        "! quota: with it you would have 1001 bytes here, and 1000 is the most"
    );
    assert_eq!(house.offers(id, "tea", &content(1, 900)), "- send tea 500");
}

#[test]
fn what_is_on_the_disk_counts_for_its_owner_in_another_run_too() {
    let mut house = House::with(narrow());
    let id = house.user(1);
    puts(&mut house, id, "a", &content(1, 300));
    puts(&mut house, id, "b", &content(2, 200));
    house.offers(id, "c", &content(3, 400));
    house.says(id, &content(3, 400)[..100]);
    house.breaks(id);
    fs::write(house.path("by-hand"), b"x").unwrap();
    let mut house = house.again(narrow(), Guard::default());
    assert_eq!(house.line_of_another(1, "quota"), "- quota 600 1000");
    assert_eq!(house.line_of_another(2, "quota"), "- quota 0 1000");
    // What was removed by hand counts no more, and what comes to its place is nobody's.
    fs::remove_file(house.path("a")).unwrap();
    let mut house = house.again(narrow(), Guard::default());
    fs::write(house.path("a"), b"x").unwrap();
    assert_eq!(house.line_of_another(1, "quota"), "- quota 300 1000");
    let owners = fs::read_to_string(house.path(".owners")).unwrap();
    assert_eq!(owners, "b user 1\n");
}

#[test]
fn a_list_of_owners_that_was_cut_short_loses_the_line_that_was_being_written_and_no_other() {
    let mut house = House::with(narrow());
    let id = house.user(1);
    for name in ["a", "b"] {
        puts(&mut house, id, name, &content(1, 100));
    }
    let whole = fs::read(house.path(".owners")).unwrap();
    assert_eq!(whole, b"a user 1\nb user 1\n");
    for cut in 0..=whole.len() {
        fs::write(house.path(".owners"), &whole[..cut]).unwrap();
        house = house.again(narrow(), Guard::default());
        let lines = whole[..cut].split(|&byte| byte == b'\n').count() - 1;
        assert_eq!(house.line_of_another(1, "quota"), format!("- quota {} 1000", 100 * lines), "cut at {cut}");
        let id = house.user(2);
        puts(&mut house, id, &format!("c{cut}"), b"x");
        let owners = fs::read_to_string(house.path(".owners")).unwrap();
        assert!(owners.ends_with(&format!("c{cut} user 2\n")), "{owners:?}");
        fs::remove_file(house.path(&format!("c{cut}"))).unwrap();
    }
}

#[test]
fn whoever_comes_second_to_a_name_takes_neither_the_file_nor_the_room() {
    let mut house = House::with(narrow());
    let (alice, bob) = (house.user(1), house.user(2));
    assert_eq!(house.offers(alice, "tea", &content(1, 400)), "- send tea 0");
    assert_eq!(house.offers(bob, "tea", &content(2, 500)), "- send tea 0");
    house.says(alice, &content(1, 400));
    assert!(house.outcome(alice).starts_with("- stored tea"));
    house.says(bob, &content(2, 500));
    assert!(house.outcome(bob).starts_with("! name-taken: "));
    // Also where what has the name came by hand.
    assert_eq!(house.offers(bob, "milk", &content(2, 500)), "- send milk 0");
    fs::write(house.path("milk"), b"by hand").unwrap();
    house.says(bob, &content(2, 500));
    assert!(house.outcome(bob).starts_with("! name-taken: "));
    assert_eq!(house.asks(bob, "quota"), "- quota 0 1000");
    assert_eq!(house.asks(alice, "quota"), "- quota 400 1000");
    assert_eq!(fs::read_to_string(house.path(".owners")).unwrap(), "tea user 1\n");
    for name in ["tea", "milk"] {
        assert!(house.asks(bob, &format!("remove {name}")).starts_with("! forbidden: "));
    }
}

#[test]
fn a_file_that_could_not_be_placed_leaves_nothing_to_its_owner() {
    for (step, after) in [(Step::Own, 0), (Step::Sync, 1)] {
        let mut house = House::with(narrow());
        let id = house.user(1);
        house.offers(id, "tea", &content(1, 400));
        house.disk.fail(step, after, Errno::IO.raw_os_error());
        house.says(id, &content(1, 400));
        assert!(house.outcome(id).starts_with("! disk: "), "{step:?}");
        house.disk.heal();
        fs::write(house.path("tea"), b"by hand").unwrap();
        assert_eq!(house.asks(id, "quota"), "- quota 0 1000", "{step:?}");
    }
}

#[test]
fn a_link_in_the_place_of_the_list_of_owners_is_not_followed() {
    let house = House::new();
    let precious = house.path(".precious");
    fs::write(&precious, b"a user 1\n").unwrap();
    fs::remove_file(house.path(".owners")).unwrap();
    std::os::unix::fs::symlink(&precious, house.path(".owners")).unwrap();
    let folder = house.shut();
    assert!(Folder::open(folder.path(), Arc::new(RealDisk)).is_err());
    assert_eq!(fs::read(&precious).unwrap(), b"a user 1\n");
}

#[test]
fn its_owner_removes_a_file_and_has_the_room_again() {
    let mut house = House::with(narrow());
    let (alice, bob, guest) = (house.user(1), house.user(2), house.guest());
    puts(&mut house, alice, "tea", &content(1, 1000));
    let others = "! forbidden: tea is not yours; its owner or an operator removes it";
    let guests = "! forbidden: guests remove nothing, for nobody knows whose it is; login NAME PASSWORD comes first";
    assert_eq!(house.asks(bob, "remove tea"), others);
    assert_eq!(house.asks(guest, "remove tea"), guests);
    assert_eq!(house.asks(alice, "remove milk"), "! no-such-file: there is no file milk; list shows all");
    assert_eq!(house.asks(alice, "remove ../tea"), house.asks(alice, "get ../tea"));
    assert_eq!(house.asks(alice, "REMOVE tea"), "- removed tea");
    assert!(house.files().is_empty());
    assert_eq!(house.asks(alice, "remove tea"), "! no-such-file: there is no file tea; list shows all");
    assert_eq!(house.asks(alice, "quota"), "- quota 0 1000");
    // The name is free for anybody, with other content.
    puts(&mut house, bob, "tea", &content(2, 700));
    assert_eq!(house.asks(alice, "remove tea"), others);
    // What is nobody's, and what is guests', their owners do not remove.
    fs::write(house.path("by-hand"), b"x").unwrap();
    puts(&mut house, guest, "free", b"x");
    for name in ["by-hand", "free"] {
        assert_eq!(house.asks(alice, &format!("remove {name}")), others.replace("tea", name));
    }
    assert_eq!(house.asks(guest, "remove free"), guests);
}

#[test]
fn a14_a_link_is_not_removed_and_nothing_outside_is() {
    let mut house = House::new();
    let outside = tempfile::TempDir::new().unwrap();
    fs::write(outside.path().join("precious"), b"precious").unwrap();
    let id = house.user(1);
    puts(&mut house, id, "tea", b"tea");
    fs::remove_file(house.path("tea")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("precious"), house.path("tea")).unwrap();
    fs::create_dir(house.path("folder")).unwrap();
    for name in ["tea", "folder"] {
        let nothing = format!("! no-such-file: there is no file {name}; list shows all");
        assert_eq!(house.asks(id, &format!("remove {name}")), nothing);
    }
    assert_eq!(fs::read(outside.path().join("precious")).unwrap(), b"precious");
}

#[test]
fn whoever_is_getting_a_file_that_is_removed_gets_all_of_it() {
    let mut house = House::new();
    let tea = content(1, 300_000);
    let (alice, reader) = (house.user(1), house.guest());
    puts(&mut house, alice, "tea", &tea);
    house.held = true;
    house.says(reader, b"get tea\n");
    let mut got = Vec::new();
    while got.is_empty() {
        house.work();
        got = house.rest(reader);
    }
    house.says(alice, b"remove tea\n");
    house.let_go();
    assert_eq!(house.line(alice), "- removed tea");
    assert!(house.files().is_empty());
    got.extend(house.rest(reader));
    let body = got.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    assert_eq!(got[body..], tea);
    assert_eq!(house.asks(reader, "get tea"), "! no-such-file: there is no file tea; list shows all");
}

#[test]
fn a_file_that_is_removed_while_it_is_put_again_is_put_again() {
    let mut house = House::new();
    let tea = content(1, 200_000);
    let (alice, bob) = (house.user(1), house.user(1));
    puts(&mut house, alice, "tea", &tea);
    assert_eq!(house.asks(alice, "remove tea"), "- removed tea");
    assert_eq!(house.offers(alice, "tea", &tea), "- send tea 0");
    house.says(alice, &tea[..100_000]);
    assert!(house.asks(bob, "remove tea").starts_with("! no-such-file: "));
    house.says(alice, &tea[100_000..]);
    assert!(house.outcome(alice).starts_with("- stored tea"));
    assert_eq!(house.asks(bob, "remove tea"), "- removed tea");
}

#[test]
fn a_disk_that_does_not_remove_says_so_and_the_file_stays() {
    let mut house = House::new();
    let id = house.user(1);
    puts(&mut house, id, "tea", b"tea");
    house.disk.fail(Step::Remove, 0, Errno::IO.raw_os_error());
    assert!(house.asks(id, "remove tea").starts_with("! disk: the server's disk refused (removing: "));
    house.disk.heal();
    assert_eq!(house.files(), ["tea"]);
    assert_eq!(house.asks(id, "remove tea"), "- removed tea");
}

#[test]
fn one_owner_does_not_have_all_the_files_there_may_be() {
    let house = House::new();
    let mut names = String::new();
    for name in (0..2499).map(|number| format!("f{number}")) {
        fs::write(house.path(&name), b"").unwrap();
        names += &(name + " user 1\n");
    }
    fs::write(house.path(".owners"), names).unwrap();
    let mut house = house.again(Settings::default(), Guard::default());
    let (alice, bob) = (house.user(1), house.user(2));
    assert!(house.offers(alice, "last", b"").starts_with("- stored last"));
    assert_eq!(house.offers(alice, "more", b""), "! quota: you have 2500 files here, and no more are taken");
    assert!(house.offers(bob, "more", b"").starts_with("- stored more"));
}

#[cfg(feature = "accounts")]
mod with_accounts {
    use super::*;
    use crate::logins::{guard, logs_in};

    #[test]
    fn operators_remove_any_file_and_accounts_their_own_wherever_they_come_from() {
        let mut house = House::guarded(narrow(), guard().0);
        let (alice, guest) = (house.guest(), house.guest());
        logs_in(&mut house, alice, "alice");
        puts(&mut house, alice, "tea", &content(1, 900));
        puts(&mut house, guest, "free", b"x");
        fs::write(house.path("by-hand"), b"x").unwrap();
        let mut house = house.again(narrow(), guard().0);
        let (again, oscar) = (house.user(1000), house.guest());
        assert_eq!(house.asks(again, "quota"), "- quota 0 1000", "the user is somebody else");
        logs_in(&mut house, again, "alice");
        assert_eq!(house.asks(again, "quota"), "- quota 900 1000");
        assert_eq!(house.asks(again, "remove tea"), "- removed tea");
        assert!(house.asks(again, "remove free").starts_with("! forbidden: "));
        logs_in(&mut house, oscar, "oscar");
        for name in ["free", "by-hand"] {
            assert_eq!(house.asks(oscar, &format!("remove {name}")), format!("- removed {name}"));
        }
        assert!(house.files().is_empty());
    }
}
