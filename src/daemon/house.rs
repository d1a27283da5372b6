//! The services of a server, each added to the hub when the first listener asks for it.

use std::rc::Rc;

use super::admin::Admin;
use super::control::{Concerned, Control};
use super::exposition::Losses;
use super::figures::Figures;
use super::listeners::Kind;
use super::metrics::Metrics;
use super::overseer::{Overseer, Wishes};
use super::watched::Watched;
use crate::hub::{Hub, Service, ServiceId};
use crate::log::Log;
use crate::net::Misdeeds;
use crate::services::accounts::{Accounts, Reader};
use crate::services::chat::{self, Chat, Guard};
use crate::services::files::Files;
use crate::services::run::Run;
use crate::services::{Echo, Upper};

/// Who serves what.
pub(super) struct House {
    pub(super) hub: Hub,
    pub(super) figures: Rc<Figures>,
    pub(super) concerned: Concerned,
    misdeeds: Option<Misdeeds>,
    wishes: Rc<Wishes>,
    pub(super) chat: Option<ServiceId>,
    files: Option<ServiceId>,
    run: Option<ServiceId>,
    metrics: Option<ServiceId>,
    admin: Option<ServiceId>,
}

impl House {
    pub(super) fn new(hub: Hub, concerned: Concerned, misdeeds: Option<Misdeeds>) -> Self {
        let (figures, wishes) = (Rc::default(), Rc::default());
        Self {
            hub,
            figures,
            concerned,
            misdeeds,
            wishes,
            chat: None,
            files: None,
            run: None,
            metrics: None,
            admin: None,
        }
    }

    /// Adds a service that is watched.
    fn add(&mut self, name: &'static str, service: impl Service) -> ServiceId {
        let watcher = Rc::clone(&self.figures);
        self.hub.add(Watched::new(name, service, watcher, self.misdeeds.clone()))
    }

    /// There is one chat, however many doors lead to it; this is where it is recorded.
    pub(super) fn add_chat(&mut self, settings: chat::Settings, history: Option<Log>, guard: Guard) {
        let chat = Chat::new(settings, history).settings_from(&self.concerned.chat).guarded(guard);
        self.chat = Some(self.add("chat", chat));
    }

    /// There is one folder of files.
    pub(super) fn add_files(&mut self, files: Files) {
        let files = self.add("files", files);
        self.hub.with(files, |files: &mut Watched<Files>, cx| files.service.sweep(cx));
        self.files = Some(files);
    }

    /// There is one list of commands.
    pub(super) fn add_run(&mut self, run: Run) {
        self.run = Some(self.add("run", run));
    }

    /// Accounts are read again while people are here.
    pub(super) fn add_accounts(&mut self, accounts: &Accounts) {
        self.hub.add(Reader::new(accounts.clone(), &self.concerned.accounts));
    }

    /// Who serves a listener of this kind.
    pub(super) fn service(&mut self, kind: Kind) -> ServiceId {
        match kind {
            Kind::Chat => self.chat.expect("it was added before its listeners"),
            Kind::Echo { stamp } => self.add("echo", Echo::new(stamp)),
            Kind::Upper => self.add("upper", Upper::default()),
            Kind::Files => self.files.expect("it was added before its listeners"),
            Kind::Run => self.run.expect("it was added before its listeners"),
            Kind::Metrics => {
                let metrics =
                    self.metrics.unwrap_or_else(|| self.add("metrics", Metrics::new(Rc::clone(&self.wishes))));
                *self.metrics.insert(metrics)
            }
            Kind::Admin => {
                let new = |house: &mut Self| {
                    let admin = Admin::new(Rc::clone(&house.figures), Rc::clone(&house.wishes));
                    house.add("admin", admin)
                };
                let admin = self.admin.unwrap_or_else(|| new(self));
                *self.admin.insert(admin)
            }
        }
    }

    /// The server's own service.
    pub(super) fn add_control(&mut self, control: Control) -> ServiceId {
        self.hub.add(control)
    }

    /// Whoever answers what services want to know of one another.
    pub(super) fn overseer(&self) -> Overseer {
        Overseer {
            figures: Rc::clone(&self.figures),
            wishes: Rc::clone(&self.wishes),
            losses: vec![Losses::of_newcomers(&self.concerned.door.refused)],
            chat: self.chat,
            metrics: self.metrics,
            admin: self.admin,
        }
    }

    /// Closes the history, when the loop has ended.
    pub(super) fn close(hub: &mut Hub, chat: ServiceId) {
        hub.with(chat, |chat: &mut Watched<Chat>, _| chat.service.close());
    }
}
