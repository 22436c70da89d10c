use std::borrow::Cow;
use std::time::Duration;

use crate::model::{Effect, Exchange};
use detente_judge::history::{Kind, Operation, Outcome};
use http::{HeaderMap, Method, StatusCode, header};

/// What exchanges were as operations, in their order; each with its place in `exchanges`.
///
/// `nonce` tells the value of a body, if it holds one; of a request's body it is what was to be written, of a
/// response's what was read. The key is the URL without its fragment. Left out is what neither read nor wrote: other
/// methods, a read that was not answered, a 304.
///
/// Only a single strong entity tag in `If-Match` makes a base, as only that names one version. Any other
/// `If-Match` demands less than an operation can say, and the write passes for an unconditional one.
pub(crate) fn from_exchanges<'a>(
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderName, HeaderValue};
    use url::Url;

    use super::*;
    use crate::model::{Protocol, Reply, Request, Response, Unsure};
    use detente_judge::history::{History, write};

    type Fields = &'static [(&'static str, &'static str)];
    /// Status, fields, body.
    type Answer = (u16, Fields, &'static str);

    fn fields(fields: Fields) -> HeaderMap {
        let pairs = fields.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    }

    fn exchange(method: Method, sent: Fields, answer: Option<Answer>) -> Exchange {
        let url = Url::parse("http://localhost/notes/1#top").unwrap();
        let mut request = Request::new(method, url);
        request.headers = fields(sent);
        request.body = "mine".into();
        let reply = match answer {
            Some((status, headers, body)) => Reply::Received(Response {
                status: StatusCode::from_u16(status).unwrap(),
                headers: fields(headers),
                body: body.into(),
            }),
            None => Reply::Missing(Unsure::Dropped),
        };
        Exchange {
            number: 1,
            actor: Arc::from("alice"),
            protocol: Protocol::Http1,
            request,
            begun: Duration::from_micros(1),
            released: Duration::from_micros(2),
            ended: Duration::from_micros(3),
            reply,
        }
    }

    #[test]
    fn operations_of_exchanges() {
        const TAG: Fields = &[("etag", "\"1\"")];
        let cases: [(Method, Fields, Option<Answer>, &str); 19] = [
            (
                Method::GET,
                &[],
                Some((200, TAG, "theirs")),
                r#"read ok value:theirs tag:"1""#,
            ),
            (
                Method::GET,
                &[],
                Some((200, &[("etag", "W/\"1\"")], "theirs")),
                "read ok value:theirs",
            ),
            (Method::GET, &[], Some((404, &[], "")), "read ok absent"),
            (Method::GET, &[], Some((304, TAG, "")), ""),
            (Method::GET, &[], Some((500, &[], "")), ""),
            (Method::GET, &[], None, ""),
            (
                Method::PUT,
                &[("if-match", "\"0\"")],
                Some((200, TAG, "")),
                r#"compare-and-set ok base:"0" value:mine tag:"1""#,
            ),
            (
                Method::PATCH,
                &[("if-match", "\"0\"")],
                Some((412, TAG, "")),
                r#"compare-and-set refused base:"0" value:mine"#,
            ),
            (
                Method::PUT,
                &[("if-match", "\"0\"")],
                Some((502, TAG, "")),
                r#"compare-and-set unknown base:"0" value:mine"#,
            ),
            (
                Method::PUT,
                &[("if-match", "\"0\"")],
                Some((503, &[], "")),
                r#"compare-and-set unknown base:"0" value:mine"#,
            ),
            (
                Method::PUT,
                &[("if-match", "\"0\"")],
                None,
                r#"compare-and-set unknown base:"0" value:mine unanswered"#,
            ),
            (
                Method::PUT,
                &[("if-match", "*")],
                Some((204, &[], "")),
                "write ok value:mine",
            ),
            (
                Method::PUT,
                &[("if-match", "\"0\", \"1\"")],
                Some((204, &[], "")),
                "write ok value:mine",
            ),
            (
                Method::PUT,
                &[("if-match", "W/\"0\"")],
                Some((204, &[], "")),
                "write ok value:mine",
            ),
            (
                Method::PUT,
                &[],
                Some((204, TAG, "")),
                r#"write ok value:mine tag:"1""#,
            ),
            (
                Method::PUT,
                &[("if-none-match", "*")],
                Some((201, TAG, "")),
                r#"create ok value:mine tag:"1""#,
            ),
            (Method::DELETE, &[], Some((404, &[], "")), "delete refused"),
            (
                Method::DELETE,
                &[("if-match", "\"0\"")],
                Some((204, &[], "")),
                r#"delete ok base:"0""#,
            ),
            (Method::POST, &[], Some((201, TAG, "")), ""),
        ];
        for (method, sent, answer, expected) in cases {
            let told = format!("{method} {sent:?}: {answer:?}");
            let exchanges = [exchange(method, sent, answer)];
            let nonce = |body: &[u8]| {
                (!body.is_empty()).then(|| String::from_utf8_lossy(body).into_owned())
            };
            let found = from_exchanges(&exchanges, nonce);
            let said = found.first().map(|(_, operation)| {
                let mut line = Vec::new();
                write(operation, &mut line).unwrap();
                assert!(History::read(line.as_slice()).is_ok(), "{told}");
                assert_eq!(operation.key, "http://localhost/notes/1", "{told}");
                say(operation)
            });
            assert_eq!(said.unwrap_or_default(), expected, "{told}");
        }
    }

    fn say(operation: &Operation<'_>) -> String {
        let mut said = format!("{} {}", operation.kind.name(), operation.outcome.name());
        let members = [
            ("base", &operation.base),
            ("value", &operation.value),
            ("tag", &operation.tag),
        ];
        for (name, text) in members {
            if let Some(text) = text {
                said += &format!(" {name}:{text}");
            }
        }
        if operation.absent {
            said += " absent";
        }
        if operation.ended.is_none() {
            said += " unanswered";
        }
        said
    }
}
