//! What waits to be read or written, and the pool that idle connections give their buffers back to.

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
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |filled| &filled.bytes[filled.start..])
    }

    /// How much waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting().len()
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector to append to, for encoders that write in place.
    pub fn tail(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        let Filled { bytes, start } = &mut **self.0.get_or_insert_with(|| pool.take());
        if *start > bytes.len() - *start {
            // More was consumed than waits: moving the rest costs less than it saves, however often it happens.
            bytes.drain(..*start);
            *start = 0;
        }
        bytes
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
        if let Some(filled) = &mut self.0 {
            filled.bytes.truncate(filled.start + count);
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
    fn take(&mut self) -> Box<Filled> {
        let Some(filled) = self.spare.pop() else { return Box::default() };
        self.bytes -= filled.bytes.capacity();
        filled
    }

    /// Keeps a buffer for later, unless it is too large or there are enough.
    fn give(&mut self, mut filled: Box<Filled>) {
        let size = filled.bytes.capacity();
        if size > 0 && size <= POOLED_BUFFER && self.bytes + size <= POOL_BYTES {
            filled.bytes.clear();
            filled.start = 0;
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
