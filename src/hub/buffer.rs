//! What waits to be read or written, and the pool that idle connections give their buffers back to.

use std::rc::Rc;

use super::limits::{POOL_BYTES, POOLED_BUFFER};

/// Bytes in order: appended at the end, consumed from the front. Empty, it owns nothing.
///
/// ```text
///     bytes   | consumed | waiting          | spare |
///             0          start              len     capacity
/// ```
#[derive(Debug, Default)]
pub struct Buffer(Option<Box<Filled>>);

/// What a buffer owns while it is not empty. One pointer leads here, for most connections are idle and own two empty
/// buffers.
#[derive(Debug, Default)]
struct Filled {
    own: Vec<u8>,
    /// While others are to be told the same and nothing else waits, these bytes instead: a thousand receivers of one
    /// piece read it from one place, which stays in the processor's cache.
    shared: Option<Rc<Vec<u8>>>,
    start: usize,
}

impl Filled {
    fn waiting(&self) -> &[u8] {
        &self.shared.as_deref().unwrap_or(&self.own)[self.start..]
    }

    /// Sees to it that what is appended stands behind what waits.
    fn tidy(&mut self) {
        if let Some(shared) = self.shared.take() {
            self.own.extend_from_slice(&shared[self.start..]);
            self.start = 0;
        } else if self.start > self.own.len() - self.start {
            // More was consumed than waits: moving the rest costs less than it saves, however often it happens.
            self.own.drain(..self.start);
            self.start = 0;
        }
    }
}

impl Buffer {
    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |filled| filled.waiting())
    }

    /// How much waits.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        let Some(filled) = &self.0 else { return 0 };
        filled.shared.as_ref().map_or(filled.own.len(), |all| all.len()) - filled.start
    }

    /// What it takes of the memory: of bytes that others are to be told too, a share.
    pub fn weight(&self) -> usize {
        let shared = self.0.as_ref().and_then(|filled| filled.shared.as_ref());
        shared.map_or(self.len(), |all| all.len().div_ceil(Rc::strong_count(all)))
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector to append to, for encoders that write in place.
    #[inline]
    pub fn tail(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        let filled = self.0.get_or_insert_with(|| pool.take());
        if filled.start > 0 || filled.shared.is_some() {
            filled.tidy();
        }
        &mut filled.own
    }

    /// Appends bytes that others are given too; without a copy, if nothing waits.
    pub fn share(&mut self, bytes: &Rc<Vec<u8>>, pool: &mut Pool) {
        if self.is_empty() {
            self.0.get_or_insert_with(|| pool.take()).shared = Some(Rc::clone(bytes));
        } else {
            self.tail(pool).extend_from_slice(bytes);
        }
    }

    /// Takes `count` bytes off the front; the last one takes the memory along.
    pub fn consume(&mut self, count: usize, pool: &mut Pool) {
        assert!(count <= self.len(), "no more can be consumed than waits");
        if count == self.len() {
            self.clear(pool);
        } else if let Some(filled) = &mut self.0 {
            filled.start += count;
        }
    }

    /// Drops what waits behind the first `count` bytes.
    pub fn truncate(&mut self, count: usize, pool: &mut Pool) {
        if self.0.is_some() {
            let excess = self.len().saturating_sub(count);
            let own = self.tail(pool);
            own.truncate(own.len() - excess);
        }
        if self.is_empty() {
            self.clear(pool);
        }
    }

    /// Drops what waits.
    pub fn clear(&mut self, pool: &mut Pool) {
        if let Some(filled) = self.0.take() {
            pool.give(filled);
        }
    }
}

/// Empty buffers, the one used last on top: it is the one still in the processor's cache.
#[derive(Debug, Default)]
pub struct Pool {
    #[expect(clippy::vec_box, reason = "they go from here to their connections and back, and only the pointer moves")]
    spare: Vec<Box<Filled>>,
    bytes: usize,
}

impl Pool {
    /// A buffer to fill; a new one when there is none.
    #[expect(clippy::unnecessary_box_returns, reason = "it comes boxed and goes boxed")]
    #[inline(never)]
    fn take(&mut self) -> Box<Filled> {
        let Some(filled) = self.spare.pop() else { return Box::default() };
        self.bytes -= filled.own.capacity() + size_of::<Filled>();
        filled
    }

    /// Keeps a buffer for later, unless it is too large or there are enough.
    fn give(&mut self, mut filled: Box<Filled>) {
        let size = filled.own.capacity() + size_of::<Filled>();
        if filled.own.capacity() <= POOLED_BUFFER && self.bytes + size <= POOL_BYTES {
            filled.own.clear();
            (filled.shared, filled.start) = (None, 0);
            self.bytes += size;
            self.spare.push(filled);
        }
    }

    /// The bytes of memory that it keeps.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
