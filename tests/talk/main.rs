//! `parlor talk`: real processes, real datagrams, and a network that loses and shuffles them.
#![cfg(feature = "client")]

#[path = "../support/mod.rs"]
mod support;

mod book;
mod forged;
mod lossy;
mod network;
mod numbers;
mod talker;
mod together;
