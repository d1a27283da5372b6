//! The real server with a certificate, and clients that are rustls over a socket.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::Socket;
use tempfile::TempDir;

use crate::authority::{Authority, Pair};
use crate::support::client::show;
use crate::support::{Client, Place, Server, Start};

/// A server behind TLS, who vouches for it, and its files.
pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
}

impl House {
    pub(crate) fn new(listeners: &[&str]) -> Self {
        Self::with(listeners, |start, _| start)
    }

    /// With more flags; `how` is told where the authority's own certificate is.
    pub(crate) fn with(listeners: &[&str], how: impl FnOnce(Start, &Path) -> Start) -> Self {
        let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
        let ca = authority.file(folder.path());
        let start = served(folder.path(), &authority.here()).flags(&["--no-history"]);
        let start = listeners.iter().fold(start, |start, listener| start.listen(listener));
        Self { server: how(start, &ca).go(), authority, folder }
    }

    pub(crate) fn client(&self, index: usize) -> Secure {
        Secure::to(self.server.place(index), self.authority.client()).unwrap()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// A server to be, with this certificate.
pub(crate) fn served(folder: &Path, pair: &Pair) -> Start {
    let (certificate, key) = pair.files(folder, "server");
    let flags = ["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    Start::serve(&flags)
}

/// One connection through TLS.
pub(crate) struct Secure(pub(crate) StreamOwned<ClientConnection, Socket>);

impl Secure {
    /// Connects and shakes hands.
    pub(crate) fn to(place: &Place, config: Arc<ClientConfig>) -> std::io::Result<Self> {
        let socket = Client::to(place).socket;
        let session = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(session, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self(stream))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
        self.0.flush().unwrap();
    }

    pub(crate) fn expect(&mut self, wanted: &[u8]) {
        let mut got = vec![0; wanted.len()];
        self.0.read_exact(&mut got).unwrap_or_else(|error| panic!("{error} instead of {}", show(wanted)));
        assert!(got == wanted, "{} instead of {}", show(&got), show(wanted));
    }

    pub(crate) fn ask(&mut self, question: &[u8], answer: &[u8]) {
        self.send(question);
        self.expect(answer);
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.0.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    /// Says that nothing more will come, and goes on reading.
    pub(crate) fn says_goodbye(&mut self) {
        self.0.conn.send_close_notify();
        self.0.flush().unwrap();
    }

    /// All that still comes, which must end with a goodbye.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).unwrap_or_else(|error| panic!("{error} after {}", show(&bytes)));
        bytes
    }

    /// The certificate that the server showed.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.0.conn.peer_certificates().unwrap()[0].to_vec()
    }
}

/// The server refuses: the handshake fails, at once or with the first read, by an alert. What it says of it.
pub(crate) fn refusal(place: &Place, config: Arc<ClientConfig>) -> String {
    let read = Secure::to(place, config).and_then(|mut client| client.0.read(&mut [0]));
    match read {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => error.to_string(),
        other => panic!("it should have been refused with an alert: {other:?}"),
    }
}
