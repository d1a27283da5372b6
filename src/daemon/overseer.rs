//! Whoever holds the hub between two turns: what the metrics and admin services want to know of the others, they are
//! told here, so that no service knows another.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::admin::Admin;
use super::exposition::{Losses, Snapshot};
use super::figures::Figures;
use super::metrics::Metrics;
use super::watched::Watched;
use crate::hub::{ConnId, Hub, Moment, News, ServiceId};
use crate::net::Watcher;
use crate::services::chat::Chat;

/// What somebody wants of whoever holds the hub.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// To be told how things are.
    pub(super) figures: Cell<bool>,
    /// That everybody reads their settings again.
    pub(super) reload: Cell<bool>,
    /// That the chat closes these: it alone knows in which form each of them is spoken to.
    pub(super) shown_out: RefCell<Vec<ConnId>>,
}

/// Fulfils them.
#[derive(Debug)]
pub(super) struct Overseer {
    pub(super) figures: Rc<Figures>,
    pub(super) wishes: Rc<Wishes>,
    pub(super) losses: Vec<Losses>,
    pub(super) chat: Option<ServiceId>,
    pub(super) metrics: Option<ServiceId>,
    pub(super) admin: Option<ServiceId>,
}

impl Watcher for Overseer {
    fn turned(&self, hub: &mut Hub, _began: Moment, ended: Moment) {
        if self.wishes.reload.take() {
            hub.tell_all(News::Reload);
        }
        for id in self.wishes.shown_out.take() {
            if let Some(chat) = self.chat {
                hub.with(chat, |chat: &mut Watched<Chat>, cx| chat.service.show_out(cx, id));
            }
        }
        if self.wishes.figures.take() {
            let chat = self.chat.and_then(|chat| hub.service::<Watched<Chat>>(chat)).map(|chat| chat.service.figures());
            let snapshot = Snapshot {
                figures: &self.figures,
                tally: hub.tally(),
                pooled: hub.pooled(),
                jobs: hub.jobs(),
                sockets: hub.sockets(),
                losses: &self.losses,
                up: ended - Moment::START,
                chat,
            };
            if let Some(metrics) = self.metrics {
                hub.with(metrics, |metrics: &mut Watched<Metrics>, cx| metrics.service.answer(cx, &snapshot));
            }
            if let Some(admin) = self.admin {
                hub.with(admin, |admin: &mut Watched<Admin>, cx| admin.service.show_stats(cx, &snapshot));
            }
        }
    }
}
