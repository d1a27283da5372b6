//! `docs/tls.md`: its commands work, and its drawing is what goes over the wire.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ED25519, SerialNumber};
use rustls::{ClientConnection, RootCertStore};
use socket2::Socket;

use crate::authority::client_of;
use crate::support::tools::needs;
use crate::support::{Client, Start};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tls.md")).unwrap()
}

/// One record: who sent it, its type, how long it is behind its header.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    from_client: bool,
    kind: u8,
    length: usize,
}

/// Takes whole records off the front of `bytes`.
fn records(bytes: &mut Vec<u8>, from_client: bool, into: &mut Vec<Record>) {
    while bytes.len() >= 5 {
        let length = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        if bytes.len() < 5 + length {
            return;
        }
        into.push(Record { from_client, kind: bytes[0], length });
        bytes.drain(..5 + length);
    }
}

/// A client that notes every record.
struct Witness {
    session: ClientConnection,
    socket: Socket,
    came: Vec<u8>,
    seen: Vec<Record>,
}

impl Witness {
    fn writes(&mut self) {
        let mut out = Vec::new();
        while self.session.wants_write() {
            self.session.write_tls(&mut out).unwrap();
        }
        self.socket.write_all(&out).unwrap();
        records(&mut out, true, &mut self.seen);
    }

    fn reads(&mut self) {
        let mut piece = [0; 4096];
        let count = self.socket.read(&mut piece).unwrap();
        self.came.extend(&piece[..count]);
        let mut piece = &piece[..count];
        while !piece.is_empty() {
            self.session.read_tls(&mut piece).unwrap();
            self.session.process_new_packets().unwrap();
        }
        records(&mut self.came, false, &mut self.seen);
    }

    fn hears(&mut self, wanted: &[u8]) {
        let mut heard = vec![0; wanted.len()];
        let mut count = 0;
        while count < wanted.len() {
            match self.session.reader().read(&mut heard[count..]) {
                Ok(more) => count += more,
                Err(_) => self.reads(),
            }
        }
        assert_eq!(heard, wanted);
    }
}

/// A certificate of which every run makes one of the same length, and its key. Ed25519, for its signatures do not vary.
fn steady(folder: &Path) -> (RootCertStore, Start) {
    let named = |name: &str, names: Vec<String>| {
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(SerialNumber::from(1));
        params
    };
    let mut params = named("example authority", Vec::new());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let certificate = named("localhost", vec!["localhost".to_owned()]).signed_by(&key, &issuer).unwrap();
    let shown = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (certificate, key) = (shown("server.pem", certificate.pem()), shown("server.key", key.serialize_pem()));
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    (roots, Start::serve(&["--tls-certificate", &certificate, "--tls-key", &key]))
}

fn capture() -> Vec<Record> {
    let folder = tempfile::tempdir().unwrap();
    let (roots, start) = steady(folder.path());
    let server = start.listen("echo+tls=127.0.0.1:0").go();
    let socket = Client::to(server.place(0)).socket;
    let session = client_of(&rustls::version::TLS13, roots);
    let session = ClientConnection::new(session, "localhost".try_into().unwrap()).unwrap();
    let mut witness = Witness { session, socket, came: Vec::new(), seen: Vec::new() };
    while witness.session.is_handshaking() {
        witness.writes();
        if witness.session.is_handshaking() {
            witness.reads();
        }
    }
    witness.writes();
    // Tickets come unasked; that they are here is seen from the answer behind them.
    while witness.seen.iter().filter(|record| !record.from_client).count() < BEFORE_TALK {
        witness.reads();
    }
    witness.session.writer().write_all(b"hello\n").unwrap();
    witness.writes();
    witness.hears(b"hello\n");
    witness.session.send_close_notify();
    witness.writes();
    while witness.socket.peek(&mut [std::mem::MaybeUninit::uninit(); 1]).unwrap() > 0 {
        witness.reads();
    }
    witness.seen
}

/// Records of the server before anybody says anything.
const BEFORE_TALK: usize = 4;

/// What the records are, in order. Which messages lie in one that is encrypted is known to its two ends alone.
const MEANING: [&str; 11] = [
    "ClientHello: what it can, one half of a key, the name it wants",
    "ServerHello: what was chosen, the other half; both have keys now",
    "means nothing any more",
    "encrypted: EncryptedExtensions, Certificate, CertificateVerify, Finished",
    "means nothing any more",
    "encrypted: Finished",
    "encrypted: two NewSessionTickets, to come back with less",
    "encrypted: hello and a newline",
    "encrypted: hello and a newline",
    "encrypted: the alert close_notify, goodbye",
    "encrypted: the same from us",
];

fn drawing(seen: &[Record]) -> String {
    let mut out = "client                           server\n".to_owned();
    assert_eq!(seen.len(), MEANING.len(), "{seen:?}");
    for (record, meaning) in seen.iter().zip(MEANING) {
        let kind = match record.kind {
            20 => "change-cipher-spec",
            21 => "alert",
            22 => "handshake",
            _ => "application-data",
        };
        let label = format!(" {kind} {} ", record.length);
        let arrow = if record.from_client { format!("|--{label:-<28}>|") } else { format!("|<{label:-<28}--|") };
        writeln!(out, "{arrow}  {meaning}").unwrap();
    }
    out
}

#[test]
fn d27_the_handshake_in_the_page_is_what_goes_over_the_wire() {
    let drawing = drawing(&capture());
    assert!(page().contains(&drawing), "the page should have this:\n{drawing}");
}

#[test]
fn the_two_commands_in_the_page_make_a_server_that_clients_believe() {
    if !needs("openssl") {
        return;
    }
    let page = page();
    let commands = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let (openssl, serve) = commands.split_once('\n').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("sh").args(["-c", openssl]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let key = fs::metadata(folder.path().join("key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    // The second as it stands there, but for the port, which may be taken, and for whose history it is.
    let serve = serve.trim().strip_prefix("parlor serve ").unwrap().replace(":8888", ":0");
    let here = |word: &str| {
        if ["cert.pem", "key.pem"].contains(&word) {
            format!("{}/{word}", folder.path().display())
        } else {
            word.into()
        }
    };
    let words: Vec<String> = serve.split_whitespace().map(here).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let server = Start::serve(&["--no-history"]).flags(&words).expecting(1).go();
    let ca = here("cert.pem");
    for host in ["localhost", "127.0.0.1"] {
        let address = format!("tls:{host}:{}", server.place(0).port());
        let finished = Start::parlor(&["probe", "--ca", &ca, &address]).run();
        assert_eq!(finished.code(), 0, "{finished:#?}");
    }
    // OpenSSL's own client agrees, and is served.
    let port = server.place(0).port().to_string();
    let connect = format!("sleep 60 | openssl s_client -quiet -connect 127.0.0.1:{port} -CAfile {ca} 2>/dev/null");
    let mut client = Command::new("sh").args(["-c", &connect]).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(client.stdout.take().unwrap()), &mut line).unwrap();
    let group = rustix::process::Pid::from_child(&client);
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    client.wait().unwrap();
    assert!(line.starts_with("- parlor chat: you are "), "{line}");
}
