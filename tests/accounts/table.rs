//! Who may ask for what: every command, in every state and role. The table is written down here a second time.

use crate::inn::Inn;
use crate::people::Person;

/// Before login, guest, user, operator.
const EVERYBODY: [bool; 4] = [true; 4];
const GUESTS: [bool; 4] = [false, true, true, true];
const USERS: [bool; 4] = [false, false, true, true];
const OPERATORS: [bool; 4] = [false, false, false, true];

/// Every command, as it can be asked for by anybody who may, in an order in which nothing stands in the way of the
/// next; and who may.
const TABLE: &[(&str, [bool; 4])] = &[
    ("PING 1", EVERYBODY),
    ("PONG 1", EVERYBODY),
    ("", EVERYBODY),
    ("/format plain", EVERYBODY),
    ("/help", EVERYBODY),
    ("/help login", EVERYBODY),
    ("/login alice", EVERYBODY),
    ("hello", GUESTS),
    ("//hello", GUESTS),
    ("/me waves", GUESTS),
    ("/msg nobody hello", GUESTS),
    ("/nick x", GUESTS),
    ("/join rust", GUESTS),
    ("/join rust password", GUESTS),
    ("/who", GUESTS),
    ("/topic", GUESTS),
    ("/topic tea", GUESTS),
    ("/topic -", GUESTS),
    ("/history", GUESTS),
    ("/resume rust 0", GUESTS),
    ("/session", GUESTS),
    ("/session 0123456789abcdef0123456789abcdef", GUESTS),
    ("/rooms", GUESTS),
    ("/info", GUESTS),
    ("/stats", GUESTS),
    ("/motd", GUESTS),
    ("/lock", USERS),
    ("/lock password", USERS),
    ("/invite bob", USERS),
    ("/unlock", USERS),
    ("/leave", GUESTS),
    ("/topic lock", OPERATORS),
    ("/topic unlock", OPERATORS),
    ("/motd hello", OPERATORS),
    ("/kick nobody", OPERATORS),
    ("/ban", OPERATORS),
    ("/ban nobody 1s", OPERATORS),
    ("/unban nobody", OPERATORS),
    ("/mute nobody 1s", OPERATORS),
    ("/unmute nobody", OPERATORS),
];

/// What somebody is told who may not.
const REFUSED: [&str; 3] = ["! login-first: ", "! not-logged-in: ", "! not-operator: "];

fn is_refused(person: &mut Person, line: &str) -> bool {
    person.says(line);
    // Also of what another line was answered: nobody's login waits here.
    person.fence().iter().any(|line| REFUSED.iter().any(|refused| line.starts_with(refused)))
}

fn holds(person: &mut Person, standing: usize) {
    for (line, may) in TABLE {
        assert_eq!(!is_refused(person, line), may[standing], "{line:?} of number {standing}");
    }
}

#[test]
fn before_login() {
    let inn = Inn::strict(&[]);
    let mut stranger = inn.stranger();
    holds(&mut stranger, 0);
    stranger.says("/format json");
    stranger.hears();
    for object in [r#"{"say":"hello"}"#, r#"{"me":"waves"}"#] {
        stranger.is_refused(object, "login-first");
    }
    stranger.says("/quit");
    stranger.hear(r#"{"type":"info","text":"goodbye"}"#);
}

#[test]
fn a_guest() {
    let inn = Inn::new(&[]);
    let mut guest = inn.chat.guest();
    holds(&mut guest, 1);
    // The reason names what is missing.
    guest.is_refused("/lock", "not-logged-in");
    guest.is_refused("/kick nobody", "not-operator");
}

#[test]
fn a_user() {
    let inn = Inn::new(&[]);
    holds(&mut inn.user("alice"), 2);
}

#[test]
fn an_operator() {
    let inn = Inn::new(&[]);
    holds(&mut inn.user("oscar"), 3);
}

#[test]
fn users_and_operators_where_everybody_logs_in() {
    let inn = Inn::strict(&[]);
    holds(&mut inn.member("alice"), 2);
    holds(&mut inn.member("oscar"), 3);
}

#[test]
fn every_command_stands_in_the_table() {
    for help in parlor::services::chat::COMMANDS {
        let word = format!("/{}", help.name);
        let is_there = TABLE.iter().any(|(line, _)| line.split(' ').next() == Some(&word));
        assert!(is_there || word == "/quit", "{word} is not tried");
    }
}
