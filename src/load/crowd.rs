//! The connections of a measurement: opened a few at a time, greeted, brought to where they should be; what they hear
//! is cut into messages, and heartbeats are answered.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::course::{Connections, Watch};
use super::dialect::{Control, Found, Language, Part, Shape};
use crate::hub::{ConnId, Cx, Framing, Moment, Reason, Target};

/// Where nothing says that the server has let somebody in, as many more come only after this time.
pub(super) const BETWEEN: Duration = Duration::from_millis(5);
/// More than a machine has ports and descriptors for.
const CONNECTIONS: usize = 1_000_000;
/// What may wait for a server that is slower than its load: the open loop goes on speaking.
pub(super) const OUTPUT: usize = 64 * 1024 * 1024;
/// The longest piece of a line or message that is kept until the rest comes.
const PIECE: usize = 1024 * 1024;

/// Can so many connections be had?
pub(super) fn countable(connections: usize) -> Result<(), String> {
    if (1..=CONNECTIONS).contains(&connections) {
        return Ok(());
    }
    Err(format!("there can be 1 to {CONNECTIONS} connections"))
}

/// Can one speaker say so many messages of so many bytes at once?
pub(super) fn sayable(messages: usize, size: usize) -> Result<(), String> {
    if messages.saturating_mul(size) <= OUTPUT {
        return Ok(());
    }
    Err(format!("more than {} MiB would be on their way from one speaker", OUTPUT / 1024 / 1024))
}

/// The complaint about what the server says.
pub(super) fn says(line: &[u8]) -> String {
    format!("the server says: {}", String::from_utf8_lossy(line))
}

/// Where the server is.
#[derive(Debug, Clone)]
pub enum Server {
    /// TCP.
    Tcp(SocketAddr),
    /// The same through TLS, and the name that its certificate must bear.
    Tls(SocketAddr, String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl Server {
    pub(super) fn target(&self) -> Target {
        match self {
            Self::Tcp(address) => Target::Tcp(*address),
            Self::Tls(address, name) => Target::Tls(*address, name.clone()),
            Self::Unix(path) => Target::Unix(path.clone()),
        }
    }
}

/// A measurement whose connections are a crowd: gathered, and all of them to be kept.
pub(super) trait Crowded: Debug + 'static {
    /// Who wants to know what they hear.
    type Ear: Hears;

    /// Both of them.
    fn crowd(&mut self) -> (&mut Crowd, &mut Self::Ear);
}

impl<M: Crowded> Connections for M {
    fn begin(&mut self, cx: &mut Cx<'_>, _now: Moment) {
        self.crowd().0.gather(cx);
    }

    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.crowd().0.opened(cx, id);
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8], watch: &mut Watch) {
        let (crowd, ear) = self.crowd();
        ear.bytes(bytes.len(), watch.now());
        crowd.chunk(cx, id, bytes, ear, watch);
    }

    fn closed(&mut self, _cx: &mut Cx<'_>, id: ConnId, why: Reason, watch: &mut Watch) {
        self.crowd().0.closed(id, why, watch);
    }
}

/// Whoever wants to know what is heard.
pub(super) trait Hears {
    /// So many bytes came now; what they say follows.
    fn bytes(&mut self, count: usize, now: Moment);
    /// A message's text came to a connection, under this name.
    fn text(&mut self, connection: usize, name: &[u8], text: &[u8]);
    /// A message came that does not even look like one of ours.
    fn stray(&mut self);
    /// A line came that is no message and asks for nothing.
    fn line(&mut self, _connection: usize, _line: &[u8]) {}
}

#[derive(Debug, Default)]
struct Link {
    id: Option<ConnId>,
    ready: bool,
    /// The beginning of a message of which the rest has not come.
    piece: Vec<u8>,
}

/// All connections, numbered in the order of the parts they have.
#[derive(Debug)]
pub(super) struct Crowd {
    server: Server,
    pub(super) language: Language,
    shape: Shape,
    parts: Vec<Part>,
    links: Vec<Link>,
    /// The number of the connection at each place of the hub.
    numbers: Vec<usize>,
    begun: usize,
    ready: usize,
    /// How many may be on their way at once: well below the server's backlog.
    at_once: usize,
    /// When the next may be opened.
    next: Moment,
}

impl Crowd {
    pub(super) fn new(server: Server, language: Language, size: usize, parts: Vec<Part>, at_once: usize) -> Self {
        let (shape, links) = (language.shape(size), parts.iter().map(|_| Link::default()).collect());
        let (numbers, begun, ready, next) = (Vec::new(), 0, 0, Moment::START);
        Self { server, language, shape, parts, links, numbers, begun, ready, at_once, next }
    }

    /// Opens more connections, if it is time, there are some to open and not too many are on their way.
    pub(super) fn gather(&mut self, cx: &mut Cx<'_>) {
        if cx.now() < self.next {
            return;
        }
        let most = self.ready + self.at_once.max(1);
        while self.begun < self.parts.len().min(most) {
            if self.language.is_ready_at_once(self.parts[self.begun]) {
                self.next = cx.now() + BETWEEN;
            }
            self.open(cx, self.begun);
            self.begun += 1;
        }
    }

    fn open(&mut self, cx: &mut Cx<'_>, number: usize) -> ConnId {
        let id = cx.open(self.server.target(), Framing::Raw);
        if self.numbers.len() <= id.slot() {
            self.numbers.resize(id.slot() + 1, usize::MAX);
        }
        self.numbers[id.slot()] = number;
        self.links[number].id = Some(id);
        id
    }

    /// Breaks a connection.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>, number: usize) {
        if let Some(id) = self.links[number].id.take() {
            cx.close(id);
        }
        self.links[number].piece.clear();
    }

    /// Opens a connection again that was left, without a greeting.
    pub(super) fn come_back(&mut self, cx: &mut Cx<'_>, number: usize) -> ConnId {
        self.open(cx, number)
    }

    /// Is everybody where they should be?
    pub(super) fn is_complete(&self) -> bool {
        self.ready == self.parts.len()
    }

    /// How many are where they should be.
    pub(super) fn ready(&self) -> usize {
        self.ready
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The connection of this number.
    pub(super) fn id(&self, number: usize) -> Option<ConnId> {
        self.links[number].id
    }

    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let number = self.numbers[id.slot()];
        let part = self.parts[number];
        if self.links[number].ready {
            return;
        }
        let greeting = self.language.greeting(part, number);
        if !greeting.is_empty() {
            let _ = cx.send_wire(id, greeting.as_bytes());
        }
        if self.language.is_ready_at_once(part) {
            self.stands(cx, number);
        }
    }

    fn stands(&mut self, cx: &mut Cx<'_>, number: usize) {
        if !std::mem::replace(&mut self.links[number].ready, true) {
            self.ready += 1;
            self.gather(cx);
        }
    }

    fn closed(&mut self, id: ConnId, why: Reason, watch: &mut Watch) {
        let number = self.numbers[id.slot()];
        if self.links[number].id != Some(id) {
            return;
        }
        self.links[number].id = None;
        watch.complain(&format!("connection {number} broke: {why}"));
    }

    /// Bytes came to a connection.
    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8], desk: &mut impl Hears, watch: &mut Watch) {
        let number = self.numbers[id.slot()];
        if self.links[number].id != Some(id) {
            return;
        }
        let mut piece = std::mem::take(&mut self.links[number].piece);
        if piece.is_empty() {
            let used = self.read(cx, number, bytes, desk, watch);
            piece.extend_from_slice(&bytes[used..]);
        } else {
            piece.extend_from_slice(bytes);
            let used = self.read(cx, number, &piece, desk, watch);
            piece.drain(..used);
        }
        if piece.len() > PIECE {
            watch.complain("the server says something that does not end");
            piece.clear();
        }
        self.links[number].piece = piece;
    }

    fn read(
        &mut self,
        cx: &mut Cx<'_>,
        number: usize,
        bytes: &[u8],
        desk: &mut impl Hears,
        watch: &mut Watch,
    ) -> usize {
        let mut used = 0;
        loop {
            match self.shape.find(&bytes[used..]) {
                Found::Text(name, text, size) => {
                    desk.text(number, name, text);
                    used += size;
                }
                Found::Line(line, size) => {
                    used += size;
                    if let Some(name) = self.line(cx, number, line, desk, watch) {
                        self.shape.set_name(name);
                        used -= size;
                    }
                }
                Found::More => return used,
            }
        }
    }

    /// A line that is no message. Answers how long names are, if that has to be learnt to read it.
    fn line(
        &mut self,
        cx: &mut Cx<'_>,
        number: usize,
        line: &[u8],
        desk: &mut impl Hears,
        watch: &mut Watch,
    ) -> Option<usize> {
        match self.language.control(line) {
            Control::Nothing => desk.line(number, line),
            Control::Welcome if self.parts[number] != Part::Visitor => {}
            Control::Welcome | Control::Ready => self.stands(cx, number),
            Control::Answer(answer) => {
                if let Some(id) = self.links[number].id {
                    let _ = cx.send_wire(id, &answer);
                }
            }
            Control::Message(Some(name)) if self.shape.renames(name) => return Some(name),
            Control::Message(_) => desk.stray(),
            Control::Complaint => watch.complain(&says(line)),
        }
        None
    }
}
