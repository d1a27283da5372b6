//! Streams whose frames are known, with every awkward place that a framing has.

use parlor::hub::{FIXED_FRAME, Fault, Framing, LENGTH_FRAME, LINE};

use super::Heard::{self, Ended, Frame, Raw};

/// What a peer sends, and what must come out of it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: &'static str,
    pub(crate) framing: Framing,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Vec<Heard>,
    /// Browsers are turned away by the hub, not by the decoder.
    pub(crate) hub_only: bool,
}

pub(crate) const LINES: Framing = Framing::Lines { max: 8 };
pub(crate) const LENGTH: Framing = Framing::Length { max: 8 };

fn stream(name: &'static str, framing: Framing, bytes: &[u8], expected: Vec<Heard>) -> Stream {
    Stream { name, framing, bytes: bytes.to_vec(), expected, hub_only: false }
}

/// Frames, and then the end.
fn frames(frames: &[&[u8]]) -> Vec<Heard> {
    frames.iter().map(|frame| Frame(frame.to_vec())).chain([Ended]).collect()
}

/// Frames, and then a fault, which ends everything.
fn broken(before: &[&[u8]], fault: Fault) -> Vec<Heard> {
    before.iter().map(|frame| Frame(frame.to_vec())).chain([Heard::Fault(fault)]).collect()
}

fn too_long(before: &[&[u8]]) -> Vec<Heard> {
    broken(before, Fault::TooLong { max: 8 })
}

/// Streams of at most some dozens of bytes: short enough to be cut at every two places.
pub(crate) fn short() -> Vec<Stream> {
    let mut all = lines();
    all.extend(line_limits());
    all.extend(lengths());
    all.extend(mixed());
    all.extend(browsers());
    all
}

fn lines() -> Vec<Stream> {
    vec![
        stream("nothing", LINES, b"", frames(&[])),
        stream("LF", LINES, b"a\nbc\n", frames(&[b"a", b"bc"])),
        stream("CRLF", LINES, b"a\r\nbc\r\n", frames(&[b"a", b"bc"])),
        stream("LF and CRLF", LINES, b"a\nb\r\nc\n", frames(&[b"a", b"b", b"c"])),
        stream("a CR inside", LINES, b"a\rb\n\r\r\n\rc\nd\r", frames(&[b"a\rb", b"\r", b"\rc", b"d"])),
        stream("LF then CR", LINES, b"a\n\rb\n", frames(&[b"a", b"\rb"])),
        stream("blank", LINES, b"\n\r\n\na\n\n", frames(&[b"", b"", b"", b"a", b""])),
        stream("NUL", LINES, b"\0a\0\n\0\n\0", frames(&[b"\0a\0", b"\0", b"\0"])),
        stream(
            "UTF-8",
            LINES,
            "aé€😀x\né\r\n€\n😀\n".as_bytes(),
            broken(&[], Fault::TooLong { max: 8 }), // 1 + 2 + 3 + 4 + 1 bytes: the limit counts bytes
        ),
        stream(
            "UTF-8 of every length",
            LINES,
            "aé\n€a\r\n😀é\nß😀".as_bytes(),
            frames(&["aé".as_bytes(), "€a".as_bytes(), "😀é".as_bytes(), "ß😀".as_bytes()]),
        ),
        stream("no UTF-8", LINES, b"\xff\xc3\n\x80\r\n\xe2\x82", frames(&[b"\xff\xc3", b"\x80", b"\xe2\x82"])),
        stream("no end", LINES, b"a\nlast", frames(&[b"a", b"last"])),
        stream("no end but CR", LINES, b"a\nlast\r", frames(&[b"a", b"last"])),
        stream("only CR", LINES, b"\r", frames(&[b""])),
    ]
}

fn line_limits() -> Vec<Stream> {
    vec![
        stream("longest", LINES, b"12345678\nb\n", frames(&[b"12345678", b"b"])),
        stream("longest, CRLF", LINES, b"12345678\r\nb\r\n", frames(&[b"12345678", b"b"])),
        stream("longest, no end", LINES, b"12345678", frames(&[b"12345678"])),
        stream("longest, no end but CR", LINES, b"12345678\r", frames(&[b"12345678"])),
        stream("longest ends in CR", LINES, b"1234567\r\r\n", frames(&[b"1234567\r"])),
        stream("one too long", LINES, b"a\n123456789\nnever\n", too_long(&[b"a"])),
        stream("one too long, CRLF", LINES, b"a\n123456789\r\nnever\n", too_long(&[b"a"])),
        stream("one too long, no end", LINES, b"a\n123456789", too_long(&[b"a"])),
        stream("a CR too many", LINES, b"12345678\r\r\nnever\n", too_long(&[])),
        stream("longer behind a CR", LINES, b"12345678\rx\nnever\n", too_long(&[])),
        stream("endless", LINES, &[b'A'; 64], too_long(&[])),
        stream("endless CR", LINES, &[b'\r'; 64], too_long(&[])),
    ]
}

fn lengths() -> Vec<Stream> {
    let partial = |before: &[&[u8]]| broken(before, Fault::Partial);
    vec![
        stream("empty", LENGTH, b"\0\0\0\0\0\0\0\0\0\0\0\x01a", frames(&[b"", b"", b"a"])),
        stream("longest", LENGTH, b"\0\0\0\x0812345678\0\0\0\x02\r\n", frames(&[b"12345678", b"\r\n"])),
        stream("a prefix inside", LENGTH, b"\0\0\0\x04\0\0\0\x01\0\0\0\0", frames(&[b"\0\0\0\x01", b""])),
        stream("characters", LENGTH, "\0\0\0\u{7}é😀\n".as_bytes(), frames(&["é😀\n".as_bytes()])),
        stream("one too long", LENGTH, b"\0\0\0\x01a\0\0\0\x09123456789", too_long(&[b"a"])),
        stream("a lie", LENGTH, b"\xff\xff\xff\xffabc", too_long(&[])),
        stream("little-endian", LENGTH, b"\x01\0\0\0a", too_long(&[])),
        stream("part of a prefix", LENGTH, b"\0\0\0\x01a\0\0\0", partial(&[b"a"])),
        stream("only a prefix", LENGTH, b"\0\0\0\x01", partial(&[])),
        stream("part of a frame", LENGTH, b"\0\0\0\0\0\0\0\x03ab", partial(&[b""])),
    ]
}

fn mixed() -> Vec<Stream> {
    let raw = |before: &[u8], raw: &[u8], after: &[&[u8]]| {
        [vec![Frame(before.to_vec()), Raw(raw.to_vec())], frames(after)].concat()
    };
    vec![
        stream("raw, then lines", LINES, b"+7\na\nb\r\n\0\xff+\nb\n", raw(b"+7", b"a\nb\r\n\0\xff", &[b"+", b"b"])),
        stream("raw to the end", LINES, b"+3\nabc", raw(b"+3", b"abc", &[])),
        stream("raw cut off by the end", LINES, b"+9\nabc", raw(b"+9", b"abc", &[])),
        stream("raw without bytes", LINES, b"+0\na\n", frames(&[b"+0", b"a"])),
        stream("raw twice", LINES, b"+2\nab+1\nc+1\n\n", {
            let (first, second, third) = (raw(b"+2", b"ab", &[]), raw(b"+1", b"c", &[]), raw(b"+1", b"\n", &[]));
            [&first[..2], &second[..2], &third].concat()
        }),
        stream("raw among lengths", LENGTH, b"\0\0\0\x02+5\0\0\0\x09a\0\0\0\0", raw(b"+5", b"\0\0\0\x09a", &[b""])),
        stream(
            "from now on raw",
            LINES,
            b"a\n=raw\nb\nc\r\n",
            [vec![Frame(b"a".to_vec())], raw(b"=raw", b"b\nc\r\n", &[])].concat(),
        ),
        stream("raw from the start", Framing::Raw, b"a\nb", vec![Raw(b"a\nb".to_vec()), Ended]),
        stream(
            "lines, lengths, lines",
            LINES,
            b"=length\r\n\0\0\0\x01\n\0\0\0\x06=lines\0\0\0\x06\n\r\n",
            frames(&[b"=length", b"\n", b"=lines", b"\0\0\0\x06", b""]),
        ),
    ]
}

fn browsers() -> Vec<Stream> {
    let lines = Framing::LINES;
    let hub_only = |stream| Stream { hub_only: true, ..stream };
    let (http, request) = (broken(&[], Fault::Http), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    vec![
        hub_only(stream("a browser", lines, request, http.clone())),
        hub_only(stream("a browser that stops early", lines, b"POST /a?b=c HTTP/1.0", http.clone())),
        hub_only(stream("a browser's line in a frame", Framing::LENGTH, b"\0\0\0\x0eGET / HTTP/1.1\0\0\0\x01a", http)),
        stream("a browser later on", lines, b"\nGET / HTTP/1.1\nb\n", frames(&[b"", b"GET / HTTP/1.1", b"b"])),
        stream("no browser", lines, b"GET / HTTP/1.1 x\nb\n", frames(&[b"GET / HTTP/1.1 x", b"b"])),
    ]
}

/// Streams with frames of full size: too long to be cut at every two places.
pub(crate) fn long() -> Vec<Stream> {
    let line = vec![b'l'; LINE as usize];
    let frame = vec![b'f'; LENGTH_FRAME as usize];
    let prefix = LENGTH_FRAME.to_be_bytes();
    let over = (LENGTH_FRAME + 1).to_be_bytes();
    let longest = Fault::TooLong { max: LINE };
    vec![
        stream("longest line", Framing::LINES, &[&line, &b"\r\nb\n"[..]].concat(), frames(&[&line, b"b"])),
        stream("too long a line", Framing::LINES, &[b"a\nx", &line[..], b"\n"].concat(), broken(&[b"a"], longest)),
        stream("longest frame", Framing::LENGTH, &[&prefix[..], &frame, &[0; 4]].concat(), frames(&[&frame, b""])),
        stream(
            "too long a frame",
            Framing::LENGTH,
            &[&over[..], &frame].concat(),
            broken(&[], Fault::TooLong { max: LENGTH_FRAME }),
        ),
    ]
}

/// Streams of the fixed framing.
pub(crate) fn fixed() -> Vec<Stream> {
    let padded = |frame: &[u8]| [frame, &vec![0; FIXED_FRAME - frame.len()]].concat();
    let full = vec![b'x'; FIXED_FRAME];
    let text = "é€😀".as_bytes();
    let bytes = [full.clone(), padded(b""), padded(text), padded(b"\0a\0b")].concat();
    let heard: [&[u8]; 4] = [&full, b"", text, b"\0a\0b"];
    let partial = [padded(b"a"), b"b".to_vec()].concat();
    // Its head fills the first frame, and its body holds another.
    let mut posted = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    posted.resize(FIXED_FRAME, b' ');
    posted.extend(padded(b"/nick mallory"));
    let switched = [padded(b"=lines"), b"a\n=fixed\n".to_vec(), padded(b"\n"), padded(b"+1"), b"r".to_vec()].concat();
    let after: [&[u8]; 5] = [b"=lines", b"a", b"=fixed", b"\n", b"+1"];
    let expected = [&frames(&after)[..5], &[Raw(b"r".to_vec()), Ended]].concat();
    vec![
        stream("fixed", Framing::Fixed, &bytes, frames(&heard)),
        stream("part of a fixed frame", Framing::Fixed, &partial, broken(&[b"a"], Fault::Partial)),
        stream("all but one byte", Framing::Fixed, &full[1..], broken(&[], Fault::Partial)),
        stream("fixed and lines", Framing::Fixed, &switched, expected),
        Stream {
            hub_only: true,
            ..stream("a browser among fixed frames", Framing::Fixed, &posted, broken(&[], Fault::Http))
        },
    ]
}
