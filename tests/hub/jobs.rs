//! Jobs and inspections: asked for in a call, carried out by the loop, answered once.

use std::cell::RefCell;
use std::rc::Rc;

use parlor::hub::{
    Busy, ConnId, Cx, Done, Fact, Inspection, JOBS, JobId, Lane, ORDERED_JOBS, Panicked, Request, Service,
};

use super::player::{Call, Player, polite};
use super::stage::Stage;

/// The work of a job that the hub handed out.
fn run(request: Request) -> (JobId, Lane, Done) {
    match request {
        Request::Job(job, lane, work) => (job, lane, Ok(work())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_is_handed_to_the_loop_and_answered_with_what_it_returned() {
    let mut stage = Stage::new(polite);
    let first = stage.act(|cx| cx.job(Lane::Ordered, || 6 * 7u64)).unwrap();
    let second = stage.act(|cx| cx.job(Lane::Any, || 43u64)).unwrap();
    assert!(stage.hub.is_busy(), "there is something to carry out");
    assert_eq!(stage.hub.jobs(), 2);
    stage.quiet();
    assert_eq!(stage.calls(), []);
    let answers: Vec<_> = stage.requests.drain(..).map(run).collect();
    let asked: Vec<_> = answers.iter().map(|(job, lane, _)| (*job, *lane)).collect();
    assert_eq!(asked, [(first, Lane::Ordered), (second, Lane::Any)], "in the order asked for");
    for (job, _, answer) in answers.into_iter().rev() {
        stage.hub.done(job, answer);
    }
    assert_eq!(stage.calls(), [Call::Done(second, Ok(Some(43))), Call::Done(first, Ok(Some(42)))]);
    assert_eq!(stage.hub.jobs(), 0);
}

#[test]
fn a_job_that_panicked_is_answered_too() {
    let mut stage = Stage::new(polite);
    let job = stage.act(|cx| cx.job(Lane::Any, || 1u64)).unwrap();
    stage.hub.done(job, Err(Panicked));
    assert_eq!(stage.calls(), [Call::Done(job, Err(Panicked))]);
    assert_eq!(stage.hub.jobs(), 0);
}

#[test]
fn an_answer_goes_to_the_service_that_asked() {
    let mut stage = Stage::new(polite);
    let other = stage.hub.add(Player::new(polite));
    let job = stage.hub.with(other, |_: &mut Player, cx| cx.job(Lane::Any, || 1u64)).unwrap().unwrap();
    stage.hub.done(job, Ok(Box::new(1u64)));
    assert_eq!(stage.calls(), []);
    assert_eq!(stage.hub.service::<Player>(other).unwrap().calls, [Call::Done(job, Ok(Some(1)))]);
}

#[test]
fn past_1024_waiting_jobs_and_inspections_no_more_are_taken() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    let jobs: Vec<JobId> = (0..JOBS)
        .map(|number| {
            let ask = |cx: &mut Cx<'_>| if number % 2 == 0 { cx.job(Lane::Any, || 0u64) } else { cx.inspect(id) };
            stage.act(ask).unwrap()
        })
        .collect();
    assert_eq!((stage.hub.jobs(), JOBS), (1024, 1024));
    assert_eq!(stage.act(|cx| cx.job(Lane::Any, || 0u64)), Err(Busy));
    assert_eq!(stage.act(|cx| cx.inspect(id)), Err(Busy));
    stage.quiet();
    assert_eq!(stage.requests.len(), JOBS, "what was not taken is not carried out");
    assert_eq!(stage.act(|cx| cx.inspect(id)), Err(Busy), "handed out is not answered");
    stage.hub.done(jobs[3], Ok(Box::new(0u64)));
    assert!(stage.act(|cx| cx.job(Lane::Any, || 0u64)).is_ok());
    assert_eq!(stage.act(|cx| cx.job(Lane::Any, || 0u64)), Err(Busy));
    let mut unique = jobs.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), JOBS);
}

#[test]
fn there_is_room_for_what_keeps_order_when_nothing_else_is_taken() {
    let mut stage = Stage::new(polite);
    let mut ask = |lane| stage.act(|cx| cx.job(lane, || 0u64)).is_ok();
    assert!((0..JOBS).all(|_| ask(Lane::Heavy)));
    assert!(!ask(Lane::Any));
    assert!((0..ORDERED_JOBS).all(|_| ask(Lane::Ordered)));
    assert!(!ask(Lane::Ordered) && !ask(Lane::Any));
}

/// Keeps what an inspection found.
#[derive(Default)]
struct Curious {
    facts: Rc<RefCell<Option<Inspection>>>,
}

impl Service for Curious {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}
    fn done(&mut self, _cx: &mut Cx<'_>, _job: JobId, result: Done) {
        *self.facts.borrow_mut() = Some(*result.unwrap().downcast().unwrap());
    }
}

#[test]
fn an_inspection_is_asked_of_the_loop_also_for_a_connection_that_is_gone() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.hub.abandon();
    stage.quiet();
    let curious = Curious::default();
    let facts = Rc::clone(&curious.facts);
    let service = stage.hub.add(curious);
    let job = stage.hub.with(service, |_: &mut Curious, cx| cx.inspect(id)).unwrap().unwrap();
    stage.quiet();
    match stage.requests.as_slice() {
        [Request::Inspect(asked, about)] => assert_eq!((*asked, *about), (job, id)),
        other => panic!("{other:?}"),
    }
    let fact = Fact { name: "family", asked: None, granted: "IPv4".to_owned() };
    stage.hub.done(job, Ok(Box::new(vec![fact.clone()])));
    assert_eq!(facts.borrow_mut().take(), Some(vec![fact]));
}

#[test]
fn a_request_shows_itself_without_its_work() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| {
        let _ = cx.job(Lane::Ordered, || 0u64);
        let _ = cx.inspect(id);
    });
    let shown = format!("{:?}", stage.hub.take_requests());
    assert!(shown.contains("Ordered") && shown.contains("Inspect"), "{shown}");
    assert!(stage.hub.take_requests().is_empty(), "each is handed out once");
}

#[test]
fn a_job_asked_for_in_any_call_is_handed_out_in_the_same_turn() {
    let mut stage = Stage::new(|cx, call| {
        if matches!(call, Call::Frame(..) | Call::Closed(..)) {
            cx.job(Lane::Any, || 1u64).unwrap();
        }
    });
    let id = stage.accept();
    stage.say(id, "a\n");
    stage.turn();
    assert_eq!(stage.requests.len(), 1);
    stage.act(|cx| cx.close(id));
    stage.turn();
    assert_eq!(stage.requests.len(), 2, "also from a call in flush");
}
