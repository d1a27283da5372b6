//! Files: put in pieces, taken up where a broken line left off, shown to nobody before their digest agrees.
//!
//! A connection speaks in lines and is held whenever a helper works for it, so its commands are carried out one after
//! another. Bodies are raw stretches. Nothing in here touches the disk: `work.rs` does, off the loop, with what
//! `folder.rs` knows about staying inside the folder.

mod census;
mod command;
mod disk;
mod folder;
mod getting;
mod listing;
mod name;
mod owners;
mod placing;
mod putting;
mod removing;
mod room;
mod serving;
mod settings;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use self::census::Entry;
use self::command::{Command, HELP, parse};
use self::folder::Identity;
use self::getting::Download;
use self::putting::Upload;
use self::serving::is_served;
use self::work::{Get, Put};
use super::Handover;
use super::accounts::{Coming, Desk, Owner};
use super::line::{Wrong, answer, obey, say};
use crate::hub::{Address, ConnId, Cx, Done, JobId, Lane, Moment, Reason, Service};

pub use self::disk::{Disk, RealDisk, Step};
pub use self::folder::{Folder, MAX_FILES};
pub use self::name::{Digest, FileName, MAX_NAME};
pub use self::settings::Settings;

/// How often parts are looked through for old ones, beside each time that somebody offers a file.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// A part, by the name it has while it grows.
type Part = Arc<str>;

/// What a connection is about.
#[derive(Debug)]
enum Doing {
    /// It can ask for something. What comes raw belongs to a body that nobody wants any more.
    Nothing,
    /// It sends a file, or waits for what the server says to its offer.
    Putting(Part),
    /// Another connection must let go of the part first.
    Waiting(Part),
    Getting(Box<Download>),
    /// A helper looks.
    Looking,
    Listing(vec::IntoIter<Entry>),
}

/// What a job is for.
#[derive(Debug)]
enum Errand {
    Put(Part),
    Get(ConnId),
    List(ConnId),
    Remove(ConnId, FileName),
    Quota(ConnId, Owner),
    Sweep,
}

/// The file service.
#[derive(Debug)]
pub struct Files {
    folder: Arc<Folder>,
    settings: Settings,
    changed: Handover<Settings>,
    desk: Desk,
    people: BTreeMap<ConnId, Doing>,
    /// Files that are being put. Each has at most one job under way.
    uploads: BTreeMap<Part, Upload>,
    /// How many of `people` are served something.
    downloads: usize,
    jobs: BTreeMap<JobId, Errand>,
    /// Parts for which bytes came in this turn.
    grown: Vec<Part>,
    /// When old parts are looked for again.
    sweep_at: Moment,
    /// Digests of files as they were when they were read, so that not every asker has them read again.
    digests: BTreeMap<FileName, (Identity, Digest)>,
}

impl Files {
    /// A service over a folder, for whom the desk lets in.
    #[must_use]
    pub fn new(folder: Folder, settings: Settings, desk: Desk) -> Self {
        Self {
            folder: Arc::new(folder),
            settings,
            changed: Handover::default(),
            desk,
            people: BTreeMap::new(),
            uploads: BTreeMap::new(),
            downloads: 0,
            jobs: BTreeMap::new(),
            grown: Vec::new(),
            sweep_at: Moment::NEVER,
            digests: BTreeMap::new(),
        }
    }

    /// Other settings may be put there while it runs. They hold for what is offered from then on.
    #[must_use]
    pub fn settings_from(mut self, changed: &Handover<Settings>) -> Self {
        self.changed = changed.clone();
        self
    }

    /// Removes what an earlier run left behind and nobody came back for, now and from time to time.
    pub fn sweep(&mut self, cx: &mut Cx<'_>) {
        self.sweep_at = cx.now() + SWEEP;
        self.set_alarm(cx);
        let (folder, sent, oldest) = (Arc::clone(&self.folder), self.sent(), self.oldest(cx));
        // Too busy now: later will do.
        let _ = self.job(cx, Errand::Sweep, move || work::sweep(&folder, &sent, oldest));
    }

    /// The parts that are being sent.
    fn sent(&self) -> Vec<Part> {
        self.uploads.keys().cloned().collect()
    }

    /// Since when the last byte of a part must have come, in milliseconds since 1970.
    fn oldest(&self, cx: &Cx<'_>) -> u64 {
        let keep = u64::try_from(self.settings.keep.as_millis()).unwrap_or(u64::MAX);
        cx.wall().millis().saturating_sub(keep)
    }

    fn set_alarm(&self, cx: &mut Cx<'_>) {
        cx.set_alarm(self.sweep_at.min(self.desk.due()));
    }

    fn command(&mut self, cx: &mut Cx<'_>, id: ConnId, line: &str) -> Result<(), Wrong> {
        if let Some(done) = self.desk.hears(cx, id, line) {
            return done;
        }
        match parse(line).map_err(|wrong| self.desk.discreet(id, wrong))? {
            Command::Offer(offered) => self.offer(cx, id, offered),
            Command::Get(name, offset) => self.get(cx, id, name, offset),
            Command::List => self.list(cx, id),
            Command::Remove(name) => self.remove(cx, id, name),
            Command::Quota => self.quota(cx, id),
            Command::Help => {
                for line in HELP {
                    say(cx, id, line);
                }
                say(cx, id, "end help");
                Ok(())
            }
            Command::Quit => {
                say(cx, id, "goodbye");
                cx.close(id);
                Ok(())
            }
        }
    }

    /// Whose is what this connection puts. Guests put from this machine only.
    fn owner(&self, cx: &Cx<'_>, id: ConnId) -> Result<Owner, Wrong> {
        let owner = self.desk.owner(cx, id);
        match cx.about(id).map(|about| about.peer) {
            Some(Address::Tcp(from)) if owner == Owner::Guest && !from.ip().to_canonical().is_loopback() => {
                Err(Wrong::new("forbidden", "guests put files from the server's own machine only"))
            }
            _ => Ok(owner),
        }
    }

    fn job<T: Send + 'static>(
        &mut self,
        cx: &mut Cx<'_>,
        errand: Errand,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(), Wrong> {
        let job = cx.job(Lane::Heavy, work);
        let job = job.map_err(|_| Wrong::new("busy", "the server has too much to do; try again later"))?;
        self.jobs.insert(job, errand);
        Ok(())
    }

    fn digest_of(&self, name: &FileName, identity: Identity) -> Option<Digest> {
        self.digests.get(name).filter(|(known, _)| *known == identity).map(|&(_, digest)| digest)
    }

    fn remember(&mut self, name: &FileName, identity: Identity, digest: Digest) {
        if self.digests.len() >= MAX_FILES {
            self.digests.clear();
        }
        self.digests.insert(name.clone(), (identity, digest));
    }
}

fn panicked() -> Wrong {
    Wrong::new("disk", "the server has made a mistake; nothing more is known")
}

impl Service for Files {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let has_to = self.desk.requires_login();
        match self.desk.comes(cx, id, has_to) {
            Coming::Refused => return,
            Coming::Strange => say(cx, id, "parlor files: who are you? login NAME PASSWORD; help"),
            Coming::Freely => {
                let most = self.settings.file;
                say(cx, id, &format!("parlor files: offer, get, list, help; at most {most} bytes each"));
            }
        }
        self.people.insert(id, Doing::Nothing);
    }

    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        obey(cx, id, frame, |cx, line| self.command(cx, id, line));
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        if let Some(Doing::Putting(part)) = self.people.get(&id) {
            let part = Arc::clone(part);
            self.grow(cx, id, part, bytes);
        }
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.drained(cx, id);
        match self.people.get(&id) {
            Some(Doing::Getting(_)) => self.get_on(cx, id),
            Some(Doing::Listing(_)) => self.list_on(cx, id),
            _ => {}
        }
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.desk.timer(cx, id);
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        if self.sweep_at <= cx.now() {
            self.sweep(cx);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let Err(result) = self.desk.done(cx, job, result) else { return };
        match self.jobs.remove(&job) {
            Some(Errand::Put(part)) => {
                let put = answer::<Result<Put, Wrong>>(result).unwrap_or_else(|| Err(panicked()));
                self.put_done(cx, &part, put);
            }
            Some(Errand::Get(id)) => {
                let got = answer::<Result<Get, Wrong>>(result).unwrap_or_else(|| Err(panicked()));
                self.got(cx, id, got);
            }
            Some(Errand::List(id)) => {
                let listed = answer(result).unwrap_or_else(|| Err(panicked()));
                self.listed(cx, id, listed);
            }
            Some(Errand::Remove(id, name)) => {
                let removed = answer(result).unwrap_or_else(|| Err(panicked()));
                self.removed(cx, id, &name, removed);
            }
            Some(Errand::Quota(id, owner)) => {
                let counted = answer(result).unwrap_or_else(|| Err(panicked()));
                self.counted(cx, id, &owner, counted);
            }
            Some(Errand::Sweep) | None => {}
        }
    }

    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        if let Some(settings) = self.changed.take() {
            self.settings = settings;
        }
        for part in std::mem::take(&mut self.grown) {
            self.write_on(cx, &part);
        }
        let people = &self.people;
        let is_in_a_body = |id| matches!(people.get(&id), Some(Doing::Getting(download)) if download.introduced);
        self.desk.turn_end(cx, |id| !is_in_a_body(id));
        self.set_alarm(cx);
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
        self.desk.goes(cx, id);
        match self.people.remove(&id) {
            Some(Doing::Putting(part)) => self.left(cx, &part),
            Some(Doing::Waiting(part)) => self.waits_no_more(id, &part),
            Some(doing) => {
                self.downloads -= usize::from(is_served(&doing));
                if let Doing::Getting(download) = doing {
                    download.end(cx);
                }
            }
            None => {}
        }
    }
}
