//! TLS: in memory, cut at every boundary; and the real server with real clients.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../sim/chance.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod chance;
#[path = "../support/mod.rs"]
mod support;

mod authority;
mod believing;
mod certified;
mod cost;
mod entering;
#[cfg(feature = "client")]
mod errands;
mod failures;
mod house;
mod memory;
mod page;
mod renewal;
mod strangers;
mod talking;
mod torn;
