use std::net::IpAddr;
use std::time::Duration;

use detente_gate::Gate;

use crate::graphql::Graphql;
use crate::site::{Site, TrustedProxies};

/// What the face of a server is told at its start. How collections are treated is the service's
/// business.
#[derive(Debug, Default)]
pub struct Settings {
    /// If it takes no credentials, anybody may do anything, and says who they are in `X-Actor`.
    pub gate: Gate,
    /// How often each of those may ask who have credentials, or each address where there are none.
    pub rates: detente_gate::Limits,
    /// Where clients find the server, if that is not where it listens.
    pub site: Site,
    /// Whose word is taken for that where the settings do not say.
    pub trusted_proxies: TrustedProxies,
    /// Names by which clients may call the server, besides that of `site`; `*` for all. If there are
    /// none, those that no page of the internet can have, unless credentials keep its pages out.
    pub hosts: Vec<String>,
    /// Origins that a browser may call from; `*` for all.
    pub cors_origins: Vec<String>,
    pub limits: Limits,
    pub graphql: Graphql,
    pub audit: Audit,
    /// The age at which conflicts are dismissed that nobody settled.
    pub dismiss_after: Option<Duration>,
}

impl Settings {
    /// Whether what a peer says of the server's own URL counts. What the settings say counts more.
    pub(crate) fn believes(&self, peer: IpAddr) -> bool {
        self.site.base().is_empty() && self.trusted_proxies.contains(peer)
    }
}

/// Which requests get a line of the log that says who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audit {
    Off,
    /// Those that were denied for who asked.
    #[default]
    Denials,
    /// Those, and all writes.
    Writes,
}

impl Audit {
    /// Whether a request gets a line: one that is a write, or one that was denied.
    pub(crate) fn tells(self, is_write: bool, is_denial: bool) -> bool {
        match self {
            Self::Off => false,
            Self::Denials => is_denial,
            Self::Writes => is_denial || is_write,
        }
    }
}

/// How much clients may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one request's body.
    pub body_bytes: usize,
    /// Of all fields of one request, names and values.
    pub header_bytes: usize,
    /// Connections that may be open, in all.
    pub connections: usize,
    /// Connections that one address may have open. Those of trusted proxies do not count.
    pub connections_of_one_address: usize,
    /// Writes that may wait for the writer.
    pub queued_writes: usize,
    /// How long requests under way may take once a shutdown was asked for.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            header_bytes: 16 * 1024,
            connections: 4096,
            connections_of_one_address: 1024,
            queued_writes: 4096,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}
