//! `parlor probe`: what the kernel says of a connection.
//!
//! Written as any client is: a service on the hub that opens a connection instead of waiting for one.

use std::io::{self, ErrorKind, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use log::LevelFilter;

use super::Failure;
use super::trust::TrustArgs;
use crate::client::address::{CHAT_PORT, ServerAddress};
use crate::daemon::logger;
use crate::hub::{ConnId, Cx, Done, Framing, Hub, Inspection, JobId, Limits, Reason, Service, Target};
use crate::net::{Doorkeeper, Reactor, random};

/// How long connecting may take: the documents' number.
const CONNECT: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// [tls:]HOST[:PORT], [tls:][IPV6]:PORT or unix:PATH
    address: ServerAddress,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Tries one place after another, until it has figures to show.
struct Probe {
    /// Places still to try, the next one last.
    targets: Vec<Target>,
    facts: Inspection,
    why: Option<Reason>,
}

impl Probe {
    fn next(&mut self, cx: &mut Cx<'_>) {
        match self.targets.pop() {
            None => cx.stop(),
            Some(target) => {
                let id = cx.open(target, Framing::Raw);
                cx.set_timer(id, cx.now() + CONNECT);
            }
        }
    }
}

impl Service for Probe {
    fn opened(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.inspect(id).expect("nothing else was asked for");
    }

    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}

    fn timer(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        cx.close(id);
    }

    fn done(&mut self, cx: &mut Cx<'_>, _job: JobId, result: Done) {
        self.facts = result.ok().and_then(|facts| facts.downcast().ok()).map(|facts| *facts).unwrap_or_default();
        cx.stop();
    }

    fn closed(&mut self, cx: &mut Cx<'_>, _id: ConnId, why: Reason) {
        if self.facts.is_empty() {
            self.why = Some(why);
            self.next(cx);
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    logger::install(LevelFilter::Warn);
    let address = args.address.clone().with_port(CHAT_PORT);
    let mut targets = address.targets(CHAT_PORT).map_err(|error| format!("{address}: {error}"))?;
    let outgoing = args.trust.outgoing(&address)?;
    targets.reverse();
    let mut hub = Hub::new(Limits::default(), random::source());
    let probe = hub.add(Probe { targets, facts: Vec::new(), why: None });
    hub.with(probe, Probe::next);
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1, usize::MAX), outgoing.clone())?;
    reactor.run()?;
    let probe: &Probe = reactor.hub().service(probe).expect("the service was added above");
    if probe.facts.is_empty() {
        let why = outgoing.complaint().unwrap_or_else(|| explain(probe.why));
        return Err(format!("{address}: {why}").into());
    }
    match show(&probe.facts) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn explain(why: Option<Reason>) -> String {
    match why {
        Some(Reason::Unreachable(ErrorKind::ConnectionRefused)) => {
            "connection refused; is a server running there?".to_owned()
        }
        Some(Reason::Closed) => format!("no answer within {} seconds", CONNECT.as_secs()),
        Some(why) => why.to_string(),
        None => "no address to connect to".to_owned(),
    }
}

fn show(facts: &Inspection) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{:<20} {:<36} GRANTED", "", "ASKED")?;
    for fact in facts {
        writeln!(out, "{:<20} {:<36} {}", fact.name, fact.asked.as_deref().unwrap_or("-"), fact.granted)?;
    }
    out.flush()
}
