//! A network between two people that loses, doubles and shuffles datagrams, in a way that its seed decides.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What becomes of datagrams, in hundredths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    /// Kept back until a few others have passed.
    pub(crate) late: u64,
}

#[derive(Debug)]
pub(crate) struct Network {
    /// Where the left one finds the right one, and the other way round.
    pub(crate) sides: [SocketAddr; 2],
    over: Arc<AtomicBool>,
    toll: Arc<Toll>,
    ways: Vec<JoinHandle<()>>,
    /// Where the right one hears the left one from, and where the right one is.
    door: (Arc<UdpSocket>, SocketAddr),
}

/// What has become of datagrams, counted.
#[derive(Debug, Default)]
struct Toll {
    came: AtomicU64,
    lost: AtomicU64,
    doubled: AtomicU64,
    late: AtomicU64,
    carried: AtomicU64,
}

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

impl Network {
    /// A network whose right side leads to `right`; the left one is whoever speaks first.
    pub(crate) fn between(right: impl FnOnce(SocketAddr) -> SocketAddr, weather: Weather, seed: u64) -> Self {
        let sockets = [(); 2].map(|()| Arc::new(UdpSocket::bind("127.0.0.1:0").expect("a port is left")));
        let sides = [&sockets[0], &sockets[1]].map(|socket| socket.local_addr().expect("it is bound"));
        let right = right(sides[1]);
        let over = Arc::new(AtomicBool::new(false));
        let counted = Arc::new(Toll::default());
        // The left one's address, once it has spoken.
        let (tell, told) = std::sync::mpsc::channel();
        let [near, far] = sockets;
        let door = (far.clone(), right);
        let ways = vec![
            way(
                Way { from: near.clone(), to: far.clone(), towards: Towards::Known(right), tell: Some(tell) },
                weather,
                seed,
                &over,
                &counted,
            ),
            way(
                Way { from: far, to: near, towards: Towards::Told(told), tell: None },
                weather,
                seed + 1,
                &over,
                &counted,
            ),
        ];
        Self { sides, over, toll: counted, ways, door }
    }

    pub(crate) fn carried(&self) -> u64 {
        self.toll.carried.load(Relaxed)
    }

    /// Fails unless it was as bad as it was meant to be: a test of lost datagrams in which none is lost shows nothing.
    pub(crate) fn expect_bad(&self, weather: Weather) {
        let came = self.toll.came.load(Relaxed);
        let of = |count: &AtomicU64| 100 * count.load(Relaxed) / came.max(1);
        let seen = [of(&self.toll.lost), of(&self.toll.doubled), of(&self.toll.late)];
        // What is doubled or late has not been lost before.
        let passed = 100 - weather.lost;
        let wanted = [weather.lost, weather.doubled * passed / 100, weather.late * passed / 100];
        let is_bad = seen.iter().zip(wanted).all(|(seen, wanted)| 2 * seen >= wanted);
        assert!(came > 100 && is_bad, "of {came} datagrams in hundredths: {seen:?}, not {wanted:?}");
    }

    /// Somebody else on the way says something to the right one, from the left one's very address.
    pub(crate) fn forge(&self, datagram: &str) {
        self.door.0.send_to(datagram.as_bytes(), self.door.1).expect("loopback");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for way in self.ways.drain(..) {
            // It panics only if a test does.
            let _ = way.join();
        }
    }
}

enum Towards {
    Known(SocketAddr),
    Told(std::sync::mpsc::Receiver<SocketAddr>),
}

struct Way {
    from: Arc<UdpSocket>,
    to: Arc<UdpSocket>,
    towards: Towards,
    tell: Option<std::sync::mpsc::Sender<SocketAddr>>,
}

fn way(way: Way, weather: Weather, seed: u64, over: &Arc<AtomicBool>, toll: &Arc<Toll>) -> JoinHandle<()> {
    let (over, toll) = (Arc::clone(over), Arc::clone(toll));
    thread::spawn(move || {
        let Way { from, to, mut towards, mut tell } = way;
        from.set_read_timeout(Some(Duration::from_millis(5))).expect("every socket takes this");
        let mut dice = Dice(seed * 2 + 1);
        let mut late: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut bytes = vec![0; 65536];
        while !over.load(Relaxed) {
            let mut passing = Vec::new();
            match from.recv_from(&mut bytes) {
                Ok((size, source)) => {
                    if let Some(tell) = tell.take() {
                        let _ = tell.send(source);
                    }
                    toll.came.fetch_add(1, Relaxed);
                    if dice.below(100) < weather.lost {
                        toll.lost.fetch_add(1, Relaxed);
                        continue;
                    }
                    let doubled = u64::from(dice.below(100) < weather.doubled);
                    toll.doubled.fetch_add(doubled, Relaxed);
                    for _ in 0..=doubled {
                        if dice.below(100) < weather.late {
                            toll.late.fetch_add(1, Relaxed);
                            late.push((1 + dice.below(8), bytes[..size].to_vec()));
                        } else {
                            passing.push(bytes[..size].to_vec());
                        }
                    }
                }
                // Nothing for a while: whatever is late comes now.
                Err(_) => late.iter_mut().for_each(|(others, _)| *others = 0),
            }
            if let Towards::Told(told) = &towards
                && let Ok(address) = told.try_recv()
            {
                towards = Towards::Known(address);
            }
            for (others, _) in &mut late {
                *others = others.saturating_sub(1);
            }
            passing.extend(late.extract_if(.., |(others, _)| *others == 0).map(|(_, bytes)| bytes));
            for datagram in passing {
                if let Towards::Known(address) = towards {
                    toll.carried.fetch_add(1, Relaxed);
                    // Like any network: what can't be taken is lost.
                    let _ = to.send_to(&datagram, address);
                }
            }
        }
    })
}
