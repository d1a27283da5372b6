//! What a peer can do to its side of a stream.

use std::io::ErrorKind;

use parlor::net::pump::Readiness;

use crate::kernel::{FarRead, Kernel, Kind};

const NOTHING: Readiness = Readiness { readable: false, writable: false, doubtful: false, failed: false };

impl Kernel {
    /// Sends; answers how many bytes the kernel took, `None` when there is nobody to take them.
    pub(crate) fn far_send(&mut self, end: usize, bytes: &[u8]) -> Option<usize> {
        let excused = self.lingered(end, bytes.len());
        let it = &mut self.ends[end];
        if it.far_reset.is_some() {
            return None;
        }
        if it.dropped {
            // A reset comes back, and takes along what was on its way here.
            it.far_reset = Some(excused);
            it.outbox.clear();
            self.stirred.insert(end);
            return None;
        }
        let count = bytes.len().min(it.inbox_max - it.inbox.len());
        if count > 0 {
            it.inbox.extend(&bytes[..count]);
            it.came += count as u64;
            self.chronicle.moved();
            self.chronicle.note("far sends", end as u64, count as u64);
            self.edge(end, Readiness { readable: true, ..NOTHING });
        }
        Some(count)
    }

    /// How much could be sent now; something also when sending would bring news.
    pub(crate) fn far_room(&self, end: usize) -> usize {
        let it = &self.ends[end];
        if it.dropped || it.far_reset.is_some() { usize::MAX } else { it.inbox_max - it.inbox.len() }
    }

    /// An urgent byte, or a passed descriptor: a read stops here.
    pub(crate) fn far_mark(&mut self, end: usize) {
        let it = &mut self.ends[end];
        if it.dropped || it.far_reset.is_some() || it.fin {
            return;
        }
        it.marks.push_back(it.came);
        self.chronicle.count("marks that cut a read short");
        if it.kind == Kind::Tcp {
            self.edge(end, Readiness { readable: true, doubtful: true, ..NOTHING });
        }
    }

    /// Is there something to read: bytes, the end or a reset?
    pub(crate) fn far_has_news(&self, end: usize) -> bool {
        let it = &self.ends[end];
        it.far_reset.is_some() || !it.outbox.is_empty() || it.shut.is_some() || it.dropped
    }

    pub(crate) fn far_read(&mut self, end: usize, most: usize) -> FarRead {
        let it = &mut self.ends[end];
        if let Some(excused) = it.far_reset {
            return FarRead::Reset { excused };
        }
        if it.outbox.is_empty() {
            return if it.shut.is_some() || it.dropped { FarRead::End } else { FarRead::Nothing };
        }
        let count = most.min(it.outbox.len());
        let bytes: Vec<u8> = it.outbox.drain(..count).collect();
        self.chronicle.moved();
        self.chronicle.note("far reads", end as u64, count as u64);
        // Linux tells of room when a third of the buffer is free.
        if it.starved && (it.outbox_max - it.outbox.len()) * 3 >= it.outbox_max {
            it.starved = false;
            self.edge(end, Readiness { writable: true, ..NOTHING });
        }
        FarRead::Bytes(bytes)
    }

    /// Room appears where a write was told that there is none.
    pub(crate) fn far_relents(&mut self, end: usize) {
        let it = &mut self.ends[end];
        if it.starved && (it.outbox_max - it.outbox.len()) * 3 >= it.outbox_max {
            it.starved = false;
            self.edge(end, Readiness { writable: true, ..NOTHING });
        }
    }

    /// No more will come from the far side; it goes on listening.
    pub(crate) fn far_fin(&mut self, end: usize) {
        let it = &mut self.ends[end];
        if it.fin || it.far_reset.is_some() {
            return;
        }
        it.fin = true;
        self.chronicle.note("far ends", end as u64, 0);
        self.edge(end, Readiness { readable: true, doubtful: true, ..NOTHING });
    }

    /// The far side closes its socket. With something unread, that is a reset.
    pub(crate) fn far_close(&mut self, end: usize) {
        let it = &mut self.ends[end];
        if it.far_closed || it.far_reset.is_some() {
            return;
        }
        it.far_closed = true;
        if it.dropped {
            return;
        }
        let unread = !it.outbox.is_empty();
        match it.kind {
            Kind::Tcp if unread => self.far_abort(end),
            Kind::Tcp => self.far_fin(end),
            Kind::Unix | Kind::Pipe => {
                self.chronicle.note("far closes", end as u64, u64::from(unread));
                it.fin = true;
                it.broken = true;
                it.outbox.clear();
                // A Unix socket says that something was lost; a pipe without a reader is in error while it is open.
                let failed = if it.kind == Kind::Pipe { it.shut.is_none() } else { unread };
                if unread && it.kind == Kind::Unix {
                    it.error = Some(ErrorKind::ConnectionReset);
                }
                self.edge(end, Readiness { readable: true, writable: true, doubtful: true, failed });
            }
        }
    }

    /// The far side shuts its reading: of what is written nothing arrives, but what it says still does.
    pub(crate) fn far_shut_read(&mut self, end: usize) {
        let it = &mut self.ends[end];
        if it.dropped || it.broken || it.kind == Kind::Tcp {
            return;
        }
        it.unheard = true;
        it.outbox.clear();
        self.chronicle.count("far sides that stop reading for good");
        // A pipe without a reader is in error for as long as it is open; a socket can be written, which then fails.
        let failed = it.kind == Kind::Pipe && it.shut.is_none();
        self.edge(end, Readiness { writable: true, failed, ..NOTHING });
    }

    /// The far side resets. What came before it can still be read.
    pub(crate) fn far_abort(&mut self, end: usize) {
        self.fail(end, ErrorKind::ConnectionReset);
    }

    /// Nothing was heard of the far side for so long that the kernel gives it up.
    pub(crate) fn time_out(&mut self, end: usize) {
        self.fail(end, ErrorKind::TimedOut);
    }

    pub(super) fn fail(&mut self, end: usize, kind: ErrorKind) {
        let it = &mut self.ends[end];
        it.far_closed = true;
        if it.dropped || it.broken {
            return;
        }
        it.error = Some(if it.fin && kind == ErrorKind::ConnectionReset { ErrorKind::BrokenPipe } else { kind });
        it.broken = true;
        it.outbox.clear();
        self.chronicle.note("far resets", end as u64, 0);
        self.chronicle.count("resets");
        self.edge(end, Readiness { readable: true, writable: true, doubtful: true, failed: true });
    }
}
