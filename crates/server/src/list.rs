use detente_core::json::Value;
use detente_core::rules::Schema;
use detente_core::{Filter, MAX_FILTERS, Query, QueryError, QueryField, Rank, Sort};
use detente_store::{Listed, Listing, PageLimit};

use crate::call::{Answer, Call};
use crate::cursor::Cursor;
use crate::envelope::{self, Row};
use crate::parameters::{DEFAULT_LIMIT, limit, parameters, switch};
use crate::problem::Problem;
use crate::representation::{self, Coding};
use crate::reserved::must_not_be_reserved;

/// What `count` is for.
const COUNT: &str = "whether to tell how many documents the list has in all. To filter by a member of \
     that name, write its JSON Pointer, `/count=…`";

/// The documents of a collection.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let collection = call.names().collection()?;
    let declared = call.app.service.collection(&collection.collection)?;
    let schema = declared.rules.rules.schema.as_ref();
    let wanted = Wanted::parse(call.inbound.query(), schema)?;
    let sort = wanted.sort;
    let listing = Listing {
        collection,
        query: wanted.query,
        limit: PageLimit::rows(wanted.limit),
        after: wanted.after,
        sight: None,
    };
    let service = &call.app.service;
    let listed = service.list(&call.principal, &listing).await?;
    let total = match wanted.counts {
        true => Some(service.count(&call.principal, &listing).await?),
        false => None,
    };
    let page = page(listed, sort, wanted.limit, total);
    let coding = Coding::negotiate(call.inbound.headers(), page.len());
    representation::json(page, coding).await
}

fn page(listed: Listed, sort: String, limit: usize, total: Option<u64>) -> String {
    let short = envelope::short(listed.documents.len(), limit, listed.next.is_some());
    let cursor = listed.next.map(|rank| Cursor { sort, rank }.encode());
    let mut members = vec![("next", Value::from(cursor))];
    members.extend(short);
    members.extend(total.map(|total| ("total", Value::from(total))));
    envelope::page(&listed.documents, Row::Document, &members)
}

/// What a request wants of a list.
#[derive(Debug)]
struct Wanted {
    query: Query,
    sort: String,
    limit: usize,
    after: Option<Rank>,
    /// Whether the answer tells how many documents the list has in all.
    counts: bool,
}

impl Wanted {
    fn parse(text: &str, schema: Option<&Schema>) -> Result<Self, Problem> {
        let mut wanted = Self {
            query: Query::default(),
            sort: String::new(),
            limit: DEFAULT_LIMIT,
            after: None,
            counts: false,
        };
        let mut cursor = None;
        for (name, value) in parameters(text) {
            match &*name {
                "limit" => wanted.limit = limit(&value)?,
                "cursor" => cursor = Some(value.into_owned()),
                "count" => wanted.counts = switch("count", &value, COUNT)?,
                "sort" => {
                    let sort = Sort::parse(&value).map_err(|error| bad(&error))?;
                    for key in &sort.keys {
                        must_have_room(schema, &key.field, "sort")?;
                    }
                    wanted.query.sort = sort;
                    wanted.sort = value.into_owned();
                }
                _ => {
                    must_not_be_reserved(&name)?;
                    if wanted.query.filters.len() == MAX_FILTERS {
                        let detail = format!("A list has at most {MAX_FILTERS} filters.");
                        return Err(Problem::malformed(detail).with("parameter", &*name));
                    }
                    let filter = Filter::parse(&name, &value).map_err(|error| bad(&error))?;
                    must_have_room(schema, &filter.field, &name)?;
                    wanted.query.filters.push(filter);
                }
            }
        }
        let places = wanted.query.sort.keys.len();
        let cursor = cursor.map(|cursor| Cursor::decode(&cursor, &wanted.sort, places));
        wanted.after = cursor.transpose()?.map(|cursor| cursor.rank);
        Ok(wanted)
    }
}

/// A filter on a member that no document can have would give an empty page, as if all were lost.
pub(crate) fn must_have_room(
    schema: Option<&Schema>,
    field: &QueryField,
    parameter: &str,
) -> Result<(), Problem> {
    match (schema, field) {
        (Some(schema), QueryField::Data(pointer)) if schema.excludes(pointer) => {
            let detail = format!(
                "No document of this collection can have {pointer}: its schema leaves no room for it. \
                 Check the spelling."
            );
            Err(Problem::malformed(detail).with("parameter", parameter))
        }
        _ => Ok(()),
    }
}

pub(crate) fn bad(error: &QueryError) -> Problem {
    let problem = Problem::malformed(format!("The query cannot be understood: {error}."));
    problem.with("parameter", error.parameter.as_str())
}
