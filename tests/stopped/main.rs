//! The history fails, on the real server: what is said then, what is refused, and what the next start finds.
//!
//! Needs strace (where tracing is allowed) and prlimit; without them the tests say so, and fail on CI.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/mod.rs"]
mod support;

mod fault;
mod folder;
