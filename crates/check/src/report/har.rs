use std::time::{Duration, SystemTime};

use detente_core::Moment;
use serde_json::{Value, json};

use super::{grade, redact};
use crate::model::{Exchange, Protocol, Reply, Report};

/// A report as HAR 1.2: every exchange that was kept.
pub(super) fn har(report: &Report, begun_at: SystemTime) -> String {
    let log = json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "detente check", "version": env!("CARGO_PKG_VERSION") },
            "comment": format!("{}: grade {}", report.target, grade(report)),
            "entries": report
                .exchanges
                .iter()
                .map(|exchange| entry(exchange, begun_at))
                .collect::<Vec<_>>(),
        }
    });
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn entry(exchange: &Exchange, begun_at: SystemTime) -> Value {
    let millis = |from: Duration, to: Duration| to.saturating_sub(from).as_secs_f64() * 1000.0;
    let version = match exchange.protocol {
        Protocol::Http1 => "HTTP/1.1",
        Protocol::Http2 => "HTTP/2.0",
    };
    json!({
        "startedDateTime": Moment::from(begun_at + exchange.begun).to_string(),
        "time": millis(exchange.begun, exchange.ended),
        "request": request(exchange, version),
        "response": response(exchange, version),
        "cache": {},
        "timings": {
            "send": millis(exchange.begun, exchange.released),
            "wait": millis(exchange.released, exchange.ended),
            "receive": 0,
        },
        "_actor": &*exchange.actor,
        "_number": exchange.number,
    })
}

fn request(exchange: &Exchange, version: &str) -> Value {
    let request = &exchange.request;
    let mut told = json!({
        "method": request.method.as_str(),
        "url": request.url.as_str(),
        "httpVersion": version,
        "cookies": [],
        "headers": named(redact::fields(&request.headers)),
        "queryString": named(
            request
                .url
                .query_pairs()
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect()
        ),
        "headersSize": -1,
        "bodySize": request.body.len(),
    });
    if !request.body.is_empty() {
        let media_type = request
            .headers
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        told["postData"] = json!({
            "mimeType": media_type,
            "text": String::from_utf8_lossy(&request.body),
        });
    }
    told
}

fn response(exchange: &Exchange, version: &str) -> Value {
    let (status, reason, headers, body, failure) = match &exchange.reply {
        Reply::Received(response) => (
            response.status.as_u16(),
            response.status.canonical_reason().unwrap_or(""),
            redact::fields(&response.headers),
            &response.body[..],
            None,
        ),
        Reply::Missing(unsure) => (0, "", Vec::new(), &[][..], Some(unsure.to_string())),
    };
    let media_type = headers
        .iter()
        .find(|(name, _)| name == "content-type")
        .map_or("", |(_, value)| value.as_str())
        .to_owned();
    let mut told = json!({
        "status": status,
        "statusText": reason,
        "httpVersion": version,
        "cookies": [],
        "content": {
            "size": body.len(),
            "mimeType": media_type,
            "text": String::from_utf8_lossy(body),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": body.len(),
        "headers": named(headers),
    });
    if let Some(failure) = failure {
        told["_error"] = json!(failure);
    }
    told
}

fn named(pairs: Vec<(String, String)>) -> Value {
    pairs
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}
