//! What makes a server of the loop: its listeners, its log, its place in the system.

mod admin;
mod attendance;
#[cfg(feature = "tls")]
mod certificates;
mod control;
mod doors;
pub mod entry;
mod exposition;
mod figures;
pub mod history;
mod holder;
mod house;
mod listeners;
pub mod logger;
mod metrics;
mod overseer;
mod server;
mod serving;
pub mod settings;
mod supervisor;
mod watched;

pub use history::History;
pub use listeners::{Kind, Listen};
pub use server::{Config, Server, StartError, raise_descriptor_limit, start};
