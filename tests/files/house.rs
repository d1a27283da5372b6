//! The file service on a hub of its own: no socket, no helper, a disk that fails when a test says so. Jobs are carried
//! out one after another between turns, or wait until they are let go on.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor::hub::{
    Act, Address, ConnId, Credentials, Framing, Hub, Identity, JobId, Limits, ListenerId, Moment, Profile, Reason,
    Request, ServiceId, Wall, Work,
};
use parlor::services::accounts::Desk;
use parlor::services::chat::Guard;
use parlor::services::files::{Disk, Files, Folder, Settings, Step};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// In the middle of 2026, in milliseconds.
pub(crate) const NOW: u64 = 1_780_000_000_000;

pub(crate) fn digest(content: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(content) {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// Bytes that look like nothing in particular, the same for the same seed.
pub(crate) fn content(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(|_| next()).collect()
}

/// Fails every step of one kind, with an error of the system, after some that go well.
#[derive(Debug, Default)]
pub(crate) struct FaultyDisk(Mutex<Option<(Step, usize, i32)>>);

impl FaultyDisk {
    pub(crate) fn fail(&self, step: Step, after: usize, error: i32) {
        *self.0.lock().unwrap() = Some((step, after, error));
    }

    pub(crate) fn heal(&self) {
        *self.0.lock().unwrap() = None;
    }
}

impl Disk for FaultyDisk {
    fn allow(&self, step: Step) -> io::Result<()> {
        match &mut *self.0.lock().unwrap() {
            Some((failing, 0, error)) if *failing == step => Err(io::Error::from_raw_os_error(*error)),
            Some((failing, left, _)) if *failing == step => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

pub(crate) struct House {
    hub: Hub,
    service: ServiceId,
    listener: ListenerId,
    folder: TempDir,
    pub(crate) disk: Arc<FaultyDisk>,
    /// What connections were sent and have not looked at.
    heard: BTreeMap<ConnId, Vec<u8>>,
    waiting: VecDeque<(JobId, Work)>,
    /// Jobs wait until [`House::work`] or [`House::let_go`].
    pub(crate) held: bool,
    pub(crate) now: Moment,
    pub(crate) wall: u64,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self::guarded(settings, Guard::default())
    }

    /// With accounts and rules about who may come in.
    pub(crate) fn guarded(settings: Settings, guard: Guard) -> Self {
        Self::over(TempDir::new().unwrap(), settings, guard)
    }

    /// The same folder, another run of the server.
    pub(crate) fn again(self, settings: Settings, guard: Guard) -> Self {
        let Self { folder, hub, .. } = self;
        drop(hub);
        Self::over(folder, settings, guard)
    }

    /// The server is gone; its folder is left.
    pub(crate) fn shut(self) -> TempDir {
        self.folder
    }

    fn over(folder: TempDir, settings: Settings, guard: Guard) -> Self {
        let disk = Arc::new(FaultyDisk::default());
        let opened = Folder::open(folder.path(), Arc::clone(&disk) as Arc<dyn Disk>).unwrap();
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(7)));
        let service = hub.add(Files::new(opened, settings, Desk::new(guard)));
        let limits = Rc::new(Limits::default());
        let listener = hub.listen(
            service,
            Profile { framing: Framing::LINES, silence: None, refuse_http: true, limits, address: Address::Pipe },
        );
        let now = Moment::START + Duration::from_secs(1000);
        let (heard, waiting) = (BTreeMap::new(), VecDeque::new());
        Self { hub, service, listener, folder, disk, heard, waiting, held: false, now, wall: NOW }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is in the folder, hidden things aside.
    pub(crate) fn files(&self) -> Vec<String> {
        names(&self.folder.path().to_owned()).into_iter().filter(|name| !name.starts_with('.')).collect()
    }

    /// What is begun.
    pub(crate) fn parts(&self) -> Vec<String> {
        names(&self.path(".parts"))
    }

    /// A guest of this machine comes.
    pub(crate) fn guest(&mut self) -> ConnId {
        self.comes(Address::Tcp("127.0.0.1:4000".parse().unwrap()), None)
    }

    /// A user of this machine comes over a Unix socket.
    pub(crate) fn user(&mut self, uid: u32) -> ConnId {
        self.comes(Address::Unix(None), Some(Identity::Process(Credentials { pid: 1, uid, gid: uid })))
    }

    /// Somebody comes and does not come in. Answers what they are told.
    pub(crate) fn turned_away(&mut self) -> String {
        self.turned_away_with(None)
    }

    pub(crate) fn turned_away_with(&mut self, who: Option<Identity>) -> String {
        self.begin();
        let id = self.hub.accepted(self.listener, Address::Tcp("127.0.0.1:4000".parse().unwrap()), who);
        self.run();
        assert!(!self.is_there(id));
        self.line(id)
    }

    pub(crate) fn comes(&mut self, from: Address, who: Option<Identity>) -> ConnId {
        self.begin();
        let id = self.hub.accepted(self.listener, from, who);
        self.run();
        assert!(self.line(id).starts_with("- parlor files: "));
        id
    }

    /// It sends something; everything that follows from it happens.
    pub(crate) fn says(&mut self, id: ConnId, bytes: &[u8]) {
        self.begin();
        for piece in bytes.chunks(40_000) {
            // As the loop would: nothing is taken while it is held.
            for _ in 0..10 {
                if self.hub.intake(id) < piece.len() {
                    self.run();
                }
            }
            assert!(self.hub.intake(id) >= piece.len(), "it is not read any more");
            self.hub.receive(id, piece);
            self.run();
        }
    }

    pub(crate) fn asks(&mut self, id: ConnId, line: &str) -> String {
        self.says(id, format!("{line}\n").as_bytes());
        self.line(id)
    }

    /// What a user of this machine is answered who comes for that alone.
    pub(crate) fn line_of_another(&mut self, uid: u32, line: &str) -> String {
        let id = self.user(uid);
        self.asks(id, line)
    }

    /// Offers a file, and answers what comes back.
    pub(crate) fn offers(&mut self, id: ConnId, name: &str, content: &[u8]) -> String {
        self.asks(id, &format!("offer {name} {} {}", content.len(), digest(content)))
    }

    /// A guest offers a file and sends so much of it; then their line breaks.
    pub(crate) fn leaves(&mut self, name: &str, content: &[u8], at: usize) {
        let id = self.guest();
        self.offers(id, name, content);
        self.says(id, &content[..at]);
        self.breaks(id);
    }

    /// Time passes, without anything else.
    pub(crate) fn passes(&mut self, time: Duration) {
        self.now = self.now + time;
        self.begin();
        self.hub.expire();
        self.run();
    }

    /// The line breaks.
    pub(crate) fn breaks(&mut self, id: ConnId) {
        self.begin();
        self.hub.fail(id, Reason::Lost(io::ErrorKind::ConnectionReset));
        self.run();
    }

    /// The next line that it was sent, but for those that say how much is safe.
    pub(crate) fn outcome(&mut self, id: ConnId) -> String {
        loop {
            let line = self.line(id);
            if !line.starts_with("- have ") {
                return line;
            }
        }
    }

    /// The next line that it was sent.
    pub(crate) fn line(&mut self, id: ConnId) -> String {
        let heard = self.heard.entry(id).or_default();
        let end = heard.iter().position(|&byte| byte == b'\n');
        let end = end.unwrap_or_else(|| panic!("no line: {:?}", String::from_utf8_lossy(heard)));
        let line: Vec<u8> = heard.drain(..=end).collect();
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }

    /// Everything that it was sent and has not looked at.
    pub(crate) fn rest(&mut self, id: ConnId) -> Vec<u8> {
        std::mem::take(self.heard.entry(id).or_default())
    }

    /// Carries out the job that waits longest, and no more.
    pub(crate) fn work(&mut self) {
        let (job, work) = self.waiting.pop_front().expect("a job waits");
        self.begin();
        self.hub.done(job, Ok(work()));
        self.turn();
    }

    pub(crate) fn jobs(&self) -> usize {
        self.waiting.len()
    }

    /// Carries out everything that waits.
    pub(crate) fn let_go(&mut self) {
        self.held = false;
        self.begin();
        self.run();
    }

    /// Looks for old parts.
    pub(crate) fn sweep(&mut self) {
        self.begin();
        self.hub.with(self.service, |files: &mut Files, cx| files.sweep(cx)).unwrap();
        self.run();
    }

    /// How many bytes of it are read now.
    pub(crate) fn reads(&mut self, id: ConnId) -> usize {
        self.hub.intake(id)
    }

    pub(crate) fn is_there(&self, id: ConnId) -> bool {
        self.hub.about(id).is_some()
    }

    fn begin(&mut self) {
        self.hub.begin(self.now, Wall::from_millis(self.wall));
    }

    fn run(&mut self) {
        self.turn();
        while !self.held
            && let Some((job, work)) = self.waiting.pop_front()
        {
            self.begin();
            self.hub.done(job, Ok(work()));
            self.turn();
        }
    }

    fn turn(&mut self) {
        loop {
            self.hub.frame_buffered();
            self.hub.take_woken(&mut Vec::new());
            self.hub.turn_end();
            let mut ids = Vec::new();
            self.hub.take_dirty(&mut ids);
            for id in ids.drain(..) {
                let output = self.hub.output(id).to_vec();
                self.heard.entry(id).or_default().extend_from_slice(&output);
                self.hub.wrote(id, output.len());
            }
            self.hub.take_changed(&mut ids);
            for id in ids {
                if self.hub.settle(id) == Act::Linger {
                    self.hub.input_over(id);
                }
            }
            for request in self.hub.take_requests() {
                let Request::Job(job, _, work) = request else { panic!("{request:?}") };
                self.waiting.push_back((job, work));
            }
            if !self.hub.is_busy() {
                return;
            }
            self.begin();
        }
    }
}

fn names(folder: &PathBuf) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
