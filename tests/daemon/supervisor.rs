//! What the service manager is told, and what it hands over.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;

use crate::settings::Written;
use crate::support::{PATIENCE, Start};

/// A service manager's ear.
struct Ear {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Ear {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, folder }
    }

    fn path(&self) -> String {
        self.folder.path().join("notify").display().to_string()
    }

    fn hears(&self) -> String {
        let mut bytes = [0; 1000];
        let count = self.socket.recv(&mut bytes).expect("the server tells something");
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    fn hears_nothing(&self) {
        self.socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let heard = self.socket.recv(&mut [0; 1000]);
        assert!(heard.is_err(), "something was told");
        self.socket.set_read_timeout(Some(PATIENCE)).unwrap();
    }
}

#[test]
fn it_is_told_when_the_server_is_ready_reloads_and_stops() {
    let ear = Ear::new();
    let written = Written::new("listen = [\"echo=127.0.0.1:0\"]\n");
    let server = written.serve().env("NOTIFY_SOCKET", &ear.path()).expecting(1).go();
    assert_eq!(ear.hears(), "READY=1");
    for text in ["listen = [\"echo=127.0.0.1:0\"]\n", "wrong"] {
        written.rewrite(text);
        server.signal(Signal::HUP);
        let reloading = ear.hears();
        let when = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading}"));
        assert!(when.parse::<u64>().is_ok(), "{when}");
        assert_eq!(ear.hears(), "READY=1");
    }
    ear.hears_nothing();
    server.signal(Signal::TERM);
    assert_eq!(ear.hears(), "STOPPING=1");
    assert_eq!(server.wait().code(), 0);
}

#[test]
fn it_is_not_told_that_a_server_is_ready_which_could_not_bind() {
    let ear = Ear::new();
    let first = Start::serve(&[]).listen("echo=127.0.0.1:0").go();
    let taken = format!("echo={}", first.place(0));
    let finished = Start::serve(&["--listen", &taken]).env("NOTIFY_SOCKET", &ear.path()).run();
    assert_eq!(finished.code(), 1);
    ear.hears_nothing();
}

#[test]
fn its_watchdog_hears_of_the_loop_while_nothing_else_happens() {
    let ear = Ear::new();
    let start = Start::serve(&[]).env("NOTIFY_SOCKET", &ear.path()).env("WATCHDOG_USEC", "100000");
    let server = start.listen("echo=127.0.0.1:0").go();
    assert_eq!(ear.hears(), "READY=1");
    for _ in 0..3 {
        assert_eq!(ear.hears(), "WATCHDOG=1");
    }
    // A loop that does not turn is silent.
    server.signal(Signal::STOP);
    server.signal(Signal::CONT);
    assert_eq!(ear.hears(), "WATCHDOG=1");
    drop(server);
    // Meant for another process.
    let ear = Ear::new();
    let start = Start::serve(&[]).env("NOTIFY_SOCKET", &ear.path()).env("WATCHDOG_USEC", "1000");
    let server = start.env("WATCHDOG_PID", "1").listen("echo=127.0.0.1:0").go();
    assert_eq!(ear.hears(), "READY=1");
    server.client(0).ask(b"a\n", b"a\n");
    server.signal(Signal::TERM);
    assert_eq!(ear.hears(), "STOPPING=1");
}

#[test]
fn a_supervisor_that_is_not_there_keeps_nobody_from_serving() {
    for nowhere in ["/nowhere/notify", "@parlor-nobody-listens-here", "relative"] {
        let server = Start::serve(&[]).env("NOTIFY_SOCKET", nowhere).listen("echo=127.0.0.1:0").go();
        server.client(0).ask(b"a\n", b"a\n");
        let finished = server.stop();
        assert_eq!(finished.code(), 0);
        let said = |state: &str| format!("WARN  the supervisor could not be told \"{state}\" (NOTIFY_SOCKET): ");
        for state in ["READY=1", "STOPPING=1"] {
            let is_said = finished.stderr.iter().any(|line| line.contains(&said(state)));
            assert!(is_said, "{state}, {nowhere}: {finished:#?}");
        }
    }
}

/// Started by systemd's own tool, with sockets that it has bound: each is `--listen=ADDRESS --fdname=NAME`.
fn activated(sockets: &[(&str, &str)], flags: &[&str]) -> Option<Start> {
    if std::process::Command::new("systemd-socket-activate").arg("--version").output().is_err() {
        eprintln!("skipped: there is no systemd-socket-activate");
        return None;
    }
    let listen: Vec<String> = sockets.iter().map(|(_, address)| format!("--listen={address}")).collect();
    let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
    let names = format!("--fdname={}", names.join(":"));
    let mut before = vec!["systemd-socket-activate", "-E", "HOME", &names];
    before.extend(listen.iter().map(String::as_str));
    Some(Start::serve(flags).under(&before))
}

/// The tool starts the server when somebody connects, so somebody does, again and again until one is answered.
fn knock(path: &std::path::Path) -> std::os::unix::net::UnixStream {
    let mut stream = None;
    crate::support::until("a socket that takes us", || {
        stream = std::os::unix::net::UnixStream::connect(path).ok();
        stream.is_some()
    });
    let stream = stream.unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

#[test]
fn inherited_sockets_are_served_by_their_names() {
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let (echo, upper) = (folder.path().join("echo"), folder.path().join("upper"));
    let sockets = [("echo", echo.to_str().unwrap()), ("upper+length", upper.to_str().unwrap())];
    let Some(start) = activated(&sockets, &[]) else { return };
    let server = start.begun();
    let mut client = knock(&echo);
    client.write_all(b"a\n").unwrap();
    let mut answer = [0; 2];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"a\n");
    let mut client = knock(&upper);
    client.write_all(b"\0\0\0\x01a").unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"\0\0\0\x01A");
    for wanted in
        [format!("listening echo unix:{}", echo.display()), format!("listening upper+length unix:{}", upper.display())]
    {
        server.log.wait("readiness", |line| line.ends_with(&wanted));
    }
    assert!(!server.log.lines().iter().any(|line| line.contains("listening chat")), "{:#?}", server.log.lines());
    assert_eq!(server.stop().code(), 0);
    assert!(echo.exists(), "the file is the supervisor's");
}

#[test]
fn inherited_sockets_that_nobody_may_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    for (name, wanted) in [
        ("ecco", "cannot listen on the inherited ecco=unix:"),
        ("metrics+lines", "cannot listen on the inherited metrics+lines=unix:"),
    ] {
        let Some(start) = activated(&[(name, path.to_str().unwrap())], &[]) else { return };
        let server = start.begun();
        let _client = knock(&path);
        server.log.wait("a refusal", |line| {
            line.starts_with(&format!("parlor: {wanted}")) && line.contains("FileDescriptorName=")
        });
        assert_eq!(server.wait().code(), 1);
        std::fs::remove_file(&path).unwrap();
    }
}

/// The rule for addresses that others can reach holds for sockets that somebody else has bound.
#[test]
fn an_inherited_address_beyond_this_machine_has_to_be_wanted() {
    let handed = "exec 3<&0 0</dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=echo";
    let listener = || std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let finished = Start::serve(&[]).after(handed).input(listener()).run();
    assert_eq!(finished.code(), 1);
    assert!(
        finished.stderr.iter().any(|line| line.contains("--open says that this is wanted")),
        "{:#?}",
        finished.stderr
    );
    let server = Start::serve(&["--open"]).after(handed).input(listener()).expecting(1).go();
    server.client(0).ask(b"a\n", b"a\n");
    assert_eq!(server.stop().code(), 0);
}

#[test]
fn sockets_meant_for_another_process_are_left_alone() {
    let start = Start::serve(&[]).env("LISTEN_PID", "1").env("LISTEN_FDS", "3").listen("echo=127.0.0.1:0");
    let server = start.go();
    server.client(0).ask(b"a\n", b"a\n");
    let finished = server.stop();
    assert_eq!(finished.code(), 0);
    let said = "WARN  sockets are handed over, but not to this process: LISTEN_PID=1, and this is ";
    assert!(finished.stderr.iter().any(|line| line.contains(said)), "{finished:#?}");
    // Meant for this one, and not there.
    let pid = "export LISTEN_PID=$$ LISTEN_FDS=70";
    let server = Start::serve(&[]).after(pid).listen("echo=127.0.0.1:0").go();
    server.client(0).ask(b"a\n", b"a\n");
}

/// A name that promises TLS is kept to, or the server does not start: nobody may whisper into what others can read.
#[test]
fn an_inherited_socket_that_is_to_speak_tls_does_so_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let Some(start) = activated(&[("chat+tls", path.to_str().unwrap())], &["--no-history"]) else { return };
    let server = start.begun();
    let _client = knock(&path);
    server.log.wait("a refusal", |line| line.contains("needs --tls-certificate and --tls-key"));
    assert_eq!(server.wait().code(), 1);
}
