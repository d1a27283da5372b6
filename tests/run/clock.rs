//! Commands on a hub without a loop: real processes, and time that passes when the test says so.

use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use parlor::hub::{
    Act, Address, ConnId, Credentials, Framing, Hub, Identity, Limits, Moment, Profile, Request, Target, Wall,
};
use parlor::services::accounts::Desk;
use parlor::services::chat::Guard;
use parlor::services::run::{Callers, Offer, Run, Settings, Template};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::support::until;

/// Somebody who calls a command that ends at once.
struct Call {
    hub: Hub,
    caller: ConnId,
    now: Moment,
    heard: Vec<u8>,
}

impl Call {
    fn new() -> Self {
        let offer = Offer {
            argv: Template::parse(&["true"]).unwrap(),
            time: Offer::TIME,
            output: Offer::OUTPUT,
            callers: Callers::default(),
        };
        let settings = Settings { offers: [("quick".to_owned(), offer)].into(), each: Settings::EACH };
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(7)));
        let service = hub.add(Run::new(settings, Duration::from_secs(300), Desk::new(Guard::default())));
        let limits = Rc::new(Limits::default());
        let address = Address::Unix(None);
        let profile = Profile { framing: Framing::LINES, silence: None, refuse_http: true, limits, address };
        let listener = hub.listen(service, profile);
        let now = Moment::START;
        hub.begin(now, Wall::from_millis(0));
        let who = Identity::Process(Credentials { pid: 1, uid: 1, gid: 1 });
        let caller = hub.accepted(listener, Address::Unix(None), Some(who));
        let mut call = Self { hub, caller, now, heard: Vec::new() };
        assert!(call.turn().is_empty());
        assert!(call.hears().starts_with("- parlor run: "));
        call
    }

    /// Everything that follows from what happened, but for what the loop would have to do.
    fn turn(&mut self) -> Vec<Request> {
        let mut requests = Vec::new();
        loop {
            self.hub.begin(self.now, Wall::from_millis(0));
            self.hub.frame_buffered();
            self.hub.take_woken(&mut Vec::new());
            self.hub.turn_end();
            let mut ids = Vec::new();
            self.hub.take_dirty(&mut ids);
            for id in ids.drain(..) {
                let output = self.hub.output(id).to_vec();
                if id == self.caller {
                    self.heard.extend_from_slice(&output);
                }
                self.hub.wrote(id, output.len());
            }
            self.hub.take_changed(&mut ids);
            for id in ids {
                if self.hub.settle(id) == Act::Linger {
                    self.hub.input_over(id);
                }
            }
            requests.extend(self.hub.take_requests());
            if !self.hub.is_busy() {
                return requests;
            }
        }
    }

    fn says(&mut self, line: &[u8]) -> Vec<Request> {
        self.hub.begin(self.now, Wall::from_millis(0));
        self.hub.receive(self.caller, line);
        self.turn()
    }

    /// All that was heard since it was looked at.
    fn hears(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.heard)).unwrap()
    }

    /// The command is started, ends, and has written nothing.
    fn ends(&mut self, requests: Vec<Request>) {
        let mut wires = Vec::new();
        for request in requests {
            let Request::Job(job, _, work) = request else { panic!("{request:?}") };
            self.hub.done(job, Ok(work()));
            wires.extend(self.turn());
        }
        for wire in wires {
            let Request::Open(id, target) = wire else { panic!("{wire:?}") };
            self.hub.opened(id);
            if let Target::Exit(process) = &target {
                let look = || waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
                until("the end of the command", || look().is_ok());
            }
            if !matches!(target, Target::Pipe { output: Some(_), .. }) {
                self.hub.input_over(id);
            }
        }
        assert!(self.turn().is_empty());
    }
}

#[test]
fn nothing_is_said_of_a_command_that_is_being_started_when_the_time_of_the_one_before_it_comes() {
    let mut call = Call::new();
    let started = call.says(b"run quick\n");
    call.ends(started);
    assert_eq!(call.hears(), "- started quick\n- exit 0\n");
    let started = call.says(b"run quick\n");
    assert_eq!(started.len(), 1);
    // A second after it had ended its outputs would have been closed.
    call.now = call.now + Duration::from_secs(1);
    call.hub.begin(call.now, Wall::from_millis(0));
    call.hub.expire();
    assert!(call.turn().is_empty());
    assert_eq!(call.hears(), "");
    call.ends(started);
    assert_eq!(call.hears(), "- started quick\n- exit 0\n");
}
