//! The fields of queries.

use std::sync::Arc;

use detente_core::json::{self, Value};
use detente_core::{Filter, Item, MAX_FILTERS, Preconditions, Query, Rank, Sort, Stored};
use detente_graphql::{CollectionType, Object, Resolved, Step};
use detente_service::{MergeAsk, What};
use detente_store::{Listing, PageLimit};

use super::arguments::{Arguments, mistake};
use super::asked::Asked;
use super::conflicts::camel;
use super::node::{Content, Node, PageInfo, Version};
use crate::cursor::Cursor;
use crate::explanation::Refused;
use crate::list::{bad, must_have_room};
use crate::merging::report;
use crate::problem::Problem;

impl Asked {
    /// The current version of a document.
    pub(super) async fn one(
        &self,
        step: &Step,
        of: &Arc<CollectionType>,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let collection = self.collection(of, arguments)?;
        let key = arguments.key(&collection)?;
        let service = &self.app.service;
        let conditions = Preconditions::default();
        let read = match service.read(&self.principal, &key, &conditions).await {
            Ok(read) => read,
            Err(explanation) if matches!(explanation.what, What::Missing | What::Gone(_)) => {
                return Ok(Resolved::Null);
            }
            Err(explanation) => return Err(explanation.into()),
        };
        let wanted = std::iter::once(step.selection());
        let loaded = self.load_of(&key, wanted).await;
        Ok(Resolved::object(Node::read(read.stored, of, loaded)))
    }

    /// The documents of a collection.
    pub(super) async fn many(
        &self,
        step: &Step,
        of: &Arc<CollectionType>,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let collection = self.collection(of, arguments)?;
        let (query, sort) = self.query(step, &collection.collection, arguments)?;
        let places = query.sort.keys.len();
        let after = arguments.text("after");
        let after = after.map(|after| Cursor::decode(after, &sort, places));
        let wrong = |problem: Problem| problem.with("parameter", "after");
        let after = after.transpose().map_err(wrong)?.map(|cursor| cursor.rank);
        let has_previous = after.is_some();
        let listing = Listing {
            collection,
            query,
            limit: PageLimit::rows(arguments.first()),
            after,
            sight: None,
        };
        let service = &self.app.service;
        let listed = service.list(&self.principal, &listing).await?;
        let selection = step.selection();
        let total = match selection.has("totalCount") {
            true => Some(service.count(&self.principal, &listing).await?),
            false => None,
        };
        let edges = selection.named("edges");
        let nodes = edges.flat_map(|edges| edges.selection().named("node"));
        let nodes = nodes.chain(selection.named("nodes"));
        let ids = || {
            let keys = listed.documents.iter().map(|it| it.key.id().to_owned());
            keys.collect()
        };
        let collection = &listing.collection;
        let loaded = self.load(collection, nodes.map(Step::selection), ids).await;
        let node = |stored: &Arc<Stored>| Node::read(Arc::clone(stored), of, loaded.clone());
        Ok(Resolved::object(Connection {
            type_name: format!("{}Connection", of.type_name),
            edge_type: format!("{}Edge", of.type_name),
            nodes: listed.documents.iter().map(node).collect(),
            order: listing.query.sort,
            sort,
            has_next: listed.next.is_some(),
            has_previous,
            total,
        }))
    }

    /// Filters and order of a list; the latter also as it was asked for, which its cursors say.
    fn query(
        &self,
        step: &Step,
        collection: &str,
        arguments: Arguments<'_>,
    ) -> Result<(Query, String), Refused> {
        let declared = self.app.service.collection(collection)?;
        let schema = declared.rules.rules.schema.as_ref();
        let tests = self.api.tests(step);
        let tests =
            tests.map_err(|fault| Problem::malformed(fault.message).with("parameter", "where"))?;
        if tests.len() > MAX_FILTERS {
            let what = format!("may have at most {MAX_FILTERS} conditions");
            return Err(mistake("where", &what).into());
        }
        let mut query = Query::default();
        for test in &tests {
            let filter = Filter::of(own_name(&test.field), &test.operator, &test.value);
            let filter = filter.map_err(|error| bad(&error))?;
            must_have_room(schema, &filter.field, &test.field)?;
            query.filters.push(filter);
        }
        let sort = match arguments.get("sort") {
            Some(Value::Array(places)) => {
                let places = places.iter().filter_map(Value::as_str);
                if places.clone().any(|place| place.contains(',')) {
                    return Err(mistake("sort", "must have one place in each string").into());
                }
                let place = |place: &str| match place.strip_prefix('-') {
                    Some(name) => format!("-{}", own_name(name)),
                    None => own_name(place).to_owned(),
                };
                places.map(place).collect::<Vec<_>>().join(",")
            }
            _ => String::new(),
        };
        if !sort.is_empty() {
            query.sort = Sort::parse(&sort).map_err(|error| bad(&error))?;
            for key in &query.sort.keys {
                must_have_room(schema, &key.field, "sort")?;
            }
        }
        Ok((query, sort))
    }

    /// The versions of a document, the newest first.
    pub(super) async fn versions(
        &self,
        of: &Arc<CollectionType>,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let collection = self.collection(of, arguments)?;
        let key = arguments.key(&collection)?;
        let (below, first) = (arguments.after()?, arguments.first());
        let service = &self.app.service;
        let history = match service.history(&self.principal, &key, below, first).await {
            Ok(history) => history,
            Err(explanation) if matches!(explanation.what, What::NeverThere) => {
                return Ok(Resolved::Null);
            }
            Err(explanation) => return Err(explanation.into()),
        };
        let version = |stored| Version(Content::of(stored, of));
        Ok(Resolved::object(Versions {
            type_name: format!("{}VersionConnection", of.type_name),
            edge_type: format!("{}VersionEdge", of.type_name),
            versions: history.versions.into_iter().map(version).collect(),
            next: history.below,
            has_previous: below.is_some(),
        }))
    }

    /// What an edit of an older version would come to.
    pub(super) async fn preview(
        &self,
        step: &Step,
        of: &Arc<CollectionType>,
        arguments: Arguments<'_>,
    ) -> Result<Resolved<'static>, Refused> {
        let ask: MergeAsk = self.merge_ask(of, arguments)?;
        let service = &self.app.service;
        let preview = service.preview_merge(&self.principal, ask).await?;
        let report = json::parse(report(&preview).into_text().as_bytes());
        match report.map_err(Problem::internal)? {
            Value::Object(members) => {
                let mut fields = camel(members);
                // It does not come without what it is the tag of.
                if !step.selection().has("document") {
                    fields.swap_remove("currentEtag");
                }
                Ok(Value::Object(fields).into())
            }
            _ => Err(Problem::internal("a preview is no object").into()),
        }
    }
}

/// What is no member of a document, by the name that it has over REST.
fn own_name(name: &str) -> &str {
    match name {
        "_updatedAt" => "_updated_at",
        other => other,
    }
}

/// A `ProductConnection`.
struct Connection {
    type_name: String,
    edge_type: String,
    nodes: Vec<Node>,
    order: Sort,
    /// The order, as it was asked for.
    sort: String,
    has_next: bool,
    has_previous: bool,
    total: Option<u64>,
}

impl Connection {
    fn cursor(&self, node: &Node) -> String {
        let stored = node.content.stored();
        let rank: Rank = self.order.rank(&Item {
            id: stored.key.id(),
            version: stored.version,
            at: stored.at,
            data: stored.text(),
        });
        let sort = self.sort.clone();
        Cursor { sort, rank }.encode()
    }
}

impl Object for Connection {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "nodes" => Resolved::List(self.nodes.iter().map(Resolved::object).collect()),
            "edges" => {
                let edge = |node| {
                    Resolved::object(Edge {
                        type_name: &self.edge_type,
                        cursor: move || self.cursor(node),
                        node,
                    })
                };
                Resolved::List(self.nodes.iter().map(edge).collect())
            }
            "pageInfo" => Resolved::object(PageInfo {
                has_next: self.has_next,
                has_previous: self.has_previous,
                start: self.nodes.first().map(|it| self.cursor(it)),
                end: self.nodes.last().map(|it| self.cursor(it)),
            }),
            "totalCount" => self.total.into(),
            _ => Resolved::Null,
        }
    }
}

/// A `ProductVersionConnection`.
struct Versions {
    type_name: String,
    edge_type: String,
    versions: Vec<Version>,
    /// Where the list goes on behind the last one.
    next: Option<u64>,
    has_previous: bool,
}

impl Object for Versions {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        let cursor = |it: &Version| it.0.stored().version.to_string();
        match step.name() {
            "nodes" => Resolved::List(self.versions.iter().map(Resolved::object).collect()),
            "edges" => {
                let edge = |node| {
                    Resolved::object(Edge {
                        type_name: &self.edge_type,
                        cursor: move || cursor(node),
                        node,
                    })
                };
                Resolved::List(self.versions.iter().map(edge).collect())
            }
            "pageInfo" => Resolved::object(PageInfo {
                has_next: self.next.is_some(),
                has_previous: self.has_previous,
                start: self.versions.first().map(cursor),
                // Versions that are out of sight may stand behind the last one that is not.
                end: self
                    .next
                    .map(|it| it.to_string())
                    .or_else(|| self.versions.last().map(cursor)),
            }),
            _ => Resolved::Null,
        }
    }
}

/// An item of a list, and where the list goes on behind it.
struct Edge<'a, N, C> {
    type_name: &'a str,
    cursor: C,
    node: &'a N,
}

impl<N: Object, C: Fn() -> String + Send + Sync> Object for Edge<'_, N, C> {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn field<'a>(&'a self, step: &'a Step) -> Resolved<'a> {
        match step.name() {
            "node" => Resolved::object(self.node),
            "cursor" => Resolved::from((self.cursor)()),
            _ => Resolved::Null,
        }
    }
}
