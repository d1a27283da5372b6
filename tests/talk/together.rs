//! Talking: everything at once, changing partners, the documents' book.

use std::fs::File;
use std::net::SocketAddr;

use rustix::process::Signal;

use crate::support::own_address;
use crate::talker::Talker;

/// A book in which ben, who runs already, has his real address.
fn with_ben(ben: &Talker, others: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
    let mut people: Vec<(String, String)> = vec![("ben".to_owned(), ben.address.to_string())];
    people.extend(others.iter().map(|(name, address)| ((*name).to_owned(), (*address).to_owned())));
    people
}

fn start(name: &str, people: &[(String, String)], flags: &[&str]) -> Talker {
    let people: Vec<(&str, &str)> = people.iter().map(|(name, address)| (name.as_str(), address.as_str())).collect();
    Talker::start(name, &people, flags)
}

#[test]
fn d21_what_comes_is_shown_while_nothing_is_typed_and_the_other_way_round() {
    let mut ben = Talker::start("ben", &[("ben", "127.0.0.1:0")], &[]);
    let mut ann = start("ann", &with_ben(&ben, &[("ann", "127.0.0.1:0")]), &[]);
    for number in 0..20 {
        ann.say(&format!("line {number}"));
    }
    for number in 0..20 {
        // Ben's book has no address for ann, so it says which.
        assert_eq!(ben.shown(), format!("<ann? at {}> line {number}", ann.address));
    }
    // Whoever speaks first is who one talks to.
    ben.say("and one back");
    assert_eq!(ann.shown(), "<ben?> and one back");
    ann.say("//slash");
    assert!(ben.shown().ends_with("> /slash"));
    ann.end();
    ben.end();
    assert!(ann.wait().0.success() && ben.wait().0.success());
}

#[test]
fn d21_the_documents_book_in_which_four_names_share_one_address_works_as_it_stands() {
    let at = SocketAddr::from((own_address(), 8081)).to_string();
    let names = ["TOM", "JACK", "一棵树", "武大郎"];
    let people: Vec<(String, String)> = names.iter().map(|name| ((*name).to_owned(), at.clone())).collect();
    let mut tom = start("TOM", &people, &[]);
    assert_eq!(tom.address.to_string(), at);
    // The second one finds the address taken, and gets another.
    let mut jack = start("JACK", &people, &[]);
    assert_ne!(jack.address.to_string(), at);
    jack.log.wait("the address that it has instead", |line| line.contains(&format!("{at} is taken; you are at ")));

    // No partner yet: the line is a name, as the documents ask for one.
    jack.say("TOM");
    jack.say("hello tom");
    assert_eq!(tom.shown(), format!("<JACK? at {}> hello tom", jack.address));
    jack.say("quit");
    jack.say("一棵树");
    jack.say("hello tree");
    jack.say("/to 武大郎");
    jack.say("hello you");
    assert_eq!(tom.shown(), format!("<JACK? at {} to 一棵树> hello tree", jack.address));
    assert_eq!(tom.shown(), format!("<JACK? at {} to 武大郎> hello you", jack.address));
    // The far side answers by hand, to where it came from, though the book says otherwise.
    tom.say("hello jack");
    assert_eq!(jack.shown(), "<TOM?> hello jack");
    tom.say("/to jack");
    tom.say("by name too");
    assert_eq!(jack.shown(), "<TOM?> by name too");
}

#[test]
fn d21_quit_changes_the_partner_and_what_is_no_name_is_an_error() {
    let ben = Talker::start("ben", &[("ben", "127.0.0.1:0")], &[]);
    let cat = Talker::start("cat", &[("cat", "127.0.0.1:0")], &[]);
    let mut people = with_ben(&ben, &[("ann", "127.0.0.1:0")]);
    people.push(("cat".to_owned(), cat.address.to_string()));
    let mut ann = start("ann", &people, &["--to", "BEN"]);
    ann.say("to ben");
    ann.say("quit");
    ann.say("nobody of this name");
    ann.say("cat");
    ann.say("to cat");
    assert!(ben.shown().ends_with("> to ben"));
    assert!(cat.shown().ends_with("> to cat"));
    let wrong = ann.log.wait("an error", |line| line.contains("no-such-name"));
    assert_eq!(wrong, "- ! no-such-name: there is no nobody of this name elsewhere; there are ann, ben, cat");
    for (line, error) in [("/nope", "unknown-command"), ("x".repeat(5000).as_str(), "too-long")] {
        ann.say(line);
        ann.log.wait("an error", |line| line.contains(error));
    }
}

#[test]
fn a_partner_who_starts_anew_is_told_what_did_not_arrive_and_nothing_else() {
    let at = SocketAddr::from((own_address(), 8082)).to_string();
    let mut ben = Talker::start("ben", &[("ben", &at)], &[]);
    let people = with_ben(&ben, &[("ann", "127.0.0.1:0")]);
    let mut ann = start("ann", &people, &[]);
    ann.say("before");
    assert!(ben.shown().ends_with("> before"));
    // Whoever hears an answer has heard the acknowledgement too. Now ben is gone, and comes again at his address.
    ben.say("heard");
    assert_eq!(ann.shown(), "<ben?> heard");
    drop(ben);
    ann.say("into the void");
    let mut again = start("ben", &people, &[]);
    assert_eq!(again.address.to_string(), people[0].1);
    assert!(again.shown().ends_with("> into the void"));
    ann.log.wait("word of it", |line| line.contains("began anew"));
    ann.say("after");
    assert!(again.shown().ends_with("> after"));
    again.say("yes");
    assert_eq!(ann.shown(), "<ben?> yes");
}

#[test]
fn somebody_who_sits_elsewhere_than_the_book_says_is_answered_by_address() {
    let at = SocketAddr::from((own_address(), 8083)).to_string();
    // Nobody sits at ann's place, and somebody calls herself ann elsewhere.
    let mut ben = Talker::start("ben", &[("ben", "127.0.0.1:0"), ("ann", &at)], &[]);
    let mut ann = start("ann", &with_ben(&ben, &[("ann", "127.0.0.1:0")]), &[]);
    ann.say("I have moved");
    assert_eq!(ben.shown(), format!("<ann? at {}> I have moved", ann.address));
    // Her name leads to where the book says. Only an address leads to who has spoken from there.
    ben.say("/to ann");
    ben.log.wait("the book's address", |line| line.ends_with(&format!("you talk to ann, at {at}")));
    ben.say(&format!("/to {}", ann.address));
    ben.log.wait("hers", |line| line.ends_with(&format!("you talk to ann?, at {}", ann.address)));
    ben.say("so I see");
    assert_eq!(ann.shown(), "<ben?> so I see");
    ben.say("/to 127.0.0.1:1");
    ben.log.wait("an error", |line| line.contains("no-such-name: there is no 127.0.0.1:1 elsewhere"));
}

#[test]
fn whom_no_way_leads_to_is_told_at_once() {
    let people = [("ann", "127.0.0.1:0"), ("six", "[::1]:9"), ("far", "192.0.2.1:9")];
    let mut ann = Talker::start("ann", &people, &["--wait", "0"]);
    let here = ann.address;
    for line in ["/to six", "/to far", "/to"] {
        ann.say(line);
    }
    ann.end();
    let log = ann.log.clone();
    // What was not done is nothing that a script should have to look for among the words.
    assert_eq!(ann.wait().0.code(), Some(1));
    let wanted = [
        format!("- ! no-way: six is at [::1]:9, and from {here} no way leads there"),
        format!("- ! no-way: far is at 192.0.2.1:9, and from {here} no way leads there"),
        "- ! no-such-name: whom? there are ann, far, six".to_owned(),
    ];
    assert_eq!(log.to_the_end()[1..], wanted);
}

#[test]
fn a_script_of_which_a_line_was_refused_has_failed() {
    let mut ben = Talker::start("ben", &[("ben", "127.0.0.1:0")], &["--wait", "60"]);
    let mut ann = start("ann", &with_ben(&ben, &[("ann", "127.0.0.1:0")]), &[]);
    ann.say(&"x".repeat(5000));
    ann.say("short enough");
    assert!(ben.shown().ends_with("> short enough"));
    ann.end();
    ben.end();
    assert_eq!(ann.wait().0.code(), Some(1));
    assert_eq!(ben.wait().0.code(), Some(0));
}

#[test]
fn what_was_heard_and_can_not_be_kept_is_a_failure() {
    let full = File::options().write(true).open("/dev/full").expect("every machine has one");
    let ben = Talker::showing("ben", &[("ben", "127.0.0.1:0")], &["--wait", "60"], full.into());
    let mut ann = start("ann", &with_ben(&ben, &[("ann", "127.0.0.1:0")]), &["--wait", "0"]);
    ann.say("hello");
    let log = ben.log.clone();
    assert_eq!(ben.wait().0.code(), Some(1));
    assert_eq!(log.to_the_end().last().map(String::as_str), Some("- ! output: no storage space"));
}

#[test]
fn d22_two_talk_over_ipv6() {
    let mut ben = Talker::start("ben", &[("ben", "[::1]:0")], &[]);
    let mut ann = start("ann", &with_ben(&ben, &[("ann", "[::1]:0")]), &[]);
    ann.say("hello");
    assert_eq!(ben.shown(), format!("<ann? at {}> hello", ann.address));
    ben.say("hello too");
    assert_eq!(ann.shown(), "<ben?> hello too");
}

#[test]
fn who_is_told_to_stop_says_that_they_go() {
    let mut ben = Talker::start("ben", &[("ben", "127.0.0.1:0")], &[]);
    let mut ann = start("ann", &with_ben(&ben, &[("ann", "127.0.0.1:0")]), &[]);
    ann.say("hello");
    assert!(ben.shown().ends_with("> hello"));
    ben.say("hello");
    assert_eq!(ann.shown(), "<ben?> hello");
    ann.signal(Signal::TERM);
    ben.log.wait("word of it", |line| line.ends_with(" has left"));
    assert_eq!(ann.wait().0.code(), Some(0));
}

#[test]
fn input_that_can_not_be_read_is_told_and_fails() {
    let mut ann = Talker::start("ann", &[("ann", "127.0.0.1:0"), ("ben", "127.0.0.1:9")], &["--wait", "0"]);
    ann.say(&"x".repeat(9000));
    let log = ann.log.clone();
    assert_eq!(ann.wait().0.code(), Some(1));
    let lines = log.to_the_end();
    assert!(lines.iter().any(|line| line.contains("! input: ")), "{lines:#?}");
}
