//! The chat room's language: what a line means, what can be said, and the two forms in which it is said.
//!
//! Nothing here knows a connection, a room's members or a clock. A frame comes in as text and goes out as a
//! [`Command`] or a [`Complaint`]; a [`Speech`] goes in and comes out as the bytes of one frame.

mod args;
mod command;
mod complaint;
mod help;
mod json;
mod looks;
mod names;
mod object;
mod order;
mod plain;
mod roll;
mod speech;
mod text;

pub use self::command::{Command, MAX_SAID, MAX_TOKEN, MAX_TOPIC, Secret, holds_a_secret, parse};
pub use self::complaint::Complaint;
pub use self::help::{COMMANDS, Help};
pub use self::json::json;
pub use self::names::{Alphabet, MAX_NAME, Name};
pub use self::object::{MAX_ID, parse_json};
pub use self::order::{Banned, Order};
pub use self::plain::plain;
pub use self::roll::Roll;
pub use self::speech::{Form, Speech, When, write};
pub use self::text::neutralise;
