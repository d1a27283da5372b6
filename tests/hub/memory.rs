//! Memory: an idle connection owns none, and what is kept for later is bounded.

use std::rc::Rc;

use parlor::hub::{Buffer, Fault, Framing, Hold, Limits, POOL_BYTES, POOLED_BUFFER, Pool, Profile, Sent};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::player::{Call, polite};
use super::stage::{Stage, profile, seconds};

/// Answers every line.
fn echo(profile: Profile) -> Stage {
    Stage::with_profile(profile, |cx, call| match call {
        Call::Frame(id, text) => {
            let _ = cx.send(*id, text.as_bytes());
        }
        _ => polite(cx, call),
    })
}

#[test]
fn idle_connections_share_what_one_of_them_needed() {
    let mut stage = echo(profile());
    let ids: Vec<_> = (0..1000).map(|_| stage.accept()).collect();
    stage.say(ids[0], "hel");
    stage.run();
    stage.say(ids[0], "lo\n");
    stage.run();
    let pooled = stage.hub.pooled();
    assert!((1..1000).contains(&pooled), "one small buffer for input, one for output: {pooled}");
    for &id in &ids {
        stage.say(id, "hel");
        stage.run();
        stage.say(id, "lo\n");
        stage.run();
        assert_eq!(stage.written(id).trim_start_matches("hello\n"), "");
    }
    assert_eq!(stage.hub.pooled(), pooled, "a thousand connections later");
}

#[test]
fn a_whole_frame_needs_no_input_buffer() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.say(id, "a\nb\n");
    stage.run();
    assert_eq!(stage.hub.pooled(), 0);
}

#[test]
fn a_buffer_is_given_back_when_what_it_held_is_gone() {
    let mut stage = echo(profile());
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.say(id, "hello\nyou");
    stage.run();
    assert_eq!(stage.hub.pooled(), 0, "input and output wait");
    stage.grant(id, usize::MAX);
    stage.quiet();
    let output = stage.hub.pooled();
    assert!(output > 0);
    stage.act(|cx| cx.close(id));
    assert!(stage.hub.pooled() > output, "closing drops the input");
}

#[test]
fn sending_no_bytes_takes_no_buffer() {
    let mut stage = echo(profile());
    let (one, two) = (stage.accept(), stage.accept());
    stage.say(one, "hello\n");
    stage.run();
    let pooled = stage.hub.pooled();
    assert_eq!(stage.act(|cx| cx.send_wire(two, b"")), Sent::Queued);
    stage.act(|cx| cx.set_framing(two, Framing::Raw));
    assert_eq!(stage.act(|cx| cx.send(two, b"")), Sent::Queued);
    stage.run();
    assert_eq!(stage.hub.pooled(), pooled);
}

#[test]
fn a_lost_connection_gives_its_memory_back_at_once() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.act(|cx| cx.hold(id, Hold::JOB));
    stage.hub.receive(id, b"input");
    stage.send(id, b"output");
    assert_eq!(stage.hub.pooled(), 0);
    stage.hub.fail(id, parlor::hub::Reason::Stalled);
    assert!(stage.hub.pooled() >= 11);
}

#[test]
fn a_failed_stream_gives_its_output_back_at_once() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.send(id, b"output");
    stage.hub.write_failed(id, std::io::ErrorKind::BrokenPipe);
    assert!(stage.hub.pooled() >= 6);
}

#[test]
fn a_peer_given_up_without_a_word_gives_its_output_back() {
    let limits = Limits { output: 1000, ..Limits::default() };
    let mut stage = Stage::with_limits(limits, |_, _| {});
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.act(|cx| {
        let _ = cx.send(id, &[b'a'; 900]);
        assert_eq!(cx.send(id, &[b'a'; 900]), Sent::Gone);
    });
    stage.quiet();
    assert!(stage.calls().contains(&Call::Fault(id, Fault::Slow)));
    assert_eq!(stage.hub.connections(), 1, "it lingers");
    assert!(stage.hub.pooled() >= 900, "without a buffer");
}

#[test]
fn one_burst_does_not_set_the_size_of_every_later_buffer() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.send(id, &vec![b'a'; 2 * POOLED_BUFFER]);
    stage.run();
    assert_eq!(stage.hub.pooled(), 0, "it went to the allocator");
}

#[test]
fn a_thousand_bursts_leave_a_bounded_pool() {
    let mut stage = Stage::new(polite);
    let ids: Vec<_> = (0..100).map(|_| stage.accept()).collect();
    for id in ids {
        stage.send(id, &vec![b'a'; 30_000]);
    }
    stage.run();
    assert!(stage.hub.pooled() <= POOL_BYTES && stage.hub.pooled() > POOL_BYTES / 2, "{}", stage.hub.pooled());
}

#[test]
fn everything_comes_back_when_everybody_is_gone() {
    let mut stage = echo(Profile { silence: Some(seconds(10)), ..profile() });
    for round in 0..20 {
        let id = stage.accept();
        stage.say(id, "hello\n".repeat(round) + "part");
        stage.peer(id).window = 7 * round;
    }
    stage.pass(seconds(1000));
    assert!(stage.hub.is_empty());
    assert_eq!((stage.hub.tally().freed, stage.hub.deadline()), (20, None));
}

/// A buffer that owns so much memory, and comes from no pool.
fn buffer_of(size: usize) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.tail(&mut Pool::default()).reserve_exact(size);
    buffer
}

#[test]
fn the_pool_keeps_up_to_its_bound_and_nothing_large() {
    let mut pool = Pool::default();
    buffer_of(POOLED_BUFFER + 1).clear(&mut pool);
    assert_eq!(pool.bytes(), 0);
    buffer_of(POOLED_BUFFER).clear(&mut pool);
    let each = pool.bytes();
    assert!((POOLED_BUFFER..POOLED_BUFFER + 100).contains(&each), "with what leads to it: {each}");
    for count in 2..=POOL_BYTES / each {
        buffer_of(POOLED_BUFFER).clear(&mut pool);
        assert_eq!(pool.bytes(), count * each);
    }
    let full = pool.bytes();
    buffer_of(POOLED_BUFFER).clear(&mut pool);
    assert_eq!(pool.bytes(), full);
    assert_eq!(Buffer::default().tail(&mut pool).capacity(), POOLED_BUFFER);
    assert_eq!(pool.bytes(), full - each);
}

#[test]
fn the_pool_gives_the_buffer_used_last_and_empty() {
    let mut pool = Pool::default();
    for size in [10, 20, 30] {
        let mut buffer = buffer_of(size);
        buffer.tail(&mut pool).push(b'x');
        buffer.clear(&mut pool);
    }
    for size in [30, 20, 10] {
        let mut buffer = Buffer::default();
        let bytes = buffer.tail(&mut pool);
        assert_eq!((bytes.capacity(), bytes.len()), (size, 0));
    }
    assert_eq!(pool.bytes(), 0);
}

#[test]
#[should_panic(expected = "no more can be consumed than waits")]
fn no_more_can_be_consumed_than_waits() {
    let mut pool = Pool::default();
    let mut buffer = Buffer::default();
    buffer.tail(&mut pool).extend_from_slice(b"abc");
    buffer.consume(4, &mut pool);
}

#[test]
fn shared_bytes_are_held_while_they_wait_and_copied_when_more_comes() {
    let mut pool = Pool::default();
    let bytes = Rc::new(b"hello".to_vec());
    let (mut one, mut two) = (Buffer::default(), Buffer::default());
    one.share(&bytes, &mut pool);
    two.share(&bytes, &mut pool);
    assert_eq!((Rc::strong_count(&bytes), one.waiting()), (3, &b"hello"[..]));
    one.consume(2, &mut pool);
    one.tail(&mut pool).extend_from_slice(b" you");
    assert_eq!((Rc::strong_count(&bytes), one.waiting()), (2, &b"llo you"[..]));
    one.share(&bytes, &mut pool);
    assert_eq!((Rc::strong_count(&bytes), one.waiting()), (2, &b"llo youhello"[..]));
    two.consume(5, &mut pool);
    assert_eq!((Rc::strong_count(&bytes), two.is_empty()), (1, true));
}

/// What can be done with a buffer.
#[derive(Debug, Clone)]
enum Use {
    Share(Vec<u8>),
    Append(Vec<u8>),
    Consume(usize),
    Truncate(usize),
    Clear,
}

fn one_use() -> impl Strategy<Value = Use> {
    prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..100).prop_map(Use::Append),
        6 => prop::collection::vec(any::<u8>(), 1..100).prop_map(Use::Share),
        6 => (0..80usize).prop_map(Use::Consume),
        1 => (0..100usize).prop_map(Use::Truncate),
        1 => Just(Use::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_buffer_holds_what_a_plain_list_would(uses in prop::collection::vec(one_use(), 0..200)) {
        let (mut buffer, mut pool, mut plain) = (Buffer::default(), Pool::default(), Vec::new());
        let mut most = 0;
        for one in uses {
            match one {
                Use::Append(bytes) if bytes.is_empty() => {}
                Use::Share(bytes) => {
                    plain.extend_from_slice(&bytes);
                    buffer.share(&Rc::new(bytes), &mut pool);
                }
                Use::Append(bytes) => {
                    buffer.tail(&mut pool).extend_from_slice(&bytes);
                    plain.extend_from_slice(&bytes);
                }
                Use::Consume(count) => {
                    let count = count.min(plain.len());
                    buffer.consume(count, &mut pool);
                    plain.drain(..count);
                }
                Use::Truncate(count) => {
                    buffer.truncate(count, &mut pool);
                    plain.truncate(count);
                }
                Use::Clear => {
                    buffer.clear(&mut pool);
                    plain.clear();
                }
            }
            most = most.max(plain.len());
            prop_assert_eq!(buffer.waiting(), &plain[..]);
            prop_assert_eq!((buffer.len(), buffer.is_empty()), (plain.len(), plain.is_empty()));
        }
        buffer.clear(&mut pool);
        // Twice for what was consumed and not yet moved away, and twice for how vectors grow.
        prop_assert!(pool.bytes() <= 4 * most.max(100), "{} bytes for at most {most}", pool.bytes());
    }
}
