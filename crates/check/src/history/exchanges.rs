use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};

use crate::exchange::{Effect, Exchange};
use crate::history::operation::{Kind, Operation, Outcome};

/// What exchanges were as operations, in their order; each with its place in `exchanges`.
///
/// `nonce` tells the value of a body, if it holds one; of a request's body it is what was to be written, of a
/// response's what was read. The key is the URL without its fragment. Left out is what neither read nor wrote: other
/// methods, a read that was not answered, a 304.
///
/// Only a single strong entity tag in `If-Match` makes a base, as only that names one version. Any other
/// `If-Match` demands less than an operation can say, and the write passes for an unconditional one.
pub fn from_exchanges<'a>(
    exchanges: &'a [Exchange],
    mut nonce: impl FnMut(&[u8]) -> Option<String>,
) -> Vec<(usize, Operation<'a>)> {
    let operations = exchanges.iter().enumerate();
    operations
        .filter_map(|(place, exchange)| Some((place, operation(exchange, &mut nonce)?)))
        .collect()
}

fn operation<'a>(
    exchange: &'a Exchange,
    nonce: &mut impl FnMut(&[u8]) -> Option<String>,
) -> Option<Operation<'a>> {
    let (kind, base) = demanded(exchange)?;
    let outcome = match exchange.effect() {
        Effect::Accepted => Outcome::Ok,
        Effect::Refused => Outcome::Refused,
        // Busy is said before anything is done, but by whom? A gateway may say it of a server that has gone on.
        Effect::Busy | Effect::Unknown => Outcome::Unknown,
    };
    let mut key = exchange.request.url.clone();
    key.set_fragment(None);
    let mut operation = Operation {
        actor: Cow::Borrowed(&exchange.actor),
        key: Cow::Owned(key.into()),
        kind,
        begun: micros(exchange.begun),
        ended: exchange.response().map(|_| micros(exchange.ended)),
        outcome,
        base: base.map(Cow::Borrowed),
        expected: None,
        value: None,
        tag: None,
        absent: false,
    };
    match kind {
        Kind::Read => see(exchange, &mut operation, nonce)?,
        Kind::Delete => {}
        Kind::Write | Kind::CompareAndSet | Kind::Create => {
            operation.value = nonce(&exchange.request.body).map(Cow::Owned);
            operation.tag = tag_seen(exchange).filter(|_| outcome == Outcome::Ok);
        }
    }
    Some(operation)
}

/// What was asked, and the tag that it demanded.
fn demanded(exchange: &Exchange) -> Option<(Kind, Option<&str>)> {
    let headers = &exchange.request.headers;
    let base = only(headers, &header::IF_MATCH).and_then(strong);
    let creates = only(headers, &header::IF_NONE_MATCH) == Some("*");
    match exchange.request.method {
        Method::GET => Some((Kind::Read, None)),
        Method::PUT | Method::PATCH => Some(match base {
            Some(base) => (Kind::CompareAndSet, Some(base)),
            None if creates => (Kind::Create, None),
            None => (Kind::Write, None),
        }),
        Method::DELETE => Some((Kind::Delete, base)),
        _ => None,
    }
}

/// What a read saw; `None` if that says nothing of the resource.
fn see(
    exchange: &Exchange,
    operation: &mut Operation<'_>,
    nonce: &mut impl FnMut(&[u8]) -> Option<String>,
) -> Option<()> {
    let response = exchange.response()?;
    match response.status {
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            operation.outcome = Outcome::Ok;
            operation.absent = true;
        }
        StatusCode::OK => {
            operation.value = nonce(&response.body).map(Cow::Owned);
            operation.tag = response
                .header("etag")
                .and_then(strong)
                .map(|tag| Cow::Owned(tag.to_owned()));
        }
        _ => return None,
    }
    let saw = operation.absent || operation.value.is_some() || operation.tag.is_some();
    saw.then_some(())
}

fn tag_seen(exchange: &Exchange) -> Option<Cow<'static, str>> {
    let tag = exchange.response()?.header("etag").and_then(strong)?;
    Some(Cow::Owned(tag.to_owned()))
}

/// The value of a field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first.trim())
}

/// An entity tag that is strong, and alone (RFC 9110, section 8.8.3).
fn strong(field: &str) -> Option<&str> {
    let inner = field.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('"')).then_some(field)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1)
}
