//! Certificates are read again while connections stand.

use std::net::Ipv4Addr;

use rustix::process::Signal;

use crate::authority::{Authority, Pair, Valid};
use crate::house::{House, Secure};
use crate::support::{Place, Start};

fn reload(house: &House, said: &str) {
    let before = house.server.log.len();
    house.server.signal(Signal::HUP);
    house.server.log.wait_from(before, said, |line| line.contains(said));
}

fn replace(house: &House, by: &Pair) {
    by.files(house.folder.path(), "server");
}

/// Everybody hears both, in whatever order.
#[cfg(feature = "accounts")]
fn hear_both(client: &mut Secure, one: &str, other: &str) {
    let mut heard = [client.line(), client.line()];
    heard.sort_unstable();
    assert_eq!(heard, [one, other]);
}

#[test]
#[cfg(feature = "accounts")]
fn certificate_and_accounts_replaced_under_load_drop_nobody_and_are_seen_by_who_comes_next() {
    use crate::support::accounts::accounts;
    // A thousand where there is time.
    let count = if std::env::var_os("CI").is_some() { 100 } else { 1000 };
    assert!(crate::support::proc::raise_own_limit() > 2 * count, "not so many descriptors are to be had");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("accounts");
    std::fs::write(&file, accounts()).unwrap();
    let flags = ["--flood", "off", "--accounts", file.to_str().unwrap()];
    let house = House::with(&["chat+tls=127.0.0.1:0"], |start, _| start.flags(&flags));
    let mut alice = house.client(0);
    alice.line();
    alice.ask(b"/login alice alice's password\n", b"- you are alice\n");
    let old = alice.certificate();
    let mut clients: Vec<Secure> = (0..count).map(|_| house.client(0)).collect();
    for client in &mut clients {
        assert!(client.line().starts_with("- parlor chat: "));
    }
    // Some are in the middle of shaking hands.
    let halfway: Vec<_> = (0..10).map(|_| house.server.client(0)).collect();
    let bob = accounts().lines().find(|line| line.starts_with("bob:")).unwrap();
    for (round, name) in ["carol", "dave", "erin"].into_iter().enumerate() {
        let pair = house.authority.here();
        replace(&house, &pair);
        let new = bob.replace("bob:", &format!("{name}:"));
        std::fs::write(&file, format!("{}{new}\n", accounts())).unwrap();
        let before = house.server.log.len();
        house.server.signal(Signal::HUP);
        // Nobody waits for it.
        for client in &mut clients {
            client.send(format!("PING {round}\n").as_bytes());
        }
        alice.send(format!("round {round}\n").as_bytes());
        for client in &mut clients {
            hear_both(client, &format!("#lobby <alice> round {round}"), &format!("PONG {round}"));
        }
        house.server.log.wait_from(before, "the accounts", |line| line.contains("4 accounts in"));
        house.server.log.wait_from(before, "the certificate", |line| line.contains("certificate read again"));
        let mut new = house.client(0);
        assert_eq!(new.certificate(), *pair.certificate);
        new.line();
        // In no room, so that nobody hears of it.
        new.ask(b"/leave lobby\n", b"- you left #lobby; you are in no room\n");
        new.ask(format!("/login {name} bob's password\n").as_bytes(), format!("- you are {name}\n").as_bytes());
        assert!(clients.iter().all(|client| client.certificate() == old), "whoever stands, stands");
    }
    // She is who she was.
    alice.ask(
        b"/join den\n/lock\n",
        b"- you are in #den, with 0 others\n- #den is locked; others enter by invitation\n",
    );
    drop(halfway);
    let figures = house.server.figures();
    assert!(figures.connections > count as u64, "{figures:?}");
}

#[test]
fn what_is_wrong_changes_nothing_and_is_said() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let old = house.client(0).certificate();
    let mut client = house.client(0);
    let certificate = house.folder.path().join("server.pem");
    let key = house.folder.path().join("server.key");
    let (good_certificate, good_key) = (std::fs::read(&certificate).unwrap(), std::fs::read(&key).unwrap());
    let other = house.authority.signs(&["localhost"], Valid::Now);
    let stays = "certificate not replaced, the old one stays in force: ";
    for (file, contents) in [(&certificate, &b"garbage"[..]), (&key, b""), (&certificate, b"")] {
        std::fs::write(file, contents).unwrap();
        reload(&house, stays);
        assert_eq!(house.client(0).certificate(), old);
        client.ask(b"hello\n", b"hello\n");
        std::fs::write(&certificate, &good_certificate).unwrap();
        std::fs::write(&key, &good_key).unwrap();
    }
    // A certificate whose key has not come yet.
    other.files(house.folder.path(), "server");
    std::fs::write(&key, &good_key).unwrap();
    reload(&house, "do not make a pair");
    std::fs::remove_file(&key).unwrap();
    reload(&house, "server.key: No such file");
    assert_eq!(house.client(0).certificate(), old);
    // And now it has.
    other.files(house.folder.path(), "server");
    reload(&house, "certificate read again");
    assert_eq!(house.client(0).certificate(), *other.certificate);
    client.ask(b"hello\n", b"hello\n");
}

#[test]
fn where_the_files_are_can_change_while_it_runs_and_what_is_wrong_leaves_the_old_in_force() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (first, second) = (authority.here(), authority.here());
    first.files(folder.path(), "first");
    second.files(folder.path(), "second");
    let ca = authority.file(folder.path());
    let path = folder.path().join("parlor.toml");
    let shown = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, more: &str| {
        let (certificate, key) = (shown(&format!("{name}.pem")), shown(&format!("{name}.key")));
        let text = format!("no-history = true\ntls-certificate = '{certificate}'\ntls-key = '{key}'\n{more}");
        std::fs::write(&path, text).unwrap();
    };
    write("first", "");
    let start = Start::serve(&["--config", path.to_str().unwrap()]).flags(&["--log", "debug"]);
    let server = start.listen("echo+tls=127.0.0.1:0").go();
    let reload = |said: &str| {
        let before = server.log.len();
        server.signal(Signal::HUP);
        server.log.wait_from(before, said, |line| line.contains(said));
    };
    let client = || Secure::to(server.place(0), authority.client()).unwrap();
    let mut stays = client();
    assert_eq!(stays.certificate(), *first.certificate);
    // A place where nothing is changes nothing; that it was there that was looked is said each time.
    write("third", "");
    for _ in 0..2 {
        reload("certificate not replaced, the old one stays in force: ");
        assert!(server.log.lines().last().unwrap().contains("third.pem: No such file"));
        assert_eq!(client().certificate(), *first.certificate);
    }
    write("second", "");
    reload("certificate read again");
    assert_eq!(client().certificate(), *second.certificate);
    // So can be whose clients are believed, and how long shaking hands may take.
    let alice = authority.signs(&["alice"], Valid::Now);
    write("second", &format!("tls-client-ca = '{}'\ntls-handshake = '300ms'\n", ca.display()));
    reload("certificate read again");
    let before = server.log.len();
    Secure::to(server.place(0), authority.client_showing(&alice)).unwrap().ask(b"hello\n", b"hello\n");
    server
        .log
        .wait_from(before, "her fingerprint", |line| line.contains(&crate::believing::sha256(&alice.certificate)));
    let _silent = server.client(0);
    server.log.wait("the new limit", |line| line.contains("is turned away: it took too long"));
    // A wrong configuration has the files read again all the same, where they are.
    write("second", "backlog = 'none'\n");
    reload("certificate read again");
    stays.ask(b"hello\n", b"hello\n");
}

#[test]
fn whoever_is_known_only_by_logging_in_is_never_let_in_without_it_from_beyond_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let [file, accounts] = ["parlor.toml", "accounts"].map(|name| folder.path().join(name));
    std::fs::write(&accounts, "").unwrap();
    let write = |required: bool| {
        let text = format!("accounts = {accounts:?}\nrequire-login = {required}\n");
        std::fs::write(&file, text).unwrap();
    };
    write(true);
    let flags = ["--config", file.to_str().unwrap()];
    let house = House::with(&["chat+tls=0.0.0.0:0"], |start, _| start.flags(&flags));
    write(false);
    reload(&house, "not reloaded: require-login = true can't change while the server runs; false needs a restart");
    let Place::Tcp(everywhere) = house.server.place(0) else { panic!("it is no file") };
    let here = Place::Tcp((Ipv4Addr::LOCALHOST, everywhere.port()).into());
    let mut stranger = Secure::to(&here, house.authority.client()).unwrap();
    assert_eq!(stranger.line(), "- parlor chat: who are you? /login NAME PASSWORD; /help");
}

#[test]
fn a_key_that_came_through_a_pipe_is_not_waited_for_again() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (certificate, key) = authority.here().files(folder.path(), "server");
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let (written, text) = (pipe.clone(), std::fs::read(key).unwrap());
    // Opened when somebody reads it.
    std::thread::spawn(move || std::fs::write(written, text).unwrap());
    let flags = ["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", pipe.to_str().unwrap()];
    let server = Start::serve(&flags).listen("echo+tls=127.0.0.1:0").go();
    server.signal(Signal::HUP);
    let said = "certificate not replaced, the old one stays in force: ";
    let line = server.log.wait(said, |line| line.contains(said));
    assert!(line.ends_with("pipe: a pipe is read once, and never again; expected a file"), "{line}");
    Secure::to(server.place(0), authority.client()).unwrap().ask(b"hello\n", b"hello\n");
}
