//! Whoever watches: figures and traces see a running server through this, and its code hardly sees them.

use std::fmt;
use std::rc::Rc;

use super::reactor::Reactor;
use crate::hub::{ConnId, Cx, Hub, Moment, Reason};

/// What a watcher is told. Everything has an empty default. None of it may block.
pub trait Watcher {
    /// A connection begins to be served.
    fn opened(&self, _service: &'static str, _cx: &Cx<'_>, _id: ConnId) {}
    /// A connection is gone for its service.
    fn closed(&self, _service: &'static str, _id: ConnId, _why: Reason) {}
    /// A turn is over: it began when the poll answered. The hub may be looked into, and asked for something.
    fn turned(&self, _hub: &mut Hub, _began: Moment, _ended: Moment) {}
}

/// Those who watch the loop.
#[derive(Default)]
pub(super) struct Watchers(pub(super) Vec<Rc<dyn Watcher>>);

impl fmt::Debug for Watchers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Watchers").field(&self.0.len()).finish()
    }
}

impl Reactor {
    /// Somebody watches from now on.
    pub fn watch(&mut self, watcher: Rc<dyn Watcher>) {
        self.ending.watchers.0.push(watcher);
    }
}
