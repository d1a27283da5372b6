//! What must hold when the loop falls asleep, and what when the world is over.

use std::time::Duration;

use parlor::hub::{ConnId, Limits, POOL_BYTES};

use crate::book::Entry;
use crate::client::Phase;
use crate::kernel::{Connect, End, SECOND};
use crate::script::Behind;
use crate::world::World;

impl World {
    /// The loop would sleep now. Is there nothing left that it could do?
    pub(super) fn check_asleep(&mut self) -> Result<(), String> {
        if self.book.borrow().unfinished {
            return Err("stalled: the loop sleeps, but no turn_end came after the last call".to_owned());
        }
        let book = self.book.borrow();
        if let Some((id, _)) = book.entries.iter().find(|(_, entry)| entry.failed && !entry.closed) {
            return Err(format!("stalled: the loop sleeps, but the service of {id:?} does not know that it failed"));
        }
        drop(book);
        let ids: Vec<(usize, ConnId)> = {
            let kernel = self.kernel.borrow();
            let watched = kernel.ends.iter().enumerate().filter(|(_, end)| !end.dropped && end.under_way == 0);
            watched.filter_map(|(number, end)| end.id.map(|id| (number, id))).collect()
        };
        for (number, id) in ids {
            let unsent = self.unsent(id);
            let (kernel, book) = (self.kernel.borrow(), self.book.borrow());
            let end = &kernel.ends[number];
            let left = left_undone(end, book.entries.get(&id), unsent, self.bounds.lowest);
            let left = left.or_else(|| self.outgrown(id, unsent));
            if let Some(left) = left {
                let entry = book.entries.get(&id);
                return Err(format!(
                    "stalled: the loop sleeps, but {left}: {id:?}, {unsent} unsent, {entry:?}, {end:?}"
                ));
            }
        }
        Ok(())
    }

    /// An answer for each frame, and no frame is heard while the output is full: so much can't wait.
    fn outgrown(&self, id: ConnId, unsent: usize) -> Option<&'static str> {
        let listener = self.hub.about(id).and_then(|about| about.listener);
        let gate = self.gates.iter().find(|gate| Some(gate.listener) == listener)?;
        let answers = matches!(gate.behind, Behind::Echo | Behind::StampedEcho | Behind::Upper);
        (answers && unsent > self.bounds.base.high + 1100).then_some("its input was heard while its output was full")
    }

    /// Whoever has had too much time already, by a second.
    pub(super) fn check_overdue(&mut self) -> Result<(), String> {
        let now = self.now();
        if now - self.looked < SECOND / 2 {
            return Ok(());
        }
        self.looked = now;
        let ids: Vec<(usize, ConnId)> = {
            let kernel = self.kernel.borrow();
            let watched = kernel.ends.iter().enumerate().filter(|(_, end)| !end.dropped);
            watched.filter_map(|(number, end)| end.id.map(|id| (number, id))).collect()
        };
        for (number, id) in ids {
            let lagging = self.lagging.get(&id).copied();
            let (kernel, book) = (self.kernel.borrow(), self.book.borrow());
            let (end, entry) = (&kernel.ends[number], book.entries.get(&id));
            let is_closed = entry.is_none_or(|entry| entry.closed || entry.faulted);
            let what = if !is_closed && is_over(lagging, self.bounds.room.lag_for, now) {
                Some("its output lags")
            } else {
                overdue(end, entry, &self.bounds.base, now)
            };
            if let Some(what) = what {
                return Err(format!("kept for too long at {now} though {what}: {id:?}, {entry:?}, {end:?}"));
            }
        }
        Ok(())
    }

    /// After each turn: for whom of the room does too much wait, and since when?
    pub(super) fn note_lagging(&mut self) {
        for number in 0..self.members.len() {
            let id = self.members[number];
            if self.unsent(id) < self.bounds.room.lag {
                self.lagging.remove(&id);
            } else {
                let now = self.now();
                self.lagging.entry(id).or_insert(now);
            }
        }
    }

    /// Nothing is planned and nothing will happen: is that because all is over?
    pub(super) fn has_ended(&self) -> bool {
        let over = |phase| matches!(phase, Phase::Done | Phase::Vanished);
        self.clients.iter().all(|client| over(client.phase)) && self.hub.is_empty() && self.hub.jobs() == 0
    }

    /// Peers of whom nothing was heard for hours are given up by the kernel. Answers whether there were any.
    pub(super) fn give_up_vanished(&mut self) -> bool {
        let mut kernel = self.kernel.borrow_mut();
        let vanished: Vec<usize> = self
            .clients
            .iter()
            .filter(|client| client.phase == Phase::Vanished)
            .map(|client| client.end)
            .filter(|&end| !kernel.ends[end].dropped && !kernel.ends[end].broken)
            .collect();
        for &end in &vanished {
            kernel.time_out(end);
        }
        !vanished.is_empty()
    }

    pub(super) fn finish_up(&mut self) -> Result<(), String> {
        if let Some(wrong) = self.chronicle.take_wrong() {
            return Err(wrong);
        }
        let tally = self.hub.tally();
        if !self.hub.is_empty() || !self.abandoned && (self.hub.jobs() > 0 || !self.book.borrow().jobs.is_empty()) {
            return Err(format!("not all is over: {tally:?}; {}", self.state()));
        }
        if !self.exit && self.hub.deadline().is_some() {
            return Err(format!("a deadline is left: {:?}", self.hub.deadline()));
        }
        if self.hub.pooled() > POOL_BYTES {
            return Err(format!("{} bytes are kept", self.hub.pooled()));
        }
        let book = self.book.borrow();
        if let Some((id, entry)) = book.entries.iter().find(|(_, entry)| !entry.closed) {
            return Err(format!("{id:?} was never told closed: {entry:?}"));
        }
        let kernel = self.kernel.borrow();
        if let Some(end) = kernel.ends.iter().find(|end| end.id.is_some() && !end.dropped) {
            return Err(format!("a stream is left over: {end:?}"));
        }
        if self.stopping.is_none()
            && let Some(tag) = book.told_refused.difference(&book.refused).next()
        {
            return Err(format!("{tag}: a connection came to nothing though its peer was well"));
        }
        for client in &self.clients {
            let heard = book.heard.get(&client.number).copied().unwrap_or(0);
            let excused = book.cut_off.contains(&client.number) || book.slow.contains(&client.number);
            let certain = kernel.ends.get(client.end).is_some_and(|end| end.heard_out);
            let may_lack = u32::from(client.unended && !certain);
            if client.commands.is_some_and(|said| heard > said || heard + may_lack < said) && !excused {
                return Err(format!("client {}: said {:?}, heard {heard}", client.number, client.commands));
            }
        }
        if self.now() > 50_000 * SECOND {
            return Err(format!("the world took {} s", self.now() / SECOND));
        }
        Ok(())
    }
}

/// What has lasted too long.
fn overdue(end: &End, entry: Option<&Entry>, limits: &Limits, now: u64) -> Option<&'static str> {
    let closed_at = entry.filter(|entry| entry.closed).map(|entry| entry.closed_at);
    let is_closed = entry.is_none_or(|entry| entry.closed);
    if end.failed.is_none() && end.shut.is_none() && is_over(end.stuck, limits.stall, now) {
        return Some("it takes nothing");
    }
    if is_over(end.failed, limits.stall, now) {
        return Some("it has failed");
    }
    if is_closed && is_over(end.shut, limits.linger, now) {
        return Some("it has lingered");
    }
    if is_over(closed_at, limits.farewell + limits.linger, now) {
        return Some("it was closed");
    }
    None
}

fn is_over(since: Option<u64>, limit: Duration, now: u64) -> bool {
    since.is_some_and(|since| Duration::from_nanos(now - since) > limit + Duration::from_secs(1))
}

/// What could be done for this connection although the loop sleeps.
fn left_undone(end: &End, entry: Option<&Entry>, unsent: usize, lowest: usize) -> Option<&'static str> {
    let nobody = Entry { closed: true, ..Entry::default() };
    let entry = entry.unwrap_or(&nobody);
    if end.connect == Connect::Pending {
        return None;
    }
    if entry.asked && !entry.opened && !entry.closed {
        return Some("a connection stands, or failed, and its service does not know");
    }
    let news = !end.inbox.is_empty() || end.fin || end.error.is_some() || end.broken;
    let is_live = entry.opened && !entry.closing && !entry.faulted && !entry.closed;
    let is_paused = !entry.holds.is_empty() || !entry.asked && unsent > lowest;
    if is_live && news && !end.exhausted() && !is_paused {
        return Some("there is something to read");
    }
    if is_live && entry.owed && unsent == 0 {
        return Some("drained is owed");
    }
    if unsent > 0 && (!end.starved || end.broken || end.unheard) {
        return Some("output waits and would be taken");
    }
    let is_dry = end.exhausted() || end.inbox.is_empty();
    if is_live && end.failed.is_some() && is_dry && entry.holds.is_empty() {
        return Some("a stream that failed is dry and still kept");
    }
    if entry.closed && unsent == 0 && end.shut.is_none() {
        return Some("a closed connection's write side is still open");
    }
    if entry.closed && end.shut.is_some() && news && !end.exhausted() {
        return Some("a lingering connection is not read");
    }
    if entry.closed && end.shut.is_some() && end.exhausted() {
        return Some("a lingering connection is kept, whose peer has ended");
    }
    if is_live && entry.ending && unsent == 0 && end.shut.is_none() && !end.broken {
        return Some("an ended connection's write side is still open");
    }
    None
}
