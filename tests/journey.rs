//! What `docs/journey.md` says of memory: counted by an allocator of our own, so this test is alone in its program.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]
#![allow(dead_code, reason = "the benches use the rest of their stage")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use parlor::services::Echo;

#[path = "../benches/stage/mod.rs"]
mod stage;
#[path = "../benches/world/mod.rs"]
mod world;

use stage::LINE;
use world::World;

struct Counting;

thread_local! {
    /// Of this thread alone: the one that runs the tests has memory of its own to take.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator with the arguments that came; only a figure is kept beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller keeps the promises that `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, which had it from the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_line_on_its_way_through_the_hub_takes_no_memory_that_was_not_there_before() {
    let mut world = World::new(Echo::new(false), 1);
    let (front, back) = LINE.split_at(32);
    let mut journey = |times: u32| {
        let before = CALLS.get();
        for _ in 0..times {
            assert_eq!(world.turn(LINE), LINE.len());
            // Cut in two, it waits in a buffer meanwhile.
            assert_eq!(world.turn(front) + world.turn(back), LINE.len());
        }
        CALLS.get() - before
    };
    assert!(journey(2) > 0, "the first lines fill the pool, or nothing is counted here");
    assert_eq!(journey(1000), 0);
}
