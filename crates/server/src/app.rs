use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use detente_gate::Limiter;
use detente_service::Service;
use tokio::sync::{Semaphore, watch};

use crate::metrics::Metrics;
use crate::origin::Hosts;
use crate::pace::Policies;
use crate::settings::Settings;

/// What every request needs.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) service: Arc<Service>,
    pub(crate) settings: Settings,
    /// `None`: everybody may ask as often as they like.
    pub(crate) limiter: Option<Arc<Limiter>>,
    pub(crate) policies: Policies,
    pub(crate) hosts: Hosts,
    pub(crate) metrics: Arc<Metrics>,
    /// How many bytes of large bodies may be held at one time.
    pub(crate) bodies: Arc<Semaphore>,
    /// Begins when the server shuts down, or answers by other settings from now on.
    pub(crate) closing: Closing,
    /// The description of the API, once somebody wanted it.
    pub(crate) openapi: OnceLock<Bytes>,
}

/// Whether something ends, such as the server.
#[derive(Debug)]
pub(crate) struct Closing {
    flag: AtomicBool,
    bell: watch::Sender<()>,
}

impl Closing {
    pub(crate) fn new() -> Self {
        let (bell, _) = watch::channel(());
        let flag = AtomicBool::new(false);
        Self { flag, bell }
    }

    pub(crate) fn begin(&self) {
        self.flag.store(true, Ordering::Release);
        self.bell.send_replace(());
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Returns once it has begun.
    pub(crate) async fn wait(&self) {
        let mut bell = self.bell.subscribe();
        while !self.has_begun() && bell.changed().await.is_ok() {}
    }
}
