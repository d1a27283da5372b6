//! Files go in: whole, in pieces, over broken lines, two at once.

use std::fs;

use crate::house::{House, NOW, content, digest};

#[test]
fn a_file_is_stored_once_all_of_it_came_and_nobody_sees_it_before() {
    let mut house = House::new();
    let (alice, bob) = (house.guest(), house.guest());
    let tea = content(1, 700_000);
    assert_eq!(house.offers(alice, "tea", &tea), "- send tea 0");
    house.says(alice, &tea[..600_000]);
    assert!(house.files().is_empty());
    assert_eq!(house.asks(bob, "list"), "- end list");
    assert_eq!(house.asks(bob, "get tea"), "! no-such-file: there is no file tea; list shows all");
    house.says(alice, &tea[600_000..]);
    assert_eq!(house.outcome(alice), format!("- stored tea 700000 {}", digest(&tea)));
    assert_eq!(fs::read(house.path("tea")).unwrap(), tea);
    assert!(house.parts().is_empty());
    // The connection goes on behind the body.
    assert_eq!(house.asks(alice, "PING 1"), "PONG 1");
}

#[test]
fn a_broken_line_costs_nothing_that_has_arrived() {
    let mut house = House::new();
    let tea = content(2, 900_000);
    let mut sent = 0;
    for cut in [1, 300_000, 300_001, 899_999] {
        let id = house.guest();
        assert_eq!(house.offers(id, "tea", &tea), format!("- send tea {sent}"));
        house.says(id, &tea[sent..cut]);
        house.breaks(id);
        sent = cut;
    }
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 899999");
    house.says(id, &tea[899_999..]);
    assert_eq!(house.outcome(id), format!("- stored tea 900000 {}", digest(&tea)));
    assert_eq!(fs::read(house.path("tea")).unwrap(), tea);
}

#[test]
fn a_line_that_breaks_while_a_helper_writes_loses_nothing_either() {
    let mut house = House::new();
    let tea = content(3, 200_000);
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
    house.held = true;
    house.says(id, &tea[..40_000]);
    house.says(id, &tea[40_000..100_000]);
    assert_eq!(house.jobs(), 1, "one piece in flight");
    house.breaks(id);
    house.let_go();
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 100000");
}

#[test]
fn a_line_that_breaks_before_a_part_was_looked_at_again_leaves_it_as_it_was() {
    let mut house = House::new();
    let tea = content(33, 100_000);
    house.leaves("tea", &tea, 60_000);
    // Offered again, and the line breaks before a helper has come to it; then the same with two at once.
    let offer = format!("offer tea 100000 {}\n", digest(&tea));
    for count in [1, 2] {
        house.held = true;
        let ids: Vec<_> = (0..count).map(|_| house.guest()).collect();
        for &id in &ids {
            house.says(id, offer.as_bytes());
        }
        for id in ids {
            house.breaks(id);
        }
        house.let_go();
    }
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 60000");
}

#[test]
fn what_is_safe_is_said_piece_by_piece() {
    let mut house = House::new();
    let tea = content(4, 1024 * 1024);
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
    house.says(id, &tea);
    let mut last = 0;
    loop {
        let line = house.line(id);
        let Some(have) = line.strip_prefix("- have ") else {
            assert_eq!(line, format!("- stored tea {} {}", tea.len(), digest(&tea)));
            break;
        };
        let have: usize = have.parse().unwrap();
        assert!(have > last && have < tea.len(), "{line} after {last}");
        last = have;
    }
    assert!(last > tea.len() / 2, "the last that was said was {last}");
}

#[test]
fn a_digest_that_does_not_agree_leaves_nothing() {
    let mut house = House::new();
    let tea = content(5, 100_000);
    let mut other = tea.clone();
    other[77_777] ^= 1;
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
    house.says(id, &other);
    let line = house.outcome(id);
    assert!(line.starts_with("! digest: ") && line.contains(&digest(&other)), "{line}");
    assert!(house.files().is_empty() && house.parts().is_empty());
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 0");
}

#[test]
fn a_part_that_was_changed_between_two_tries_is_found_out() {
    let mut house = House::new();
    let tea = content(6, 100_000);
    house.leaves("tea", &tea, 60_000);
    let part = house.path(".parts").join(&house.parts()[0]);
    let mut changed = fs::read(&part).unwrap();
    changed[10] ^= 1;
    fs::write(&part, changed).unwrap();
    let id = house.guest();
    assert_eq!(house.offers(id, "tea", &tea), "- send tea 60000");
    house.says(id, &tea[60_000..]);
    assert!(house.outcome(id).starts_with("! digest: "));
    assert!(house.files().is_empty() && house.parts().is_empty());
}

#[test]
fn the_digest_of_a_resumed_part_is_found_out_piece_by_piece() {
    let mut house = House::new();
    let tea = content(7, 10 * 1024 * 1024);
    let id = house.guest();
    house.offers(id, "tea", &tea);
    house.says(id, &tea[..tea.len() - 1]);
    house.breaks(id);
    let id = house.guest();
    house.held = true;
    house.says(id, format!("offer tea {} {}\n", tea.len(), digest(&tea)).as_bytes());
    let mut jobs = 0;
    while house.jobs() > 0 {
        assert_eq!(house.jobs(), 1);
        house.work();
        jobs += 1;
    }
    // To count what is there, to open it, and three pieces of at most 4 MiB.
    assert_eq!(jobs, 5);
    assert_eq!(house.line(id), format!("- send tea {}", tea.len() - 1));
    house.let_go();
    house.says(id, &tea[tea.len() - 1..]);
    assert_eq!(house.outcome(id), format!("- stored tea {} {}", tea.len(), digest(&tea)));
}

#[test]
fn what_is_here_already_is_not_sent_again() {
    let mut house = House::new();
    let (tea, milk) = (content(8, 5000), content(9, 5000));
    let id = house.guest();
    house.offers(id, "tea", &tea);
    house.says(id, &tea);
    let stored = house.outcome(id);
    assert_eq!(house.offers(id, "tea", &tea), stored);
    let taken = "! name-taken: there is a file tea with other content; choose another name";
    assert_eq!(house.offers(id, "tea", &milk), taken);
    assert_eq!(house.offers(id, "tea", &milk[1..]), taken);
    // What an operator put there counts as well.
    fs::write(house.path("milk"), &milk).unwrap();
    assert_eq!(house.offers(id, "milk", &milk), format!("- stored milk 5000 {}", digest(&milk)));
    assert_eq!(house.offers(id, "milk", &tea), taken.replace("tea", "milk"));
    // All of it came, and the line broke before the answer did.
    let id = house.guest();
    house.offers(id, "late", &tea);
    house.held = true;
    house.says(id, &tea);
    house.breaks(id);
    house.let_go();
    let id = house.guest();
    assert_eq!(house.offers(id, "late", &tea), format!("- stored late 5000 {}", digest(&tea)));
    assert!(house.parts().is_empty());
}

#[test]
fn an_empty_file_is_a_file() {
    let mut house = House::new();
    let id = house.guest();
    let stored = format!("- stored nothing 0 {}", digest(b""));
    assert_eq!(house.offers(id, "nothing", b""), stored);
    assert_eq!(house.offers(id, "nothing", b""), stored);
    assert_eq!(house.files(), ["nothing"]);
    assert_eq!(house.asks(id, "get nothing"), format!("- body nothing 0 {} 0", digest(b"")));
    assert!(house.rest(id).is_empty());
}

#[test]
fn of_two_that_are_put_under_one_name_the_first_to_be_complete_has_it() {
    let mut house = House::new();
    let (tea, milk) = (content(10, 90_000), content(11, 90_000));
    let (alice, bob) = (house.guest(), house.guest());
    assert_eq!(house.offers(alice, "drink", &tea), "- send drink 0");
    assert_eq!(house.offers(bob, "drink", &milk), "- send drink 0");
    house.says(alice, &tea[..50_000]);
    house.says(bob, &milk);
    assert_eq!(house.outcome(bob), format!("- stored drink 90000 {}", digest(&milk)));
    house.says(alice, &tea[50_000..]);
    assert_eq!(house.outcome(alice), "! name-taken: there is a file drink with other content; choose another name");
    assert_eq!(fs::read(house.path("drink")).unwrap(), milk);
    assert!(house.parts().is_empty());
}

#[test]
fn the_same_offer_on_another_connection_takes_the_part_over_with_all_that_came() {
    let mut house = House::new();
    let tea = content(12, 200_000);
    let (old, new) = (house.guest(), house.guest());
    house.offers(old, "tea", &tea);
    house.says(old, &tea[..80_000]);
    // A helper is writing: the newcomer waits for it.
    house.held = true;
    house.says(old, &tea[80_000..120_000]);
    house.says(new, format!("offer tea 200000 {}\n", digest(&tea)).as_bytes());
    assert_eq!(house.outcome(old), "! taken-over: another connection has offered the same part");
    assert!(house.rest(new).is_empty());
    // What the old one still sends of the body is nobody's.
    house.says(old, &tea[120_000..160_000]);
    house.let_go();
    assert_eq!(house.line(new), "- send tea 120000");
    house.says(old, &tea[160_000..]);
    house.says(new, &tea[120_000..]);
    assert_eq!(house.outcome(new), format!("- stored tea 200000 {}", digest(&tea)));
    assert_eq!(house.asks(old, "PING"), "PONG");
    assert!(house.rest(old).is_empty());
}

#[test]
fn of_several_that_wait_for_a_part_the_last_gets_it() {
    let mut house = House::new();
    let tea = content(13, 50_000);
    let offer = format!("offer tea 50000 {}\n", digest(&tea));
    let [first, second, third, fourth] = [house.guest(), house.guest(), house.guest(), house.guest()];
    house.held = true;
    for id in [first, second, third, fourth] {
        house.says(id, offer.as_bytes());
    }
    house.breaks(fourth);
    house.let_go();
    for id in [first, second, third] {
        assert_eq!(house.outcome(id), "! taken-over: another connection has offered the same part");
    }
    // Whoever was last went, so anybody may begin again.
    assert_eq!(house.offers(second, "tea", &tea), "- send tea 0");
    house.says(second, &tea);
    assert!(house.outcome(second).starts_with("- stored"));
}

#[test]
fn a_part_is_kept_for_a_day_and_no_longer() {
    let mut house = House::new();
    let tea = content(14, 50_000);
    house.leaves("tea", &tea, 20_000);
    // Its time stamp is the system's, whatever the house's calendar says.
    let part = fs::File::open(house.path(".parts").join(&house.parts()[0])).unwrap();
    part.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_millis(NOW)).unwrap();
    house.wall = NOW + 24 * 60 * 60 * 1000;
    house.sweep();
    assert_eq!(house.parts().len(), 1);
    house.wall += 1;
    house.sweep();
    assert!(house.parts().is_empty());
}

#[test]
fn an_offer_that_nothing_follows_leaves_no_part() {
    let mut house = House::new();
    let id = house.guest();
    house.offers(id, "tea", b"tea");
    assert_eq!(house.parts().len(), 1);
    house.breaks(id);
    assert!(house.parts().is_empty());
}
