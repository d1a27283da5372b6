//! The address book.

use parlor::client::talk::Book;

use crate::support::Start;
use crate::talker::book;

#[test]
fn a_book_says_who_is_where() {
    let book = Book::read("[people]\nTOM = '127.0.0.1:8081'\n\"一棵树\" = '[::1]:8081'\n").expect("it is right");
    assert_eq!(book.people().len(), 2);
    assert_eq!(book.find("tom").expect("case does not matter").address.to_string(), "127.0.0.1:8081");
    assert!(book.find("一棵树").is_some() && book.find("JACK").is_none());
    assert!(book.places("Tom", "127.0.0.1:8081".parse().expect("an address")));
    assert!(!book.places("TOM", "127.0.0.1:8082".parse().expect("an address")));
}

#[test]
fn what_is_wrong_in_a_book_is_said_by_name() {
    for (text, wanted) in [
        ("", "missing field `people`"),
        ("[people]\na b = '127.0.0.1:1'", "line 2"),
        ("[people]\n'a b' = '127.0.0.1:1'", "\"a b\": "),
        ("[people]\nann = '127.0.0.1'", "\"ann\": \"127.0.0.1\": "),
        ("[people]\nann = '127.0.0.1:1'\nANN = '127.0.0.1:2'", "stands in the book twice"),
        ("[people]\n[others]", "unknown field"),
    ] {
        let wrong = Book::read(text).expect_err(text);
        assert!(wrong.contains(wanted), "{text:?}: {wrong}");
    }
}

#[test]
fn whoever_does_not_stand_in_the_book_can_not_talk() {
    let file = book(&[("ann", "127.0.0.1:0")]);
    let path = file.path().to_str().expect("plain");
    let finished = Start::parlor(&["talk", "ben", "--book", path]).run();
    assert_eq!(finished.code(), 1);
    assert_eq!(finished.stderr, [format!("parlor: {path}: \"ben\" does not stand in it")]);
    let finished = Start::parlor(&["talk", "ann", "--book", path, "--to", "ben"]).run();
    assert_eq!(finished.code(), 1);
    assert!(finished.stderr[1].contains("no-such-name"), "{finished:#?}");
    let finished = Start::parlor(&["talk", "ann", "--book", "/nowhere/book.toml"]).run();
    assert_eq!(finished.stderr, ["parlor: /nowhere/book.toml: No such file or directory (os error 2)"]);
    assert_eq!(Start::parlor(&["talk", "ann"]).run().code(), 2);
}
