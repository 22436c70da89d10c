//! Keys that are published at a URL.

use std::time::Duration;

use bytes::Bytes;
use detente_check::client::{Client, Settings};
use detente_check::{Reply, Request};
use detente_gate::Source;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use url::Url;

/// A set of keys (RFC 7517) at a URL.
#[derive(Debug)]
pub(crate) struct UrlSource {
    url: Url,
}

impl UrlSource {
    pub(crate) fn new(url: Url) -> Self {
        Self { url }
    }

    /// Redirections are not followed: whoever configures a URL trusts that one.
    async fn get(&self) -> Result<Bytes, String> {
        let settings = Settings {
            timeout: Duration::from_secs(5),
            budget: 1,
            allow_remote: true,
            ..Settings::usual()
        };
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", self.url);
        let client = Client::new(settings).map_err(|error| told(&error))?;
        let request = Request::get(self.url.clone());
        let exchange = client.actor("detente").send(request).await;
        let exchange = exchange.map_err(|error| told(&error))?;
        match exchange.reply {
            Reply::Received(answer) if answer.status == 200 => Ok(answer.body),
            Reply::Received(answer) => Err(told(&format_args!("status {}", answer.status))),
            Reply::Missing(why) => Err(told(&why)),
        }
    }
}

impl Source for UrlSource {
    fn fetch(&self) -> BoxFuture<'_, Result<Bytes, String>> {
        self.get().boxed()
    }
}
