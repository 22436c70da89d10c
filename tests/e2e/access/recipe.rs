use serde_json::{Value, json};

use super::model::{Action, may, passes};
use super::who::Who;
use super::world::{Doc, Target};

use Action::{BreakLock, Create, Delete, Read, Update};

/// A request, before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    /// Its media type, and what it is.
    pub(super) body: Option<(String, String)>,
}

impl Request {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn json(self, body: &Value) -> Self {
        self.typed("application/json", body)
    }

    pub(super) fn typed(mut self, media_type: &str, body: &Value) -> Self {
        self.body = Some((media_type.to_owned(), body.to_string()));
        self
    }

    /// All that whoever asks says themselves.
    pub(super) fn said(&self) -> String {
        format!("{self:?}")
    }

    /// As an operation of a batch.
    fn as_operation(&self) -> Value {
        let mut headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let mut operation = json!({"method": self.method, "path": self.path});
        if let Some((media_type, body)) = &self.body {
            headers.insert("Content-Type".to_owned(), json!(media_type));
            operation["body"] = serde_json::from_str(body).unwrap();
        }
        operation["headers"] = headers.into();
        operation
    }

    /// A batch of it alone.
    pub(super) fn batched(&self, is_atomic: bool) -> Self {
        let path = match self.path.strip_prefix("/spaces/other") {
            Some(_) => "/spaces/other/api/_batch",
            None => "/api/_batch",
        };
        let path = format!("{path}?atomic={is_atomic}");
        Self::new("POST", &path).json(&json!({"operations": [self.as_operation()]}))
    }
}

/// How something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Rest,
    /// As the operation of a batch, which is atomic or not.
    Batch(bool),
    Graphql,
    /// As the operation of a batch by GraphQL.
    GraphqlBatch,
}

impl Way {
    fn is_batch(self) -> bool {
        matches!(self, Self::Batch(_) | Self::GraphqlBatch)
    }
}

/// All that can be asked of a document, so that whatever must not be seen can show.
pub(super) const NODE_OF_ANY: &str =
    "{ __typename id collection version etag updatedAt updatedBy json
    conflicts(first: 5) { id by paths } outcome { isCreated merged { baseVersion } } }";

/// The same of a document whose type is known.
pub(super) const NODE: &str = "{ __typename id collection version etag updatedAt updatedBy json data
    conflicts(first: 5) { id href at by agent kind paths document baseVersion currentVersion outcome }
    outcome { isCreated isReplayed merged { baseVersion ontoVersion places { path strategy lost } } } }";

impl Request {
    /// An operation of GraphQL.
    pub(super) fn graphql(space: &str, query: &str, variables: &Value) -> Self {
        let path = match space {
            "default" => "/graphql".to_owned(),
            other => format!("/spaces/{other}/graphql"),
        };
        Self::new("POST", &path).json(&json!({"query": query, "variables": variables}))
    }

    /// The space, the type, the id and what follows it, of the path of a document.
    fn place(&self) -> Option<(&'static str, &'static str, &str, &str)> {
        let path = self.path.split('?').next()?;
        let (space, rest) = match path.strip_prefix("/spaces/other/api/") {
            Some(rest) => ("other", rest),
            None => ("default", path.strip_prefix("/api/")?),
        };
        let (collection, rest) = rest.split_once('/')?;
        let one = match collection {
            "notes" => "Note",
            "open" => "Open",
            _ => "Secret",
        };
        let (id, part) = rest.split_once('/').unwrap_or((rest, ""));
        Some((space, one, id, part))
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    }

    /// A batch by GraphQL of it alone, where it is a write that one can have.
    pub(super) fn as_graphql_batch(&self) -> Option<Self> {
        let (space, one, id, part) = self.place()?;
        let body = || serde_json::from_str::<Value>(&self.body.as_ref().unwrap().1).unwrap();
        let if_match = self.field("If-Match");
        let merges = self.field("Prefer").map(|_| "MERGE");
        let (verb, arguments) = match (&*self.method, part) {
            ("PUT", "") if if_match.is_some() => (
                "replace",
                json!({"id": id, "ifMatch": if_match, "data": body(), "onConflict": merges}),
            ),
            ("PUT", "") if self.field("If-None-Match").is_some() => {
                ("create", json!({"id": id, "data": body()}))
            }
            ("PATCH", "") if if_match.is_some() => (
                "patch",
                json!({"id": id, "ifMatch": if_match, "patch": body()}),
            ),
            ("DELETE", "") if if_match.is_some() && self.field("Idempotency-Key").is_none() => {
                ("delete", json!({"id": id, "ifMatch": if_match}))
            }
            _ => return None,
        };
        let query = format!(
            "mutation($operations: [BatchOperation!]!) {{ it: batch(operations: $operations) {{
                collection id version isDeletion document {NODE_OF_ANY} }} }}"
        );
        let operations = json!([{format!("{verb}{one}"): arguments}]);
        Some(Self::graphql(
            space,
            &query,
            &json!({"operations": operations}),
        ))
    }

    /// The same by GraphQL, where it can be said there: for a document, its versions, or a merge.
    pub(super) fn as_graphql(&self) -> Option<Self> {
        let (space, one, id, part) = self.place()?;
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let lower = one.to_lowercase();
        let field = |name: &str| self.field(name);
        let body = || serde_json::from_str::<Value>(&self.body.as_ref().unwrap().1).unwrap();
        let mut variables = json!({"id": id});
        let if_match = field("If-Match");
        let query = match (&*self.method, part) {
            ("GET", "") if self.headers.is_empty() => {
                format!("query($id: ID!) {{ it: {lower}(id: $id) {NODE} }}")
            }
            ("GET", "versions") => {
                let first = if query.is_empty() { 100 } else { 1 };
                format!(
                    "query($id: ID!) {{ it: {lower}Versions(id: $id, first: {first}) {{
                        nodes {{ id collection version etag updatedAt updatedBy isDeletion json data merged {{ baseVersion }} }}
                        edges {{ cursor node {{ json }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
                )
            }
            ("PUT", "") if if_match.is_some() => {
                variables["data"] = body();
                variables["tag"] = json!(if_match);
                let merges = field("Prefer").is_some();
                let otherwise = if merges { ", onConflict: MERGE" } else { "" };
                format!(
                    "mutation($id: ID!, $tag: String!, $data: JSON!) {{
                        it: replace{one}(id: $id, ifMatch: $tag, data: $data{otherwise}) {NODE} }}"
                )
            }
            ("PUT", "") if field("If-None-Match").is_some() => {
                variables["data"] = body();
                format!(
                    "mutation($id: ID!, $data: JSON!) {{ it: create{one}(id: $id, data: $data) {NODE} }}"
                )
            }
            ("PATCH", "") if if_match.is_some() => {
                variables["patch"] = body();
                variables["tag"] = json!(if_match);
                format!(
                    "mutation($id: ID!, $tag: String!, $patch: JSON!) {{
                        it: patch{one}(id: $id, ifMatch: $tag, patch: $patch) {NODE} }}"
                )
            }
            ("DELETE", "") if if_match.is_some() => {
                variables["tag"] = json!(if_match);
                variables["key"] = json!(field("Idempotency-Key"));
                format!(
                    "mutation($id: ID!, $tag: String!, $key: String) {{
                        it: delete{one}(id: $id, ifMatch: $tag, idempotencyKey: $key) {{
                            __typename id collection version updatedAt updatedBy }} }}"
                )
            }
            ("POST", "merge") => {
                let body = body();
                variables["base"] = match &body["base"] {
                    Value::String(tag) => json!(tag),
                    number => json!(number.to_string()),
                };
                variables["patch"] = body["patch"].clone();
                match query {
                    "" => format!(
                        "mutation($id: ID!, $base: String!, $patch: JSON!) {{
                            it: merge{one}(id: $id, base: $base, patch: $patch) {NODE} }}"
                    ),
                    _ => format!(
                        "query($id: ID!, $base: String!, $patch: JSON!) {{
                            it: {lower}Merge(id: $id, base: $base, patch: $patch) {{ mergeable baseVersion currentVersion
                                currentEtag document conflicts joined agreements changesSince }} }}"
                    ),
                }
            }
            _ => return None,
        };
        Some(Self::graphql(space, &query, &variables))
    }
}

/// What is to become of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// 401.
    Unknown,
    /// 403, for want of this.
    Denied(Action),
    /// As if the document were one that never was.
    AsMissing,
    /// One of these.
    Answered(&'static [u16]),
}

/// What somebody needs for an operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    All(&'static [Action]),
    /// To create where there is no document, and to update where there is one.
    AsItStands,
}

/// How an operation on a document is asked for.
#[derive(Clone, Copy)]
pub(super) struct Recipe {
    pub(super) name: &'static str,
    /// Method and path, as the description of the API has them.
    pub(super) operation: &'static str,
    pub(super) needs: Needs,
    pub(super) ask: fn(&Doc, &Who) -> Request,
    /// Whoever creates what is out of their sight learns that its id is taken.
    pub(super) creates: bool,
    /// Whether a batch can have it.
    pub(super) is_batched: bool,
    /// For a document that is there, one that was deleted, and one that never was.
    pub(super) answers: [&'static [u16]; 3],
    /// Only for these.
    pub(super) targets: Option<&'static [Target]>,
}

impl Recipe {
    const READ: Self = Self {
        name: "",
        operation: "GET /api/{collection}/{id}",
        needs: Needs::All(&[Read]),
        ask: |_, _| Request::new("GET", "/"),
        creates: false,
        is_batched: false,
        answers: [&[200], &[410], &[404]],
        targets: None,
    };

    const WRITE: Self = Self {
        is_batched: true,
        ..Self::READ
    };

    pub(super) fn is_write(&self) -> bool {
        !matches!(self.needs, Needs::All([Read]))
    }

    /// What becomes of it, worked out by hand.
    pub(super) fn fate(&self, doc: &Doc, who: &Who, way: Way) -> Fate {
        if !who.is_known {
            return Fate::Unknown;
        }
        let anywhere = super::model::Spot {
            space: doc.spot.space,
            collection: "",
        };
        let writes = [Create, Update, Delete];
        if way.is_batch() && !writes.iter().any(|it| may(who, *it, &anywhere)) {
            return Fate::Denied(Create);
        }
        let lacks = |action: &Action| !may(who, *action, &doc.spot);
        // The gate lets in whoever might do either.
        let is_put = self.operation.starts_with("PUT") && way == Way::Rest;
        if is_put && lacks(&Create) && lacks(&Update) {
            let request = (self.ask)(doc, who);
            let names_a_version = request.headers.iter().any(|(name, _)| *name == "If-Match");
            return Fate::Denied(if names_a_version { Update } else { Create });
        }
        match self.needs {
            Needs::All(actions) => {
                if let Some(lacking) = actions.iter().find(|it| lacks(it)) {
                    return Fate::Denied(*lacking);
                }
            }
            Needs::AsItStands => {
                if lacks(&Create) && lacks(&Update) {
                    return Fate::Denied(Create);
                }
            }
        }
        let owner = doc.owner();
        let is_hidden = owner.is_some_and(|owner| !passes(who, doc.spot.collection, owner));
        if is_hidden {
            return match self.creates {
                true => Fate::Denied(Create),
                false => Fate::AsMissing,
            };
        }
        if let Needs::AsItStands = self.needs {
            let action = if doc.is_live { Update } else { Create };
            if lacks(&action) {
                return Fate::Denied(action);
            }
        }
        Fate::Answered(match owner {
            Some(_) if doc.is_live => self.answers[0],
            Some(_) => self.answers[1],
            None => self.answers[2],
        })
    }
}

/// A document of whoever has it, or would have it.
fn body(doc: &Doc, who: &Who) -> Value {
    let owner = doc.owner().unwrap_or(who.name);
    json!({"owner": owner, "email": format!("{}@example.org", doc.id), "text": "new"})
}

fn on(doc: &Doc, method: &str, rest: &str) -> Request {
    Request::new(method, &format!("{}{rest}", doc.path()))
}

/// The tag of the newest version; one like any where there is none.
fn tag(doc: &Doc) -> &str {
    doc.tag.as_deref().unwrap_or(NO_TAG)
}

/// The tag of the first version.
fn first_tag(doc: &Doc) -> &str {
    doc.tags.first().map_or(NO_TAG, String::as_str)
}

const NO_TAG: &str = "\"1-1000000000000\"";
const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";

fn put(doc: &Doc, who: &Who) -> Request {
    on(doc, "PUT", "").json(&body(doc, who))
}

fn patch(doc: &Doc) -> Request {
    on(doc, "PATCH", "").typed(MERGE_PATCH, &json!({"text": "patched"}))
}

fn guess(doc: &Doc, owner: &str) -> Request {
    let operations = json!([
        {"op": "test", "path": "/owner", "value": owner},
        {"op": "add", "path": "/guessed", "value": true},
    ]);
    on(doc, "PATCH", "").typed(JSON_PATCH, &operations)
}

fn merge(doc: &Doc, rest: &str, base: &Value) -> Request {
    let body = json!({"base": base, "patch": {"merged": true}});
    on(doc, "POST", &format!("/merge{rest}")).json(&body)
}

const LOCKED: Option<&[Target]> =
    Some(&[Target::OwnLocked, Target::ForeignLocked, Target::Missing]);

const MERGED: [&[u16]; 3] = [&[200, 204, 400, 409, 422], &[400, 409, 422], &[404]];

/// Every operation on one document, in several ways.
pub(super) const RECIPES: &[Recipe] = &[
    Recipe {
        name: "read",
        ask: |doc, _| on(doc, "GET", ""),
        ..Recipe::READ
    },
    Recipe {
        name: "read, if it changed",
        ask: |doc, _| on(doc, "GET", "").header("If-None-Match", tag(doc)),
        answers: [&[304], &[410], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "read, if it is this version",
        ask: |doc, _| on(doc, "GET", "").header("If-Match", first_tag(doc)),
        answers: [&[200, 412], &[410], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "head",
        operation: "HEAD /api/{collection}/{id}",
        ask: |doc, _| on(doc, "HEAD", ""),
        ..Recipe::READ
    },
    Recipe {
        name: "history",
        operation: "GET /api/{collection}/{id}/versions",
        ask: |doc, _| on(doc, "GET", "/versions"),
        answers: [&[200], &[200], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "history, by pages",
        operation: "GET /api/{collection}/{id}/versions",
        ask: |doc, _| on(doc, "GET", "/versions?limit=1"),
        answers: [&[200], &[200], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "first version",
        operation: "GET /api/{collection}/{id}/versions/{version}",
        ask: |doc, _| on(doc, "GET", "/versions/1"),
        answers: [&[200, 404], &[200], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "second version",
        operation: "GET /api/{collection}/{id}/versions/{version}",
        ask: |doc, _| on(doc, "GET", "/versions/2").header("If-None-Match", first_tag(doc)),
        answers: [&[200, 404], &[200], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "third version",
        operation: "GET /api/{collection}/{id}/versions/{version}",
        ask: |doc, _| on(doc, "GET", "/versions/3"),
        answers: [&[200, 404, 410], &[200, 404, 410], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "changes",
        operation: "GET /api/{collection}/{id}/_changes",
        ask: |doc, _| on(doc, "GET", "/_changes?since=0"),
        answers: [&[200], &[200], &[200]],
        ..Recipe::READ
    },
    Recipe {
        name: "changes with what was deleted",
        operation: "GET /api/{collection}/{id}/_changes",
        ask: |doc, _| on(doc, "GET", "/_changes?since=0&include=last"),
        answers: [&[200], &[200], &[200]],
        ..Recipe::READ
    },
    Recipe {
        name: "newest change",
        operation: "GET /api/{collection}/{id}/_changes",
        ask: |doc, _| on(doc, "GET", "/_changes?since=0&latest=true"),
        answers: [&[200], &[200], &[200]],
        ..Recipe::READ
    },
    Recipe {
        name: "replace",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, who| put(doc, who).header("If-Match", tag(doc)),
        answers: [&[200], &[409], &[409]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "replace whatever is there",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, who| put(doc, who).header("If-Match", "*"),
        answers: [&[200], &[409], &[409]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "replace a former version",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, who| put(doc, who).header("If-Match", first_tag(doc)),
        answers: [&[409], &[409], &[409]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "replace a former version, merged",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, who| {
            let put = put(doc, who).header("If-Match", first_tag(doc));
            put.header("Prefer", "conflict=merge")
        },
        answers: [&[200, 204, 409], &[409], &[409]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "put",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::AsItStands,
        ask: put,
        creates: true,
        answers: [&[428], &[201], &[201]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "put as one's own",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::AsItStands,
        ask: |doc, who| {
            let body = json!({"owner": who.name, "email": format!("{}@own", doc.id)});
            on(doc, "PUT", "").json(&body)
        },
        creates: true,
        answers: [&[428], &[201], &[201]],
        // What is deleted can be created again by anybody who may create.
        targets: Some(&[
            Target::Own,
            Target::Foreign,
            Target::ToBob,
            Target::Open,
            Target::Missing,
        ]),
        ..Recipe::WRITE
    },
    Recipe {
        name: "create",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::All(&[Create]),
        ask: |doc, who| put(doc, who).header("If-None-Match", "*"),
        creates: true,
        answers: [&[412], &[201], &[201]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "patch",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, _| patch(doc).header("If-Match", "*"),
        answers: [&[200, 204], &[409], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "patch a version",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, _| patch(doc).header("If-Match", tag(doc)),
        answers: [&[200, 204], &[409], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "patch without a condition",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, _| patch(doc),
        answers: [&[428], &[404], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "patch to one's own",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, who| {
            let patch = json!({"owner": who.name});
            let patch = on(doc, "PATCH", "").typed(MERGE_PATCH, &patch);
            patch.header("If-Match", "*")
        },
        answers: [&[200, 204], &[409], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "right guess",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update, Read]),
        ask: |doc, _| guess(doc, doc.owner().unwrap_or("bob")),
        answers: [&[200, 204], &[404], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "wrong guess",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update, Read]),
        ask: |doc, _| guess(doc, "nobody"),
        answers: [&[409], &[404], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "guess at what is not an object",
        operation: "PATCH /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, _| {
            let operations = json!([{"op": "remove", "path": "/owner/nothing"}]);
            let patch = on(doc, "PATCH", "").typed(JSON_PATCH, &operations);
            patch.header("If-Match", "*")
        },
        answers: [&[409], &[409], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "delete",
        operation: "DELETE /api/{collection}/{id}",
        needs: Needs::All(&[Delete]),
        ask: |doc, _| on(doc, "DELETE", "").header("If-Match", tag(doc)),
        answers: [&[204], &[409], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "delete without a condition",
        operation: "DELETE /api/{collection}/{id}",
        needs: Needs::All(&[Delete]),
        ask: |doc, _| on(doc, "DELETE", ""),
        answers: [&[428], &[404], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "delete once",
        operation: "DELETE /api/{collection}/{id}",
        needs: Needs::All(&[Delete]),
        ask: |doc, _| {
            let delete = on(doc, "DELETE", "").header("If-Match", first_tag(doc));
            delete.header("Idempotency-Key", "once")
        },
        is_batched: false,
        answers: [&[409], &[409], &[404]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "merge from the first version",
        operation: "POST /api/{collection}/{id}/merge",
        needs: Needs::All(&[Update]),
        ask: |doc, _| merge(doc, "", &json!(1)),
        answers: MERGED,
        ..Recipe::READ
    },
    Recipe {
        name: "merge from a tag",
        operation: "POST /api/{collection}/{id}/merge",
        needs: Needs::All(&[Update]),
        ask: |doc, _| merge(doc, "", &json!(first_tag(doc))),
        answers: MERGED,
        ..Recipe::READ
    },
    Recipe {
        name: "preview from the first version",
        operation: "POST /api/{collection}/{id}/merge",
        needs: Needs::All(&[Read]),
        ask: |doc, _| merge(doc, "?dry_run=true", &json!(1)),
        answers: MERGED,
        ..Recipe::READ
    },
    Recipe {
        name: "preview from a tag",
        operation: "POST /api/{collection}/{id}/merge",
        needs: Needs::All(&[Read]),
        ask: |doc, _| merge(doc, "?dry_run=true", &json!(first_tag(doc))),
        answers: MERGED,
        ..Recipe::READ
    },
    Recipe {
        name: "lock",
        operation: "POST /api/{collection}/{id}/lock",
        needs: Needs::All(&[Update]),
        ask: |doc, _| on(doc, "POST", "/lock").json(&json!({"ttl_s": 60})),
        answers: [&[201], &[410], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "release by a wrong token",
        operation: "DELETE /api/{collection}/{id}/lock",
        needs: Needs::All(&[Update]),
        ask: |doc, _| on(doc, "DELETE", "/lock").header("Lock-Token", "<urn:uuid:0>"),
        answers: [&[204], &[204, 410], &[204, 404]],
        ..Recipe::READ
    },
    Recipe {
        name: "look at no lock",
        operation: "GET /api/{collection}/{id}/lock",
        ask: |doc, _| on(doc, "GET", "/lock"),
        answers: [&[404], &[404], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "break no lock",
        operation: "DELETE /api/{collection}/{id}/lock",
        needs: Needs::All(&[BreakLock]),
        ask: |doc, _| on(doc, "DELETE", "/lock?break=true"),
        answers: [&[404], &[404, 410], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "look at a lock",
        operation: "GET /api/{collection}/{id}/lock",
        ask: |doc, _| on(doc, "GET", "/lock"),
        targets: LOCKED,
        answers: [&[200], &[404], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "lock what is locked",
        operation: "POST /api/{collection}/{id}/lock",
        needs: Needs::All(&[Update]),
        ask: |doc, _| on(doc, "POST", "/lock").json(&json!({"ttl_s": 60})),
        targets: LOCKED,
        answers: [&[423], &[410], &[404]],
        ..Recipe::READ
    },
    Recipe {
        name: "replace what is locked",
        operation: "PUT /api/{collection}/{id}",
        needs: Needs::All(&[Update]),
        ask: |doc, who| put(doc, who).header("If-Match", tag(doc)),
        targets: LOCKED,
        answers: [&[423], &[409], &[409]],
        ..Recipe::WRITE
    },
    Recipe {
        name: "break a lock",
        operation: "DELETE /api/{collection}/{id}/lock",
        needs: Needs::All(&[BreakLock]),
        ask: |doc, _| on(doc, "DELETE", "/lock?break=true"),
        targets: LOCKED,
        answers: [&[204], &[404, 410], &[404]],
        ..Recipe::READ
    },
];
