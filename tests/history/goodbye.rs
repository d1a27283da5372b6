//! A session that said goodbye is nobody's any more, and its messages are there all the same.

use parlor::log::{Log, Record, id_hash};

use crate::support::{NOW, Place, known, said, settle, texts};

const GONE: [u8; 16] = [1; 16];
const STAYS: [u8; 16] = [2; 16];

fn say_with(log: &mut Log, session: [u8; 16], id: &str) {
    log.push(&Record { session, id, ..said("tea", id, NOW) });
    log.commit().unwrap();
}

fn ids(log: &mut Log, session: [u8; 16]) -> Vec<u64> {
    known(log, session, NOW - 1000).into_iter().map(|known| known.id).collect()
}

/// Both speak, in one run or in two, and one goes. Answers the history as the next run finds it.
fn part(place: &mut Place, goes_in_another_run: bool) -> Log {
    let mut log = place.open();
    for number in 0..20 {
        say_with(&mut log, GONE, &format!("gone-{number}"));
        say_with(&mut log, STAYS, &format!("stays-{number}"));
    }
    settle(&mut log, NOW);
    if goes_in_another_run {
        drop(log);
        log = place.open();
        assert_eq!(ids(&mut log, GONE).len(), 20);
    }
    log.forget_session(GONE, NOW);
    log.commit().unwrap();
    assert!(ids(&mut log, GONE).is_empty(), "from then on, in this run too");
    settle(&mut log, NOW);
    drop(log);
    place.open()
}

#[test]
fn whoever_said_goodbye_is_known_to_nobody_whatever_became_of_the_segments() {
    for bytes in [1 << 20, 3000, 450] {
        for goes_in_another_run in [false, true] {
            let mut place = Place::with_segments(bytes);
            let mut log = part(&mut place, goes_in_another_run);
            for run in 0..3 {
                let context = format!("segments of {bytes}, another run: {goes_in_another_run}, run {run}");
                assert!(ids(&mut log, GONE).is_empty(), "{context}");
                let mine: Vec<u64> = (0..20).map(|number| id_hash(&format!("stays-{number}"))).collect();
                assert_eq!(ids(&mut log, STAYS), mine, "{context}");
                assert_eq!(texts(&mut log, "tea", NOW).len(), 40, "{context}");
                log.close().unwrap();
                log = place.open();
            }
        }
    }
}

#[test]
fn what_a_session_says_behind_its_goodbye_is_known() {
    for bytes in [1 << 20, 450] {
        let mut place = Place::with_segments(bytes);
        let mut log = part(&mut place, false);
        say_with(&mut log, GONE, "again");
        settle(&mut log, NOW);
        log.close().unwrap();
        let mut log = place.open();
        assert_eq!(ids(&mut log, GONE), [id_hash("again")], "segments of {bytes}");
    }
}
