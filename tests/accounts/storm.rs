//! Many at once: logins, newcomers, and accounts that change meanwhile.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::inn::{Inn, accounts};
use crate::people::{Chat, Person};
use crate::support::{Client, PATIENCE, proc};

/// A client with an address of its own, of the sixteen million that lead to this machine.
fn from(chat: &Chat, number: u32) -> Client {
    let ip = IpAddr::V4((0x7F01_0000 + number).into());
    let bind = |socket: &socket2::Socket| socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
    Client::with(chat.server.place(0), bind).unwrap()
}

/// Has somebody say something to somebody else, and answers how long it took to be heard.
fn said_and_heard(speaker: &mut Person, listener: &mut Person, number: usize) -> Duration {
    let start = Instant::now();
    speaker.says(&format!("message {number}"));
    let line = listener.hears();
    assert!(line.ends_with(&format!("> message {number}")), "{line}");
    start.elapsed()
}

/// Two who talk in a room of their own.
fn two_apart(inn: &Inn) -> (Person, Person) {
    let [mut speaker, mut listener] = [(); 2].map(|()| {
        let mut person = inn.chat.guest();
        person.says("/join apart");
        while !person.hears().contains("you are in #apart") {}
        person
    });
    speaker.fence();
    said_and_heard(&mut speaker, &mut listener, 0);
    (speaker, listener)
}

#[test]
fn logins_beyond_what_may_wait_are_told_so_at_once_and_everybody_else_is_served() {
    // As many as wait, and a hundred more.
    const MANY: u32 = 357;
    let inn = Inn::new(&[]);
    let (mut speaker, mut listener) = two_apart(&inn);
    let mut crowd: Vec<Person> = (0..MANY).map(|number| Person::on(from(&inn.chat, number))).collect();
    for person in &mut crowd {
        person.hears();
    }
    for (number, person) in crowd.iter_mut().enumerate() {
        person.says(&format!("/login user{number} guess"));
    }
    // Those who can't wait are answered while the others do.
    let mut is_refused = Vec::new();
    let start = Instant::now();
    for number in 1.. {
        said_and_heard(&mut speaker, &mut listener, number);
        is_refused = crowd.iter().map(|person| person.client.is_readable()).collect();
        if is_refused.iter().filter(|&&refused| refused).count() >= 90 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "nobody was refused");
    }
    let (mut busy, mut wrong) = (0, 0);
    for (person, _) in crowd.iter_mut().zip(&is_refused).filter(|&(_, &refused)| refused) {
        let answer = person.hears();
        busy += usize::from(answer == "! busy: too many passwords are waiting to be looked at; try again in a moment");
        wrong += usize::from(answer == "! wrong-password: wrong name or password");
    }
    assert!(busy >= 80, "{busy} were told to come again, {wrong} were wrong");
    // Whoever goes is not waited for: the owner of an account need not stand behind the ghosts of a crowd.
    drop(crowd);
    inn.chat.server.figures_when("the two who talk", |figures| figures.connections == 2);
    let start = Instant::now();
    let mut alice = inn.chat.guest();
    alice.says("/login alice alice's password");
    alice.hear("- you are alice");
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn accounts_are_replaced_under_load_with_a_thousand_connected_and_nobody_goes() {
    const MANY: usize = 1000;
    proc::raise_own_limit();
    let inn = Inn::new(&[]);
    let mut crowd: Vec<Person> = (0..MANY).map(|_| inn.chat.stranger(crate::support::client::Wire::Lines)).collect();
    let mut alice = inn.user("alice");
    let bob = accounts().lines().find(|line| line.starts_with("bob:")).unwrap();
    for round in 0..5 {
        let name = ["carol", "dave", "erin", "frank", "grace"][round];
        alice.says(&format!("before {round}"));
        // Half of them say something while it happens.
        for person in &mut crowd[MANY / 2..] {
            person.says("/me waves");
        }
        inn.reload(&format!("{}{}\n", accounts(), bob.replace("bob:", &format!("{name}:"))), "4 accounts in");
        alice.says(&format!("after {round}"));
        let mut new = inn.chat.guest();
        new.says(&format!("/login {name} bob's password"));
        let answer = std::iter::from_fn(|| new.next()).find(|line| line.starts_with("- ") || line.starts_with('!'));
        assert_eq!(answer.unwrap(), format!("- you are {name}"));
    }
    // All are there, and hear the last word.
    for person in &mut crowd {
        let last = std::iter::from_fn(|| person.next()).find(|line| line == "#lobby <alice> after 4");
        assert!(last.is_some(), "somebody was dropped");
    }
    inn.chat.server.figures_when("everybody", |figures| figures.connections > MANY as u64);
}

#[test]
fn five_thousand_from_one_address_and_others_are_served_as_before() {
    let chat = Chat::with(&["--flood", "off", "--count-loopback"]);
    let mut speaker = Person::on(from(&chat, 1));
    let mut listener = Person::on(from(&chat, 2));
    speaker.hears();
    listener.hears();
    speaker.says("/nick speaker");
    speaker.hears();
    listener.hears();
    let mut inside = Vec::new();
    let mut refused = 0;
    for number in 0..5000 {
        let mut next = Person::on(from(&chat, 3));
        if number % 50 == 0 {
            said_and_heard(&mut speaker, &mut listener, number);
        }
        // Not everybody gets a word: there is no end to them.
        match next.next() {
            Some(line) if line.starts_with("- parlor chat: ") => inside.push(next),
            Some(line) => {
                assert_eq!(line, "! too-many-open: 16 connections are open from your address (per-address)");
                refused += 1;
            }
            None => refused += 1,
        }
    }
    assert_eq!((inside.len(), refused), (16, 4984));
    let mut other = Person::on(from(&chat, 4));
    assert!(other.hears().starts_with("- parlor chat: "));
    speaker.fence();
}

fn p99(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples[samples.len() * 99 / 100]
}

/// Measures; needs a quiet machine and a release build.
#[test]
#[ignore = "measures time; tests/long.sh runs it"]
fn ten_thousand_logins_at_once_and_the_others_hear_in_twice_their_quiet_time() {
    const MANY: u32 = 9900;
    proc::raise_own_limit();
    let inn = Inn::new(&[]);
    let mut crowd: Vec<Client> = (0..MANY).map(|number| from(&inn.chat, number)).collect();
    let (mut speaker, mut listener) = two_apart(&inn);
    let sample = |speaker: &mut Person, listener: &mut Person, span: Duration| {
        let (start, mut samples) = (Instant::now(), Vec::new());
        while start.elapsed() < span {
            samples.push(said_and_heard(speaker, listener, samples.len() + 1));
            std::thread::sleep(Duration::from_millis(1));
        }
        (samples.len(), p99(&mut samples))
    };
    let quiet = sample(&mut speaker, &mut listener, Duration::from_secs(5));
    for (number, client) in crowd.iter_mut().enumerate() {
        client.send(format!("/login user{number} guess\n/login user{number} guess\n").as_bytes());
    }
    let storm = sample(&mut speaker, &mut listener, Duration::from_secs(5));
    println!(
        "others' p99: quiet {:?} ({} messages), under {MANY} logins {:?} ({})",
        quiet.1, quiet.0, storm.1, storm.0
    );
    assert!(storm.1 < 2 * quiet.1.max(Duration::from_micros(100)));
}
