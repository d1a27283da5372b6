//! A service that writes down what it is told, does what its test wants done, and insists on the order of calls.

use std::collections::BTreeSet;

use parlor::hub::{ConnId, Cx, Done, Fault, JobId, News, Panicked, Reason, Service};

/// What a service is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Opened(ConnId),
    Frame(ConnId, String),
    Chunk(ConnId, String),
    Fault(ConnId, Fault),
    Ended(ConnId),
    Drained(ConnId),
    Timer(ConnId),
    Alarm,
    /// The jobs of these tests return numbers; what returns anything else answers `None`.
    Done(JobId, Result<Option<u64>, Panicked>),
    Told(News),
    /// Comes too often to be written down; only the script sees it.
    TurnEnd,
    Closed(ConnId, Reason),
}

/// A frame that came.
pub(crate) fn frame(id: ConnId, text: &str) -> Call {
    Call::Frame(id, text.to_owned())
}

/// A piece of a raw stretch that came.
pub(crate) fn chunk(id: ConnId, text: &str) -> Call {
    Call::Chunk(id, text.to_owned())
}

/// What a test does when its service is told something.
pub(crate) type Script = Box<dyn FnMut(&mut Cx<'_>, &Call)>;

pub(crate) struct Player {
    pub(crate) calls: Vec<Call>,
    script: Script,
    standing: BTreeSet<ConnId>,
    ended: BTreeSet<ConnId>,
    gone: BTreeSet<ConnId>,
}

impl Player {
    pub(crate) fn new(script: impl FnMut(&mut Cx<'_>, &Call) + 'static) -> Self {
        let (standing, ended, gone) = Default::default();
        Self { calls: Vec::new(), script: Box::new(script), standing, ended, gone }
    }

    /// For one connection: `opened`, then any of the others, `ended` once and no input behind it, `closed` once, then
    /// nothing. One that we open may be given up, or its deadline may pass, before it stands.
    fn check_order(&mut self, call: &Call) {
        let (id, input) = match call {
            Call::Opened(id) => {
                assert!(self.standing.insert(*id), "opened twice: {id:?}");
                (id, false)
            }
            Call::Frame(id, _) | Call::Chunk(id, _) | Call::Ended(id) => (id, true),
            Call::Fault(id, _) | Call::Drained(id) | Call::Timer(id) | Call::Closed(id, _) => (id, false),
            Call::Alarm | Call::Done(..) | Call::Told(_) | Call::TurnEnd => return,
        };
        assert!(!self.gone.contains(id), "told of a connection that is gone: {call:?}");
        assert!(!input || self.standing.contains(id), "heard before it was opened: {call:?}");
        assert!(!input || !self.ended.contains(id), "input behind the end: {call:?}");
        match call {
            Call::Ended(id) => self.ended.insert(*id),
            Call::Closed(id, _) => self.gone.insert(*id),
            _ => false,
        };
    }

    fn tell(&mut self, cx: &mut Cx<'_>, call: Call) {
        self.check_order(&call);
        (self.script)(cx, &call);
        if call != Call::TurnEnd {
            self.calls.push(call);
        }
    }
}

/// What a service does that leaves everything to the defaults.
pub(crate) fn polite(cx: &mut Cx<'_>, call: &Call) {
    match call {
        Call::Fault(id, fault) => {
            let _ = cx.send(*id, fault.to_string().as_bytes());
        }
        Call::Ended(id) => cx.close(*id),
        _ => {}
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Service for Player {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.tell(cx, Call::Opened(id));
    }
    fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, frame: &[u8]) {
        self.tell(cx, Call::Frame(id, text(frame)));
    }
    fn chunk(&mut self, cx: &mut Cx<'_>, id: ConnId, bytes: &[u8]) {
        self.tell(cx, Call::Chunk(id, text(bytes)));
    }
    fn fault(&mut self, cx: &mut Cx<'_>, id: ConnId, fault: Fault) {
        self.tell(cx, Call::Fault(id, fault));
    }
    fn ended(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.tell(cx, Call::Ended(id));
    }
    fn drained(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.tell(cx, Call::Drained(id));
    }
    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        self.tell(cx, Call::Timer(id));
    }
    fn alarm(&mut self, cx: &mut Cx<'_>) {
        self.tell(cx, Call::Alarm);
    }
    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: Done) {
        let number = result.map(|value| value.downcast().ok().map(|number| *number));
        self.tell(cx, Call::Done(job, number));
    }
    fn told(&mut self, cx: &mut Cx<'_>, news: News) {
        self.tell(cx, Call::Told(news));
    }
    fn turn_end(&mut self, cx: &mut Cx<'_>) {
        self.tell(cx, Call::TurnEnd);
    }
    fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, why: Reason) {
        self.tell(cx, Call::Closed(id, why));
    }
}
