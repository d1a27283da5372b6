//! What framing costs: no byte is searched twice, and no memory is set aside for what a peer merely promises.

use std::rc::Rc;

use parlor::hub::{
    Address, ConnId, Cx, Decoder, Fault, Framing, Hub, Limits, Moment, Profile, Service, ServiceId, Step, Wall,
};

#[test]
fn a_line_that_arrives_byte_by_byte_is_searched_once() {
    const SIZE: usize = 64 * 1024;
    let mut decoder = Decoder::new(Framing::Lines { max: 64 * 1024 });
    let mut shown = vec![b'a'; SIZE + 1];
    for size in 1..=SIZE {
        assert_eq!(decoder.next(&shown[..size]), Step::More, "byte {size}, behind which it must not look back");
        // Whoever looked at this byte again would find the end of a line here.
        shown[size - 1] = b'\n';
    }
    shown[SIZE] = b'\n';
    match decoder.next(&shown) {
        Step::Frame(frame, used) => assert_eq!((frame.len(), used), (SIZE, SIZE + 1)),
        step => panic!("{step:?}"),
    }
}

#[test]
fn a_line_that_arrives_in_pieces_is_searched_once_behind_other_lines() {
    let mut decoder = Decoder::new(Framing::LINES);
    assert_eq!(decoder.next(b"one\ntw"), Step::Frame(b"one", 4));
    assert_eq!(decoder.next(b"tw"), Step::More);
    assert_eq!(decoder.next(b"\n\no"), Step::More, "the first two bytes are known");
    assert_eq!(decoder.next(b"two\r\nx"), Step::Frame(b"two", 5));
}

#[test]
fn another_framing_looks_at_what_was_searched_already() {
    let mut decoder = Decoder::new(Framing::Lines { max: 64 });
    assert_eq!(decoder.next(b"\0\0\0\x03a"), Step::More);
    decoder.set_framing(Framing::LENGTH);
    assert_eq!(decoder.next(b"\0\0\0\x03a"), Step::More);
    assert_eq!(decoder.next(b"\0\0\0\x03a\nb"), Step::Frame(b"a\nb", 7));
    decoder.set_framing(Framing::Lines { max: 64 });
    assert_eq!(decoder.next(b"ab"), Step::More);
    decoder.set_framing(Framing::Lines { max: 1 });
    assert_eq!(decoder.next(b"ab"), Step::Broken(Fault::TooLong { max: 1 }), "the new limit holds for old bytes");
}

#[test]
fn a_raw_stretch_that_begins_inside_a_line_leaves_the_search_behind_it_right() {
    let mut decoder = Decoder::new(Framing::LINES);
    assert_eq!(decoder.next(b"abc"), Step::More);
    decoder.set_raw(2);
    assert_eq!(decoder.next(b"abc"), Step::Chunk(b"ab"));
    assert_eq!(decoder.next(b"c\n"), Step::Frame(b"c", 2));
}

/// Hears nothing and says nothing.
struct Deaf;

impl Service for Deaf {
    fn frame(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _frame: &[u8]) {}
    fn fault(&mut self, _cx: &mut Cx<'_>, _id: ConnId, _fault: Fault) {}
}

/// A hub with one connection, and no buffer in its pool.
fn hub(framing: Framing) -> (Hub, ServiceId, ConnId) {
    let mut hub = Hub::new(Limits::default(), Box::new(|_| {}));
    let service = hub.add(Deaf);
    let limits = Rc::new(Limits::default());
    let profile = Profile { framing, silence: None, refuse_http: false, limits, address: Address::Pipe };
    let listener = hub.listen(service, profile);
    hub.begin(Moment::START, Wall::from_millis(0));
    let id = hub.accepted(listener, Address::Pipe, None);
    assert_eq!(hub.pooled(), 0);
    (hub, service, id)
}

#[test]
fn a_promised_length_sets_no_memory_aside() {
    let (mut hub, service, id) = hub(Framing::LENGTH);
    hub.receive(id, b"\0\x01\0\0"); // 64 KiB: the most that a frame may have
    hub.receive(id, b"abc");
    hub.with(service, |_: &mut Deaf, cx| cx.close(id)).unwrap();
    assert!((7..=150).contains(&hub.pooled()), "its buffer, given back, has {} bytes", hub.pooled());
}

#[test]
fn a_lying_length_is_refused_before_anything_is_kept() {
    for lie in [0x0001_0001, 0x7fff_ffff, u32::MAX] {
        let (mut hub, service, id) = hub(Framing::LENGTH);
        hub.receive(id, &[&lie.to_be_bytes()[..], &[0; 1000]].concat());
        hub.with(service, |_: &mut Deaf, cx| assert_eq!(cx.unsent(id), 0)).unwrap();
        assert_eq!((hub.intake(id), hub.pooled()), (0, 0), "{lie:#x}");
    }
}

#[test]
fn a_long_line_that_arrives_byte_by_byte_takes_memory_for_itself_only() {
    const SIZE: usize = 60 * 1024;
    let (mut hub, service, id) = hub(Framing::Lines { max: 60 * 1024 });
    (0..SIZE).for_each(|_| hub.receive(id, b"a"));
    assert_eq!(hub.pooled(), 0, "the buffer is in use");
    hub.receive(id, b"\n");
    assert_eq!(hub.tally().frames, 1);
    assert!((SIZE..=64 * 1024 + 100).contains(&hub.pooled()), "the buffer was given back: {}", hub.pooled());
    hub.with(service, |_: &mut Deaf, cx| cx.close(id)).unwrap();
}
