//! The chat's client: a conversation that outlives its connections, and what scripts make of it.

mod conversation;
mod entering;
mod heard;
mod hearing;
pub mod naming;
pub mod numbers;
mod outgoing;
mod parting;
pub mod plain;
mod script;
mod speaking;
mod talk;

pub use self::conversation::{Conversation, Event, LOBBY, SECRET, Wishes};
pub use self::heard::{Heard, Said};
pub use self::outgoing::{Outgoing, Saying};
pub use self::script::{Script, Settings};
pub use self::talk::{News, Talk};
