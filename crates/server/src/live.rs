//! What a server answers by, which can be exchanged while it runs.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use detente_gate::{Limiter, Limits};
use detente_service::{Policy, Service};
use tokio::sync::Semaphore;

use crate::app::{App, Closing};
use crate::inbound::BODIES;
use crate::metrics::Metrics;
use crate::origin::{Hosts, Reach};
use crate::pace::Policies;
use crate::router::Router;
use crate::settings::Settings;

/// The settings of a server that runs, and whatever they decide.
#[derive(Debug)]
pub struct Live {
    current: ArcSwap<Current>,
    reach: Reach,
    /// Whether the server shuts down.
    pub(crate) closing: Closing,
}

/// All that a request is answered by. What began under it ends under it.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) app: Arc<App>,
    pub(crate) router: Arc<Router>,
}

impl Current {
    fn new(app: App) -> Self {
        if let Some(why) = app.settings.graphql.why_off() {
            tracing::warn!(why, "GraphQL is off");
        }
        let app = Arc::new(app);
        let router = Arc::new(Router::new(Arc::clone(&app)));
        Self { app, router }
    }
}

impl Live {
    pub(crate) fn new(service: Service, settings: Settings, reach: Reach) -> Self {
        let current = Current::new(App {
            metrics: Arc::new(Metrics::new(&service.metrics)),
            hosts: Hosts::of(&settings, reach),
            limiter: limiter(settings.rates),
            policies: Policies::default(),
            service: Arc::new(service),
            settings,
            bodies: Arc::new(Semaphore::new(BODIES)),
            closing: Closing::new(),
            openapi: OnceLock::new(),
        });
        Self {
            current: ArcSwap::from_pointee(current),
            reach,
            closing: Closing::new(),
        }
    }

    pub(crate) fn current(&self) -> arc_swap::Guard<Arc<Current>> {
        self.current.load()
    }

    /// Answers requests by another policy and other settings from now on. Those under way are
    /// answered by the former ones; change streams end, and whoever follows one connects again.
    pub fn exchange(&self, policy: Policy, settings: Settings) {
        let before = self.current.load_full();
        let app = &before.app;
        let next = Current::new(App {
            service: Arc::new(app.service.under(policy)),
            hosts: Hosts::of(&settings, self.reach),
            // Nobody gets a fresh allowance because something else changed.
            limiter: match settings.rates == app.settings.rates {
                true => app.limiter.clone(),
                false => limiter(settings.rates),
            },
            policies: Policies::default(),
            settings,
            metrics: Arc::clone(&app.metrics),
            bodies: Arc::clone(&app.bodies),
            closing: Closing::new(),
            openapi: OnceLock::new(),
        });
        self.current.store(Arc::new(next));
        app.closing.begin();
        if self.closing.has_begun() {
            self.current().app.closing.begin();
        }
    }

    /// The server shuts down.
    pub(crate) fn close(&self) {
        self.closing.begin();
        self.current().app.closing.begin();
    }
}

fn limiter(rates: Limits) -> Option<Arc<Limiter>> {
    (!rates.are_none()).then(|| Arc::new(Limiter::new(rates)))
}

/// A server on an empty store that is nowhere to be reached, and the writer of the store.
#[cfg(test)]
pub(crate) fn on_nothing() -> (Arc<Live>, detente_store::Writer) {
    use detente_store::memory::Disk;
    use detente_store::{Memory, Store, Writer};

    let store = Memory::on(&Disk::default());
    let reader = Arc::new(store.reader());
    let writer = Writer::start(store, 1).unwrap();
    let service = Service::new(Policy::default(), reader, writer.handle());
    let live = Live::new(service, Settings::default(), Reach::NOWHERE);
    (Arc::new(live), writer)
}
