//! What waits to be read or written, and the pool that idle connections give their buffers back to.

use super::limits::{POOL_BYTES, POOLED_BUFFER};

/// Bytes in order: appended at the end, consumed from the front. Empty, it owns nothing.
///
/// ```text
///     bytes   | consumed | waiting          | spare |
///             0          start              len     capacity
/// ```
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    /// What waits.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// How much waits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Does nothing wait?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector to append to, for encoders that write in place.
    pub fn tail(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take();
        } else if self.start > self.len() {
            // More was consumed than waits: moving the rest costs less than it saves, however often it happens.
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        &mut self.bytes
    }

    /// Takes `count` bytes off the front; the last one takes the memory along.
    pub fn consume(&mut self, count: usize, pool: &mut Pool) {
        self.start += count;
        assert!(self.start <= self.bytes.len(), "no more can be consumed than waits");
        if self.start == self.bytes.len() {
            self.clear(pool);
        }
    }

    /// Drops what waits behind the first `count` bytes.
    pub fn truncate(&mut self, count: usize, pool: &mut Pool) {
        self.bytes.truncate(self.start + count);
        if self.is_empty() {
            self.clear(pool);
        }
    }

    /// Drops what waits.
    pub fn clear(&mut self, pool: &mut Pool) {
        self.start = 0;
        pool.give(std::mem::take(&mut self.bytes));
    }
}

/// Empty buffers, the one used last on top: it is the one still in the processor's cache.
#[derive(Debug, Default)]
pub struct Pool {
    spare: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    /// A buffer to fill; a new one when there is none.
    pub fn take(&mut self) -> Vec<u8> {
        let Some(buffer) = self.spare.pop() else { return Vec::new() };
        self.bytes -= buffer.capacity();
        buffer
    }

    /// Keeps a buffer for later, unless it is too large or there are enough.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        let size = buffer.capacity();
        if size > 0 && size <= POOLED_BUFFER && self.bytes + size <= POOL_BYTES {
            buffer.clear();
            self.bytes += size;
            self.spare.push(buffer);
        }
    }

    /// The bytes of memory that it keeps.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
