//! Every limit, walked into.

use std::fs;
use std::net::SocketAddr;

use parlor::hub::{Address, Identity};
use parlor::services::files::Settings;

use crate::house::{House, content, digest};

fn from(address: &str) -> Address {
    Address::Tcp(address.parse::<SocketAddr>().unwrap())
}

#[test]
fn guests_put_files_from_this_machine_only_and_get_them_from_everywhere() {
    let mut house = House::new();
    fs::write(house.path("tea"), b"tea").unwrap();
    for (address, may) in [
        ("127.0.0.1:1", true),
        ("127.8.9.1:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("192.0.2.7:1", false),
        ("[2001:db8::1]:1", false),
        ("[::ffff:192.0.2.7]:1", false),
    ] {
        let id = house.comes(from(address), None);
        let answer = house.offers(id, "milk", b"milk");
        let wanted =
            if may { "- send milk 0" } else { "! forbidden: guests put files from the server's own machine only" };
        assert_eq!(answer, wanted, "{address}");
        house.breaks(id);
        let id = house.comes(from(address), None);
        assert!(house.asks(id, "get tea").starts_with("- body tea 3 "));
    }
    let known = Identity::Certificate("ab".repeat(32));
    let id = house.comes(from("192.0.2.7:1"), Some(known));
    assert_eq!(house.offers(id, "milk", b"milk"), "- send milk 0");
    let id = house.comes(Address::Unix(None), None);
    assert_eq!(house.offers(id, "milk", b"milk"), "- send milk 0");
}

#[test]
fn a_file_beyond_a_gibibyte_is_refused_before_a_byte_of_it_is_sent() {
    let mut house = House::new();
    let id = house.guest();
    let most = Settings::default().file;
    assert_eq!(most, 1 << 30);
    let digest = digest(b"whatever");
    let refused = "! too-large: a file has at most 1073741824 bytes here";
    assert_eq!(house.asks(id, &format!("offer big {} {digest}", most + 1)), refused);
    assert_eq!(house.asks(id, &format!("offer big {} {digest}", u64::MAX)), refused);
    assert!(house.asks(id, &format!("offer big {}0 {digest}", u64::MAX)).starts_with("! usage: "));
    assert_eq!(house.asks(id, &format!("offer big {most} {digest}")), "- send big 0");
}

#[test]
fn all_files_and_parts_together_have_a_bound_that_offers_count_against_at_once() {
    let mut house = House::with(Settings { file: 1000, total: 2500, ..Settings::default() });
    let (a, b, c) = (content(1, 1000), content(2, 1000), content(3, 1000));
    let (alice, bob) = (house.guest(), house.guest());
    house.offers(alice, "a", &a);
    house.says(alice, &a);
    assert!(house.outcome(alice).starts_with("- stored a"));
    // Nothing of it is here yet, but it will be.
    assert_eq!(house.offers(alice, "b", &b), "- send b 0");
    let full = "! quota: with it there would be 3000 bytes here, and 2500 is the most";
    assert_eq!(house.offers(bob, "c", &c), full);
    assert_eq!(house.offers(bob, "c", &c[..500]), "- send c 0");
    house.says(bob, &c[..200]);
    house.breaks(bob);
    // What is left of a part counts, and is not counted twice when its rest comes.
    let bob = house.guest();
    let over = "! quota: with it there would be 2501 bytes here, and 2500 is the most";
    assert_eq!(house.offers(bob, "d", &c[..301]), over);
    assert_eq!(house.offers(bob, "c", &c[..500]), "- send c 200");
    house.says(bob, &c[200..500]);
    assert!(house.outcome(bob).starts_with("- stored c"));
    house.says(alice, &b);
    assert!(house.outcome(alice).starts_with("- stored b"));
    fs::remove_file(house.path("a")).unwrap();
    assert_eq!(house.offers(bob, "d", &c), "- send d 0");
}

#[test]
fn so_many_files_are_put_at_once_and_no_more() {
    let mut house = House::new();
    let mut last = None;
    for number in 0..64 {
        let id = house.user(1000 + number / 32);
        assert_eq!(house.offers(id, &format!("file-{number}"), b"tea"), format!("- send file-{number} 0"));
        last = Some(id);
    }
    let id = house.guest();
    let busy = "! busy: so many files are being put that no more are taken; try again later";
    assert_eq!(house.offers(id, "one-more", b"tea"), busy);
    assert_eq!(house.asks(id, "PING"), "PONG");
    house.breaks(last.unwrap());
    assert_eq!(house.offers(id, "one-more", b"tea"), "- send one-more 0");
}

#[test]
fn nobody_puts_so_many_files_at_once_that_none_are_left_for_others() {
    let mut house = House::with(Settings { uploads_each: 2, ..Settings::default() });
    let ids: Vec<_> = (0..2).map(|_| house.user(1000)).collect();
    for (number, &id) in ids.iter().enumerate() {
        assert_eq!(house.offers(id, &format!("file-{number}"), b"tea"), format!("- send file-{number} 0"));
    }
    let more = house.user(1000);
    let busy = "! busy: 2 files of yours are being put, and 2 at once is the most; wait for one of them";
    assert_eq!(house.offers(more, "more", b"tea"), busy);
    // What is theirs already they may take over, for that makes it no more.
    assert_eq!(house.offers(more, "file-0", b"tea"), "- send file-0 0");
    assert!(house.line(ids[0]).starts_with("! taken-over: "));
    // Guests are one, and another one.
    let guests: Vec<_> = (0..3).map(|_| house.guest()).collect();
    for (number, &id) in guests[..2].iter().enumerate() {
        assert_eq!(house.offers(id, &format!("guests-{number}"), b"tea"), format!("- send guests-{number} 0"));
    }
    assert_eq!(house.offers(guests[2], "more", b"tea"), busy.replace("yours", "guests"));
    // One that is stored makes room for the next.
    house.says(more, b"tea");
    assert!(house.outcome(more).starts_with("- stored file-0"));
    assert_eq!(house.offers(more, "more", b"tea"), "- send more 0");
}

#[test]
fn so_many_are_served_at_once_and_no_more() {
    let mut house = House::new();
    house.held = true;
    let ids: Vec<_> = (0..256).map(|_| house.guest()).collect();
    for &id in &ids {
        house.says(id, b"list\n");
    }
    let id = house.guest();
    assert_eq!(house.asks(id, "list"), "! busy: too many are being served; try again later");
    assert_eq!(house.asks(id, "get tea"), "! busy: too many are being served; try again later");
    house.breaks(ids[0]);
    house.let_go();
    assert_eq!(house.asks(id, "list"), "- end list");
    assert_eq!(house.line(ids[1]), "- end list");
}

#[test]
fn so_many_parts_of_each_owner_wait_and_so_many_in_all() {
    let mut house = House::new();
    for number in 0..256 {
        let id = house.user(1000 + number / 64);
        assert_eq!(house.offers(id, &format!("part-{number}"), b"tea"), format!("- send part-{number} 0"));
        house.says(id, b"t");
        house.breaks(id);
        if number == 63 {
            let id = house.user(1000);
            let own = "! busy: 64 parts of you wait for their rest here; send one of them, or try again later";
            assert_eq!(house.offers(id, "more", b"tea"), own.replace("of you", "of yours"));
        }
    }
    assert_eq!(house.parts().len(), 256);
    let (id, other) = (house.user(1000), house.guest());
    assert_eq!(house.offers(other, "more", b"tea"), "! busy: too many parts wait for their rest here; try again later");
    // Whoever has one may go on with it.
    assert_eq!(house.offers(id, "part-7", b"tea"), "- send part-7 1");
}

#[test]
fn what_is_no_command_is_an_error_with_a_way_out() {
    let mut house = House::new();
    let id = house.guest();
    let sha = digest(b"tea");
    for (line, wanted) in [
        ("put tea".to_owned(), "! unknown-command: \"put\" is no command; help lists them"),
        ("offer".to_owned(), "! usage: it is written offer NAME SIZE SHA256"),
        ("offer tea".to_owned(), "! usage: it is written offer NAME SIZE SHA256"),
        (format!("offer tea x {sha}"), "! usage: it is written offer NAME SIZE SHA256"),
        (format!("offer tea +1 {sha}"), "! usage: it is written offer NAME SIZE SHA256"),
        ("get tea +0".to_owned(), "! usage: it is written get NAME [OFFSET]"),
        (format!("offer tea -1 {sha}"), "! usage: it is written offer NAME SIZE SHA256"),
        (format!("offer tea 3 {}", &sha[1..]), "! usage: it is written offer NAME SIZE SHA256"),
        (format!("offer tea 3 {}é", &sha[2..]), "! usage: it is written offer NAME SIZE SHA256"),
        (format!("offer tea 3 {sha} more"), "! usage: it is written offer NAME SIZE SHA256"),
        ("get".to_owned(), "! usage: it is written get NAME [OFFSET]"),
        ("get tea x".to_owned(), "! usage: it is written get NAME [OFFSET]"),
        ("list all".to_owned(), "! usage: it is written list with nothing behind it"),
        ("quota tea".to_owned(), "! usage: it is written quota with nothing behind it"),
        ("remove".to_owned(), "! usage: it is written remove NAME"),
        ("remove tea milk".to_owned(), "! usage: it is written remove NAME"),
    ] {
        assert_eq!(house.asks(id, &line), wanted, "{line}");
    }
    house.says(id, b"\xff\n\n\r\nPONG\nPONG 3\n");
    assert_eq!(house.outcome(id), "! not-utf8: these bytes are no UTF-8 text; nothing was done with them");
    assert!(house.rest(id).is_empty());
    assert!(house.asks(id, "help").starts_with("- offer NAME"));
    assert!(house.rest(id).ends_with(b"- end help\n"));
    assert_eq!(house.asks(id, "QUIT"), "- goodbye");
    assert!(!house.is_there(id));
}
