//! What benches of a hub have in common: what is said, who hears it, and how it is listened.

use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{Address, Framing, Limits, Profile};
use parlor::services::chat::{Chat, Settings};

/// A line of 64 bytes on the wire.
pub(crate) const LINE: &[u8; 64] = b"a line of chat, as long as lines of chat are: sixty-four bytes.\n";

/// A listener as the server has it, at this address.
pub(crate) fn profile(address: Address) -> Profile {
    Profile {
        framing: Framing::LINES,
        silence: Some(Duration::from_secs(300)),
        refuse_http: true,
        limits: Rc::new(Limits::default()),
        address,
    }
}

/// The chat, without flood control and without a history.
pub(crate) fn chat() -> Chat {
    Chat::new(Settings { flood: None, ..Settings::default() }, None)
}
