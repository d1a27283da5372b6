//! What TCP, UDP and Unix sockets promise, what the documents say of it, and how connections come and go: each sentence
//! of `docs/promises.md` and `docs/connections.md` that can be run is run here.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

#[path = "../support/mod.rs"]
mod support;

mod coming;
mod going;
mod half_open;
mod pages;
mod tables;
mod tcp;
mod udp;
