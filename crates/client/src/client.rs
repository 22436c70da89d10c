use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use crate::collection::Collection;
use crate::error::Error;
use crate::retry::Retry;
use crate::transport::Transport;
use crate::watch::{Since, Watch};

/// A server, as one caller uses it. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    transport: Arc<Transport>,
}

/// The settings of a [`Client`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    base: String,
    api: String,
    space: Option<String>,
    token: Option<String>,
    actor: Option<String>,
    timeout: Duration,
    retry: Retry,
    keeps_keys: Option<bool>,
    http: Option<reqwest::Client>,
}

impl Client {
    /// A client without credentials for the Detente at `base`, such as `http://127.0.0.1:4090`.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`].
    pub fn new(base: &str) -> Result<Self, Error> {
        Self::builder(base).build()
    }

    /// The settings of a client for the server at `base`, to be changed before it is built.
    pub fn builder(base: &str) -> ClientBuilder {
        ClientBuilder {
            base: base.to_owned(),
            api: "api".to_owned(),
            space: None,
            token: None,
            actor: None,
            timeout: Duration::from_secs(10),
            retry: Retry::default(),
            keeps_keys: None,
            http: None,
        }
    }

    /// The documents of a collection, read as `T`. This sends nothing.
    pub fn collection<T>(&self, name: &str) -> Collection<T> {
        Collection::new(Arc::clone(&self.transport), name)
    }

    /// The changes of all collections, as they happen.
    ///
    /// # Errors
    ///
    /// As [`Collection::watch`].
    pub async fn watch<T: DeserializeOwned>(&self, since: Since) -> Result<Watch<T>, Error> {
        let url = self.transport.url(&["_changes"])?;
        Watch::open(Arc::clone(&self.transport), url, since).await
    }
}

impl ClientBuilder {
    /// Sends `Authorization: Bearer …`.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Says who writes (`X-Actor`), on a server without tokens.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Uses another space than the default one.
    pub fn space(mut self, space: impl Into<String>) -> Self {
        self.space = Some(space.into());
        self
    }

    /// The path of the collections below the base; `api` by default. For other servers: with `v2`,
    /// the document 7 of `articles` is at `{base}/v2/articles/7`.
    pub fn api_path(mut self, path: impl Into<String>) -> Self {
        self.api = path.into();
        self
    }

    /// How long one request may take; 10 seconds by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often and how long operations are retried.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Whether the server keeps the answers to requests with an `Idempotency-Key`. For Detente the
    /// client finds out by itself; if another server does so, say it here.
    pub fn keeps_keys(mut self, keeps_keys: bool) -> Self {
        self.keeps_keys = Some(keeps_keys);
        self
    }

    /// Sends requests with this client, for example to use proxies or your own certificates. It
    /// should not follow redirects: a write that is redirected to a GET looks as if it had been
    /// applied.
    pub fn http(mut self, http: reqwest::Client) -> Self {
        self.http = Some(http);
        self
    }

    /// Builds the client. This sends nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] if the base is not an absolute `http` or `https` URL, or if the token or the
    /// actor is not valid in a header field; [`Error::Unreachable`] if connections cannot be set up
    /// at all, as with `https` without the feature `tls`.
    pub fn build(self) -> Result<Client, Error> {
        let base = Url::parse(&self.base).ok();
        let base = base.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let base = base.ok_or_else(|| Error::Name(self.base.clone(), "the URL of a server"))?;
        if base.scheme() == "https" && self.http.is_none() && !cfg!(feature = "tls") {
            let cause = "https needs the feature `tls` of detente-client";
            return Err(Error::Unreachable(cause.into()));
        }
        let http = match self.http {
            Some(http) => http,
            None => reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                // If no connection was made, nothing was applied: that deserves an error of its
                // own.
                .connect_timeout(self.timeout / 2)
                // Closed before the server closes it, which could happen just when a request is
                // sent.
                .pool_idle_timeout(Duration::from_secs(30))
                .build()
                .map_err(|error| Error::Unreachable(error.into()))?,
        };
        let mut api = match &self.space {
            Some(space) => vec!["spaces".to_owned(), space.clone()],
            None => Vec::new(),
        };
        api.extend(
            self.api
                .split('/')
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        );
        let transport = Transport {
            http,
            base,
            api,
            headers: headers(self.token.as_deref(), self.actor.as_deref())?,
            timeout: self.timeout,
            retry: self.retry,
            keeps_keys: OnceCell::new_with(self.keeps_keys),
        };
        Ok(Client {
            transport: Arc::new(transport),
        })
    }
}

fn headers(token: Option<&str>, actor: Option<&str>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let accept = "application/json, application/problem+json";
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        // The token itself must not be in any message.
        let mut value = value.map_err(|_| Error::Name("…".to_owned(), "a token"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(actor) = actor {
        let value = HeaderValue::from_bytes(actor.as_bytes());
        let value = value.map_err(|_| Error::Name(actor.to_owned(), "the name of an actor"))?;
        headers.insert("x-actor", value);
    }
    Ok(headers)
}
