//! The chat as its clients meet it: the contract, line by line, on the real server; and its deadlines in a simulated
//! house, where time is what the test says.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/chat.rs"]
mod people;
#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod breath;
mod catching_up;
mod clock;
mod documents;
mod errors;
mod fetching;
mod framings;
mod hostile;
mod house;
mod neighbours;
mod objects;
mod pace;
mod promises;
mod receipts;
mod recording;
mod rooms;
mod rules;
mod sessions;
mod syncing;
mod talking;
mod waiting;
