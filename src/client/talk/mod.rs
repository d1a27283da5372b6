//! `parlor talk`: people who talk over UDP, without a server between them.
//!
//! A datagram can be lost, doubled, late or forged. What one says to another is therefore numbered, acknowledged and
//! sent again ([`outgoing`], [`incoming`]), and nothing is believed of an address before it has shown that it hears
//! what is sent to it ([`peer`]). The names in datagrams stay unverified: whoever sits at the address can call
//! themselves anything.

pub mod book;
pub mod circle;
mod face;
pub mod incoming;
pub mod outgoing;
mod parting;
pub mod peer;
mod screen;
pub mod service;
mod typed;
pub mod wire;

pub use book::Book;
pub use service::{Settings, Talk};
