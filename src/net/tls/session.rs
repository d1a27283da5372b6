//! One TLS connection: bytes between the pump and rustls, and between rustls and a stream that never blocks.
//!
//! ```text
//!   pump --- plaintext ---> rustls --- records ---> stream        write, flush
//!   pump <-- plaintext ---- rustls <-- records ---- stream        read
//! ```
//!
//! Two things are different from a socket. What was read may hold more than was asked for: it is given first, whatever
//! the socket says. And what was written may not have left: records wait here when the stream takes no more of them.
//! The caller must not take that for done, or it would close on top of it, so as long as records wait, the last byte
//! of what was given is reported as not taken. It will be given again, and is then passed over.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::{Connection, Error};

use super::fingerprint;
use super::words::{self, NO_TLS, broken, cut_off};
use crate::hub::Inspection;
use crate::net::pump::Wire;

/// Records that may wait to be written, in bytes of what they hold. One write to a socket takes about as much.
const PENDING: usize = 64 * 1024;

/// A record's header: its type, a version that means nothing any more, the length of what follows.
const HEADER: usize = 5;

/// Records of a handshake. Ten are many; but without a limit, a peer whose records are empty could keep us reading.
const RECORDS: u16 = 256;

/// Types of records: change cipher spec, alert, handshake, application data.
const TYPES: std::ops::RangeInclusive<u8> = 20..=23;

/// A TLS connection over a stream.
pub struct Tls<S: Wire> {
    wire: S,
    session: Connection,
    /// Does the stream under it stand?
    stands: bool,
    /// The record that the handshake is waiting for.
    awaited: Awaited,
    /// The last byte that was encrypted, if it was reported as not taken.
    owed: Option<u8>,
    /// The peer broke the protocol: nothing that it sends counts any more.
    broken: Option<Error>,
    /// Our side is to be shut when what waits is out.
    closing: bool,
    /// A byte has come.
    heard: bool,
    /// The peer said goodbye.
    parted: bool,
    complaint: Option<Arc<Mutex<Option<String>>>>,
    /// The last thing that the call in hand did was a read of the stream that brought less than it could.
    short: bool,
}

/// During the handshake the stream is read record by record, and not a byte behind it: what comes after belongs to
/// whoever reads the connection then, and only what still lies in the kernel will be told of by an event.
#[derive(Debug, Default)]
struct Awaited {
    header: [u8; HEADER],
    have: usize,
    /// How much of its body is to come.
    left: usize,
    /// How many came before it.
    records: u16,
}

impl<S: Wire> fmt::Debug for Tls<S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").field("session", &self.session).field("broken", &self.broken).finish_non_exhaustive()
    }
}

impl<S: Wire> Tls<S> {
    /// A connection whose handshake is still to come. [`Wire::established`] carries it out.
    pub fn new(wire: S, session: impl Into<Connection>) -> Self {
        let mut session = session.into();
        session.set_buffer_limit(Some(PENDING));
        let (stands, closing, heard, parted, short) = (false, false, false, false, false);
        let (awaited, owed, broken, complaint) = (Awaited::default(), None, None, None);
        Self { wire, session, stands, awaited, owed, broken, closing, heard, parted, complaint, short }
    }

    /// The stream under it.
    pub fn wire(&self) -> &S {
        &self.wire
    }

    /// The stream under it, to speak to somebody who speaks no TLS.
    pub(in crate::net) fn wire_mut(&mut self) -> &mut S {
        &mut self.wire
    }

    /// Where to leave word of why the handshake came to nothing.
    #[must_use]
    pub(super) fn complaining(mut self, complaint: Arc<Mutex<Option<String>>>) -> Self {
        self.complaint = Some(complaint);
        self
    }

    /// Has the peer said nothing yet, or something that is no TLS?
    pub(super) fn may_be_plain(&self) -> bool {
        !self.heard || self.awaited.have > 0 && !TYPES.contains(&self.awaited.header[0])
    }

    /// What it did against the protocol, or said that we did.
    pub(super) fn broken(&self) -> Option<&Error> {
        self.broken.as_ref()
    }

    /// The fingerprint of the peer's certificate, if it showed one.
    pub fn certificate(&self) -> Option<String> {
        self.session.peer_certificates().and_then(<[_]>::first).map(fingerprint)
    }

    /// Version and cipher, and who the other end is.
    pub fn facts(&self) -> Inspection {
        words::facts(&self.session, self.certificate())
    }

    fn shake_hands(&mut self) -> io::Result<()> {
        loop {
            self.push()?;
            if !self.session.is_handshaking() {
                return Ok(());
            }
            self.read_record()?;
        }
    }

    /// Reads one record of the handshake and passes it on.
    fn read_record(&mut self) -> io::Result<()> {
        while self.awaited.have < HEADER {
            let have = self.awaited.have;
            match self.wire.read(&mut self.awaited.header[have..]) {
                Ok(0) => return Err(cut_off()),
                Ok(count) => (self.awaited.have, self.heard) = (have + count, true),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if !TYPES.contains(&self.awaited.header[0]) {
                return Err(io::Error::new(ErrorKind::InvalidData, NO_TLS));
            }
            if self.awaited.have == HEADER {
                let header = self.awaited.header;
                self.awaited.left = u16::from_be_bytes([header[3], header[4]]).into();
                self.take_in(&header)?;
            }
        }
        let mut piece = [0; 2048];
        while self.awaited.left > 0 {
            let most = self.awaited.left.min(piece.len());
            match self.wire.read(&mut piece[..most]) {
                Ok(0) => return Err(cut_off()),
                Ok(count) => {
                    self.awaited.left -= count;
                    self.take_in(&piece[..count])?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let records = self.awaited.records + 1;
        self.awaited = Awaited { records, ..Awaited::default() };
        if records == RECORDS && self.session.is_handshaking() {
            return Err(io::Error::new(ErrorKind::InvalidData, "the handshake comes to no end"));
        }
        Ok(())
    }

    /// Passes on what was read, during the handshake.
    fn take_in(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.session.read_tls(&mut bytes)? == 0 {
                return Ok(());
            }
            self.decrypt()?;
        }
        Ok(())
    }

    fn decrypt(&mut self) -> io::Result<()> {
        let error = match self.session.process_new_packets() {
            Ok(state) => {
                self.parted |= state.peer_has_closed();
                return Ok(());
            }
            Err(error) => error,
        };
        let told = broken(&error);
        self.broken = Some(error);
        // Our alert says why. If the stream takes nothing, the peer will learn from its end.
        let _ = self.push();
        Err(told)
    }

    /// Plaintext that is here already. `WouldBlock` when there is none, 0 after the peer's goodbye.
    fn decrypted(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.session.reader().read(into)
    }

    /// Decrypts `count` bytes at the front of `into` to that very place. Plaintext is never longer than what it came
    /// in, except by what of a record was here before; what has no place yet stays in rustls, less than a record.
    fn decrypt_in_place(&mut self, into: &mut [u8], count: usize) -> usize {
        let (mut eaten, mut filled) = (0, 0);
        while eaten < count && self.broken.is_none() {
            match self.session.read_tls(&mut &into[eaten..count]) {
                // Behind its goodbye nothing counts.
                Ok(0) | Err(_) => break,
                Ok(more) => eaten += more,
            }
            // What was whole before the fault is plaintext all the same.
            let _ = self.decrypt();
            filled += self.decrypted(&mut into[filled..eaten]).unwrap_or(0);
        }
        filled + self.decrypted(&mut into[filled..]).unwrap_or(0)
    }

    /// Writes the records that wait. `WouldBlock` while some are left.
    fn push(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.wire) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        if std::mem::take(&mut self.closing) { self.wire.shut_write() } else { Ok(()) }
    }
}

impl<S: Wire> Wire for Tls<S> {
    fn shut_write(&mut self) -> io::Result<()> {
        self.session.send_close_notify();
        self.closing = true;
        match self.push() {
            // The writable event will go on with it.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            done => done,
        }
    }

    fn established(&mut self) -> io::Result<()> {
        if !self.stands {
            self.wire.established()?;
            self.stands = true;
        }
        let shaken = self.shake_hands();
        if let (Err(error), Some(complaint)) = (&shaken, &self.complaint)
            && error.kind() != ErrorKind::WouldBlock
        {
            *complaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        shaken
    }

    /// A read that drained what there was and stopped short at the stream itself proves as much as it does there.
    /// One that was answered out of what had been read before proves nothing.
    fn short_read_is_dry(&self) -> bool {
        // Its goodbye, or what it broke, came behind the plaintext and is still to be told.
        let is_over = self.parted || self.broken.is_some();
        self.short && !is_over && self.wire.short_read_is_dry()
    }

    fn is_dry(&self) -> bool {
        self.wire.is_dry()
    }

    fn lingers(&self) -> bool {
        self.wire.lingers()
    }
}

impl<S: Wire> Read for Tls<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.short = false;
        // Reading may have made us answer: a key update, an alert. A stream that has failed says so to the read.
        let _ = self.push();
        match self.decrypted(into) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            done => return done,
        }
        if let Some(error) = &self.broken {
            return Err(broken(error));
        }
        let count = self.wire.read(into)?;
        if count == 0 {
            // rustls is told too, so that whoever asks again hears the same.
            let _ = self.session.read_tls(&mut io::empty());
            return Err(cut_off());
        }
        self.short = count < into.len();
        let filled = self.decrypt_in_place(into, count);
        let _ = self.push();
        if filled > 0 {
            return Ok(filled);
        }
        match (self.decrypted(into), &self.broken) {
            (Err(_), Some(error)) => Err(broken(error)),
            // Records without plaintext, or a part of one. There may be more, but others wait for their turn too.
            (Err(error), None) if error.kind() == ErrorKind::WouldBlock && !self.short_read_is_dry() => {
                Err(ErrorKind::Interrupted.into())
            }
            (done, _) => done,
        }
    }
}

/// Who said goodbye first hears ours, also if it is closed at once: nothing else is written after what it was sent.
/// Only then, for an end without a goodbye says that something is missing, and elsewhere that may be so.
impl<S: Wire> Drop for Tls<S> {
    fn drop(&mut self) {
        if self.parted && self.push().is_ok() {
            // If the stream takes nothing more now, it has been told nothing wrong.
            let _ = self.shut_write();
        }
    }
}

impl<S: Wire> Write for Tls<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push()?;
        // The byte that is owed was encrypted already. If the caller has dropped it since, it went out all the same.
        let passed = self.owed.take().is_some_and(|owed| bytes.first() == Some(&owed));
        let mut taken = usize::from(passed);
        while taken < bytes.len() {
            match self.session.writer().write(&bytes[taken..])? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => taken += count,
            }
            match self.push() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    taken -= 1;
                    self.owed = Some(bytes[taken]);
                    return if taken == 0 { Err(error) } else { Ok(taken) };
                }
                done => done?,
            }
        }
        Ok(taken)
    }

    /// Not before the stream stands: to write to one that could not be connected would take away its error.
    fn flush(&mut self) -> io::Result<()> {
        if self.stands { self.push() } else { Ok(()) }
    }
}
