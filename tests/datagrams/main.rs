//! Echo and upper over UDP: the real server, real datagrams.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod crowds;
mod dropped;
mod listening;
mod loops;
mod peer;
