use std::io::Write;

use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::ask::Ask;
use super::defect::Defect;
use super::dialect::{After, Coding, Dialect, Pages};
use super::document;
use super::refusal::Refusal;
use super::store::{Outcome, Version};
use super::tag::{Tag, revision};

/// What is sent back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

/// What every answer is made with.
#[derive(Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) dialect: &'a Dialect,
    pub(crate) defect: Option<Defect>,
    pub(crate) ask: &'a Ask,
    /// How many reads there were so far.
    pub(crate) reads: u64,
}

impl Answer {
    fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// What it says of the pages that may read it.
    pub(crate) fn for_pages(self, pages: Pages) -> Self {
        let is_ok = (200..300).contains(&self.status);
        let (origin, is_exposed) = match pages {
            Pages::Own => return self,
            Pages::Unrefused if self.status >= 400 => return self,
            Pages::OfOne => ("https://app.example", true),
            Pages::All | Pages::Unrefused => ("*", true),
            Pages::Untagged => ("*", false),
            Pages::UntaggedLater => ("*", is_ok),
        };
        let answer = self.with(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        match is_exposed {
            true => answer.with(header::ACCESS_CONTROL_EXPOSE_HEADERS, "Location, etag"),
            false => answer.with(header::ACCESS_CONTROL_EXPOSE_HEADERS, "Location"),
        }
    }

    fn with_body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with(header::CONTENT_TYPE, media_type)
    }

    fn with_json(self, body: &Value) -> Self {
        self.with_body("application/json", body.to_string())
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        let mut response = Self::new(Body::from(answer.body));
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in answer.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

impl Speaker<'_> {
    /// A read of a document; `tagged` is the version that the validators are taken from.
    pub(crate) fn document(&self, key: &str, version: &Version, tagged: &Version) -> Answer {
        let gzip = self.dialect.coding != Coding::None && self.ask.takes_gzip();
        let mut tag = Tag::of(tagged, self.dialect);
        if gzip
            && self.dialect.coding != Coding::SameTag
            && let Some(tag) = &mut tag
        {
            tag.text.push_str("-gzip");
        }
        if let (Some(tag), Some(known)) = (&tag, self.ask.header(&header::IF_NONE_MATCH))
            && Tag::list(known).iter().any(|known| known.text == tag.text)
        {
            return self.validated(Answer::new(304), Some(tag), tagged);
        }
        let plain = self.bytes(key, version);
        let mut answer = Answer::new(200);
        if self.dialect.coding != Coding::None {
            answer = answer.with(header::VARY, "Accept-Encoding");
        }
        let body = match gzip.then(|| zipped(&plain)).flatten() {
            Some(zipped) => {
                answer = answer.with(header::CONTENT_ENCODING, "gzip");
                zipped
            }
            None => plain,
        };
        let answer = answer.with_body(self.dialect.media_type(), body);
        self.validated(answer, tag.as_ref(), tagged)
    }

    pub(crate) fn list(&self, name: &str, items: &[(&str, &Version)]) -> Answer {
        let items = items.iter();
        let items =
            items.map(|(key, version)| document::shown(self.dialect, key, version, self.reads));
        let list = document::listed(self.dialect, name, items.collect());
        let media_type = if self.dialect.is_json() {
            self.dialect.media_type()
        } else {
            "application/json"
        };
        Answer::new(200).with_body(media_type, list.to_string())
    }

    /// A write that was applied; `version` is what it made.
    pub(crate) fn done(&self, outcome: &Outcome, version: Option<&Version>) -> Answer {
        match outcome {
            Outcome::Created { key } => {
                let answer = Answer::new(201).with(header::LOCATION, format!("/{key}"));
                match version {
                    Some(version) => self.written(answer, key, version, true),
                    None => answer,
                }
            }
            Outcome::Replaced { key } => match version {
                Some(version) => self.written(Answer::new(200), key, version, false),
                None => Answer::new(204),
            },
            Outcome::Deleted => Answer::new(204),
            Outcome::Acted(said) => Answer::new(200).with_json(said),
        }
    }

    fn written(&self, mut answer: Answer, key: &str, version: &Version, created: bool) -> Answer {
        let mut tag = Tag::of(version, self.dialect);
        if self.defect == Some(Defect::StrangeTag)
            && let Some(tag) = &mut tag
        {
            tag.text.insert(0, 'w');
        }
        match self.dialect.after {
            After::Nothing => {
                answer.status = if created { 201 } else { 204 };
                return answer;
            }
            After::Tag => answer.status = if created { 201 } else { 204 },
            After::Document => {
                answer = answer.with_body(self.dialect.media_type(), self.bytes(key, version));
            }
            After::Receipt => {
                let id = key.split('/').next_back();
                answer =
                    answer.with_json(&json!({ "ok": true, "id": id, "rev": revision(version) }));
            }
        }
        self.validated(answer, tag.as_ref(), version)
    }

    pub(crate) fn refused(&self, refusal: &Refusal) -> Answer {
        let two_codes = self.defect == Some(Defect::TwoCodes);
        let status = refusal.status(self.dialect, &self.ask.method, two_codes);
        let (media_type, body) = refusal.body(
            self.dialect,
            status,
            &self.ask.path,
            self.defect == Some(Defect::LeaksStatement),
            self.defect == Some(Defect::BareRequired),
        );
        let mut answer = Answer::new(status);
        if !body.is_empty() {
            answer = answer.with_body(media_type, body);
        }
        match refusal {
            Refusal::Unauthorized => answer.with(header::WWW_AUTHENTICATE, "Bearer"),
            Refusal::MethodNotAllowed => answer.with(header::ALLOW, self.dialect.allow()),
            Refusal::TooMany => answer.with(header::RETRY_AFTER, "1"),
            _ => answer,
        }
    }

    fn validated(&self, mut answer: Answer, tag: Option<&Tag>, version: &Version) -> Answer {
        if let Some(tag) = tag {
            answer = answer.with(header::ETAG, tag.field());
        }
        if let Some(date) = Tag::date(version, self.dialect) {
            answer = answer.with(header::LAST_MODIFIED, httpdate::fmt_http_date(date));
        }
        answer
    }

    fn bytes(&self, key: &str, version: &Version) -> Vec<u8> {
        match document::shown(self.dialect, key, version, self.reads) {
            Value::String(text) => text.into_bytes(),
            other => other.to_string().into_bytes(),
        }
    }
}

fn zipped(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}
