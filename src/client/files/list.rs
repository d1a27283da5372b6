//! `parlor files`: what the server has.

use super::PLACE;
use super::progress::size;
use crate::client::errand::{Deed, Place, Way};
use crate::client::trouble::Trouble;
use crate::hub::{ConnId, Cx};
use crate::services::chat::neutralise;

/// The list of all files.
#[derive(Debug, Default)]
pub struct List {
    /// What came of it on this connection.
    lines: String,
    is_whole: bool,
}

impl Deed for List {
    const PLACE: Place = PLACE;

    fn ready(&mut self, _way: &mut Way, cx: &mut Cx<'_>, id: ConnId) {
        let _ = cx.send(id, b"list");
    }

    fn answer(&mut self, way: &mut Way, _cx: &mut Cx<'_>, _id: ConnId, words: &str) {
        match words.split(' ').collect::<Vec<_>>()[..] {
            ["end", "list"] => {
                self.is_whole = true;
                way.succeed(0);
            }
            ["file", name, bytes, time] => {
                let shown = bytes.parse().map_or_else(|_| bytes.to_owned(), size);
                self.lines += &neutralise(&format!("{shown:>12}  {time}  {name}"));
                self.lines.push('\n');
            }
            _ => {}
        }
    }

    fn broke(&mut self, way: &mut Way, cx: &mut Cx<'_>, trouble: &Trouble) {
        self.lines.clear();
        way.again(cx, trouble);
    }

    fn shown(&self) -> String {
        if self.is_whole { self.lines.clone() } else { String::new() }
    }
}
