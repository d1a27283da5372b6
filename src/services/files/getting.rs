//! Getting a file: opened, its digest found out, sent a piece at a time as fast as it is read.

use std::sync::Arc;

use super::folder::Identity;
use super::name::FileName;
use super::work::{self, Body, Get};
use super::{Doing, Errand, Files};
use crate::hub::{ConnId, Cx, Lane};
use crate::services::line::{Wrong, say};

/// Bytes that are read and sent at once. One piece waits for the wire while a helper reads the next.
const PIECE: usize = 64 * 1024;

/// A file that is being got.
#[derive(Debug)]
pub(super) struct Download {
    name: FileName,
    /// The first byte that is wanted, then the next that a helper is to read.
    at: u64,
    /// Known once the file is open.
    identity: Option<Identity>,
    /// None while a helper has it.
    body: Option<Body>,
    /// A piece that did not fit when it came.
    piece: Option<Vec<u8>>,
    /// Its size was said, so whatever comes now would be taken for a piece of it.
    pub(super) introduced: bool,
}

impl Download {
    /// Nobody wants it any more.
    pub(super) fn end(self, cx: &mut Cx<'_>) {
        let_go(cx, self.body);
    }
}

/// Has a helper close a file: if somebody has removed it, that frees all that was in it, and takes a while.
fn let_go(cx: &mut Cx<'_>, body: Option<Body>) {
    // Where no helper takes more work it is closed here.
    let _ = body.map(|body| cx.job(Lane::Heavy, move || drop(body)));
}

impl Files {
    pub(super) fn get(&mut self, cx: &mut Cx<'_>, id: ConnId, name: FileName, at: u64) -> Result<(), Wrong> {
        let download = Download { name: name.clone(), at, identity: None, body: None, piece: None, introduced: false };
        self.serve(cx, id, Doing::Getting(Box::new(download)))?;
        let folder = Arc::clone(&self.folder);
        let asked = self.job(cx, Errand::Get(id), move || work::open(&folder, &name));
        self.busy_or(cx, id, asked)
    }

    pub(super) fn got(&mut self, cx: &mut Cx<'_>, id: ConnId, got: Result<Get, Wrong>) {
        let Some(Doing::Getting(download)) = self.people.get_mut(&id) else {
            return let_go(cx, got.ok().and_then(Get::body));
        };
        match got {
            Err(_) if download.introduced => cx.close(id),
            Err(wrong) => self.refuse(cx, id, &wrong),
            Ok(Get::Nothing) => {
                let wrong = work::no_such_file(&download.name);
                self.refuse(cx, id, &wrong);
            }
            Ok(Get::Opened(body, identity)) if download.at > identity.size => {
                let wrong = Wrong::new("bad-offset", format!("{} has {} bytes", download.name, identity.size));
                self.refuse(cx, id, &wrong);
                let_go(cx, Some(body));
            }
            Ok(Get::Opened(body, identity)) => {
                download.identity = Some(identity);
                let name = download.name.clone();
                match self.digest_of(&name, identity) {
                    Some(digest) => self.introduce(cx, id, body, &digest.to_string()),
                    None => self.find_digest(cx, id, body, identity),
                }
            }
            Ok(Get::Read(body)) => {
                let Some(identity) = download.identity else { return };
                let name = download.name.clone();
                if body.at < identity.size {
                    return self.find_digest(cx, id, body, identity);
                }
                let digest = body.digest();
                self.remember(&name, identity, digest);
                self.introduce(cx, id, body, &digest.to_string());
            }
            Ok(Get::Piece(body, piece)) => {
                download.at += piece.len() as u64;
                download.piece = Some(piece);
                download.body = Some(body);
                if cx.fits(id, PIECE) {
                    self.get_on(cx, id);
                }
            }
        }
    }

    fn find_digest(&mut self, cx: &mut Cx<'_>, id: ConnId, body: Body, identity: Identity) {
        let folder = Arc::clone(&self.folder);
        let asked = self.job(cx, Errand::Get(id), move || work::digest(&folder, body, identity.size));
        if let Err(busy) = asked {
            self.refuse(cx, id, &busy);
        }
    }

    /// Says what will come, and begins to send it.
    fn introduce(&mut self, cx: &mut Cx<'_>, id: ConnId, body: Body, digest: &str) {
        let Some(Doing::Getting(download)) = self.people.get_mut(&id) else { return };
        let Some(identity) = download.identity else { return };
        say(cx, id, &format!("body {} {} {digest} {}", download.name, identity.size, download.at));
        download.body = Some(body);
        download.piece = Some(Vec::new());
        download.introduced = true;
        self.get_on(cx, id);
    }

    /// Sends the piece that is there, and has the next one read meanwhile.
    pub(super) fn get_on(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(Doing::Getting(download)) = self.people.get_mut(&id) else { return };
        let (Some(identity), Some(piece)) = (download.identity, download.piece.take()) else { return };
        let (Some(body), at) = (download.body.take(), download.at) else { return };
        // One piece above the low mark is all that ever waits, so nobody is found slow for it.
        let _ = cx.send_wire(id, &piece);
        if at == identity.size {
            self.rest(cx, id);
            return let_go(cx, Some(body));
        }
        let count = usize::try_from(identity.size - at).map_or(PIECE, |left| left.min(PIECE));
        let folder = Arc::clone(&self.folder);
        if self.job(cx, Errand::Get(id), move || work::piece(&folder, body, at, count)).is_err() {
            cx.close(id);
        }
    }
}
