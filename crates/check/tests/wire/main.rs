//! Requests over real sockets, to servers that behave as oddly as servers do.

mod answers; // every odd way to answer on HTTP/1.1
mod connections; // used again, closed, refused, too slow
mod held; // not complete at the server until released
mod peer; // a server that notes when it had the last byte of each request
mod peer_http2; // the same on HTTP/2
mod secure; // TLS
mod streams; // what HTTP/2 adds: limits, windows, GOAWAY, RST_STREAM
mod volleys; // released together

use bytes::Bytes;
use detente_check::client::{Client, Settings};
use detente_check::{Exchange, Protocol, Reply, Request};
use http::Method;
use url::Url;

fn client() -> Client {
    client_with(Settings::usual())
}

fn client_with(settings: Settings) -> Client {
    Client::new(settings).expect("TLS can be set up")
}

fn speaking(protocol: Protocol) -> Settings {
    Settings {
        protocol: Some(protocol),
        ..Settings::usual()
    }
}

fn put(url: &Url, body: impl Into<Bytes>) -> Request {
    Request {
        body: body.into(),
        ..Request::new(Method::PUT, url.clone())
    }
}

/// Status and content, or why there are none.
fn told(exchange: &Exchange) -> String {
    match &exchange.reply {
        Reply::Received(answer) => format!(
            "{} {}",
            answer.status.as_u16(),
            String::from_utf8_lossy(&answer.body)
        ),
        Reply::Missing(unsure) => unsure.to_string(),
    }
}
