//! Helper threads for what may block: name look-ups, password hashes, syncs. They share nothing with the loop but two
//! queues; an answer rings the loop's waker.

use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use mio::Waker;
use rustix::process::nice;

use crate::hub::{Done, JobId, Lane, Panicked, Work};

/// Helpers of the lane without order. Two: a slow job leaves one for the others, and jobs are rare.
const HELPERS: usize = 2;

/// The lowest priority there is: a processor is had when nobody else wants it, so ten thousand passwords to check do
/// not slow the loop down where the two share one.
const LAST: i32 = 19;

type Asked = (JobId, Work);
type Answer = (JobId, Done);

/// The helpers, as the loop sees them.
pub(super) struct Jobs {
    /// One queue for each lane that has helpers by now.
    any: Option<Sender<Asked>>,
    ordered: Option<Sender<Asked>>,
    heavy: Option<Sender<Asked>>,
    answered: (Sender<Answer>, Receiver<Answer>),
    waker: Arc<Waker>,
    stop: Arc<AtomicBool>,
    /// The waker rang, or an answer was given on the loop itself.
    pub(super) rang: bool,
}

impl fmt::Debug for Jobs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Jobs").field("rang", &self.rang).finish_non_exhaustive()
    }
}

/// Stops a loop from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    waker: Arc<Waker>,
    stop: Arc<AtomicBool>,
}

impl Stopper {
    /// Asks the loop to say goodbye, drain and return.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        // A waker fails only when its descriptor is gone, and then so is the loop.
        let _ = self.waker.wake();
    }
}

impl Jobs {
    pub(super) fn new(waker: Waker) -> Self {
        let (answered, stop) = (mpsc::channel(), Arc::new(AtomicBool::new(false)));
        Self { any: None, ordered: None, heavy: None, answered, waker: Arc::new(waker), stop, rang: false }
    }

    pub(super) fn stopper(&self) -> Stopper {
        Stopper { waker: Arc::clone(&self.waker), stop: Arc::clone(&self.stop) }
    }

    /// Was a stop asked for from another thread?
    pub(super) fn stop_wanted(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Gives a job to a helper. The first job of a lane starts its helpers.
    pub(super) fn start(&mut self, job: JobId, lane: Lane, work: Work) {
        let (queue, helpers, priority) = match lane {
            Lane::Any => (&mut self.any, HELPERS, 0),
            Lane::Ordered => (&mut self.ordered, 1, 0),
            Lane::Heavy => (&mut self.heavy, 1, LAST),
        };
        let asked = queue.get_or_insert_with(|| start_helpers(helpers, priority, &self.answered.0, &self.waker));
        if asked.send((job, work)).is_err() {
            // No helper could be started: the job is answered all the same, and the next one may have better luck.
            *queue = None;
            self.answer(job, Err(Panicked));
        }
    }

    /// Answers from the loop itself; heard in the next turn.
    pub(super) fn answer(&mut self, job: JobId, result: Done) {
        self.rang = true;
        self.answered.0.send((job, result)).expect("the receiving end is kept beside this one");
    }

    /// The next answer, if there is one.
    pub(super) fn answered(&mut self) -> Option<Answer> {
        self.answered.1.try_recv().ok()
    }
}

fn start_helpers(count: usize, lowered: i32, answers: &Sender<Answer>, waker: &Arc<Waker>) -> Sender<Asked> {
    let (asked, queue) = mpsc::channel();
    let queue = Arc::new(Mutex::new(queue));
    for number in 0..count {
        let (queue, answers, waker) = (Arc::clone(&queue), answers.clone(), Arc::clone(waker));
        let helper = thread::Builder::new().name(format!("helper-{number}"));
        let helping = move || {
            // Of this thread alone. Whoever may not be lowered works as it is.
            let _ = nice(lowered);
            help(&queue, &answers, &waker);
        };
        if let Err(error) = helper.spawn(helping) {
            log::error!("a helper thread could not be started: {error}");
        }
    }
    asked
}

/// Until the loop is gone: take a job, do it, answer. A panic is an answer too.
fn help(queue: &Mutex<Receiver<Asked>>, answers: &Sender<Answer>, waker: &Waker) {
    loop {
        let asked = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, work)) = asked else { return };
        let result: Result<Box<dyn Any + Send>, _> = panic::catch_unwind(AssertUnwindSafe(work));
        if answers.send((job, result.map_err(|_| Panicked))).is_err() || waker.wake().is_err() {
            return;
        }
    }
}
