//! The file service: D17 of the documents, attacks A14 and A15, disks that fail, lines that break.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test, and says where")]

#[path = "../support/mod.rs"]
mod support;

mod attacks;
mod cuts;
mod faults;
mod getting;
mod house;
mod limits;
#[cfg(feature = "accounts")]
mod logins;
mod owning;
mod putting;
mod restless;
