//! A line that breaks when it has carried so much.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Between a client and a server. Each connection carries the bytes of its own limit, in both directions together,
/// and is then cut; the last limit holds for all that follow.
pub(crate) fn breaking(server: &str, limits: &[usize]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (server, limits) = (server.to_owned(), limits.to_vec());
    thread::spawn(move || {
        for (count, near) in listener.incoming().enumerate() {
            let near = near.unwrap();
            let far = TcpStream::connect(&server).unwrap();
            let left = Arc::new(AtomicUsize::new(*limits.get(count).or(limits.last()).unwrap()));
            let twins = (near.try_clone().unwrap(), far.try_clone().unwrap(), Arc::clone(&left));
            thread::spawn(move || carry(near, far, &left));
            thread::spawn(move || carry(twins.1, twins.0, &twins.2));
        }
    });
    address
}

fn carry(mut from: TcpStream, mut to: TcpStream, left: &AtomicUsize) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(count)));
        let allowed = before.unwrap().min(count);
        if to.write_all(&bytes[..allowed]).is_err() || allowed < count {
            break;
        }
    }
    // Both fail only when the connection is gone already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
