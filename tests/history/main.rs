//! The history: numbers, files, crashes, damage, limits.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod basics;
mod beside;
mod crashes;
mod damage;
mod faults;
mod goodbye;
mod machine;
mod model;
mod retention;
mod scale;
mod sealed;
mod support;
