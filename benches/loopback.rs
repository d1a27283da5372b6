//! The whole loop over loopback TCP: fan-out of the chat, and an echo beside two servers of a few lines that bear
//! nothing else:
//!
//! - `floor`: one thread that knows who speaks next. A read and a write each, and no question who is ready. No server
//!   can do with less, so what Parlor takes above it is the price of knowing nothing in advance.
//! - `threads`: a thread for every client, as the documents begin. With one client it is the floor.

mod stage;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parlor::hub::{Address, Hub, Limits, Service};
use parlor::net::listen::{Place, bind};
use parlor::net::socket::Options;
use parlor::net::{Doorkeeper, Reactor, Stopper, random};
use parlor::services::Echo;
use stage::{LINE, chat, profile};

/// A service on the loop, in a thread of its own.
struct Parlor {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Parlor {
    fn start<S: Service>(service: fn() -> S) -> Self {
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            let (mut reactor, address) = reactor(service());
            sender.send((address, reactor.stopper())).expect("the receiver waits");
            reactor.run().expect("the loop only fails when the poll does");
        });
        let (address, stopper) = receiver.recv().expect("the loop starts");
        Self { address, stopper, thread: Some(thread) }
    }
}

impl Drop for Parlor {
    fn drop(&mut self) {
        self.stopper.stop();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn reactor(service: impl Service) -> (Reactor, SocketAddr) {
    let any = Place::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
    let bound = bind(&any, &Options::server()).expect("loopback has a free port");
    let Address::Tcp(address) = *bound.address() else { unreachable!("asked for TCP") };
    let mut hub = Hub::new(Limits::default(), random::source());
    let service = hub.add(service);
    let listener = hub.listen(service, profile(bound.address().clone()));
    let mut reactor = Reactor::new(hub, Doorkeeper::new(1000, 1000), Options::client()).expect("there is an epoll");
    reactor.listen(bound, listener).expect("the listener can be watched");
    (reactor, address)
}

/// Accepts so many clients, and serves them in the order in which they speak.
fn serve_floor(listener: &TcpListener, count: usize) {
    let mut clients: Vec<TcpStream> = listener.incoming().flatten().take(count).collect();
    for client in &clients {
        let _ = client.set_nodelay(true);
    }
    while clients.iter_mut().all(echo_once) {}
}

fn serve_with_threads(listener: &TcpListener, count: usize) {
    for mut client in listener.incoming().flatten().take(count) {
        let _ = client.set_nodelay(true);
        thread::spawn(move || while echo_once(&mut client) {});
    }
}

fn echo_once(client: &mut TcpStream) -> bool {
    let mut bytes = [0; 4096];
    matches!(client.read(&mut bytes), Ok(count @ 1..) if client.write_all(&bytes[..count]).is_ok())
}

/// Starts one of the two above; it ends when its clients do.
fn start(serve: fn(&TcpListener, usize), count: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    thread::spawn(move || serve(&listener, count));
    address
}

fn connect(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let connect = |_| {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("TCP has it");
        stream
    };
    let mut clients: Vec<TcpStream> = (0..count).map(connect).collect();
    // Everybody is let in before anything is measured.
    round_trip(&mut clients);
    clients
}

/// Everyone says a line, then everyone hears it.
fn round_trip(clients: &mut [TcpStream]) {
    for client in &mut *clients {
        client.write_all(LINE).expect("the server is there");
    }
    let mut answer = [0; LINE.len()];
    for client in clients {
        client.read_exact(&mut answer).expect("the server answers");
        assert_eq!(&answer, LINE);
    }
}

fn loopback(criterion: &mut Criterion) {
    let parlor = Parlor::start(|| Echo::new(false));
    for count in [1, 50] {
        let mut group = criterion.benchmark_group(format!("loopback-{count}"));
        group.throughput(Throughput::Elements(count as u64));
        let servers = [
            ("floor", start(serve_floor, count)),
            ("parlor", parlor.address),
            ("threads", start(serve_with_threads, count)),
        ];
        for (name, address) in servers {
            let mut clients = connect(address, count);
            group.bench_function(name, |bencher| bencher.iter(|| round_trip(&mut clients)));
        }
        group.finish();
    }
}

/// The first says a line, and all others hear it.
fn tell(clients: &mut [TcpStream], heard: &mut [u8]) {
    let (speaker, hearers) = clients.split_first_mut().expect("somebody speaks");
    speaker.write_all(LINE).expect("the server is there");
    for hearer in hearers {
        hearer.read_exact(heard).expect("everybody hears it");
    }
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loopback-fan-out");
    let members = 101;
    let parlor = Parlor::start(chat);
    let mut clients: Vec<TcpStream> = (0..members).map(|_| enter(parlor.address)).collect();
    clients[0].write_all(b"/nick speaker\n").expect("the server is there");
    for client in &mut clients[1..] {
        assert_eq!(hear(client), "#lobby -- speaker joined");
    }
    assert_eq!(hear(&mut clients[0]), "- you are speaker");
    let mut heard = vec![0; "#lobby <speaker> ".len() + LINE.len()];
    tell(&mut clients, &mut heard);
    assert!(heard.ends_with(LINE), "{}", String::from_utf8_lossy(&heard));
    group.throughput(Throughput::Elements(members - 1));
    group.bench_function("chat", |bencher| bencher.iter(|| tell(&mut clients, &mut heard)));
    group.finish();
}

fn enter(address: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).expect("the server accepts");
    client.set_nodelay(true).expect("TCP has it");
    assert!(hear(&mut client).starts_with("- parlor chat: "));
    client
}

/// One line, byte by byte, so that nothing behind it is read: this is not measured.
fn hear(client: &mut TcpStream) -> String {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        client.read_exact(&mut byte).expect("the server says it");
        match byte {
            [b'\n'] => return String::from_utf8(line).expect("lines are UTF-8"),
            [byte] => line.push(byte),
        }
    }
}

criterion_group!(benches, loopback, fan_out);
criterion_main!(benches);
