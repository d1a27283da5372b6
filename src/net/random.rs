//! The kernel's randomness, fetched in handfuls: one system call serves many tokens.

use crate::hub::Random;
use rustix::rand::{GetRandomFlags, getrandom};

/// Bytes of one handful. The kernel fills up to 256 in one piece, uninterrupted.
const HANDFUL: usize = 256;

/// Fills buffers with what nobody can guess.
///
/// # Panics
/// When the kernel has no randomness to give. Nobody should go on with guessable tokens.
#[must_use]
pub fn source() -> Random {
    let mut handful = [0; HANDFUL];
    let mut used = HANDFUL;
    Box::new(move |bytes| {
        for byte in bytes {
            if used == HANDFUL {
                let count = getrandom(&mut handful, GetRandomFlags::empty()).expect("the kernel has randomness");
                assert_eq!(count, HANDFUL, "so few bytes come in one piece");
                used = 0;
            }
            *byte = std::mem::take(&mut handful[used]);
            used += 1;
        }
    })
}
