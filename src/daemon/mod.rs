//! What makes a server of the loop: its listeners, its log, its place in the system.

#[cfg(feature = "tls")]
mod certificates;
pub mod history;
mod holder;
mod listeners;
pub mod logger;
mod server;
pub mod settings;

pub use history::History;
pub use listeners::{Kind, Listen};
pub use server::{Config, Server, StartError, raise_descriptor_limit, start};
