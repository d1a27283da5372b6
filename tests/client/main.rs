//! The clients as their users meet them: the real program against the real server, and its line in a hub where time is
//! what the test says.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

mod house;
#[path = "../support/chat.rs"]
mod people;
mod program;
mod relay;
mod screen;
#[path = "../support/mod.rs"]
mod support;

mod commands;
mod entering;
mod families;
mod liar;
mod lies;
mod line;
#[cfg(feature = "accounts")]
mod logins;
mod lying;
mod manners;
mod scripts;
mod staying;
mod streams;
mod terminal;
mod transfers;
