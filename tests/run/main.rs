//! The command service: D20 of the documents, done right.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod ends;
mod house;
#[cfg(feature = "accounts")]
mod logins;
mod offers;
mod talking;
