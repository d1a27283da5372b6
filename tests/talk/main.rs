//! `parlor talk`: real processes, real datagrams, and a network that loses and shuffles them.
#![cfg(feature = "client")]

#[path = "../support/mod.rs"]
mod support;

mod book;
mod forged;
mod lossy;
mod network;
mod numbers;
#[allow(dead_code, reason = "the chat's tests use the rest")]
#[allow(clippy::unwrap_used, reason = "what fails there fails the test, and says where")]
#[path = "../client/screen.rs"]
mod screen;
mod talker;
mod terminal;
mod together;
