//! The chat in a simulated house: the hub with the chat service, peers without sockets, and time as the test says.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{
    Act, Address, ConnId, Framing, Hub, Inspection, JobId, Limits, ListenerId, Moment, Profile, Random, Reason,
    Request, Wall, Work,
};
use parlor::log::{Log, Settings as LogSettings};
use parlor::services::chat::{Chat, Settings};
use tempfile::TempDir;

/// Somebody's number, in the order in which they came.
pub(crate) type Who = usize;

#[derive(Debug)]
struct Peer {
    id: ConnId,
    /// What it has sent and the house has not read.
    sent: Vec<u8>,
    /// What it was sent, and when.
    heard: Vec<(Duration, String)>,
    partial: Vec<u8>,
    /// How much it reads in a turn.
    appetite: usize,
    gone: bool,
}

pub(crate) struct House {
    hub: Hub,
    door: ListenerId,
    now: Duration,
    /// What the calendar says at the beginning, in milliseconds. It may be set.
    pub(crate) calendar: u64,
    peers: Vec<Peer>,
    /// What helpers are asked to do. They do it when a test says so.
    jobs: VecDeque<(JobId, Work)>,
    /// Turns in which something was written, by the time.
    pub(crate) writes: Vec<Duration>,
}

impl House {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::with_history(settings, None)
    }

    /// Over the history in a folder, of which nothing is in memory.
    pub(crate) fn over(folder: &TempDir, settings: Settings, history: LogSettings) -> Self {
        let mut random: Random = Box::new(|bytes: &mut [u8]| bytes.fill(7));
        let (log, _) = Log::open(folder.path(), history, 1_800_000_000_000, &mut random).unwrap();
        Self::with_history(settings, Some(log))
    }

    fn with_history(settings: Settings, history: Option<Log>) -> Self {
        Self::of(Chat::new(settings, history))
    }

    /// Of a chat that was set up otherwise.
    pub(crate) fn of(chat: Chat) -> Self {
        let mut drawn = 0_u64;
        let random = move |bytes: &mut [u8]| {
            drawn += 1;
            bytes.iter_mut().zip(drawn.to_le_bytes().into_iter().cycle()).for_each(|(byte, drawn)| *byte = drawn);
        };
        let mut hub = Hub::new(Limits::default(), Box::new(random));
        let chat = hub.add(chat);
        let (framing, limits) = (Framing::LINES, Rc::new(Limits::default()));
        let door =
            hub.listen(chat, Profile { framing, silence: None, refuse_http: true, limits, address: Address::Pipe });
        let (now, calendar) = (Duration::ZERO, 1_800_000_000_000);
        let (peers, jobs, writes) = (Vec::new(), VecDeque::new(), Vec::new());
        let mut house = Self { hub, door, now, calendar, peers, jobs, writes };
        house.settle();
        house
    }

    /// Without a flood limit.
    pub(crate) fn calm() -> Self {
        Self::new(Settings { flood: None, ..Settings::default() })
    }

    fn begin(&mut self) {
        let millis = self.calendar + u64::try_from(self.now.as_millis()).unwrap();
        self.hub.begin(Moment::START + self.now, Wall::from_millis(millis));
    }

    /// A guest, greeted.
    pub(crate) fn guest(&mut self) -> Who {
        self.arrives(Address::Pipe)
    }

    /// A guest from an address beyond this machine, or on it.
    pub(crate) fn guest_from(&mut self, peer: &str) -> Who {
        self.arrives(Address::Tcp(peer.parse().unwrap()))
    }

    fn arrives(&mut self, peer: Address) -> Who {
        self.begin();
        let id = self.hub.accepted(self.door, peer, None);
        let (sent, heard, partial) = (Vec::new(), Vec::new(), Vec::new());
        self.peers.push(Peer { id, sent, heard, partial, appetite: usize::MAX, gone: false });
        self.settle();
        let who = self.peers.len() - 1;
        assert!(self.lines(who)[0].starts_with("- parlor chat: "));
        who
    }

    /// Somebody with a name.
    pub(crate) fn person(&mut self, name: &str) -> Who {
        let who = self.guest();
        self.says(who, &format!("/nick {name}"));
        assert_eq!(self.lines(who), [format!("- you are {name}")]);
        who
    }

    /// A program.
    pub(crate) fn program(&mut self) -> Who {
        let who = self.guest();
        self.says(who, "/format json");
        assert!(self.lines(who)[0].contains("welcome"));
        who
    }

    pub(crate) fn says(&mut self, who: Who, line: &str) {
        self.sends(who, &format!("{line}\n"));
    }

    pub(crate) fn sends(&mut self, who: Who, text: &str) {
        self.begins_to_send(who, text);
        self.settle();
    }

    /// Sends something that is read when the house turns.
    pub(crate) fn begins_to_send(&mut self, who: Who, text: &str) {
        self.peers[who].sent.extend_from_slice(text.as_bytes());
    }

    /// Asks for the token of its session.
    pub(crate) fn token(&mut self, who: Who) -> String {
        self.says(who, "/session");
        let line = self.lines(who).pop().unwrap();
        let shown = line.strip_prefix("- session ").or_else(|| line.split('"').nth(11));
        shown.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Its line breaks.
    pub(crate) fn breaks(&mut self, who: Who) {
        self.begin();
        self.hub.fail(self.peers[who].id, Reason::Lost(std::io::ErrorKind::ConnectionReset));
        self.settle();
    }

    /// It reads no more, or again.
    pub(crate) fn reads(&mut self, who: Who, reads: bool) {
        self.sips(who, if reads { usize::MAX } else { 0 });
    }

    /// It reads so many bytes in a turn.
    pub(crate) fn sips(&mut self, who: Who, bytes: usize) {
        self.peers[who].appetite = bytes;
        if bytes > 0 {
            self.hub.writable(self.peers[who].id);
            self.settle();
        }
    }

    pub(crate) fn is_gone(&self, who: Who) -> bool {
        self.peers[who].gone
    }

    /// How much of what it sent waits to be read.
    pub(crate) fn waiting(&self, who: Who) -> usize {
        self.peers[who].sent.len()
    }

    /// Takes what it has heard.
    pub(crate) fn lines(&mut self, who: Who) -> Vec<String> {
        self.timed(who).into_iter().map(|(_, line)| line).collect()
    }

    /// Takes what it has heard, with the times.
    pub(crate) fn timed(&mut self, who: Who) -> Vec<(Duration, String)> {
        std::mem::take(&mut self.peers[who].heard)
    }

    /// Lets time pass, and does what is due when it is due.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.hub.deadline().map(|at| at - Moment::START).filter(|&due| due <= end) {
            self.now = self.now.max(due);
            self.turn();
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// Frames that were read so far.
    pub(crate) fn frames(&self) -> u64 {
        self.hub.tally().frames
    }

    /// Helpers do what they were asked by now. Answers whether there was anything.
    pub(crate) fn work(&mut self) -> bool {
        let jobs = std::mem::take(&mut self.jobs);
        let is_something = !jobs.is_empty();
        for (id, work) in jobs {
            self.begin();
            self.hub.done(id, Ok(work()));
            self.settle();
        }
        is_something
    }

    /// The whole house stands still for so long, as a machine may, and does then what is overdue.
    pub(crate) fn oversleep(&mut self, span: Duration) {
        self.now += span;
        self.settle();
    }

    /// Turns until there is nothing to do now.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.turn();
            let is_due = self.hub.deadline().is_some_and(|at| at <= Moment::START + self.now);
            if !self.hub.is_busy() && !is_due {
                return;
            }
        }
        panic!("the house never comes to rest");
    }

    /// One turn, whatever is left to do.
    pub(crate) fn turn(&mut self) {
        self.begin();
        self.hub.frame_buffered();
        self.hub.take_woken(&mut Vec::new());
        for peer in self.peers.iter_mut().filter(|peer| !peer.sent.is_empty()) {
            let count = self.hub.intake(peer.id).min(peer.sent.len());
            if count > 0 {
                let bytes: Vec<u8> = peer.sent.drain(..count).collect();
                self.hub.receive(peer.id, &bytes);
            }
        }
        self.hub.expire();
        self.hub.turn_end();
        self.flush();
        for request in self.hub.take_requests() {
            match request {
                Request::Job(id, _, work) => self.jobs.push_back((id, work)),
                Request::Inspect(id, _) => self.jobs.push_back((id, Box::new(|| Box::new(Inspection::new())))),
                other @ Request::Open(..) => panic!("{other:?}"),
            }
        }
    }

    fn flush(&mut self) {
        let mut ids = Vec::new();
        self.hub.take_dirty(&mut ids);
        let mut wrote = false;
        for id in ids.drain(..) {
            let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else { continue };
            let output = self.hub.output(id).to_vec();
            if output.is_empty() {
                continue;
            }
            let taken = output.len().min(peer.appetite);
            peer.partial.extend_from_slice(&output[..taken]);
            while let Some(end) = peer.partial.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = peer.partial.drain(..=end).collect();
                peer.heard.push((self.now, String::from_utf8(line).unwrap().trim_end().to_owned()));
            }
            self.hub.wrote(id, taken);
            wrote |= taken > 0;
        }
        if wrote {
            self.writes.push(self.now);
        }
        self.hub.take_changed(&mut ids);
        for id in ids {
            if matches!(self.hub.settle(id), Act::Linger | Act::Free)
                && let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id)
            {
                peer.gone = true;
                // Whoever is told goodbye goes.
                self.hub.input_over(id);
            }
        }
    }
}
