//! Sessions, and what goes through them: sent, held, released together.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use detente_check::Request;
//! use detente_check::client::{Client, Settings};
//!
//! let client = Client::new(Settings::usual())?;
//! let url: url::Url = "http://127.0.0.1:8080/articles/1".parse()?;
//! let sends = ["alice", "bob"].map(|name| (client.actor(name), Request::get(url.clone())));
//! let volley = client.volley(sends.into()).await?;
//! println!("{} at once, within {:?}", volley.together, volley.spread);
//! # Ok(())
//! # }
//! ```

mod actor; // one session
mod held; // a request whose last byte is still here
mod outage; // whether a server that left a request without an answer is gone
mod record; // what was sent, and what came of it
mod settings; // how requests get there
mod silence; // who left a request without an answer
mod volley; // requests that are released together

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::HeaderMap;
use tokio::sync::watch;
use url::Url;

pub use actor::Actor;
pub use held::Held;
pub use settings::Settings;
pub use volley::Volley;

use crate::model::{Exchange, Protocol, Reply, Request, RunError, Spread};
use crate::wire::{Http1, Http2, Origin, Route, Stream, Tls};
use record::Record;
use silence::Silences;

/// How long a server may take to say that it speaks HTTP/2.
const GREETING: Duration = Duration::from_secs(2);

/// One run: its clock, its budget, and everything that was sent. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    run: Arc<Run>,
}

struct Run {
    settings: Settings,
    tls: Tls,
    begun: Instant,
    number: AtomicU32,
    budget: AtomicU32,
    is_interrupted: watch::Sender<bool>,
    record: Mutex<Record>,
    silences: Mutex<Silences>,
    spreads: Mutex<Vec<Duration>>,
    routes: tokio::sync::Mutex<HashMap<Origin, Route>>,
    protocols: tokio::sync::Mutex<HashMap<Origin, Vec<Protocol>>>,
    /// Connections of volleys on HTTP/2, on which requests of several sessions leave in one write.
    shared: tokio::sync::Mutex<HashMap<Origin, Vec<Http2>>>,
}

impl Client {
    /// # Errors
    ///
    /// If TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, rustls::Error> {
        Ok(Self {
            run: Arc::new(Run {
                tls: Tls::new(settings.insecure)?,
                begun: Instant::now(),
                number: AtomicU32::new(1),
                budget: AtomicU32::new(settings.budget),
                is_interrupted: watch::Sender::new(false),
                settings,
                record: Mutex::default(),
                silences: Mutex::default(),
                spreads: Mutex::default(),
                routes: tokio::sync::Mutex::default(),
                protocols: tokio::sync::Mutex::default(),
                shared: tokio::sync::Mutex::default(),
            }),
        })
    }

    /// A session of its own, with connections of its own.
    pub fn actor(&self, name: &str) -> Actor {
        Actor::new(self.clone(), name)
    }

    /// Time since the run began.
    pub fn elapsed(&self) -> Duration {
        self.run.begun.elapsed()
    }

    /// Every exchange that was kept, in the order of `begun`; the first ones, where there were too many.
    pub fn record(&self) -> Vec<Exchange> {
        let mut kept = self
            .run
            .record
            .lock()
            .expect("no holder panics")
            .exchanges()
            .to_vec();
        kept.sort_by_key(|exchange| (exchange.begun, exchange.number));
        kept
    }

    /// How many requests may still be sent.
    pub fn remaining(&self) -> u32 {
        self.run.budget.load(Ordering::Relaxed)
    }

    /// Has the run end early: nothing more is asked, what was changed is put back.
    pub fn interrupt(&self) {
        self.run.is_interrupted.send_replace(true);
    }

    /// Whether somebody asked for the run to end.
    pub fn is_interrupted(&self) -> bool {
        *self.run.is_interrupted.borrow()
    }

    /// Waits until somebody asks for the run to end.
    pub async fn interrupted(&self) {
        let mut told = self.run.is_interrupted.subscribe();
        // The sender is ours: it does not go while we wait.
        let _ = told.wait_for(|is_interrupted| *is_interrupted).await;
    }

    /// How far apart requests left that were released together; `None` if none were.
    pub fn spread(&self) -> Option<Spread> {
        let mut spreads = self.run.spreads.lock().expect("no holder panics").clone();
        spreads.sort();
        Some(Spread {
            volleys: u32::try_from(spreads.len()).unwrap_or(u32::MAX),
            median: *spreads.get(spreads.len() / 2)?,
            p99: *spreads.get(spreads.len() * 99 / 100)?,
        })
    }

    /// Which protocols the server speaks: found out once, by one request on each.
    ///
    /// # Errors
    ///
    /// [`RunError`], if it speaks none, or may not be asked.
    pub async fn protocols(&self, url: &Url) -> Result<Vec<Protocol>, RunError> {
        let origin = Origin::of(url)?;
        let mut known = self.run.protocols.lock().await;
        if let Some(protocols) = known.get(&origin) {
            return Ok(protocols.clone());
        }
        let asked = match self.run.settings.protocol {
            Some(only) => vec![only],
            None => vec![Protocol::Http1, Protocol::Http2],
        };
        let mut spoken = Vec::new();
        let mut failure = None;
        for protocol in asked {
            match self.speaks(url, protocol).await {
                Ok(true) => spoken.push(protocol),
                Ok(false) => {}
                Err(stop) => failure = Some(stop),
            }
        }
        match failure {
            Some(stop) if spoken.is_empty() => Err(stop),
            _ => {
                known.insert(origin, spoken.clone());
                Ok(spoken)
            }
        }
    }

    async fn speaks(&self, url: &Url, protocol: Protocol) -> Result<bool, RunError> {
        let actor = self.actor("scout").with_protocol(protocol);
        // Not HEAD: there are servers on which that is not safe (A1).
        let request = Request::get(url.clone());
        match tokio::time::timeout(GREETING, actor.send(request)).await {
            Ok(Ok(exchange)) => Ok(matches!(exchange.reply, Reply::Received(_))),
            Ok(Err(stop)) => Err(stop),
            Err(_) => Ok(false),
        }
    }

    /// What a session speaks that was not told: HTTP/1.1 where the server does, since there each has a connection of its own.
    async fn usual_protocol(&self, url: &Url) -> Result<Protocol, RunError> {
        if let Some(protocol) = self.run.settings.protocol {
            return Ok(protocol);
        }
        if url.scheme() == "http" {
            return Ok(Protocol::Http1);
        }
        let spoken = Box::pin(self.protocols(url)).await?;
        Ok(spoken.first().copied().unwrap_or(Protocol::Http1))
    }

    fn spend(&self, requests: u32) -> Result<(), RunError> {
        self.run
            .budget
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(requests)
            })
            .map(drop)
            .map_err(|_| RunError::BudgetSpent)
    }

    async fn route(&self, url: &Url) -> Result<Route, RunError> {
        let origin = Origin::of(url)?;
        let mut routes = self.run.routes.lock().await;
        if let Some(route) = routes.get(&origin) {
            return Ok(route.clone());
        }
        let route = Route::find(origin.clone(), url, self.run.settings.allow_remote).await?;
        routes.insert(origin, route.clone());
        Ok(route)
    }

    async fn open(&self, url: &Url, protocol: Protocol) -> Result<Stream, RunError> {
        let route = self.route(url).await?;
        let timeout = self.run.settings.timeout;
        Stream::open(&route, protocol, &self.run.tls, timeout)
            .await
            .map_err(|source| self.unreachable(url, source))
    }

    async fn open_http1(&self, url: &Url) -> Result<Http1, RunError> {
        Ok(Http1::new(self.open(url, Protocol::Http1).await?))
    }

    async fn open_http2(&self, url: &Url) -> Result<Http2, RunError> {
        let stream = self.open(url, Protocol::Http2).await?;
        Http2::begin(stream)
            .await
            .map_err(|source| self.unreachable(url, source))
    }

    fn unreachable(&self, url: &Url, source: std::io::Error) -> RunError {
        let mut silences = self.run.silences.lock().expect("no holder panics");
        silences.learn_unreachable(url, &source, self.elapsed());
        RunError::Unreachable {
            url: url.clone(),
            source,
        }
    }

    /// Sent with every request.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.run.settings.headers
    }

    /// The next exchange's number. It is drawn when the request leaves.
    fn number(&self) -> u32 {
        self.run.number.fetch_add(1, Ordering::Relaxed)
    }

    fn keep(&self, exchange: &Exchange) {
        self.run
            .silences
            .lock()
            .expect("no holder panics")
            .learn(exchange);
        self.run
            .record
            .lock()
            .expect("no holder panics")
            .keep(exchange);
    }
}
