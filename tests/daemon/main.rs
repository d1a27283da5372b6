//! What makes a daemon of the server: its configuration, and what an operator has of it.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/mod.rs"]
mod support;

mod contained;
mod exposition;
mod limits;
mod logging;
mod metrics;
mod operating;
mod packaging;
mod reloading;
mod settings;
mod supervisor;
mod values;
