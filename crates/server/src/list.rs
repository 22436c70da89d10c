use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use bytes::Bytes;
use detente_core::{
    CollectionKey, Filter, Item, Moment, Order, Query, QueryError, Rank, Stored, Timestamp,
};
use detente_store::{Documents, Reader, StoreError};

use crate::app::App;
use crate::caller::Caller;
use crate::cursor::Cursor;
use crate::document;
use crate::envelope::{self, Row};
use crate::inbound::Inbound;
use crate::problem::Problem;
use crate::representation::{self, Coding};
use crate::resource::{Names, PathParts};

const DEFAULT_LIMIT: usize = 100;
pub(crate) const MAX_LIMIT: usize = 1000;

/// A collection: a list, or a place to create documents in.
pub(crate) async fn handle(
    State(app): State<Arc<App>>,
    path: PathParts,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let mut inbound = Inbound::new(parts, body, app.settings.limits.body_bytes);
    let names = Names::of(&path);
    let answer = match inbound.parts.method {
        Method::GET | Method::HEAD => read(&app, &names, &inbound).await,
        Method::POST => document::create(&app, &names, &mut inbound).await,
        ref method => document::otherwise(method),
    };
    if answer.is_err() {
        inbound.drain().await;
    }
    answer
}

async fn read(app: &Arc<App>, names: &Names<'_>, inbound: &Inbound) -> Result<Response, Problem> {
    Caller::of(&app.settings, inbound.headers())?.must_read()?;
    let collection = names.collection()?;
    app.collection(&collection.collection)?;
    let asked = Asked::parse(inbound.query())?;
    let page = app
        .read(move |reader| asked.run(reader, &collection))
        .await?;
    let coding = Coding::negotiate(inbound.headers(), page.len());
    representation::json(Bytes::from(page), coding).await
}

/// A number in digits alone: Rust would take a sign too.
pub(crate) fn whole_number<N: FromStr>(text: &str) -> Option<N> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

/// A time to compare times of this server's with. None of those is before 1970, so all times before
/// it come to the same.
pub(crate) fn moment(text: &str) -> Option<Moment> {
    let time = Timestamp::parse(text)?;
    Some(Moment(time.to_millis().unwrap_or(0)))
}

/// The value of `limit`.
pub(crate) fn limit(value: &str) -> Result<usize, Problem> {
    let limit = whole_number(value).filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        let detail = format!("limit is a whole number from 1 to {MAX_LIMIT}.");
        Problem::malformed(detail).with("parameter", "limit")
    })
}

/// The parameters of a query string, decoded.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
}

/// What a list was asked for.
#[derive(Debug)]
struct Asked {
    query: Query,
    sort: String,
    limit: usize,
    after: Option<Cursor>,
}

impl Asked {
    fn parse(text: &str) -> Result<Self, Problem> {
        let mut asked = Self {
            query: Query::default(),
            sort: String::new(),
            limit: DEFAULT_LIMIT,
            after: None,
        };
        let mut cursor = None;
        for (name, value) in parameters(text) {
            match &*name {
                "limit" => asked.limit = limit(&value)?,
                "cursor" => cursor = Some(value.into_owned()),
                "sort" => {
                    asked.query.order = Order::parse(&value).map_err(|error| bad(&error))?;
                    asked.sort = value.into_owned();
                }
                _ => {
                    let filter = Filter::parse(&name, &value).map_err(|error| bad(&error))?;
                    asked.query.filters.push(filter);
                }
            }
        }
        asked.after = cursor
            .map(|cursor| Cursor::decode(&cursor, &asked.sort))
            .transpose()?;
        Ok(asked)
    }

    /// One more than the limit is looked for: it tells whether the list goes on.
    fn run(&self, reader: &dyn Reader, collection: &CollectionKey) -> Result<String, StoreError> {
        let mut found = if self.query.is_by_id() {
            self.in_order_of_keys(reader, collection)?
        } else {
            self.sorted(reader, collection)?
        };
        let more = found.len() > self.limit;
        found.truncate(self.limit);
        let last = found.last().filter(|_| more);
        let next = last.map(|last| {
            let rank = self.query.order.rank(&item(last));
            Cursor {
                sort: self.sort.clone(),
                rank,
            }
            .encode()
        });
        Ok(envelope::page(
            &found,
            Row::Document,
            &[("next", next.into())],
        ))
    }

    fn in_order_of_keys(
        &self,
        reader: &dyn Reader,
        collection: &CollectionKey,
    ) -> Result<Vec<Arc<Stored>>, StoreError> {
        let asked = Documents {
            collection,
            after: self.after.as_ref().map(|cursor| cursor.rank.id.as_str()),
            descending: self.query.order.descending,
        };
        let mut found = Vec::new();
        reader.documents(&asked, &mut |stored| {
            if self.query.selects(&item(&stored)) {
                found.push(stored);
            }
            if found.len() > self.limit {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok(found)
    }

    /// Reads the whole collection, and keeps only as many as are asked for.
    fn sorted(
        &self,
        reader: &dyn Reader,
        collection: &CollectionKey,
    ) -> Result<Vec<Arc<Stored>>, StoreError> {
        let asked = Documents {
            collection,
            after: None,
            descending: false,
        };
        let order = &self.query.order;
        let mut found: Vec<(Rank, Arc<Stored>)> = Vec::new();
        reader.documents(&asked, &mut |stored| {
            let rank = order.rank(&item(&stored));
            if self.is_behind_cursor(&rank) && self.query.selects(&item(&stored)) {
                let before = |(other, _): &(Rank, _)| order.compare(other, &rank) == Ordering::Less;
                let place = found.partition_point(before);
                if place <= self.limit {
                    found.insert(place, (rank, stored));
                    found.truncate(self.limit + 1);
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(found.into_iter().map(|(_, stored)| stored).collect())
    }

    fn is_behind_cursor(&self, rank: &Rank) -> bool {
        let order = &self.query.order;
        let behind = |cursor: &Cursor| order.compare(rank, &cursor.rank) == Ordering::Greater;
        self.after.as_ref().is_none_or(behind)
    }
}

fn bad(error: &QueryError) -> Problem {
    let problem = Problem::malformed(format!("The query cannot be understood: {error}."));
    problem.with("parameter", error.parameter.as_str())
}

fn item(stored: &Stored) -> Item<'_> {
    Item {
        id: stored.key.id(),
        version: stored.version,
        at: stored.at,
        data: stored.text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_can_be_compared_with() {
        let cases = [
            ("1970-01-01T00:00:01Z", Some(1000)),
            ("1970-01-01T00:00:00+00:01", Some(0)),
            ("0350-03-18T07:08:40.075+02:55", Some(0)),
            ("9999-12-31T23:59:59.999Z", Some(253_402_300_799_999)),
            ("1970-01-01", None),
            ("now", None),
        ];
        for (text, millis) in cases {
            assert_eq!(moment(text).map(|it| it.0), millis, "{text}");
        }
    }

    #[test]
    fn a_whole_number_is_digits() {
        let cases = [
            ("5", Some(5)),
            ("007", Some(7)),
            ("+5", None),
            ("-0", None),
            ("", None),
            ("5.0", None),
            ("99999999999999999999", None),
        ];
        for (text, number) in cases {
            assert_eq!(whole_number::<u64>(text), number, "{text:?}");
        }
    }
}
