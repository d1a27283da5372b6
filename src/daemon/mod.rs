//! What makes a server of the loop: its listeners, its log, its place in the system.

mod listeners;
pub mod logger;
mod server;

pub use listeners::{Kind, Listen};
pub use server::{Config, StartError, default_listeners, start};
