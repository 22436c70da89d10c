//! The files of the web page, beside its shell. They are part of the program and change with it alone.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use detente_core::EntityTag;
use flate2::Compression;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::call::Answer;
use crate::fields;
use crate::page::NOSNIFF;
use crate::problem::Problem;
use crate::representation::{Coding, GZIP, NO_CACHE, compress, field};
use crate::resource::PathParts;

/// How many bytes of a file's digest are its tag.
const TAG_BYTES: usize = 16;

/// Compressed once, when the first of them is asked for.
static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    [
        File::new(
            "page.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../page/page.js"),
        ),
        File::new(
            "page.css",
            "text/css; charset=utf-8",
            include_bytes!("../page/page.css"),
        ),
        File::new(
            "icon.svg",
            "image/svg+xml",
            include_bytes!("../page/icon.svg"),
        ),
    ]
});

#[derive(Debug)]
struct File {
    name: &'static str,
    media_type: &'static str,
    plain: Bytes,
    gzip: Bytes,
    tag: EntityTag,
}

pub(crate) async fn read(_: &App, path: &PathParts, parts: &Parts) -> Answer {
    let name = path.get("file").unwrap_or_default();
    let found = FILES.iter().find(|file| file.name == name);
    let missing = || Problem::not_found(format!("The page has no file {name:?}."));
    Ok(found.ok_or_else(missing)?.answer(&parts.headers)?)
}

impl File {
    fn new(name: &'static str, media_type: &'static str, content: &'static [u8]) -> Self {
        let digest = Sha256::digest(content);
        let digits = digest.iter().take(TAG_BYTES);
        let tag: String = digits.map(|byte| format!("{byte:02x}")).collect();
        Self {
            name,
            media_type,
            plain: Bytes::from_static(content),
            gzip: compress(content, Compression::best()).into(),
            tag: EntityTag::strong(&tag),
        }
    }

    fn answer(&self, request: &HeaderMap) -> Result<Response, Problem> {
        let coding = Coding::negotiate(request, self.plain.len());
        let tag = coding.tag(&self.tag);
        let known = fields::preconditions(request)?.if_none_match;
        let is_known = known.is_some_and(|it| it.tags().iter().any(|it| it.weak_eq(&tag)));
        let mut response = match (is_known, coding) {
            (true, _) => Response::default(),
            (false, Coding::Identity) => Response::new(Body::from(self.plain.clone())),
            (false, Coding::Gzip) => Response::new(Body::from(self.gzip.clone())),
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, field(tag.to_field()));
        headers.insert(header::CACHE_CONTROL, NO_CACHE);
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        headers.insert(NOSNIFF.0, NOSNIFF.1);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.media_type),
        );
        if coding == Coding::Gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(GZIP));
        }
        Ok(response)
    }
}
