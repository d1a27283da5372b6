//! The clients: the chat for people and for scripts, files, commands. Written on the hub and the loop, as the server is.

pub mod address;
#[cfg(feature = "client")]
pub mod backoff;
#[cfg(feature = "client")]
pub mod chat;
#[cfg(feature = "client")]
pub mod errand;
#[cfg(feature = "client")]
pub mod files;
#[cfg(feature = "client")]
pub mod line;
#[cfg(feature = "client")]
pub mod login;
#[cfg(feature = "client")]
pub mod run;
#[cfg(feature = "client")]
pub mod standard;
#[cfg(feature = "client")]
pub mod talk;
#[cfg(feature = "client")]
pub mod terminal;
#[cfg(feature = "client")]
pub mod trouble;
