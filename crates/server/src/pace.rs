//! How often somebody may ask: what the limiter says, as fields of answers (RateLimit header fields for
//! HTTP, draft-ietf-httpapi-ratelimit-headers) and as 429 (RFC 6585, section 4).

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Instant;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use detente_gate::{Class, Exceeded, Limiter, Standing, Who};

use crate::app::App;
use crate::connections::Asking;
use crate::digits::push_number;
use crate::problem::{Problem, ProblemKind};
use crate::settings::Settings;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

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
#[inline]
pub(crate) fn check(app: &App, asker: &Asker, class: Class) -> Result<Option<Standing>, Problem> {
    match &app.limiter {
        Some(limiter) => count(limiter, asker, class),
        None => Ok(None),
    }
}

fn count(limiter: &Limiter, asker: &Asker, class: Class) -> Result<Option<Standing>, Problem> {
    let standing = limiter.check(asker.who(), class, now());
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
    if let Some(limiter) = &app.limiter
        && status.is_client_error()
        && !is_plain.contains(&status)
    {
        limiter.charge(asker.who(), now());
    }
}

/// Tells how many more there may be.
pub(crate) fn tell(policies: &Policies, headers: &mut HeaderMap, standing: &Standing) {
    let value = |text: String| HeaderValue::try_from(text).expect("digits are a field value");
    let written = &policies.0[standing.class as usize];
    let policy = written.get_or_init(|| value(policy(standing)));
    headers.insert(RATE_LIMIT_POLICY, policy.clone());
    headers.insert(RATE_LIMIT, value(limit(standing)));
}

/// `RateLimit-Policy` of each class, once an answer had it: as long as the settings stay the same, so
/// does the field.
#[derive(Debug, Default)]
pub(crate) struct Policies([OnceLock<HeaderValue>; Class::ALL.len()]);

/// `RateLimit-Policy`.
fn policy(standing: &Standing) -> String {
    let class = standing.class.word();
    format!("\"{class}\";q={};w={}", standing.quota, standing.window_s)
}

/// `RateLimit`.
fn limit(standing: &Standing) -> String {
    let mut text = String::with_capacity(48);
    text.push('"');
    text.push_str(standing.class.word());
    text.push_str("\";r=");
    push_number(&mut text, standing.remaining.into());
    text.push_str(";t=");
    push_number(&mut text, standing.next_s());
    text
}

fn too_many(exceeded: &Exceeded) -> Problem {
    let standing = exceeded.0;
    let (class, seconds) = (standing.class.word(), standing.next_s().max(1));
    let detail = format!("You had too many {class} in a short time. Wait {seconds} s.");
    Problem::new(ProblemKind::RateLimited, detail)
        .with("limit", class)
        .header(header::RETRY_AFTER, &seconds.to_string())
        .header(RATE_LIMIT_POLICY, &policy(&standing))
        .header(RATE_LIMIT, &limit(&standing))
}

/// Who asks as long as nobody knows their name. Where nothing is limited, it does not matter.
#[inline]
pub(crate) fn stranger(app: &App, request: &Parts) -> Asker {
    Asker::Address(match app.limiter {
        Some(_) => address(&app.settings, peer(request), &request.headers),
        None => NOWHERE,
    })
}

/// A socket in the file system has no address: whoever comes by one counts with all who do.
fn peer(request: &Parts) -> IpAddr {
    let asking = request.extensions.get::<Asking>();
    asking.and_then(|asking| asking.peer).unwrap_or(NOWHERE)
}

/// Where somebody comes from who has no address.
const NOWHERE: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// Whom a request comes from: whoever opened the connection, or, where that is a trusted proxy, the last
/// in `X-Forwarded-For` who is none. What stands before that, anybody can have written.
fn address(settings: &Settings, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let proxies = &settings.trusted_proxies;
    if proxies.is_empty() || !proxies.contains(peer) {
        return peer;
    }
    let lines = headers.get_all(FORWARDED_FOR).into_iter();
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
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = address(&settings, peer.parse().unwrap(), &headers);
            assert_eq!(
                found,
                expected.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?}"
            );
        }
    }
}
