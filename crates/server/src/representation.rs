use std::io::Write;

use axum::body::Body;
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use detente_core::{EntityTag, Stored};
use detente_service::offload;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::call::Answer;
use crate::explanation::Refused;
use crate::resource::JSON;
use crate::site::Site;

const DOCUMENT_VERSION: HeaderName = HeaderName::from_static("document-version");
/// For answers that are about a moment.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// For answers that a cache may keep, but must ask about before it uses them.
pub(crate) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

pub(crate) const GZIP: &str = "gzip";

/// What the tag of a compressed representation has behind that of the plain one.
pub(crate) const GZIP_SUFFIX: &str = "+gzip";

/// Smaller bodies gain nothing from being compressed: they fit into one packet as they are.
const COMPRESS_FROM: usize = 1024;

/// What a link to the history takes beside the names in it, in bytes.
const LINK_ROOM: usize = 64;

/// How many fields an answer has, about.
const FIELDS: usize = 12;

/// An answer with its body at hand, so that it can also stand within another.
pub(crate) type Reply = http::Response<Bytes>;

/// How a body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// What the client takes (RFC 9110, section 12.5.3), for a body of `length` bytes.
    pub(crate) fn negotiate(headers: &HeaderMap, length: usize) -> Self {
        if length < COMPRESS_FROM {
            return Self::Identity;
        }
        let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let ranges = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        let mut any = None;
        for range in ranges {
            let (coding, quality) = weighed(range);
            if coding.eq_ignore_ascii_case(GZIP) || coding.eq_ignore_ascii_case("x-gzip") {
                return if quality { Self::Gzip } else { Self::Identity };
            }
            if coding == "*" {
                any = Some(quality);
            }
        }
        if any == Some(true) {
            Self::Gzip
        } else {
            Self::Identity
        }
    }

    /// A representation's tag under this coding.
    pub(crate) fn tag(self, tag: &EntityTag) -> EntityTag {
        match self {
            Self::Identity => tag.clone(),
            Self::Gzip => tag.with_coding(GZIP),
        }
    }
}

/// A coding, and whether its weight is above 0.
fn weighed(range: &str) -> (&str, bool) {
    let mut parts = range.split(';');
    let coding = parts.next().unwrap_or_default().trim();
    let weight = parts.find_map(|part| part.trim().strip_prefix("q="));
    let is_wanted = weight
        .and_then(|weight| weight.trim().parse::<f32>().ok())
        .is_none_or(|it| it > 0.0);
    (coding, is_wanted)
}

/// The fields that tell of one version.
pub(crate) fn describe(headers: &mut HeaderMap, stored: &Stored, tag: &EntityTag, site: &Site) {
    let names = site.base().len() + stored.key.as_str().len();
    let mut history = String::with_capacity(LINK_ROOM + names);
    history.push('<');
    site.push_part(&mut history, &stored.key, "versions");
    history.push_str(">; rel=\"version-history\"");
    headers.insert(header::ETAG, field(tag.to_field()));
    headers.insert(header::LAST_MODIFIED, field(stored.at.to_http_date()));
    headers.insert(DOCUMENT_VERSION, HeaderValue::from(stored.version));
    headers.insert(header::LINK, field(history));
}

pub(crate) fn field(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("our own field values are well-formed")
}

/// A version, and its tag, as the answer to a request with `headers`; byte for byte what was sent.
pub(crate) async fn document(
    stored: &Stored,
    tag: &EntityTag,
    headers: &HeaderMap,
    site: &Site,
) -> Result<Reply, Refused> {
    let coding = Coding::negotiate(headers, stored.body.len());
    let mut reply = coded(stored.body.clone(), coding).await?;
    match coding {
        Coding::Identity => describe(reply.headers_mut(), stored, tag, site),
        Coding::Gzip => describe(reply.headers_mut(), stored, &coding.tag(tag), site),
    }
    Ok(reply)
}

/// A version as the answer to the write that made it, under the one tag that all know it by: a
/// writer must recognize its own version in a feed, and compressing it would give it another.
pub(crate) fn written(status: StatusCode, stored: &Stored, site: &Site) -> Reply {
    let mut reply = Reply::new(stored.body.clone());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.reserve(FIELDS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    let tag = stored.head().tag().to_entity_tag();
    describe(headers, stored, &tag, site);
    reply
}

/// A version without its body.
pub(crate) fn bodiless(status: StatusCode, stored: &Stored, site: &Site) -> Reply {
    let mut response = Reply::default();
    *response.status_mut() = status;
    describe(
        response.headers_mut(),
        stored,
        &stored.head().tag().to_entity_tag(),
        site,
    );
    response
}

/// JSON that the server wrote. A cache may keep it but must ask before it uses it.
pub(crate) async fn json(text: String, coding: Coding) -> Answer {
    json_line(line(text), coding).await
}

/// The same, of a text that ends as [`line`] leaves it.
pub(crate) async fn json_line(text: Bytes, coding: Coding) -> Answer {
    Ok(coded(text, coding).await?.map(Body::from))
}

/// Ends a text as text files do, so that it does not run into a prompt.
pub(crate) fn line(mut text: String) -> Bytes {
    text.push('\n');
    text.into()
}

async fn coded(body: Bytes, coding: Coding) -> Result<Reply, Refused> {
    let mut response = Reply::new(match coding {
        Coding::Identity => body,
        Coding::Gzip => {
            let length = body.len();
            offload(length, move || compress(&body, Compression::fast()).into()).await?
        }
    });
    let headers = response.headers_mut();
    // Room for all fields at once: growing the map step by step hashes them anew each time.
    headers.reserve(FIELDS);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if coding == Coding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(GZIP));
    }
    Ok(response)
}

pub(crate) fn compress(body: &[u8], effort: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 2), effort);
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.expect("writing to memory does not fail")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_negotiated() {
        let cases = [
            ("gzip, deflate", Coding::Gzip),
            ("br;q=1.0, gzip;q=0.8", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("*;q=0.5, gzip;q=0", Coding::Identity),
            ("*", Coding::Gzip),
            ("identity", Coding::Identity),
            ("", Coding::Identity),
        ];
        for (accept, coding) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accept.parse().unwrap());
            assert_eq!(Coding::negotiate(&headers, 5000), coding, "{accept}");
            assert_eq!(
                Coding::negotiate(&headers, 10),
                Coding::Identity,
                "{accept}"
            );
        }
    }
}
