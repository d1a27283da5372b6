//! The near side of a stream, as the pump sees it.

use std::io::{self, ErrorKind, Read, Write};

use parlor::hub::{READ_PER_TURN, WRITE_PER_TURN};
use parlor::net::pump::Wire;

use crate::kernel::{Connect, End, Kernel, Kind, SharedKernel};
use crate::sabotage::Sabotage;

/// One end, closed when it is dropped.
#[derive(Debug)]
pub(crate) struct SimStream {
    kernel: SharedKernel,
    end: usize,
}

impl SimStream {
    pub(crate) fn new(kernel: &SharedKernel, end: usize) -> Self {
        Self { kernel: kernel.clone(), end }
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.kernel.borrow_mut().near_close(self.end);
    }
}

impl Read for SimStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.kernel.borrow_mut().near_read(self.end, into)
    }
}

impl Write for SimStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kernel.borrow_mut().near_write(self.end, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for SimStream {
    fn shut_write(&mut self) -> io::Result<()> {
        let mut kernel = self.kernel.borrow_mut();
        let now = kernel.now();
        let end = self.end;
        let it = &mut kernel.ends[end];
        it.shut = Some(now);
        it.swallowed = 0;
        let broken = it.broken;
        kernel.chronicle.moved();
        kernel.chronicle.note("shut", end as u64, 0);
        kernel.stirred.insert(end);
        if broken { Err(ErrorKind::NotConnected.into()) } else { Ok(()) }
    }

    fn established(&mut self) -> io::Result<()> {
        match self.kernel.borrow().ends[self.end].connect {
            Connect::Pending => Err(ErrorKind::WouldBlock.into()),
            Connect::Done => Ok(()),
            Connect::Failed(kind) => Err(kind.into()),
        }
    }

    fn short_read_is_dry(&self) -> bool {
        let kernel = self.kernel.borrow();
        kernel.ends[self.end].kind == Kind::Tcp || kernel.sabotage == Sabotage::LyingStream
    }

    fn lingers(&self) -> bool {
        self.kernel.borrow().ends[self.end].kind != Kind::Pipe
    }
}

impl Kernel {
    fn near_read(&mut self, end: usize, into: &mut [u8]) -> io::Result<usize> {
        self.judge_read(end, into.len());
        self.ends[end].read_in = self.turn;
        if self.chance.one_in(self.weather.interrupted) {
            self.chronicle.count("interrupted calls");
            return Err(ErrorKind::Interrupted.into());
        }
        let result = self.take_in(end, into);
        let told = match &result {
            Ok(count) => *count as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => u64::MAX,
            Err(_) => u64::MAX - 1,
        };
        self.chronicle.note("read", end as u64, told);
        let it = &mut self.ends[end];
        match result {
            Ok(0) => {
                it.exhausted = true;
                it.heard_out = it.fin && !it.failure_told;
                self.chronicle.moved();
            }
            Ok(count) => {
                it.swallowed += count;
                self.chronicle.moved();
                self.stirred.insert(end);
            }
            Err(ref error) if error.kind() != ErrorKind::WouldBlock => it.exhausted = true,
            Err(_) => {}
        }
        result
    }

    fn judge_read(&self, end: usize, room: usize) {
        let it = &self.ends[end];
        if room > READ_PER_TURN {
            self.chronicle.wrong(format!("end {end}: a read of {room} bytes"));
        }
        if room == 0 {
            self.chronicle.wrong(format!("end {end}: a read into nothing, whose answer would mean the end"));
        }
        if it.exhausted {
            self.chronicle.wrong(format!("end {end}: a read after the end"));
        }
        if it.read_in == self.turn {
            self.chronicle.wrong(format!("end {end}: a second read in one turn"));
        }
        if it.connect != Connect::Done {
            self.chronicle.wrong(format!("end {end}: a read before it was connected"));
        }
    }

    fn take_in(&mut self, end: usize, into: &mut [u8]) -> io::Result<usize> {
        let swallow = self.sabotage == Sabotage::SwallowedByte && self.chance.one_in(50);
        let it = &mut self.ends[end];
        if swallow {
            it.inbox.pop_front();
        }
        if it.inbox.is_empty() {
            return dry(it);
        }
        let at = it.came - it.inbox.len() as u64;
        while it.marks.front().is_some_and(|&mark| mark <= at) {
            it.marks.pop_front();
        }
        let to_mark = it.marks.front().map_or(usize::MAX, |&mark| usize::try_from(mark - at).unwrap_or(usize::MAX));
        let count = into.len().min(it.inbox.len()).min(to_mark);
        for (to, byte) in into.iter_mut().zip(it.inbox.drain(..count)) {
            *to = byte;
        }
        Ok(count)
    }

    fn near_write(&mut self, end: usize, bytes: &[u8]) -> io::Result<usize> {
        self.judge_write(end, bytes.len());
        self.ends[end].written_in = self.turn;
        if self.chance.one_in(self.weather.interrupted) {
            self.chronicle.count("interrupted calls");
            return Err(ErrorKind::Interrupted.into());
        }
        let result = self.take_out(end, bytes);
        let told = match &result {
            Ok(count) => *count as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => u64::MAX,
            Err(_) => u64::MAX - 1,
        };
        self.chronicle.note("write", end as u64, told);
        if let Err(error) = &result
            && error.kind() != ErrorKind::WouldBlock
        {
            let now = self.now();
            let it = &mut self.ends[end];
            (it.write_failed, it.failure_told) = (true, true);
            if it.kind != Kind::Pipe {
                it.failed.get_or_insert(now);
            }
            self.chronicle.count("failed writes");
        }
        let (now, it) = (self.now(), &mut self.ends[end]);
        match &result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => drop(it.stuck.get_or_insert(now)),
            _ => it.stuck = None,
        }
        result
    }

    fn judge_write(&self, end: usize, count: usize) {
        let it = &self.ends[end];
        if count == WRITE_PER_TURN {
            self.chronicle.count("writes of a whole turn's share");
        } else if count > WRITE_PER_TURN {
            self.chronicle.wrong(format!("end {end}: a write of {count} bytes"));
        }
        if count == 0 {
            self.chronicle.wrong(format!("end {end}: a write of nothing"));
        }
        if it.written_in == self.turn {
            self.chronicle.wrong(format!("end {end}: a second write in one turn"));
        }
        if it.write_failed {
            self.chronicle.wrong(format!("end {end}: a write after one that failed"));
        }
        if it.shut.is_some() {
            self.chronicle.wrong(format!("end {end}: a write after the write side was shut"));
        }
        if it.connect != Connect::Done {
            self.chronicle.wrong(format!("end {end}: a write before it was connected"));
        }
    }

    fn take_out(&mut self, end: usize, bytes: &[u8]) -> io::Result<usize> {
        let (no_room, partial) = (self.chance.one_in(self.weather.no_room), self.chance.one_in(self.weather.partial));
        let refuses = self.chance.one_in(2);
        let it = &mut self.ends[end];
        if let Some(kind) = it.error.take() {
            return Err(kind.into());
        }
        if it.broken || it.unheard {
            return Err(ErrorKind::BrokenPipe.into());
        }
        if it.far_closed {
            // It is taken, and then a reset comes back.
            self.fail(end, ErrorKind::ConnectionReset);
            return Ok(bytes.len());
        }
        let room = it.outbox_max - it.outbox.len();
        // With less than a third free the kernel may refuse a write, or take a part of it.
        let is_tight = room * 3 < it.outbox_max;
        if room == 0 || no_room || is_tight && refuses {
            it.starved = true;
            self.stirred.insert(end);
            self.chronicle.count("writes that found no room");
            return Err(ErrorKind::WouldBlock.into());
        }
        let most = bytes.len().min(room);
        let count = if partial { self.chance.size(1, most) } else { most };
        let repeat = self.sabotage == Sabotage::RepeatedByte && self.chance.one_in(50);
        let it = &mut self.ends[end];
        it.outbox.extend(&bytes[..count]);
        if repeat && count < room {
            it.outbox.push_back(bytes[count - 1]);
        }
        self.chronicle.moved();
        self.stirred.insert(end);
        Ok(count)
    }

    fn near_close(&mut self, end: usize) {
        let unread = self.ends[end].inbox.len();
        let excused = self.lingered(end, unread);
        let it = &mut self.ends[end];
        it.dropped = true;
        if unread > 0 && !it.broken && !it.far_closed {
            // What was unread here resets the peer, and that destroys our last words on their way.
            it.far_reset = Some(excused);
            it.outbox.clear();
            self.chronicle.count(if excused { "resets after lingering" } else { "resets by closing" });
        }
        self.chronicle.moved();
        self.chronicle.note("close", end as u64, unread as u64);
        self.stirred.insert(end);
    }
}

/// What a read finds when there are no bytes: an end that was heard, an error, an end without a word, or nothing yet.
fn dry(it: &mut End) -> io::Result<usize> {
    match it.error {
        Some(_) if it.fin && it.kind == Kind::Tcp => Ok(0),
        Some(kind) => {
            it.error = None;
            it.failure_told = true;
            Err(kind.into())
        }
        None if it.fin || it.broken => Ok(0),
        None => Err(ErrorKind::WouldBlock.into()),
    }
}
