//! Parlor: a chat server on one thread and one epoll.
//!
//! # The map
//!
//! Five floors; a room imports only from floors below its own.
//!
//! | floor | room | holds |
//! |---|---|---|
//! | 1 | [`hub`] | connections without sockets: buffers, framing, backpressure, deadlines, the [`Service`](hub::Service) contract |
//! | 2 | [`services`] | what the server does with frames |
//! | 3 | [`net`] | sockets: the loop on mio, listeners, socket options, helpers, signals |
//! | 4 | [`daemon`] | what makes a server of it: its listeners, its log |
//! | 4 | [`client`] | the clients, on the same hub and loop |
//! | 4 | [`load`] | the load generator of `parlor bench` |
//! | 5 | [`cli`] | one file per subcommand |
//!
//! # In which order to read
//!
//! `hub/service.rs` (what a service is), `services/echo.rs` (the smallest one), `net/reactor.rs` (the loop),
//! `net/pump.rs` (readiness, and bytes between streams and the hub), `hub/input.rs` and `hub/output.rs` (what becomes of
//! them), `net/listen.rs`. `docs/journey.md` takes the same way with one byte, `docs/architecture.md` has the plan and
//! the invariants.
//!
//! # A service in thirty lines
//!
//! A server that counts what each connection says, run on a real socket:
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::rc::Rc;
//! use parlor::hub::{ConnId, Cx, Framing, Hub, Limits, Profile, Reason, Service};
//! use parlor::net::listen::{Place, bind};
//! use parlor::net::socket::Options;
//! use parlor::net::{Doorkeeper, Reactor, random};
//!
//! #[derive(Default)]
//! struct Count(BTreeMap<ConnId, u32>);
//!
//! impl Service for Count {
//!     fn frame(&mut self, cx: &mut Cx<'_>, id: ConnId, _frame: &[u8]) {
//!         let count = self.0.entry(id).or_default();
//!         *count += 1;
//!         let _ = cx.send(id, format!("line {count}").as_bytes());
//!     }
//!     fn closed(&mut self, cx: &mut Cx<'_>, id: ConnId, _why: Reason) {
//!         self.0.remove(&id);
//!         cx.stop(); // one visitor is enough for an example
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bound = bind(&Place::Tcp("127.0.0.1:0".parse()?), &Options::server())?;
//! let address = bound.address().clone();
//! let mut hub = Hub::new(Limits::default(), random::source());
//! let count = hub.add(Count::default());
//! let (framing, limits) = (Framing::LINES, Rc::new(Limits::default()));
//! let listener = hub.listen(count, Profile { framing, silence: None, refuse_http: true, limits, address: address.clone() });
//! let mut reactor = Reactor::new(hub, Doorkeeper::new(100, 1024), Options::client())?;
//! reactor.listen(bound, listener)?;
//!
//! let visitor = std::thread::spawn(move || -> std::io::Result<String> {
//!     use std::io::{Read, Write};
//!     let mut stream = std::net::TcpStream::connect(address.to_string())?;
//!     stream.write_all(b"one\ntwo\n")?;
//!     stream.shutdown(std::net::Shutdown::Write)?;
//!     let mut answers = String::new();
//!     stream.read_to_string(&mut answers)?;
//!     Ok(answers)
//! });
//! reactor.run()?;
//! assert_eq!(visitor.join().expect("the visitor does not panic")?, "line 1\nline 2\n");
//! # Ok(())
//! # }
//! ```

pub mod calendar;
pub mod cli;
pub mod client;
pub mod daemon;
pub mod hub;
#[cfg(feature = "bench")]
pub mod load;
pub mod log;
pub mod net;
pub mod services;
