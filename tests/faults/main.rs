//! Faults of the kernel, brought about by strace, and storms of signals.

#[path = "../support/mod.rs"]
mod support;

mod accepting;
mod polling;
mod starting;
mod streams;
