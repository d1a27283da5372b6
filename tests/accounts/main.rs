//! Who people are, and what they may do because of it: accounts, operators, locked rooms, and the door.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]
#![cfg(feature = "accounts")]

#[path = "../support/chat.rs"]
mod people;
#[path = "../support/mod.rs"]
mod support;

mod afar;
mod elsewhere;
mod goodbyes;
mod inn;
mod login;
mod operators;
mod passwd;
mod rooms;
mod storm;
mod strangers;
mod table;
