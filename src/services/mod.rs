//! What the server does with frames. Knows the hub, and no socket.

pub mod accounts;
pub mod chat;
mod echo;
pub mod files;
mod handover;
mod line;
pub mod run;
mod upper;
pub mod whole_file;

pub use echo::Echo;
pub use handover::Handover;
pub use line::Wrong;
pub use upper::Upper;

use crate::hub::{ConnId, Cx, Framing};

/// A line without anything in it says nothing and is skipped, as in the documents. In the other framings an empty
/// frame was sent on purpose.
fn is_blank(cx: &Cx<'_>, id: ConnId, frame: &[u8]) -> bool {
    frame.is_empty() && matches!(cx.framing(id), Some(Framing::Lines { .. }))
}
