//! Traps of an edge-triggered loop, set for the real server over real sockets.

#[path = "../support/mod.rs"]
mod support;

mod cost;
mod crowd;
mod cut_reads;
mod descriptors;
mod fairness;
mod goodbye;
mod limits;
mod slow_reader;
