//! Every frame back in capitals, by the rules of Unicode.

use super::is_blank;
use crate::hub::{ConnId, Cx, Service};

/// The upper-case service.
#[derive(Debug, Default)]
pub struct Upper {
    /// Where an answer is put together; kept for its memory.
    answer: String,
}

impl Service for Upper {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        if is_blank(cx, id, frame) {
            return;
        }
        let _ = match std::str::from_utf8(frame) {
            Err(_) => cx.send(id, b"! not-utf8: these bytes are no UTF-8 text; nothing was done with them"),
            Ok(text) => {
                self.answer.clear();
                self.answer.extend(text.chars().flat_map(char::to_uppercase));
                cx.send(id, self.answer.as_bytes())
            }
        };
    }
}
