//! How the world's own services ask for things: as any service does, and it goes down in the book.

use std::cell::RefMut;
use std::path::PathBuf;
use std::rc::Rc;

use parlor::hub::{Busy, ConnId, Cx, Framing, Hold, JobId, Lane, Moment, Sent, Target};

use crate::book::{Book, Entry, Order, SharedBook};
use crate::chronicle::Chronicle;
use crate::kernel::Kind;
use crate::sabotage::Sabotage;

/// A hand on the book.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) book: SharedBook,
    pub(crate) chronicle: Rc<Chronicle>,
    pub(crate) sabotage: Sabotage,
}

impl Desk {
    fn entry(&self, id: ConnId) -> RefMut<'_, Entry> {
        RefMut::map(self.book.borrow_mut(), |book| book.entries.entry(id).or_default())
    }

    pub(crate) fn book(&self) -> RefMut<'_, Book> {
        self.book.borrow_mut()
    }

    /// Whom a connection belongs to: the world gave every client a port of its own.
    pub(crate) fn client(cx: &Cx<'_>, id: ConnId) -> u32 {
        match cx.about(id).map(|about| about.peer.clone()) {
            Some(parlor::hub::Address::Tcp(address)) => address.port().into(),
            _ => 0,
        }
    }

    pub(crate) fn send(&self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) -> Sent {
        let sent = cx.send(id, frame);
        self.sent(id, sent)
    }

    pub(crate) fn send_wire(&self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) -> Sent {
        let sent = cx.send_wire(id, bytes);
        self.sent(id, sent)
    }

    fn sent(&self, id: ConnId, sent: Sent) -> Sent {
        let mut entry = self.entry(id);
        let gone = entry.closed || entry.closing;
        entry.owed |= sent == Sent::Full;
        drop(entry);
        if sent == Sent::Full {
            self.chronicle.count("sent: full");
        } else if sent == Sent::Gone {
            self.chronicle.count("sent: gone");
        }
        if gone && sent != Sent::Gone {
            self.book().wrong(id, "what was sent after close was taken");
        }
        sent
    }

    pub(crate) fn fits(&self, cx: &mut Cx<'_>, id: ConnId, size: usize) -> bool {
        let fits = cx.fits(id, size);
        if !fits {
            self.chronicle.count("fits: no");
            self.entry(id).owed = true;
        }
        fits
    }

    pub(crate) fn close(&self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
        self.entry(id).closing = true;
    }

    pub(crate) fn end(&self, cx: &mut Cx<'_>, id: ConnId) {
        cx.end(id);
        self.entry(id).ending = true;
    }

    pub(crate) fn hold(&self, cx: &mut Cx<'_>, id: ConnId, why: Hold) {
        cx.hold(id, why);
        self.chronicle.count("holds");
        let mut entry = self.entry(id);
        if !entry.holds.contains(&why) {
            entry.holds.push(why);
        }
    }

    pub(crate) fn release(&self, cx: &mut Cx<'_>, id: ConnId, why: Hold) {
        if self.sabotage == Sabotage::LostRelease && cx.now() > Moment::from_nanos(20_000_000) {
            return;
        }
        cx.release(id, why);
        self.entry(id).holds.retain(|hold| *hold != why);
    }

    pub(crate) fn set_timer(&self, cx: &mut Cx<'_>, id: ConnId, when: Moment) {
        cx.set_timer(id, when);
        self.entry(id).timer = (when < Moment::NEVER).then_some(when);
    }

    /// Asks for a connection; the order tells the world what is to be found at its far side.
    pub(crate) fn open(&self, cx: &mut Cx<'_>, order: Order, framing: Framing) -> ConnId {
        let to = match order.kind {
            Kind::Tcp => Target::Tcp(([127, 0, 0, 1], 9).into()),
            Kind::Unix => Target::Unix(PathBuf::from("/run/far-side")),
            Kind::Pipe => Target::Pipe { input: None, output: None },
        };
        let id = cx.open(to, framing);
        self.chronicle.count("connections asked for");
        self.entry(id).asked = true;
        self.book().orders.insert(id, order);
        id
    }

    pub(crate) fn job(
        &self,
        cx: &mut Cx<'_>,
        lane: Lane,
        work: impl FnOnce() -> String + Send + 'static,
    ) -> Result<JobId, Busy> {
        self.asked(cx.job(lane, work))
    }

    pub(crate) fn inspect(&self, cx: &mut Cx<'_>, id: ConnId) -> Result<JobId, Busy> {
        self.asked(cx.inspect(id))
    }

    fn asked(&self, job: Result<JobId, Busy>) -> Result<JobId, Busy> {
        match job {
            Ok(job) if !self.book().jobs.insert(job) => self.chronicle.wrong(format!("{job:?} was given twice")),
            Ok(_) => {}
            Err(Busy) => self.chronicle.wrong("busy, with so few jobs".to_owned()),
        }
        job
    }
}
