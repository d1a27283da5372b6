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
    carried: Arc<AtomicU64>,
    ways: Vec<JoinHandle<()>>,
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
        let carried = Arc::new(AtomicU64::new(0));
        // The left one's address, once it has spoken.
        let (tell, told) = std::sync::mpsc::channel();
        let [near, far] = sockets;
        let ways = vec![
            way(
                Way { from: near.clone(), to: far.clone(), towards: Towards::Known(right), tell: Some(tell) },
                weather,
                seed,
                &over,
                &carried,
            ),
            way(
                Way { from: far, to: near, towards: Towards::Told(told), tell: None },
                weather,
                seed + 1,
                &over,
                &carried,
            ),
        ];
        Self { sides, over, carried, ways }
    }

    pub(crate) fn carried(&self) -> u64 {
        self.carried.load(Relaxed)
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

fn way(way: Way, weather: Weather, seed: u64, over: &Arc<AtomicBool>, carried: &Arc<AtomicU64>) -> JoinHandle<()> {
    let (over, carried) = (Arc::clone(over), Arc::clone(carried));
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
                    if dice.below(100) < weather.lost {
                        continue;
                    }
                    for _ in 0..=u64::from(dice.below(100) < weather.doubled) {
                        if dice.below(100) < weather.late {
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
                    carried.fetch_add(1, Relaxed);
                    // Like any network: what can't be taken is lost.
                    let _ = to.send_to(&datagram, address);
                }
            }
        }
    })
}
