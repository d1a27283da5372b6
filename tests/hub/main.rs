//! The contract of the hub, sentence by sentence, without a socket: the tests play the loop's part.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod player;
mod stage;

mod chaos;
mod close;
mod end;
mod failure;
mod ids;
mod input;
mod jobs;
mod limits;
mod memory;
mod news;
mod order;
mod outgoing;
mod output;
mod pause;
mod silence;
mod slow;
mod time;
mod timers;
mod torn;
mod turns;
mod wall;
