//! What the clients of files and commands have in common: somebody goes to a service that names itself, does one thing
//! there, and comes back with an exit code.

mod failure;
mod way;

use super::address::ServerAddress;
use super::login::Login;
use super::trouble::Trouble;
use crate::hub::{ConnId, Cx, Done, JobId, News, Reason, Service};

pub use self::failure::Failure;
use self::way::Word;
pub use self::way::{Place, Way};

/// What is to be done there: what is an errand's own. All else has a default, or is the same for every errand.
pub trait Deed: 'static {
    /// Where it is done.
    const PLACE: Place;
    /// What whoever breaks it off is told.
    const STOPPED: &'static str = "stopped";

    /// Begins, perhaps with something that comes before the connection.
    fn begin(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        way.connect(cx);
    }

    /// The service has named itself, and knows us.
    fn ready(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId);

    /// The service answered.
    fn answer(&mut self, way: &mut Way, cx: &mut Cx<'_>, id: ConnId, words: &str);

    /// The service refused.
    fn error(&mut self, way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId, error: &str) {
        way.fail(Failure::told(error));
    }

    /// A piece of a raw stretch.
    fn chunk(&mut self, _way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId, _bytes: &[u8]) {}

    /// A connection's input is over.
    fn ended(&mut self, _way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
    }

    /// A connection has room again.
    fn drained(&mut self, _way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId) {}

    /// One of its own jobs is done.
    fn done(&mut self, _way: &mut Way, _cx: &mut Cx<'_>, _job: JobId, _result: Done) {}

    /// A connection is gone, perhaps one of its own.
    fn closed(&mut self, _way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId, _why: Reason) {}

    /// The line does not stand.
    fn broke(&mut self, way: &mut Way, cx: &mut Cx<'_>, trouble: &Trouble) {
        way.again(cx, trouble);
    }

    /// It is time to try again.
    fn again(&mut self, way: &mut Way, cx: &mut Cx<'_>) {
        way.connect(cx);
    }

    /// It is known what became of it.
    fn over(&mut self, _way: &mut Way, cx: &mut Cx<'_>) {
        cx.stop();
    }

    /// What standard output is told at the end, also of what was done before something failed.
    fn shown(&self) -> String {
        String::new()
    }
}

/// Somebody on their way to do something.
#[derive(Debug)]
pub struct Errand<D> {
    way: Way,
    deed: D,
    /// The deed was told so.
    is_over: bool,
}

impl<D: Deed> Errand<D> {
    /// An errand to be. Whoever has an account logs in on each connection, before anything else.
    #[must_use]
    pub fn new(address: ServerAddress, login: Option<Login>, deed: D) -> Self {
        Self { way: Way::new(address, D::PLACE, login), deed, is_over: false }
    }

    /// Begins.
    pub fn begin(&mut self, cx: &mut Cx<'_>) {
        self.follow(cx, Deed::begin);
    }

    /// What became of it: the exit code.
    ///
    /// # Errors
    /// Why it was not done.
    pub fn outcome(&self) -> Result<u8, Failure> {
        let stopped = || Err(Failure::new(Failure::INTERRUPTED, D::STOPPED));
        self.way.outcome().cloned().unwrap_or_else(stopped)
    }

    /// What standard output is to be told.
    #[must_use]
    pub fn shown(&self) -> String {
        self.deed.shown()
    }

    /// Does something, and draws the consequences.
    fn follow(&mut self, cx: &mut Cx<'_>, act: impl FnOnce(&mut D, &mut Way, &mut Cx<'_>)) {
        let Self { way, deed, is_over } = self;
        act(deed, way, cx);
        if let Some(trouble) = way.trouble()
            && way.outcome().is_none()
        {
            deed.broke(way, cx, &trouble);
        }
        if way.outcome().is_some() && !std::mem::replace(is_over, true) {
            deed.over(way, cx);
        }
    }
}

impl<D: Deed> Service for Errand<D> {
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        let line = String::from_utf8_lossy(frame);
        self.follow(cx, |deed, way, cx| match way.hear(cx, id, &line) {
            Word::Ready => deed.ready(way, cx, id),
            Word::Answer(words) => deed.answer(way, cx, id, words),
            Word::Error(error) => deed.error(way, cx, id, error),
            Word::Other => {}
        });
    }

    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.follow(cx, |deed, way, cx| deed.chunk(way, cx, id, bytes));
    }

    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.follow(cx, |deed, way, cx| deed.ended(way, cx, id));
    }

    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.follow(cx, |deed, way, cx| deed.drained(way, cx, id));
    }

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.follow(cx, |_, way, cx| way.timer(cx, id));
    }

    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.follow(cx, Deed::again);
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        self.follow(
            cx,
            |deed, way, cx| {
                if way.awaits(job) { way.done(cx, job, result) } else { deed.done(way, cx, job, result) }
            },
        );
    }

    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        if news == News::Stopping {
            self.follow(cx, |_, way, _| way.fail(Failure::new(Failure::INTERRUPTED, D::STOPPED)));
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.follow(cx, |deed, way, cx| {
            deed.closed(way, cx, id, why);
            way.closed(cx, id, why);
        });
    }
}
