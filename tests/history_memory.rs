//! The history's memory: counted by an allocator of our own, so this test is alone in its program.
#![allow(clippy::unwrap_used, reason = "a test that finds nothing has failed")]
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use parlor::log::{Log, Record, Settings, SyncMode};

struct Counting;

static CALLS: AtomicI64 = AtomicI64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call goes to the system's allocator with the arguments that came; only figures are kept beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(i64::try_from(layout.size()).unwrap_or(0), Ordering::Relaxed);
        // SAFETY: the caller keeps the promises that `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(i64::try_from(layout.size()).unwrap_or(0), Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` above, which had it from the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROOMS: [&str; 5] = ["tea", "coffee", "milk", "water", "lobby"];

fn say(log: &mut Log, commits: u64, settle: bool) {
    for commit in 0..commits {
        for room in ROOMS {
            let record = Record {
                room,
                seq: 0,
                at: 1_764_000_000_000 + commit,
                action: false,
                from: "alice",
                session: [1; 16],
                id: "an id",
                text: "a sentence that somebody might say",
            };
            log.push(&record);
        }
        log.commit().unwrap();
        while settle && let Some(chore) = log.chores(1_764_000_000_000) {
            log.chore_done(chore());
        }
    }
}

#[test]
fn saying_allocates_next_to_nothing_and_a_full_history_grows_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { sync: SyncMode::Never, keep_total: 8 << 20, ..Settings::default() };
    let (mut log, _) = Log::open(folder.path(), settings, 1_764_000_000_000, &mut |_| ()).unwrap();

    say(&mut log, 500, false);
    let calls = CALLS.load(Ordering::Relaxed);
    say(&mut log, 3000, false);
    let calls = CALLS.load(Ordering::Relaxed) - calls;
    // The index of the open segment doubles its memory now and then.
    assert!(calls <= 25, "{calls} allocations for 15,000 messages");

    say(&mut log, 30_000, true);
    let bytes = BYTES.load(Ordering::Relaxed);
    say(&mut log, 30_000, true);
    let grown = BYTES.load(Ordering::Relaxed) - bytes;
    assert!(grown < 100_000, "{grown} bytes more after 150,000 messages more");
    assert!(log.first("tea") > 10_000, "its limit was reached");
}
