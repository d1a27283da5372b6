//! Parlor: a chat server on one thread and one epoll.
pub mod cli;
pub mod daemon;
pub mod hub;
pub mod net;
pub mod services;
