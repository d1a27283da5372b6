//! What concerns everybody: news, the stop, and the drivers' own ways in.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;

use parlor::hub::{
    Act, Address, ConnId, Credentials, Framing, Hold, Hub, Identity, Limits, News, Profile, Reason, Service, Target,
};

use super::player::{Call, Player, frame, polite};
use super::stage::{Stage, profile, seconds};

#[test]
fn every_service_is_told_the_news_in_order() {
    let told = Rc::new(RefCell::new(Vec::new()));
    let mut stage = Stage::new(polite);
    for name in ["first", "second"] {
        let log = Rc::clone(&told);
        stage.hub.add(Player::new(move |_, call| {
            if let Call::Told(news) = call {
                log.borrow_mut().push((name, *news));
            }
        }));
    }
    stage.hub.tell_all(News::Reload);
    assert_eq!(*told.borrow(), [("first", News::Reload), ("second", News::Reload)]);
    assert_eq!(stage.calls(), [Call::Told(News::Reload)]);
}

#[test]
fn a_stop_is_told_before_anybody_is_closed_and_last_words_go_out() {
    let ids = Rc::new(RefCell::new(Vec::new()));
    let all = Rc::clone(&ids);
    let mut stage = Stage::new(move |cx, call| {
        if let Call::Told(News::Stopping) = call {
            for &id in all.borrow().iter() {
                let _ = cx.send(id, b"goodbye");
            }
        }
    });
    let (one, held, opening) = (
        stage.accept(),
        stage.accept(),
        stage.act(|cx| cx.open(Target::Pipe { input: None, output: None }, Framing::LINES)),
    );
    ids.borrow_mut().extend([one, held, opening]);
    stage.act(|cx| cx.hold(held, Hold::JOB));
    stage.say(held, "unheard\n");
    stage.run();
    stage.calls();
    stage.hub.stop();
    stage.run();
    let closed = |id| Call::Closed(id, Reason::Stopping);
    assert_eq!(stage.calls(), [Call::Told(News::Stopping), closed(one), closed(held), closed(opening)]);
    assert_eq!(stage.written(one) + &stage.written(held), "goodbye\ngoodbye\n");
    assert_eq!(stage.peer(one).acts, [Act::Linger]);
    stage.pass(seconds(2));
    assert!(stage.hub.is_empty());
}

#[test]
fn who_is_closed_by_its_service_when_the_server_stops_was_closed_by_its_service() {
    let ids = Rc::new(RefCell::new(None));
    let it = Rc::clone(&ids);
    let mut stage = Stage::new(move |cx, call| {
        if let (Call::Told(_), Some(id)) = (call, *it.borrow()) {
            cx.close(id);
        }
    });
    let id = stage.accept();
    *ids.borrow_mut() = Some(id);
    stage.hub.stop();
    stage.run();
    assert_eq!(stage.calls().last(), Some(&Call::Closed(id, Reason::Closed)));
}

#[test]
fn a_second_stop_closes_nobody_twice() {
    let mut stage = Stage::new(polite);
    let id = stage.accept();
    stage.peer(id).window = 0;
    stage.send(id, b"a");
    stage.hub.stop();
    stage.run();
    stage.hub.stop();
    stage.run();
    let told = Call::Told(News::Stopping);
    assert_eq!(stage.calls(), [Call::Opened(id), told.clone(), Call::Closed(id, Reason::Stopping), told]);
}

#[test]
fn to_abandon_is_to_free_everybody_in_the_next_flush() {
    let mut stage = Stage::new(polite);
    let (open, closing, lingering) = (stage.accept(), stage.accept(), stage.accept());
    stage.peer(closing).window = 0;
    stage.act(|cx| {
        let _ = cx.send(closing, b"a");
        cx.close(closing);
        cx.close(lingering);
    });
    stage.run();
    let refused = stage.hub.refused(stage.listener, Address::Pipe, "! full: no").unwrap();
    stage.attach(refused);
    stage.calls();
    stage.hub.abandon();
    stage.flush();
    assert_eq!(stage.calls(), [Call::Closed(open, Reason::Stopping)]);
    assert!(stage.hub.is_empty());
    for id in [open, closing, lingering, refused] {
        assert_eq!(stage.peer(id).acts.last(), Some(&Act::Free));
    }
}

#[test]
fn a_service_can_ask_to_stop() {
    let mut stage = Stage::new(|cx, call| {
        if let Call::Frame(..) = call {
            cx.stop();
        }
    });
    let id = stage.accept();
    assert!(!stage.hub.stop_wanted());
    stage.say(id, "a\nb\n");
    stage.run();
    assert!(stage.hub.stop_wanted());
    assert_eq!(stage.calls()[1..], [frame(id, "a"), frame(id, "b")], "whoever drives the hub decides when");
}

struct Other;

impl Service for Other {
    fn frame(&mut self, _cx: &mut parlor::hub::Cx<'_>, _id: ConnId, _frame: &[u8]) {}
}

#[test]
fn a_service_can_be_looked_into_and_spoken_through_by_its_own_type_only() {
    let mut stage = Stage::new(polite);
    let other = stage.hub.add(Other);
    assert!(stage.hub.service::<Player>(stage.service).is_some());
    assert!(stage.hub.service::<Other>(stage.service).is_none());
    assert!(stage.hub.service::<Other>(other).is_some());
    let id = stage.accept();
    let sent = stage.hub.with(other, |_: &mut Other, cx| cx.send(id, b"from outside"));
    assert_eq!(sent, Some(parlor::hub::Sent::Queued), "a service may send to any connection");
    assert_eq!(stage.hub.with(other, |_: &mut Player, _| ()), None);
    stage.run();
    assert_eq!(stage.written(id), "from outside\n");
}

#[test]
fn chance_comes_from_outside() {
    let mut count = 0;
    let source = move |bytes: &mut [u8]| {
        for byte in bytes {
            count += 1;
            *byte = count;
        }
    };
    let mut hub = Hub::new(Limits::default(), Box::new(source));
    let service = hub.add(Other);
    let (mut first, mut second) = ([0; 3], [0; 2]);
    hub.with(service, |_: &mut Other, cx| {
        cx.random(&mut first);
        cx.random(&mut second);
    })
    .unwrap();
    assert_eq!((first, second), ([1, 2, 3], [4, 5]));
}

#[test]
fn it_is_known_where_a_connection_comes_from() {
    let address = Address::Unix(Some("/run/parlor".into()));
    let mut stage = Stage::with_profile(Profile { address: address.clone(), ..profile() }, polite);
    let who = Credentials { pid: 1, uid: 2, gid: 3 };
    let id = stage.hub.accepted(stage.listener, Address::Unix(None), Some(Identity::Process(who)));
    let listener = stage.listener;
    stage.act(|cx| {
        let about = cx.about(id).unwrap();
        assert_eq!((about.listener, about.local), (Some(listener), Some(&address)));
        assert_eq!((about.peer, about.credentials), (&Address::Unix(None), Some(who)));
    });
    let certificate = Identity::Certificate("0123abcd".to_owned());
    let id = stage.hub.accepted(listener, Address::Pipe, Some(certificate));
    stage.act(|cx| {
        let about = cx.about(id).unwrap();
        assert_eq!((about.credentials, about.certificate), (None, Some("0123abcd")));
    });
    let shown: Vec<String> = [address, Address::Unix(None), Address::Pipe, Address::Tcp("[::1]:80".parse().unwrap())]
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(shown, ["unix:/run/parlor", "unix", "pipe", "[::1]:80"]);
}

/// Plays a history in which much happens.
fn history() -> (Vec<Call>, Vec<Vec<u8>>) {
    let limits = Limits { high: 200, low: 50, output: 400, ..Limits::default() };
    let mut stage = Stage::with_limits(limits, |cx, call| match call {
        Call::Frame(id, text) => {
            let mut token = [0; 4];
            cx.random(&mut token);
            let _ = cx.send(*id, format!("{text} {token:?} {}", cx.wall()).as_bytes());
            if text == "7" {
                cx.hold(*id, Hold::FLOOD);
                let later = cx.now() + seconds(3);
                cx.set_timer(*id, later);
            }
        }
        Call::Timer(id) => cx.release(*id, Hold::FLOOD),
        _ => polite(cx, call),
    });
    let ids: Vec<_> = (0..10).map(|_| stage.accept()).collect();
    for (number, &id) in ids.iter().enumerate() {
        stage.peer(id).window = 60 * number;
        for line in 0..number + 3 {
            stage.say(id, format!("{line}\n"));
        }
        match number % 3 {
            0 => stage.finish(id),
            1 => stage.reset(id, ErrorKind::ConnectionReset),
            _ => {}
        }
    }
    stage.pass(seconds(2));
    for id in ids {
        stage.grant(id, 100);
    }
    stage.pass(seconds(100));
    stage.hub.stop();
    stage.pass(seconds(100));
    (stage.calls(), stage.peers.into_values().map(|peer| peer.written).collect())
}

#[test]
fn the_same_calls_with_the_same_bytes_give_the_same_bytes() {
    let first = history();
    assert!(first.0.len() > 50, "{}", first.0.len());
    (0..5).for_each(|_| assert!(history() == first));
}
