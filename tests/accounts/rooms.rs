//! Rooms with a password or by invitation.

use crate::inn::Inn;
use crate::support::until;

#[test]
fn a_room_by_invitation() {
    let inn = Inn::new(&[]);
    let (mut alice, mut bob) = (inn.user("alice"), inn.user("bob"));
    alice.fence();
    let mut guest = inn.chat.guest();
    guest.ask("/nick carol", "- you are carol");
    alice.fence();
    bob.fence();
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.ask("/lock", "- #den is locked; others enter by invitation");
    for person in [&mut bob, &mut guest] {
        person.ask("/join den", "! locked: #den is locked; whoever made it can /invite you");
        person.is_refused("/join den guess", "locked");
        person.is_refused("/resume den 0", "locked");
        person.ask_all("/rooms", &["- #lobby: 3 here", "- end rooms"]);
    }
    alice.ask_all("/rooms", &["- #lobby: 3 here", "- end rooms"]);
    bob.is_refused("/invite bob", "not-yours");
    alice.ask("/invite bob", "- bob may enter #den");
    bob.hear("- alice invites you to #den; /join den");
    alice.ask("/invite carol", "- carol may enter #den");
    guest.hear("- alice invites you to #den; /join den");
    alice.is_refused("/invite nobody", "no-such-name");
    bob.ask("/join den", "- you are in #den, with 1 others");
    guest.ask("/join den", "- you are in #den, with 2 others");
    // A guest's invitation ends with the guest, whoever has the name next.
    guest.says("/quit");
    guest.rest();
    let mut other = inn.chat.guest();
    other.ask("/nick carol", "- you are carol");
    other.is_refused("/join den", "locked");
    alice.fence();
    alice.ask("/unlock", "- #den is open to everybody");
    other.ask("/join den", "- you are in #den, with 2 others");
}

#[test]
fn a_room_with_a_password() {
    let inn = Inn::new(&[]);
    let mut alice = inn.user("alice");
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.ask("/lock open sesame", "- #den is locked; others enter with the password, or by invitation");
    let mut guest = inn.chat.guest();
    guest.ask("/join den", "! locked: #den is locked; /join den PASSWORD, or be invited");
    guest.ask("/join den open says me", "! wrong-password: wrong password for #den");
    // What stands behind it is done when the password was looked at.
    guest.says_all(&["/join den open sesame", "hello"]);
    guest.hear("- you are in #den, with 1 others");
    alice.hear_all(&["#den -- guest2 joined", "#den <guest2> hello"]);
    // Where no password is needed, one does no harm; it is shown to nobody.
    guest.ask("/join den open sesame", "- you are in #den, with 1 others");
    guest.ask("/join lobby open sesame", "- you are in #lobby, with 1 others");
    guest.is_refused("  /join den open sesame", "leading-blank");
    alice.is_refused(" /lock open sesame", "leading-blank");
}

#[test]
fn a_lock_outlives_a_restart_and_keeps_what_was_said_before() {
    let inn = Inn::new(&[]);
    let mut alice = inn.user("alice");
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.ask("/lock open sesame", "- #den is locked; others enter with the password, or by invitation");
    alice.ask("/invite bob", "- bob may enter #den");
    alice.says("a secret");
    alice.fence();
    let text = || std::fs::read_to_string(inn.chat.folder().join("house-rules")).unwrap_or_default();
    until("the invitation in the file", || text().contains("\"bob\""));
    assert!(!text().contains("sesame") && text().contains("$argon2id$"), "{}", text());
    let inn = inn.stopped_and_started_again();
    let mut guest = inn.chat.guest();
    guest.is_refused("/resume den 0", "locked");
    guest.is_refused("/join den", "locked");
    guest.ask_all("/rooms", &["- #lobby: 1 here", "- end rooms"]);
    guest.ask("/join den open sesame", "- you are in #den, with 0 others");
    let mut bob = inn.user("bob");
    bob.ask("/join den", "- you are in #den, with 1 others");
    let mut alice = inn.user("alice");
    alice.ask("/join den", "- you are in #den, with 2 others");
    alice.ask("/lock", "- #den is locked; others enter by invitation");
}

#[test]
fn only_who_made_a_room_locks_it_and_an_operator_opens_it() {
    let inn = Inn::new(&[]);
    let mut guest = inn.chat.guest();
    guest.ask("/join free", "- you are in #free, with 0 others");
    let mut alice = inn.user("alice");
    alice.is_refused("/lock", "not-yours");
    alice.ask("/join free", "- you are in #free, with 1 others");
    alice.is_refused("/lock", "not-yours");
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.is_refused("/invite bob", "not-locked");
    alice.ask("/lock", "- #den is locked; others enter by invitation");
    let mut bob = inn.user("bob");
    bob.is_refused("/unlock den", "not-member");
    let mut oscar = inn.user("oscar");
    oscar.is_refused("/join den", "locked");
    oscar.ask("/unlock den", "- #den is open to everybody");
    oscar.ask("/join den", "- you are in #den, with 1 others");
}

#[test]
fn whoever_lost_their_line_inside_comes_back_and_who_lost_it_before_the_lock_does_not() {
    let inn = Inn::new(&[]);
    let mut alice = inn.user("alice");
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.says("one");
    let people: Vec<_> = ["carol", "dave"]
        .iter()
        .map(|name| {
            let mut person = inn.chat.guest();
            person.ask(&format!("/nick {name}"), &format!("- you are {name}"));
            person.says("/join den");
            person.fence();
            let token = person.token();
            (person, token)
        })
        .collect();
    alice.fence();
    let [(carol, hers), (dave, his)] = <[_; 2]>::try_from(people).ok().unwrap();
    carol.breaks();
    alice.hear_all(&["#lobby -- carol left (connection lost)", "#den -- carol left (connection lost)"]);
    alice.ask("/lock", "- #den is locked; others enter by invitation");
    dave.breaks();
    alice.hear_all(&["#lobby -- dave left (connection lost)", "#den -- dave left (connection lost)"]);
    let mut dave = inn.chat.guest();
    dave.says(&format!("/session {his} den 1"));
    dave.hear_all(&["- welcome back, dave", "- end resume"]);
    let mut carol = inn.chat.guest();
    carol.says(&format!("/session {hers} den 0"));
    let heard = carol.fence();
    assert!(heard[0].starts_with("! locked: #den") && !heard.iter().any(|line| line.contains("one")), "{heard:?}");
}

#[test]
fn an_invitation_ends_with_a_guest_who_turns_out_to_be_somebody_else() {
    let inn = Inn::new(&[]);
    let mut alice = inn.user("alice");
    let mut carol = inn.chat.guest();
    carol.ask("/nick carol", "- you are carol");
    let token = carol.token();
    alice.fence();
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.ask("/lock", "- #den is locked; others enter by invitation");
    let mut guest = inn.chat.guest();
    alice.ask("/invite guest3", "- guest3 may enter #den");
    guest.hear("- alice invites you to #den; /join den");
    guest.ask(&format!("/session {token}"), "- welcome back, carol");
    carol.hear_the_end(&["! taken-over: your session was taken up by another connection; goodbye"]);
    // Whoever comes next may have the guest's place, and not what it was given.
    inn.chat.guest().is_refused("/join den", "locked");
}

#[test]
fn a_room_that_was_locked_and_never_spoken_in_is_locked_after_a_restart() {
    let inn = Inn::new(&[]);
    let mut alice = inn.user("alice");
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.ask("/lock", "- #den is locked; others enter by invitation");
    let file = inn.chat.folder().join("house-rules");
    until("the lock in the file", || std::fs::read_to_string(&file).is_ok_and(|text| text.contains("\"lock\":{")));
    let inn = inn.stopped_and_started_again();
    inn.chat.guest().is_refused("/join den", "locked");
    let mut alice = inn.user("alice");
    alice.ask("/join den", "- you are in #den, with 0 others");
    alice.ask("/unlock", "- #den is open to everybody");
}
