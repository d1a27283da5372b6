//! Servers that lie: what they say reaches no terminal as it is, and no file that it was not meant for.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use crate::program::Program;

const TEA: &str = "27150f2fab7401fec3d9ab70bd7653f8d6c35452d4b4bad0f8c213f29e069048";

/// A server for one connection, which does as it is told.
fn server(does: impl FnOnce(&mut BufReader<TcpStream>) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        stream.get_mut().write_all(b"- parlor files: offer\n").unwrap();
        does(&mut stream);
    });
    (address, serving)
}

fn hears(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_name_that_a_server_made_up_moves_no_cursor() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tea");
    fs::write(&path, b"green tea\n").unwrap();
    let (address, serving) = server(|stream| {
        hears(stream);
        stream.get_mut().write_all(b"- send \x1b[2J 0\n").unwrap();
        assert_eq!(hears(stream), "green tea\n");
        stream.get_mut().write_all(format!("- stored \x1b]0;x\x07 10 {TEA}\n").as_bytes()).unwrap();
    });
    let ended = Program::parlor(&["put", path.to_str().unwrap(), &address]).end();
    serving.join().unwrap();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let shown = [ended.output, ended.aside].concat().join("\n");
    assert!(shown.contains(TEA) && !shown.contains(['\x1b', '\x07']), "{shown:?}");
}

#[test]
fn a_file_that_came_to_the_place_meanwhile_stays_unless_it_is_to_go() {
    for force in [false, true] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("got");
        let meanwhile = path.clone();
        let (address, serving) = server(move |stream| {
            hears(stream);
            stream.get_mut().write_all(format!("- body tea 10 {TEA} 0\ngreen").as_bytes()).unwrap();
            fs::write(&meanwhile, b"mine").unwrap();
            stream.get_mut().write_all(b" tea\n").unwrap();
        });
        let output = path.to_str().unwrap();
        let mut words = vec!["get", "tea", &address, "--output", output];
        words.extend(force.then_some("--force"));
        let ended = Program::parlor(&words).end();
        serving.join().unwrap();
        let wanted = if force { (Some(0), &b"green tea\n"[..]) } else { (Some(1), &b"mine"[..]) };
        assert_eq!((ended.code, &fs::read(&path).unwrap()[..]), wanted, "{ended:#?}");
        assert!(force || ended.aside.last().unwrap().contains("--force"), "{ended:#?}");
    }
}

#[test]
fn a_link_in_the_place_of_a_part_is_not_written_through() {
    let folder = TempDir::new().unwrap();
    let (path, precious) = (folder.path().join("got"), folder.path().join("precious"));
    fs::write(&precious, b"").unwrap();
    symlink(&precious, folder.path().join(format!("got.{TEA}.part"))).unwrap();
    let (address, serving) = server(|stream| {
        hears(stream);
        // It may be gone already.
        let _ = stream.get_mut().write_all(format!("- body tea 10 {TEA} 0\ngreen tea\n").as_bytes());
        hears(stream);
    });
    let ended = Program::parlor(&["get", "tea", &address, "--output", path.to_str().unwrap()]).end();
    drop(serving);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(fs::read(&precious).unwrap().is_empty() && !path.exists());
}

#[test]
fn an_answer_that_is_no_answer_to_a_login_begins_nothing() {
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, "hunter2\r\nnothing of this\n").unwrap();
    let (address, serving) = server(|stream| {
        assert_eq!(hears(stream), "login alice hunter2\n");
        stream.get_mut().write_all(b"- news\n! wrong-password: wrong name or \x1b[2Jpassword\n").unwrap();
        assert_eq!(hears(stream), "", "something was asked for");
    });
    let words = ["files", &address, "--login", "alice", "--password-file", password.to_str().unwrap()];
    let ended = Program::parlor(&words).end();
    serving.join().unwrap();
    assert_eq!(ended.code, Some(4), "{ended:#?}");
    assert!(ended.aside[0].contains("wrong-password") && !ended.aside[0].contains('\x1b'), "{ended:#?}");
}
