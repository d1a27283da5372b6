//! TLS over a stream that cuts everything everywhere, at the other end of it rustls itself.

use std::io::Write;

use parlor::hub::{Framing, Reason};

use crate::authority::Authority;
use crate::chance::Chance;
use crate::memory::{Far, House, Mirror, Tube, bytes};

/// A conversation: the far side says all of it, hears it back, says goodbye, and hears ours.
fn converse(authority: &Authority, seed: u64, total: usize, most: usize) {
    let mut chance = Chance::new(seed);
    let room = chance.size(1, 4 * most);
    let tube = Tube::new(room, chance.one_in(3));
    let mut house = House::new(authority, &tube, Mirror::default());
    let mut far = Far::new(authority);
    let said = bytes(&mut chance, total);
    let (mut at, mut parted, mut ended, mut updates) = (0, false, false, 0);
    for round in 0.. {
        assert!(
            round < 2_000_000,
            "seed {seed}: {at} of {total} said, {} heard, and it stands still: {tube:?} {:?}",
            far.heard.len(),
            house.mirror().closed
        );
        if at < total && !far.session.is_handshaking() && far.sent.len() < 100_000 && chance.one_in(2) {
            let count = chance.size(1, most.min(total - at));
            far.session.writer().write_all(&said[at..at + count]).unwrap();
            at += count;
            if chance.one_in(20) && updates < 8 {
                // Reading this, our side must write.
                far.session.refresh_traffic_keys().unwrap();
                updates += 1;
            }
        }
        if at == total && !parted {
            far.session.send_close_notify();
            parted = true;
        }
        // A reader that pauses is as good a boundary as a read that is cut.
        let back = if chance.one_in(4) { 0 } else { chance.size(1, most) };
        far.exchange(&tube, chance.size(1, most), back);
        if parted && far.sent.is_empty() && !far.session.wants_write() && !ended && chance.one_in(3) {
            tube.ends();
            ended = true;
        }
        house.turns();
        if house.mirror().closed.is_some() && tube.is_empty() {
            break;
        }
    }
    assert!(far.heard == said, "seed {seed}: {} of {total} bytes came back, or other ones", far.heard.len());
    // Closed at once, for it had said goodbye first, it is told ours if there is room for that.
    assert!(far.parted || tube.was_full(), "seed {seed}: no goodbye");
    assert!(house.mirror().heard == said, "seed {seed}");
    assert_eq!((house.mirror().opened, house.mirror().closed), (1, Some(Reason::Ended)), "seed {seed}");
}

#[test]
fn whatever_is_cut_wherever_every_byte_comes_back_and_the_goodbyes_are_heard() {
    let authority = Authority::new();
    for seed in 0..40 {
        converse(&authority, seed, 20_000, 700);
    }
    for seed in 100..104 {
        converse(&authority, seed, 400_000, 40_000);
    }
}

#[test]
fn one_byte_at_a_time_in_both_directions_is_a_conversation_too() {
    let authority = Authority::new();
    for seed in 0..3 {
        converse(&authority, seed, 300, 1);
    }
}

#[test]
fn what_came_with_the_last_of_the_handshake_is_read_without_another_event() {
    let authority = Authority::new();
    let tube = Tube::new(100_000, false);
    let mut house = House::new(&authority, &tube, Mirror::default());
    let mut far = Far::new(&authority);
    far.exchange(&tube, usize::MAX, 0);
    house.turns();
    far.exchange(&tube, 0, usize::MAX);
    // Its last words of the handshake, and a hundred lines in one record, all at once.
    let lines = b"a line\n".repeat(100);
    far.session.writer().write_all(&lines).unwrap();
    far.exchange(&tube, usize::MAX, 0);
    house.turns();
    assert!(house.mirror().heard == lines);
    far.exchange(&tube, 0, usize::MAX);
    assert!(far.heard == lines);
}

#[test]
fn an_end_without_a_goodbye_is_no_end_but_a_loss() {
    let authority = Authority::new();
    for (says_goodbye, why) in [(true, Reason::Ended), (false, Reason::Lost(std::io::ErrorKind::UnexpectedEof))] {
        let tube = Tube::new(100_000, false);
        let mut house = House::new(&authority, &tube, Mirror::default());
        let mut far = Far::new(&authority);
        for _ in 0..4 {
            far.exchange(&tube, usize::MAX, usize::MAX);
            house.turns();
        }
        far.session.writer().write_all(b"last words").unwrap();
        if says_goodbye {
            far.session.send_close_notify();
        }
        far.exchange(&tube, usize::MAX, usize::MAX);
        tube.ends();
        house.turns();
        assert_eq!(house.mirror().heard, b"last words", "what was said before counts");
        assert_eq!(house.mirror().closed, Some(why));
    }
}

#[test]
fn a_goodbye_behind_plaintext_is_heard_without_another_event() {
    let authority = Authority::new();
    let tube = Tube::new(100_000, false);
    let mut house = House::new(&authority, &tube, Mirror::default());
    let mut far = Far::new(&authority);
    for _ in 0..4 {
        far.exchange(&tube, usize::MAX, usize::MAX);
        house.turns();
    }
    far.session.writer().write_all(b"last words").unwrap();
    far.session.send_close_notify();
    far.exchange(&tube, usize::MAX, 0);
    house.turns();
    far.exchange(&tube, 0, usize::MAX);
    assert_eq!((&*far.heard, far.parted), (&b"last words"[..], true));
    assert_eq!(house.mirror().closed, Some(Reason::Ended));
}

#[test]
fn our_goodbye_and_our_end_wait_for_room_and_need_nothing_from_the_peer() {
    let authority = Authority::new();
    for room in 2000..2200 {
        let tube = Tube::new(room, false);
        let says = Some(vec![b'x'; 5000]);
        let mut house = House::new(&authority, &tube, Mirror { says, ..Mirror::default() });
        let mut far = Far::new(&authority);
        for _ in 0..20 {
            // It only listens, and in gulps: wherever the last record ends, the goodbye may find no room.
            far.exchange(&tube, usize::MAX, room);
            house.turns();
        }
        assert_eq!(far.heard.len(), 5000, "room {room}");
        assert!(far.parted && tube.is_shut(), "room {room}: no goodbye, or no end");
    }
}

#[test]
fn a_broken_record_is_answered_with_an_alert_and_what_came_before_counts() {
    let authority = Authority::new();
    let oversized = [&[23, 3, 3, 0x50, 0][..], &vec![0; 0x5000]].concat();
    for garbage in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), [23, 3, 3, 0, 20].repeat(5), oversized] {
        let tube = Tube::new(100_000, false);
        let mut house = House::new(&authority, &tube, Mirror::default());
        let mut far = Far::new(&authority);
        for _ in 0..4 {
            far.exchange(&tube, usize::MAX, usize::MAX);
            house.turns();
        }
        far.session.writer().write_all(b"before").unwrap();
        far.session.write_tls(&mut far.sent).unwrap();
        far.sent.extend(garbage);
        let piece: Vec<u8> = far.sent.drain(..).collect();
        tube.arrives(&piece);
        house.turns();
        assert_eq!(house.mirror().heard, b"before");
        assert_eq!(house.mirror().closed, Some(Reason::Lost(std::io::ErrorKind::InvalidData)));
        let answer = tube.leaves(usize::MAX);
        // Encrypted, an alert of two bytes is a record of 19 with a header of 5.
        assert_eq!(&answer[answer.len() - 24..][..5], [23, 3, 3, 0, 19]);
    }
}

#[test]
fn what_is_dropped_for_a_slow_reader_leaves_no_part_of_a_line_behind() {
    let authority = Authority::new();
    // A write of 64 KiB ends with the first byte of the second line, or near it: its record is out before the rest is.
    for first in 65_533..65_538 {
        let tube = Tube::new(5000, false);
        let lines = [&vec![b'a'; first][..], b"\nsecond\n", &b"more\n".repeat(1000)].concat();
        let mirror = Mirror { says: Some(lines), stays: true, ..Mirror::default() };
        let mut house = House::framed(&authority, &tube, mirror, Framing::LINES);
        let mut far = Far::new(&authority);
        for _ in 0..3 {
            far.exchange(&tube, usize::MAX, if house.mirror().opened == 0 { usize::MAX } else { 0 });
            house.turns();
        }
        house.gives_up();
        for _ in 0..100 {
            far.exchange(&tube, usize::MAX, usize::MAX);
            house.turns();
        }
        let heard = String::from_utf8(far.heard).unwrap();
        let behind: Vec<&str> = heard[first..].split('\n').filter(|line| !line.is_empty()).collect();
        let (last, whole) = behind.split_last().unwrap();
        assert!(last.starts_with("! slow: "), "{first}: {last:?}");
        assert!(whole.iter().all(|line| ["second", "more"].contains(line)) && whole.len() < 3, "{first}: {whole:?}");
    }
}
