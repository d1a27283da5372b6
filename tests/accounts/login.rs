//! `/login`, and what an account is worth.

use crate::inn::{Inn, accounts};
use crate::support::Start;

#[test]
fn a_guest_logs_in_and_has_the_accounts_name() {
    let inn = Inn::new(&[]);
    let mut watcher = inn.chat.guest();
    let mut alice = inn.chat.guest();
    alice.ask("/login ALICE alice's password", "- you are alice");
    watcher.hear("#lobby -- alice joined");
    alice.says("hello");
    watcher.hear("#lobby <alice> hello");
    let mut oscar = inn.chat.guest();
    oscar.says("hi");
    watcher.hear_all(&["#lobby -- guest3 joined", "#lobby <guest3> hi"]);
    oscar.ask("/login oscar oscar's password", "- you are oscar, an operator");
    watcher.hear("#lobby -- guest3 is now oscar");
    alice.fence();
    alice.is_refused("/login alice alice's password", "logged-in");
    alice.is_refused("/nick carol", "logged-in");
    alice.ask("/nick Alice", "- you are Alice");
}

#[test]
fn passwords_are_checked_by_a_thread_that_lets_all_others_go_first() {
    let inn = Inn::new(&[]);
    inn.chat.guest().ask("/login alice alice's password", "- you are alice");
    let threads = std::fs::read_dir(format!("/proc/{}/task", inn.chat.server.pid().as_raw_pid())).unwrap();
    let mut niceness: Vec<i32> = threads
        .map(|thread| {
            let status = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
            // Behind the name, which stands in parentheses, the seventeenth.
            status.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().parse().unwrap()
        })
        .collect();
    niceness.sort_unstable();
    assert!(niceness.len() > 1 && niceness[0] < 19 && niceness.last() == Some(&19), "{niceness:?}");
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let inn = Inn::new(&[]);
    for line in ["/login alice wrong", "/login nobody wrong", "/login a.b wrong"] {
        let mut guest = inn.chat.guest();
        guest.ask(line, "! wrong-password: wrong name or password");
    }
    let log = inn.chat.server.log.lines().join("\n");
    assert!(log.contains("wrong password for alice from 127.0.0.1:"), "{log}");
    assert!(log.contains("wrong password for no account from"), "{log}");
    assert!(!log.contains("nobody") && !log.contains("wrong\n"), "what was typed stands nowhere: {log}");
}

#[test]
fn three_wrong_ones_a_minute_and_then_none_is_looked_at() {
    let inn = Inn::new(&[]);
    let mut guest = inn.chat.guest();
    for _ in 0..3 {
        guest.is_refused("/login alice wrong", "wrong-password");
    }
    guest.is_refused("/login alice alice's password", "too-many-tries");
    guest.is_refused("/login nobody wrong", "too-many-tries");
    let mut other = inn.chat.guest();
    other.is_refused("/login bob bob's password", "too-many-tries");
}

#[test]
fn slips_of_an_owner_do_not_count_once_they_are_in() {
    let inn = Inn::new(&[]);
    for _ in 0..2 {
        let mut guest = inn.chat.guest();
        guest.is_refused("/login alice wrong", "wrong-password");
        guest.is_refused("/login alice worng", "wrong-password");
        guest.ask("/login alice alice's password", "- you are alice");
        drop(guest);
        inn.chat.server.figures_when("nobody here", |figures| figures.connections == 0);
    }
}

#[test]
fn the_same_account_from_another_connection_closes_the_first() {
    let inn = Inn::new(&[]);
    let mut first = inn.user("alice");
    let mut second = inn.user("alice");
    first.hear_the_end(&["! taken-over: you have logged in from another connection; goodbye"]);
    second.hear("#lobby -- alice left (came from elsewhere)");
    second.ask_all("/who", &["- #lobby: alice", "- end who"]);
}

#[test]
fn names_of_accounts_are_theirs_alone() {
    let inn = Inn::new(&[]);
    let mut guest = inn.chat.guest();
    guest.is_refused("/nick alice", "name-taken");
    guest.is_refused("/nick A1ice", "name-taken");
    guest.ask("/nick carol", "- you are carol");
}

#[test]
fn what_follows_a_login_is_done_after_it() {
    let inn = Inn::new(&[]);
    let mut bob = inn.user("bob");
    let mut alice = inn.chat.guest();
    alice.says_all(&["/login alice alice's password", "hello", "/quit bye"]);
    alice.hear_the_end(&["- you are alice", "- goodbye"]);
    bob.hear_all(&["#lobby -- alice joined", "#lobby <alice> hello", "#lobby -- alice left (bye)"]);
    let mut again = inn.chat.guest();
    again.says_all(&["/login alice alice's password", "/who"]);
    again.client.finish();
    assert_eq!(again.rest(), ["- you are alice", "- #lobby: bob alice", "- end who"]);
}

#[test]
fn a_program_is_told_its_name_by_another_welcome() {
    let inn = Inn::new(&[]);
    let mut program = inn.chat.guest();
    program.says("/format json");
    let welcome = program.hears();
    program.ask("/login alice alice's password", r#"{"type":"info","text":"you are alice"}"#);
    assert_eq!(program.hears(), welcome.replace("guest1", "alice"));
}

#[test]
fn a_token_gives_back_a_name_and_never_a_role() {
    let inn = Inn::new(&[]);
    let mut oscar = inn.user("oscar");
    let token = oscar.token();
    oscar.ask("/topic lock", "- only operators set the topic of #lobby");
    oscar.breaks();
    inn.chat.server.settled();
    let mut back = inn.chat.guest();
    back.ask(&format!("/session {token}"), "- welcome back, oscar");
    back.is_refused("/topic unlock", "not-operator");
    // Also from a connection that is still open.
    back.ask("/login oscar oscar's password", "- you are oscar, an operator");
    let mut other = inn.chat.guest();
    other.ask(&format!("/session {token}"), "- welcome back, oscar");
    back.hear_the_end(&["! taken-over: your session was taken up by another connection; goodbye"]);
    other.is_refused("/topic unlock", "not-operator");
}

#[test]
fn somebody_elses_token_does_not_make_one_somebody_else() {
    let inn = Inn::new(&[]);
    let mut bob = inn.user("bob");
    let token = bob.token();
    let mut alice = inn.user("alice");
    alice.is_refused(&format!("/session {token}"), "no-session");
    bob.fence();
    bob.breaks();
    inn.chat.server.settled();
    alice.fence();
    alice.is_refused(&format!("/session {token}"), "no-session");
    alice.ask_all("/who", &["- #lobby: alice", "- end who"]);
}

#[test]
fn accounts_are_read_again_and_nobody_goes() {
    let inn = Inn::new(&[]);
    let (mut alice, mut oscar) = (inn.user("alice"), inn.user("oscar"));
    let mut carol = inn.chat.guest();
    carol.ask("/nick carol", "- you are carol");
    for person in [&mut alice, &mut oscar, &mut carol] {
        person.fence();
    }
    // oscar is an operator no more, bob is gone, and there is a carol.
    let bob = accounts().lines().find(|line| line.starts_with("bob:")).unwrap();
    let text = accounts().replace("oscar:operator", "oscar:user").replace(bob, &bob.replace("bob:", "carol:"));
    inn.reload(&text, "3 accounts in");
    carol.hear("- your name has become an account's; you are guest4");
    alice.hear("#lobby -- carol is now guest4");
    oscar.hear("#lobby -- carol is now guest4");
    oscar.is_refused("/kick alice", "not-operator");
    let mut new = inn.chat.guest();
    new.ask("/login carol bob's password", "- you are carol");
    new.fence();
    let mut bob = inn.chat.guest();
    bob.is_refused("/login bob bob's password", "wrong-password");
    // A wrong file changes nothing, and says so.
    let line = inn.reload("carol:king:x\n", "the accounts stay as they were");
    assert!(line.contains("ERROR") && line.ends_with("line 1: the role: expected user or operator"), "{line}");
    alice.fence();
    new.says("still here");
    alice.hear("#lobby <carol> still here");
}

#[test]
fn another_password_logs_out_whoever_showed_the_old_one_and_everything_that_their_token_held() {
    let inn = Inn::new(&[]);
    let (mut alice, mut bob) = (inn.user("alice"), inn.user("bob"));
    alice.fence();
    let (hers, his) = (alice.token(), bob.token());
    bob.breaks();
    alice.hear("#lobby -- bob left (connection lost)");
    let path = inn.file.to_str().unwrap();
    for name in ["alice", "bob"] {
        assert!(crate::inn::passwd(&[path, name], "another\n").status.success());
    }
    inn.reload(&std::fs::read_to_string(&inn.file).unwrap(), "3 accounts in");
    let told = "! logged-out: the account alice is gone, or was changed, so you are a guest; /login NAME PASSWORD";
    alice.hear_all(&[told, "- your name is an account's; you are guest3"]);
    alice.is_refused("/lock", "not-logged-in");
    alice.is_refused("/login alice alice's password", "wrong-password");
    // The name that a token held is the account's again.
    let mut thief = inn.chat.guest();
    thief.is_refused(&format!("/session {his}"), "name-taken");
    thief.hears();
    thief.ask_all("/who", &["- #lobby: guest3 guest4", "- end who"]);
    thief.ask(&format!("/session {hers}"), "- welcome back, guest3");
}

#[test]
fn without_accounts_there_is_nothing_to_log_in_to() {
    let chat = crate::people::Chat::new();
    chat.guest().is_refused("/login alice secret", "no-accounts");
}

#[test]
fn a_server_does_not_start_with_wrong_accounts() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("accounts");
    let path = file.to_str().unwrap();
    let run = |flags: &[&str]| {
        let finished = Start::serve(&[&["--no-history", "--listen", "chat=127.0.0.1:0"], flags].concat()).run();
        (finished.code(), finished.stderr.last().cloned().unwrap_or_default())
    };
    let (code, said) = run(&["--accounts", path]);
    assert!(code == 1 && said.contains(&format!("accounts {path}: No such file")), "{code}: {said}");
    std::fs::write(&file, "alice\n").unwrap();
    let (code, said) = run(&["--accounts", path]);
    assert!(code == 1 && said.contains("line 1: expected NAME:ROLE:HASH"), "{code}: {said}");
    let (code, said) = run(&["--require-login"]);
    assert!(code == 1 && said.contains("require-login") && said.contains("accounts names no file"), "{code}: {said}");
}

#[test]
fn where_the_accounts_are_can_change_while_it_runs_and_whether_there_are_any_can_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let config = path("parlor.toml");
    let write = |accounts: &str| std::fs::write(&config, format!("no-history = true\n{accounts}\n")).unwrap();
    std::fs::write(path("first"), accounts()).unwrap();
    let bob = accounts().lines().find(|line| line.starts_with("bob:")).unwrap();
    std::fs::write(path("second"), format!("{}\n", bob.replace("bob:", "carol:"))).unwrap();
    write(&format!("accounts = '{}'", path("first")));
    let server = Start::serve(&["--config", &config, "--flood", "off"]).listen("chat=127.0.0.1:0").go();
    let reload = |said: &str| {
        let seen = server.log.len();
        server.signal(rustix::process::Signal::HUP);
        server.log.wait_from(seen, said, |line| line.contains(said));
    };
    let guest = || {
        let mut guest = crate::people::Person::on(server.client(0));
        guest.hears();
        guest
    };
    let mut bob = guest();
    bob.ask("/login bob bob's password", "- you are bob");
    // What is not there leaves in force what was.
    write(&format!("accounts = '{}'", path("third")));
    reload(&format!("the accounts stay as they were: {}: No such file", path("third")));
    bob.is_refused("/lock", "not-yours");
    write(&format!("accounts = '{}'", path("second")));
    reload(&format!("1 accounts in {}", path("second")));
    let told = "! logged-out: the account bob is gone, or was changed, so you are a guest; /login NAME PASSWORD";
    bob.hear(told);
    guest().ask("/login carol bob's password", "- you are carol");
    // From some to none it takes a restart; those that are in force are read again where they are.
    write("");
    reload("accounts = ");
    reload(&format!("1 accounts in {}", path("second")));
    guest().is_refused("/login bob bob's password", "wrong-password");
}
