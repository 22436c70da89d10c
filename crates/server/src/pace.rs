//! How often somebody may ask: what the limiter says, as fields of answers (RateLimit header fields for
//! HTTP, draft-ietf-httpapi-ratelimit-headers) and as 429 (RFC 6585, section 4).

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use detente_gate::{Class, Exceeded, Standing, Who};

use crate::app::App;
use crate::problem::{Problem, ProblemKind};
use crate::settings::Settings;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// By whose name requests are counted.
#[derive(Clone, Debug)]
pub(crate) enum Asker {
    Name(Arc<str>),
    Address(IpAddr),
}

impl Asker {
    fn who(&self) -> Who<'_> {
        match self {
            Self::Name(name) => Who::Principal(name),
            Self::Address(address) => Who::Address(*address),
        }
    }
}

/// Counts a request of a class.
///
/// # Errors
///
/// That there were too many.
pub(crate) fn check(app: &App, asker: &Asker, class: Class) -> Result<Option<Standing>, Problem> {
    let standing = app.limiter.check(asker.who(), class, now());
    standing.map_err(|exceeded| too_many(&exceeded))
}

/// Whether somebody may fail once more, which counts nothing.
///
/// # Errors
///
/// That they failed too often.
pub(crate) fn may_fail(app: &App, asker: &Asker) -> Result<(), Problem> {
    check(app, asker, Class::Refusals).map(drop)
}

/// Counts an answer, if it is a refusal that its asker could have done without. That nothing is there is
/// an answer as any other, and whoever must wait is not told to wait longer for asking.
pub(crate) fn charge(app: &App, asker: &Asker, status: StatusCode) {
    let is_plain = [
        StatusCode::NOT_FOUND,
        StatusCode::GONE,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_client_error() && !is_plain.contains(&status) {
        app.limiter.charge(asker.who(), now());
    }
}

/// Tells how many more there may be.
pub(crate) fn tell(headers: &mut HeaderMap, standing: &Standing) {
    let value = |text: String| HeaderValue::try_from(text).expect("digits are a field value");
    let (policy, limit) = fields(standing);
    headers.insert(RATE_LIMIT_POLICY, value(policy));
    headers.insert(RATE_LIMIT, value(limit));
}

/// `RateLimit-Policy` and `RateLimit`.
fn fields(standing: &Standing) -> (String, String) {
    let class = standing.class.word();
    let policy = format!("\"{class}\";q={};w={}", standing.quota, standing.window_s);
    let limit = format!(
        "\"{class}\";r={};t={}",
        standing.remaining,
        standing.next_s()
    );
    (policy, limit)
}

fn too_many(exceeded: &Exceeded) -> Problem {
    let standing = exceeded.0;
    let (class, seconds) = (standing.class.word(), standing.next_s().max(1));
    let detail = format!("You had too many {class} in a short time. Wait {seconds} s.");
    let (policy, limit) = fields(&standing);
    Problem::new(ProblemKind::RateLimited, detail)
        .with("limit", class)
        .header(header::RETRY_AFTER, &seconds.to_string())
        .header(RATE_LIMIT_POLICY, &policy)
        .header(RATE_LIMIT, &limit)
}

/// Whom a request comes from: whoever opened the connection, or, where that is a trusted proxy, the last
/// in `X-Forwarded-For` who is none. What stands before that, anybody can have written.
pub(crate) fn address(settings: &Settings, request: &Parts) -> IpAddr {
    let peer = request.extensions.get::<Peer>();
    // A socket in the file system has no address: whoever comes by one counts with all who do.
    let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0);
    let proxies = &settings.trusted_proxies;
    if proxies.is_empty() || !proxies.contains(peer) {
        return peer;
    }
    let lines = request.headers.get_all(FORWARDED_FOR).into_iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let hops: Vec<_> = texts.flat_map(|line| line.split(',')).collect();
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        let Some(address) = parse(hop) else {
            break;
        };
        client = address;
        if !proxies.contains(address) {
            break;
        }
    }
    client
}

/// An address, perhaps with a port, as some proxies write it.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.parse().ok();
    let with_port = || text.parse().ok().map(|it: std::net::SocketAddr| it.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    bare.or_else(with_port).or_else(bracketed)
}

/// Nanoseconds since the first request.
fn now() -> u64 {
    static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn a_request_comes_from_the_last_who_is_no_proxy_of_ours() {
        let mut settings = Settings::default();
        assert!(settings.trusted_proxies.add("10.0.0.0/8"));
        let cases: [(&str, &[&str], &str); 10] = [
            ("192.0.2.1", &[], "192.0.2.1"),
            ("192.0.2.1", &["198.51.100.1"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1:443"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
        ];
        for (peer, forwarded, expected) in cases {
            let mut request = Request::builder();
            for line in forwarded {
                request = request.header("x-forwarded-for", *line);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(Peer(peer.parse().unwrap()));
            let found = address(&settings, &parts);
            assert_eq!(
                found,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?}"
            );
        }
    }
}
