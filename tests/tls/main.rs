//! TLS: in memory, cut at every boundary; and the real server with real clients.

#[path = "../sim/chance.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod chance;
#[path = "../support/mod.rs"]
mod support;

mod authority;
mod memory;
mod torn;
