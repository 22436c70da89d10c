use std::collections::VecDeque;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use detente_core::json::Pointer;
use futures_util::{Stream, StreamExt, stream};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::document::Document;
use crate::error::{ContentError, Error};
use crate::json::Json;
use crate::snapshot::Snapshot;
use crate::tag::Tag;
use crate::transport::{Request, Transport};

/// One version of a document, as lists and histories show it.
#[derive(Clone, Debug)]
pub struct Row<T = Json> {
    pub id: String,
    pub version: u64,
    /// In RFC 3339 format.
    pub updated_at: String,
    pub updated_by: String,
    /// `None` for a deletion.
    pub document: Option<Document<T>>,
}

/// Rows of a list or a history, fetched page by page when they are needed.
pub struct Rows<T = Json> {
    envelopes: Pin<Box<dyn Stream<Item = Result<Envelope, Error>> + Send>>,
    shown_as: PhantomData<fn() -> T>,
}

/// A document and its metadata, as the server sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) seq: Option<u64>,
    pub(crate) collection: Option<String>,
    id: String,
    version: u64,
    etag: Option<String>,
    #[serde(default)]
    updated_at: String,
    #[serde(default)]
    updated_by: String,
    data: Option<Json>,
    #[serde(default)]
    paths: Vec<String>,
    pub(crate) merged: Option<Json>,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Envelope>,
    next: Option<String>,
}

impl Envelope {
    pub(crate) fn into_row<T: DeserializeOwned>(self) -> Result<Row<T>, ContentError> {
        let tag = self.etag.as_deref().and_then(Tag::new);
        let origin = self.data.map(|data| Snapshot {
            version: Some(self.version),
            tag,
            tree: data.0,
        });
        let document = origin.map(|origin| Document::new(&self.id, origin));
        Ok(Row {
            document: document.transpose()?,
            id: self.id,
            version: self.version,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        })
    }

    pub(crate) fn paths(&self) -> Vec<Pointer> {
        let paths = self.paths.iter();
        paths.filter_map(|path| path.parse().ok()).collect()
    }
}

impl<T: DeserializeOwned> Rows<T> {
    pub(crate) fn new(transport: Arc<Transport>, url: Url) -> Self {
        let pages = Pages {
            transport,
            next: Some(url),
            ready: VecDeque::new(),
        };
        let envelopes = stream::unfold(pages, |mut pages| async {
            Some((pages.next().await?, pages))
        });
        Self {
            envelopes: Box::pin(envelopes),
            shown_as: PhantomData,
        }
    }

    /// The next row; `None` after the last one. After an error there are no more rows, unless the
    /// error is about the content of one document.
    pub async fn next(&mut self) -> Option<Result<Row<T>, Error>> {
        StreamExt::next(self).await
    }

    /// All remaining rows.
    ///
    /// # Errors
    ///
    /// The first that occurs.
    pub async fn all(mut self) -> Result<Vec<Row<T>>, Error> {
        let mut rows = Vec::new();
        while let Some(row) = self.next().await {
            rows.push(row?);
        }
        Ok(rows)
    }
}

impl<T: DeserializeOwned> Stream for Rows<T> {
    type Item = Result<Row<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let envelope = self.envelopes.as_mut().poll_next(context);
        envelope.map(|next| next.map(|envelope| Ok(envelope?.into_row()?)))
    }
}

struct Pages {
    transport: Arc<Transport>,
    next: Option<Url>,
    ready: VecDeque<Envelope>,
}

impl Pages {
    async fn next(&mut self) -> Option<Result<Envelope, Error>> {
        loop {
            if let Some(envelope) = self.ready.pop_front() {
                return Some(Ok(envelope));
            }
            let url = self.next.take()?;
            match self.fetch(url.clone()).await {
                Ok(page) => {
                    self.next = page.next.map(|cursor| with_cursor(url, &cursor));
                    self.ready.extend(page.items);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn fetch(&self, url: Url) -> Result<Page, Error> {
        let mut pace = self.transport.pace();
        let answer = self.transport.send(&Request::read(url), &mut pace).await?;
        if answer.status != StatusCode::OK {
            return Err(Error::of(answer.problem()));
        }
        Ok(serde_json::from_slice(&answer.body).map_err(ContentError::Type)?)
    }
}

fn with_cursor(mut url: Url, cursor: &str) -> Url {
    let others: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| name != "cursor")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut query = url.query_pairs_mut();
    query
        .clear()
        .extend_pairs(others)
        .append_pair("cursor", cursor);
    drop(query);
    url
}
