//! `serve` and `probe` as users and scripts meet them: the real binary over real sockets.

#[path = "../support/mod.rs"]
mod support;

mod accepted;
mod families;
mod framing;
mod listening;
mod options;
mod paths;
mod probe;
mod refused;
mod stopping;
mod usage;
mod wire;
