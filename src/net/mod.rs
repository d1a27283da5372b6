//! Sockets: the loop, and what it is made of. Knows the hub, and no service.

mod admission;
mod clock;
mod counts;
mod door;
mod ending;
mod errands;
pub mod inherit;
mod jobs;
mod kernel;
pub mod listen;
mod penalties;
pub mod pump;
pub mod random;
mod reactor;
mod reasons;
mod shown;
mod signals;
pub mod socket;
mod socket_file;
pub mod stream;
#[cfg(feature = "tls")]
pub mod tls;
pub mod udp;
mod watcher;

pub use admission::{Doorkeeper, Terms};
pub use clock::{Clock, wall};
pub use counts::Counts;
pub use ending::DRAIN;
pub use jobs::Stopper;
pub use penalties::{AddressRules, Misdeeds, PerAddress, report};
pub use reactor::{Exit, Reactor};
pub use shown::{Detail, log_addresses, shown};
pub use signals::{keep_ended_children, stop_from_the_start, survive_file_limits};
#[cfg(feature = "tls")]
pub use tls::Trust;
pub use watcher::Watcher;
