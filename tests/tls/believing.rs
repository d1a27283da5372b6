//! Who believes whom: our clients a server, and the server its clients.

use crate::authority::{Authority, Pair, Valid};
use crate::house::{House, Secure, refusal, served};
use crate::support::{Finished, Start};

/// What `probe` says to a server that has this certificate, believing in `trusted`.
fn probed(pair: &Pair, trusted: &Authority, host: &str) -> Finished {
    let folder = tempfile::tempdir().unwrap();
    let server = served(folder.path(), pair).listen("echo+tls=127.0.0.1:0").go();
    let ca = trusted.file(folder.path());
    let address = format!("tls:{host}:{}", server.place(0).port());
    let finished = Start::parlor(&["probe", "--ca", ca.to_str().unwrap(), &address]).run();
    // The server was told by an alert, and no service of it heard of a connection.
    if finished.code() != 0 {
        server.log.wait("the refusal", |line| line.contains("is turned away: the other end refused the handshake"));
        assert_eq!(server.figures().accepted, 0);
    }
    finished
}

#[test]
fn a_client_refuses_an_unknown_authority_another_name_and_another_time() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let now = |names| ours.signs(names, Valid::Now);
    for (pair, trusted, host, why) in [
        (now(&["localhost"]), &theirs, "localhost", "it comes from nobody whom we trust"),
        (now(&["example.org"]), &ours, "localhost", "it is for another name"),
        (now(&["localhost"]), &ours, "127.0.0.1", "it is for another name"),
        (ours.signs(&["localhost"], Valid::Before), &ours, "localhost", "it has expired"),
        (ours.signs(&["localhost"], Valid::Later), &ours, "localhost", "it is not valid yet"),
    ] {
        let finished = probed(&pair, trusted, host);
        assert_eq!((finished.code(), finished.stdout.as_str()), (1, ""), "{finished:#?}");
        assert!(finished.stderr[0].contains(&format!("the certificate is refused: {why}")), "{finished:#?}");
    }
    for host in ["localhost", "127.0.0.1"] {
        let finished = probed(&ours.here(), &ours, host);
        assert_eq!(finished.code(), 0, "{finished:#?}");
    }
}

#[test]
fn what_this_system_trusts_is_asked_where_no_file_is_named() {
    let house = House::new(&["echo+tls=127.0.0.1:0"]);
    let address = format!("tls:localhost:{}", house.server.place(0).port());
    // The system's store may be named by a variable, as OpenSSL has it.
    let ca = house.ca();
    let finished = Start::parlor(&["probe", &address]).env("SSL_CERT_FILE", ca.to_str().unwrap()).run();
    assert_eq!(finished.code(), 0, "{finished:#?}");
    let stranger = tempfile::tempdir().unwrap();
    let other = Authority::new().file(stranger.path());
    let finished = Start::parlor(&["probe", &address]).env("SSL_CERT_FILE", other.to_str().unwrap()).run();
    assert_eq!(finished.code(), 1, "{finished:#?}");
}

#[test]
fn a_client_at_a_plain_listener_or_at_none_says_what_is_the_matter() {
    let server = crate::support::Server::with(&["chat=127.0.0.1:0", "echo=127.0.0.1:0"]);
    for door in [0, 1] {
        let address = format!("tls:localhost:{}", server.place(door).port());
        let folder = tempfile::tempdir().unwrap();
        let ca = Authority::new().file(folder.path());
        let finished = Start::parlor(&["probe", "--ca", ca.to_str().unwrap(), &address]).run();
        assert_eq!(finished.code(), 1, "{finished:#?}");
        assert!(finished.stderr[0].ends_with("the other end does not speak TLS"), "{finished:#?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let ca = Authority::new().file(folder.path());
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let finished = Start::parlor(&["probe", "--ca", ca.to_str().unwrap(), &format!("tls:{nobody}")]).run();
    assert!(finished.stderr[0].contains("connection refused"), "{finished:#?}");
}

#[test]
fn clients_may_show_a_certificate_and_only_a_good_one_is_let_in() {
    let debug =
        |start: Start, ca: &std::path::Path| start.flags(&["--tls-client-ca", ca.to_str().unwrap(), "--log", "debug"]);
    let house = House::with(&["echo+tls=127.0.0.1:0"], debug);
    let alice = house.authority.signs(&["alice"], Valid::Now);
    // Nobody has to.
    house.client(0).ask(b"hello\n", b"hello\n");
    let place = house.server.place(0);
    let mut client = Secure::to(place, house.authority.client_showing(&alice)).unwrap();
    client.ask(b"hello\n", b"hello\n");
    let fingerprint = sha256(&alice.certificate);
    house.server.log.wait("the fingerprint", |line| line.contains(&fingerprint));
    // A stranger's, one that has expired, and one whose key somebody else has.
    let stranger = Authority::new().signs(&["alice"], Valid::Now);
    let expired = house.authority.signs(&["alice"], Valid::Before);
    for (pair, why) in [(&stranger, "UnknownCA"), (&stranger, "UnknownCA"), (&expired, "CertificateExpired")] {
        let said = refusal(place, house.authority.client_showing(pair));
        assert!(said.contains(why), "{said}");
    }
    // The same with our own client.
    let (certificate, key) = alice.files(house.folder.path(), "alice");
    let ca = house.ca();
    let paths = [ca, certificate, key].map(|path| path.display().to_string());
    let flags = ["--ca", &paths[0], "--certificate", &paths[1], "--key", &paths[2]];
    let address = format!("tls:localhost:{}", place.port());
    let before = house.server.log.len();
    let finished = Start::parlor(&["probe", &address]).flags(&flags).run();
    assert_eq!(finished.code(), 0, "{finished:#?}");
    house.server.log.wait_from(before, "the fingerprint", |line| line.contains(&fingerprint));
}

#[test]
fn a_certificate_is_looked_at_each_time_and_tickets_do_not_stand_for_it() {
    let house =
        House::with(&["echo+tls=127.0.0.1:0"], |start, ca| start.flags(&["--tls-client-ca", ca.to_str().unwrap()]));
    let alice = house.authority.signs(&["alice"], Valid::Now);
    // One that remembers tickets, if it is given any.
    let config = house.authority.client_showing(&alice);
    for _ in 0..3 {
        let mut client = Secure::to(house.server.place(0), config.clone()).unwrap();
        client.ask(b"hello\n", b"hello\n");
        assert_eq!(client.0.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
