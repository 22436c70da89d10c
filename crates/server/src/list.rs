use bytes::Bytes;
use detente_core::{Filter, Query, QueryError, Rank, Sort};
use detente_store::{Listed, Listing};

use crate::call::{Answer, Call};
use crate::cursor::Cursor;
use crate::envelope::{self, Row};
use crate::parameters::{DEFAULT_LIMIT, limit, parameters};
use crate::problem::Problem;
use crate::representation::{self, Coding};

/// The documents of a collection.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let collection = call.names().collection()?;
    call.app.service.collection(&collection.collection)?;
    let wanted = Wanted::parse(call.inbound.query())?;
    let sort = wanted.sort;
    let listing = Listing {
        collection,
        query: wanted.query,
        limit: wanted.limit,
        after: wanted.after,
    };
    let listed = call.app.service.list(&call.principal, &listing).await?;
    let page = page(listed, sort);
    let coding = Coding::negotiate(call.inbound.headers(), page.len());
    representation::json(Bytes::from(page), coding).await
}

fn page(listed: Listed, sort: String) -> String {
    let cursor = listed.next.map(|rank| Cursor { sort, rank }.encode());
    envelope::page(&listed.documents, Row::Document, &[("next", cursor.into())])
}

/// What a request wants of a list.
#[derive(Debug)]
struct Wanted {
    query: Query,
    sort: String,
    limit: usize,
    after: Option<Rank>,
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, Problem> {
        let mut wanted = Self {
            query: Query::default(),
            sort: String::new(),
            limit: DEFAULT_LIMIT,
            after: None,
        };
        let mut cursor = None;
        for (name, value) in parameters(text) {
            match &*name {
                "limit" => wanted.limit = limit(&value)?,
                "cursor" => cursor = Some(value.into_owned()),
                "sort" => {
                    wanted.query.sort = Sort::parse(&value).map_err(|error| bad(&error))?;
                    wanted.sort = value.into_owned();
                }
                _ => {
                    let filter = Filter::parse(&name, &value).map_err(|error| bad(&error))?;
                    wanted.query.filters.push(filter);
                }
            }
        }
        let cursor = cursor.map(|cursor| Cursor::decode(&cursor, &wanted.sort));
        wanted.after = cursor.transpose()?.map(|cursor| cursor.rank);
        Ok(wanted)
    }
}

fn bad(error: &QueryError) -> Problem {
    let problem = Problem::malformed(format!("The query cannot be understood: {error}."));
    problem.with("parameter", error.parameter.as_str())
}
