//! A hub without sockets, driven as the loop drives it: for benches that ask what a turn costs.

use std::hint::black_box;
use std::net::SocketAddr;

use parlor::hub::{Act, Address, ConnId, Hub, Limits, Moment, Service, Wall};

use crate::stage::profile;

/// Drives a hub through turns in which streams take whatever they are given.
pub(crate) struct World {
    hub: Hub,
    clients: Vec<ConnId>,
    turns: u64,
    /// Lists taken from the hub, kept for their memory, as the pump keeps them.
    ids: Vec<ConnId>,
}

impl World {
    pub(crate) fn new(service: impl Service, clients: usize) -> Self {
        let mut hub = Hub::new(Limits::default(), Box::new(|bytes| bytes.fill(7)));
        let service = hub.add(service);
        let address = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 8888)));
        let listener = hub.listen(service, profile(address));
        let peer = Address::Tcp(SocketAddr::from(([127, 0, 0, 1], 50_000)));
        let clients = (0..clients).map(|_| hub.accepted(listener, peer.clone(), None)).collect();
        Self { hub, clients, turns: 0, ids: Vec::new() }
    }

    /// The first client says something; answers how many bytes went out, to everybody together.
    pub(crate) fn turn(&mut self, bytes: &[u8]) -> usize {
        let (hub, id) = (&mut self.hub, self.clients[0]);
        self.turns += 1;
        hub.begin(Moment::from_nanos(self.turns * 1000), Wall::from_millis(self.turns));
        hub.frame_buffered();
        hub.take_woken(&mut self.ids);
        self.ids.clear();
        assert!(hub.intake(id) >= bytes.len(), "there is room for input");
        hub.receive(id, bytes);
        assert!(hub.intake(id) > 0, "there is room for more");
        hub.expire();
        hub.turn_end();
        let mut written = 0;
        hub.take_dirty(&mut self.ids);
        for id in self.ids.drain(..) {
            let count = black_box(hub.output(id)).len();
            hub.wrote(id, count);
            written += count;
        }
        hub.take_changed(&mut self.ids);
        for id in self.ids.drain(..) {
            assert_eq!(hub.settle(id), Act::Keep);
        }
        assert!(hub.take_requests().is_empty() && !hub.is_busy());
        written
    }
}
