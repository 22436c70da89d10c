use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::canary::{leaked, sightings, told};
use super::model::{Action, Spot, may, may_of_server, passes};
use super::recipe::{Fate, NODE, NODE_OF_ANY, RECIPES, Recipe, Request, Way};
use super::who::{self, Who};
use super::world::{Doc, Target, World, api, json_of};
use crate::client::Answer;

/// The matrix has no fewer rows than this.
const LEAST_ROWS: usize = 20_000;

const TARGETS: [Target; 13] = [
    Target::Own,
    Target::Foreign,
    Target::ToAnn,
    Target::ToBob,
    Target::OwnDeleted,
    Target::ForeignDeleted,
    Target::Open,
    Target::OpenDeleted,
    Target::Secret,
    Target::OtherOwn,
    Target::OtherForeign,
    Target::OtherOpen,
    Target::Missing,
];

/// Everybody asks for everything, on every kind of document.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_what_is_theirs_and_nothing_else() {
    let everybody = who::everybody();
    // One world for each of these parts, so that they go on side by side.
    let parts = (0..4).map(|part| {
        let some: Vec<Who> = everybody.iter().skip(part).step_by(4).cloned().collect();
        tokio::spawn(async move {
            let mut matrix = Matrix {
                world: World::new(part as u64).await,
                rows: 0,
                faults: Vec::new(),
                said: String::new(),
                position: String::new(),
                sightings: 0,
            };
            for who in &some {
                matrix.collections(who).await;
                matrix.documents(who).await;
                matrix.conflicts(who).await;
                matrix.server(who).await;
            }
            (matrix.rows, matrix.sightings, matrix.faults)
        })
    });
    let (mut rows, mut sightings, mut faults) = (0, 0, Vec::new());
    for part in futures_util::future::join_all(parts.collect::<Vec<_>>()).await {
        let (some, seen, found) = part.unwrap();
        rows += some;
        sightings += seen;
        faults.extend(found);
    }
    println!(
        "{rows} rows, for {} callers; {sightings} canaries seen",
        everybody.len()
    );
    let count = faults.len();
    // Of each recipe the first few are enough to find the cause.
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    faults.retain(|fault| {
        let recipe = fault.split('·').nth(1).unwrap_or(fault);
        let count = told.entry(recipe.to_owned()).or_default();
        *count += 1;
        *count <= 3
    });
    faults.truncate(60);
    assert!(
        count == 0,
        "{count} faults, among them:\n{}",
        faults.join("\n\n")
    );
    assert!(rows >= LEAST_ROWS, "only {rows} rows");
    assert!(
        sightings >= rows,
        "only {sightings} canaries: the search is blind"
    );
}

struct Matrix {
    world: World,
    rows: usize,
    faults: Vec<String>,
    /// What whoever asks said before: their own entries in the conflict log tell it again.
    said: String,
    /// Where the log ended after the last row that might have written.
    position: String,
    /// How many canaries were in answers, rightly or not.
    sightings: usize,
}

impl Matrix {
    async fn documents(&mut self, who: &Who) {
        self.position = self.world.position().await;
        for recipe in RECIPES {
            // Strangers are turned away whatever there is.
            let usual = match who.is_known {
                true => &TARGETS[..],
                false => &[
                    Target::Own,
                    Target::Foreign,
                    Target::OtherOpen,
                    Target::Missing,
                ],
            };
            for target in recipe.targets.unwrap_or(usual) {
                self.row(who, recipe, *target, Way::Rest).await;
                self.row(who, recipe, *target, Way::Graphql).await;
                if recipe.is_batched {
                    self.row(who, recipe, *target, Way::GraphqlBatch).await;
                    self.row(who, recipe, *target, Way::Batch(true)).await;
                    if who.is_known {
                        self.row(who, recipe, *target, Way::Batch(false)).await;
                    }
                }
            }
        }
    }

    async fn row(&mut self, who: &Who, recipe: &Recipe, target: Target, way: Way) {
        let doc = self.world.doc(target);
        let ask = |doc: &Doc| {
            let request = (recipe.ask)(doc, who);
            match way {
                Way::Rest => Some(request),
                Way::Batch(is_atomic) => Some(request.batched(is_atomic)),
                Way::Graphql => request.as_graphql(),
                Way::GraphqlBatch => request.as_graphql_batch(),
            }
        };
        let Some(request) = ask(&doc) else {
            return;
        };
        let fate = recipe.fate(&doc, who, way);
        let name = format!("{} · {} · {target:?} · {way:?}", who.label, recipe.name);
        let answer = self.send(who, &name, &request).await;
        let inner = match way {
            Way::Batch(_) if answer.status == 200 => operation(&answer),
            Way::Graphql | Way::GraphqlBatch if answer.status == 200 => field(&answer, &fate),
            _ => (answer.status, json_of(&answer)),
        };
        self.judge(&name, who, &fate, &answer, &inner);
        if fate == Fate::AsMissing {
            let mut other = self.world.missing(doc.spot);
            other = Doc {
                id: other.id,
                ..doc.clone()
            };
            let missing = ask(&other).unwrap_or(request);
            let missing = self.world.by(who, missing).await;
            let (one, two) = (plain(&answer, &doc), plain(&missing, &other));
            if one != two {
                self.fault(&name, &format!("hidden:  {one}\nmissing: {two}"));
            }
            if !recipe.answers[2].contains(&inner.0) {
                self.fault(&name, &format!("{} for what never was", inner.0));
            }
        }
        if !recipe.is_write() {
            return;
        }
        let now = self.world.position().await;
        match fate {
            Fate::Answered(_) if (200..300).contains(&inner.0) => {
                self.tidy(target, &doc).await;
            }
            Fate::Answered(_) => {}
            _ if now != self.position => {
                self.fault(&name, "something was written");
                self.tidy(target, &doc).await;
            }
            _ => return,
        }
        self.position = self.world.position().await;
    }

    async fn tidy(&mut self, target: Target, doc: &Doc) {
        if target == Target::Missing {
            let delete = Request::new("DELETE", &doc.path()).header("If-Match", "*");
            self.world.by_admin(delete).await;
        }
        self.world.restore(target).await;
    }

    /// Asks, and looks for what must not be in the answer.
    async fn send(&mut self, who: &Who, name: &str, request: &Request) -> Answer {
        self.rows += 1;
        let answer = self.world.by(who, request.clone()).await;
        let (said, told) = (request.said() + &self.said, told(&answer));
        self.sightings += sightings(&told);
        let leaks = leaked(&self.world.canaries, who, &said, &told);
        let leaks: Vec<_> = leaks.iter().map(|it| it.of.clone()).collect();
        if !leaks.is_empty() {
            self.fault(name, &format!("shows {}: {answer:?}", leaks.join(", ")));
        }
        answer
    }

    fn judge(&mut self, name: &str, who: &Who, fate: &Fate, answer: &Answer, inner: &(u16, Value)) {
        let (status, body) = inner;
        let challenge = answer.header("www-authenticate");
        let is_right = match fate {
            Fate::Unknown => {
                let error = challenge.is_some_and(|it| it.contains("error=\"invalid_token\""));
                *status == 401 && challenge.is_some() && error == who.error.is_some()
            }
            Fate::Denied(action) => {
                let is_named = answer.body.is_empty() || body["action"] == action.word();
                *status == 403 && is_named && challenge.is_none()
            }
            Fate::AsMissing => ![401, 403].contains(status),
            Fate::Answered(statuses) => statuses.contains(status),
        };
        if !is_right {
            self.fault(name, &format!("{fate:?}, but {status} {answer:?}"));
        }
    }

    fn fault(&mut self, name: &str, what: &str) {
        self.faults.push(format!("{name}: {what}"));
    }

    /// A request that is about no document, and what becomes of it.
    async fn plain(&mut self, who: &Who, request: &Request, fate: Fate) -> Answer {
        let fate = match who.is_known {
            true => fate,
            false => Fate::Unknown,
        };
        let name = format!("{} · {} {}", who.label, request.method, request.path);
        let answer = self.send(who, &name, request).await;
        let inner = (answer.status, json_of(&answer));
        self.judge(&name, who, &fate, &answer, &inner);
        answer
    }

    /// The same of one field, called `it`, which it returns.
    async fn field(&mut self, who: &Who, request: &Request, fate: Fate) -> Value {
        let fate = match who.is_known {
            true => fate,
            false => Fate::Unknown,
        };
        let body = &request.body.as_ref().unwrap().1;
        let name = format!("{} · {}", who.label, body);
        let answer = self.send(who, &name, request).await;
        let inner = match answer.status {
            200 => field(&answer, &fate),
            status => (status, json_of(&answer)),
        };
        self.judge(&name, who, &fate, &answer, &inner);
        inner.1
    }

    async fn collections(&mut self, who: &Who) {
        for space in ["default", "other"] {
            for collection in ["notes", "open", "secret"] {
                let spot = Spot { space, collection };
                self.lists(who, spot).await;
                self.creations(who, spot).await;
            }
            let anywhere = Spot {
                space,
                collection: "",
            };
            let fate = needs(who, Action::Read, anywhere, &[200]);
            let request = Request::new("GET", &api(space));
            let answer = self.plain(who, &request, fate.clone()).await;
            if answer.status == 200 {
                let told: BTreeSet<_> = names(&answer, "name");
                let readable = ["notes", "open", "secret"].into_iter();
                let readable = readable.filter(|it| {
                    let collection = it;
                    may(who, Action::Read, &Spot { space, collection })
                });
                let readable: BTreeSet<_> = readable.map(str::to_owned).collect();
                if told != readable {
                    self.fault(who.label, &format!("the collections of {space}: {told:?}"));
                }
            }
            let request = Request::graphql(space, "{ it: position }", &json!({}));
            self.field(who, &request, fate.clone()).await;
            self.feeds(who, &api(space), fate).await;
        }
    }

    /// The ids that somebody is to find in a collection, worked out by hand.
    fn visible(&self, who: &Who, spot: Spot) -> BTreeSet<String> {
        let docs = self.world.docs.values();
        let there = docs.filter(|doc| doc.spot == spot && doc.is_live);
        let seen = there.filter(|doc| passes(who, spot.collection, doc.owner().unwrap()));
        seen.map(|doc| doc.id.clone()).collect()
    }

    async fn lists(&mut self, who: &Who, spot: Spot) {
        let path = format!("{}/{}", api(spot.space), spot.collection);
        let visible = self.visible(who, spot);
        let fate = needs(who, Action::Read, spot, &[200]);
        let queries = [
            "count=true",
            "sort=-text&count=true",
            "owner.in=ann,bob,root&count=true",
            "_version.ge=1&sort=_updated_at&count=true",
            "email.exists=true&count=true",
            "text.ge=a&count=true",
        ];
        for query in queries {
            let request = Request::new("GET", &format!("{path}?{query}"));
            let answer = self.plain(who, &request, fate.clone()).await;
            if answer.status != 200 {
                continue;
            }
            let is_all = names(&answer, "id") == visible;
            // Documents that were put back have no `text`.
            let is_whole = !query.starts_with("text") || names(&answer, "id").is_subset(&visible);
            let counts = json_of(&answer)["total"] == names(&answer, "id").len();
            if !(is_all || query.starts_with("text")) || !is_whole || !counts {
                self.fault(who.label, &format!("{query} of {path}: {answer:?}"));
            }
        }
        let many = match spot.collection {
            "notes" => "notes",
            "open" => "openList",
            _ => "secretList",
        };
        for arguments in [
            "",
            ", sort: [\"-text\"]",
            ", where: {owner: {in: [\"ann\", \"bob\", \"root\"]}}",
            ", where: {_version: {ge: 1}, email: {exists: true}}, sort: [\"_updated_at\", \"email\"]",
        ] {
            let query = format!(
                "{{ it: {many}(first: 200{arguments}) {{ totalCount edges {{ cursor node {NODE} }}
                    nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
            );
            let request = Request::graphql(spot.space, &query, &json!({}));
            let answer = self.field(who, &request, fate.clone()).await;
            if fate != Fate::Answered(&[200]) || !who.is_known {
                continue;
            }
            let nodes = answer["nodes"].as_array().cloned().unwrap_or_default();
            let found: BTreeSet<_> = nodes
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned())
                .collect();
            if found != visible || answer["totalCount"] != visible.len() {
                self.fault(who.label, &format!("{query}: {answer}"));
            }
        }
        for order in ["sort=email", "sort=-text", "sort=owner", "sort=_id"] {
            let (mut found, mut cursor) = (BTreeSet::new(), String::new());
            loop {
                let page = format!("{path}?{order}&limit=1{cursor}");
                let answer = self
                    .plain(who, &Request::new("GET", &page), fate.clone())
                    .await;
                if answer.status != 200 {
                    break;
                }
                found.extend(names(&answer, "id"));
                match json_of(&answer)["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            if fate == Fate::Answered(&[200]) && who.is_known && found != visible {
                self.fault(who.label, &format!("{order} of {path}: {found:?}"));
            }
        }
        self.feeds(who, &path, fate).await;
    }

    /// From the beginning, page by page, and in every form.
    async fn feeds(&mut self, who: &Who, path: &str, fate: Fate) {
        for form in [
            "limit=1000",
            "limit=97",
            "latest=true",
            "include=last",
            "latest=true&include=last",
        ] {
            let mut since = "0".to_owned();
            loop {
                let page = format!("{path}/_changes?since={since}&{form}");
                let answer = self
                    .plain(who, &Request::new("GET", &page), fate.clone())
                    .await;
                let page = json_of(&answer);
                let Some(next) = page["next"].as_str() else {
                    break;
                };
                next.clone_into(&mut since);
            }
        }
    }

    async fn creations(&mut self, who: &Who, spot: Spot) {
        let path = format!("{}/{}", api(spot.space), spot.collection);
        let is_open_to = |owner: &str| passes(who, spot.collection, owner);
        for owner in [who.name, "bob", "root"] {
            let fate = match needs(who, Action::Create, spot, &[201]) {
                Fate::Answered(_) if !is_open_to(owner) => Fate::Denied(Action::Create),
                fate => fate,
            };
            let email = format!("{}-{owner}-{}", who.label, self.rows);
            let body = json!({"owner": owner, "email": email});
            let before = self.world.position().await;
            let request = Request::new("POST", &path).json(&body);
            let answer = self.plain(who, &request, fate.clone()).await;
            if let Some(location) = answer.header("location") {
                let delete = Request::new("DELETE", location).header("If-Match", "*");
                self.world.by_admin(delete).await;
            } else if self.world.position().await != before {
                self.fault(who.label, &format!("POST {path} wrote: {answer:?}"));
            }
        }
    }

    async fn conflicts(&mut self, who: &Who) {
        let ids = self.world.docs.values().map(|doc| doc.id.as_str());
        self.said = ids.collect::<Vec<_>>().join(" ");
        for space in ["default", "other"] {
            let anywhere = Spot {
                space,
                collection: "",
            };
            use Action::{Create, Delete, Read, Update};
            let any = [Read, Create, Update, Delete]
                .iter()
                .any(|it| may(who, *it, &anywhere));
            let log = match any {
                true => Fate::Answered(&[200]),
                false => Fate::Denied(Read),
            };
            let read = needs(who, Read, anywhere, &[200]);
            let base = format!("{}/_conflicts", api(space));
            let docs: Vec<_> = self.world.docs.values().map(|doc| doc.id.clone()).collect();
            let mut lists = vec![
                String::new(),
                "?limit=1".to_owned(),
                "?by=bob".to_owned(),
                "?outcome=open&collection=notes".to_owned(),
            ];
            lists.extend(docs.iter().map(|id| format!("?document={id}")));
            for query in lists {
                let request = Request::new("GET", &format!("{base}{query}"));
                self.plain(who, &request, log.clone()).await;
            }
            let row = "id href at by agent method collection document kind paths baseVersion currentVersion outcome
                settledAt settledBy settledReason";
            let mut lists = vec![
                String::new(),
                "(by: \"bob\")".to_owned(),
                "(first: 1)".to_owned(),
            ];
            lists.extend(
                docs.iter()
                    .map(|id| format!("(document: {id:?}, outcome: OPEN)")),
            );
            for arguments in lists {
                let query = format!(
                    "{{ it: conflicts{arguments} {{ nodes {{ {row} }} pageInfo {{ hasNextPage endCursor }} }} }}"
                );
                let request = Request::graphql(space, &query, &json!({}));
                self.field(who, &request, log.clone()).await;
            }
            for query in ["", "?agent=x", "?not_agent=x"] {
                let request = Request::new("GET", &format!("{base}/stats{query}"));
                self.plain(who, &request, read.clone()).await;
            }
            for entry in self.world.entries.clone() {
                if entry.href.starts_with("/spaces/") != (space == "other") {
                    continue;
                }
                let request = Request::new("GET", &entry.href);
                let fate = match &log {
                    Fate::Answered(_) if !entry.seen.by(who) => Fate::Answered(&[404]),
                    log => log.clone(),
                };
                self.plain(who, &request, fate.clone()).await;
                let id = entry.href.rsplit('/').next().unwrap();
                let query = format!(
                    "{{ it: conflict(id: {id:?}) {{ conflict {{ {row} }} edit base current conflicts }} }}"
                );
                let request = Request::graphql(space, &query, &json!({}));
                self.field(who, &request, fate).await;
            }
        }
        for target in [Target::Own, Target::Foreign, Target::Open] {
            for author in ["ann", "bob", "admin"] {
                self.settlements(who, target, &who::of(author)).await;
            }
        }
        self.said.clear();
    }

    /// Somebody settles a conflict of somebody, in each way.
    async fn settlements(&mut self, who: &Who, target: Target, author: &Who) {
        let doc = self.world.doc(target);
        let anywhere = Spot {
            collection: "",
            ..doc.spot
        };
        let dismiss = json!({"dismiss": true});
        let tag = doc.tag.clone().unwrap();
        let choose = json!({"choices": {"/text": "yours"}, "current": tag});
        for (body, way) in [
            (dismiss.clone(), Way::Rest),
            (choose.clone(), Way::Rest),
            (dismiss, Way::Graphql),
            (choose, Way::Graphql),
        ] {
            let Some(entry) = self.world.log_conflict(&doc, author, None).await else {
                return;
            };
            let stores = body.get("choices").is_some();
            let fate = match needs(who, Action::Resolve, anywhere, &[200]) {
                Fate::Answered(_) if !entry.seen.by(who) => Fate::Answered(&[404]),
                Fate::Answered(_) if !may(who, Action::Resolve, &doc.spot) => {
                    Fate::Denied(Action::Resolve)
                }
                Fate::Answered(_) if stores && !may(who, Action::Update, &doc.spot) => {
                    Fate::Denied(Action::Update)
                }
                Fate::Answered(_) if stores => Fate::Answered(&[200, 204, 400, 409, 422]),
                fate => fate,
            };
            let before = (
                self.world.position().await,
                self.world.open_conflicts().await,
            );
            let is_refused = match way {
                Way::Graphql => {
                    let id = entry.href.rsplit('/').next().unwrap();
                    let query = match stores {
                        true => format!(
                            "mutation($choices: JSON, $current: String) {{
                                it: resolveConflict(id: {id:?}, choices: $choices, current: $current) {NODE_OF_ANY} }}"
                        ),
                        false => format!("mutation {{ it: dismissConflict(id: {id:?}) {{ id outcome settledBy }} }}"),
                    };
                    let request = Request::graphql(doc.spot.space, &query, &body);
                    self.field(who, &request, fate).await["status"].is_u64()
                }
                _ => {
                    let request =
                        Request::new("POST", &format!("{}/resolve", entry.href)).json(&body);
                    self.plain(who, &request, fate).await.status >= 400
                }
            };
            if is_refused {
                let after = (
                    self.world.position().await,
                    self.world.open_conflicts().await,
                );
                if after != before {
                    self.fault(who.label, &format!("{} settled ({way:?})", entry.href));
                }
            }
            self.world.restore(target).await;
            let path = format!(
                "{}/_conflicts/dismiss?document={}",
                api(doc.spot.space),
                doc.id
            );
            let fate = needs(who, Action::Resolve, anywhere, &[200]);
            let Some(open) = self.world.log_conflict(&doc, author, None).await else {
                return;
            };
            let before = self.world.open_conflicts().await;
            let answer = self.plain(who, &Request::new("POST", &path), fate).await;
            let gone = before - self.world.open_conflicts().await;
            let told = json_of(&answer)["dismissed"].as_u64().unwrap_or(0);
            let left = self
                .world
                .by_admin(Request::new("GET", &open.href))
                .await
                .json();
            let is_gone = left["outcome"] != "open";
            let may_go = open.seen.by(who) && may(who, Action::Resolve, &doc.spot);
            if gone != told || is_gone != may_go {
                self.fault(who.label, &format!("{path}: {gone} gone, {answer:?}"));
            }
            // What is left of it is nobody's row.
            self.world.by_admin(Request::new("POST", &path)).await;
        }
    }

    async fn server(&mut self, who: &Who) {
        let operates = match may_of_server(who, Action::Operate) {
            true => Fate::Answered(&[200]),
            false => Fate::Denied(Action::Operate),
        };
        self.plain(who, &Request::new("GET", "/metrics"), operates)
            .await;
        let (own, foreign) = (self.world.doc(Target::Own), self.world.doc(Target::Foreign));
        let mut open: Vec<(String, String, u16)> = vec![
            ("GET".into(), "/healthz".into(), 200),
            ("GET".into(), "/readyz".into(), 200),
            ("GET".into(), "/openapi.json".into(), 200),
            ("GET".into(), "/problems/forbidden".into(), 200),
            ("GET".into(), "/problems/nothing".into(), 404),
            ("GET".into(), "/nothing/here".into(), 404),
            ("GET".into(), "/api/notes/".into(), 404),
            ("GET".into(), "/_page/nothing.js".into(), 404),
        ];
        for space in ["", "/spaces/other", "/spaces/nowhere"] {
            for place in ["/", "/c/notes", "/conflicts", "/conflicts/1"] {
                let place = match (space, place) {
                    ("", place) => place.to_owned(),
                    (space, "/") => space.to_owned(),
                    (space, place) => format!("{space}{place}"),
                };
                open.push(("GET".into(), place, 200));
            }
            for doc in [&own, &foreign] {
                open.push(("GET".into(), format!("{space}/c/notes/{}", doc.id), 200));
                open.push((
                    "GET".into(),
                    format!("{space}/c/notes/{}/merge", doc.id),
                    200,
                ));
            }
        }
        for doc in [&own, &foreign] {
            open.push(("OPTIONS".into(), doc.path(), 204));
            open.push(("TRACE".into(), doc.path(), 405));
            open.push(("PURGE".into(), format!("{}/versions", doc.path()), 405));
        }
        for path in [
            "/api",
            "/api/notes",
            "/api/_batch",
            "/api/_conflicts",
            "/metrics",
        ] {
            open.push(("OPTIONS".into(), path.into(), 204));
        }
        for (method, path, status) in open {
            let name = format!("{} · {method} {path}", who.label);
            let answer = self.send(who, &name, &Request::new(&method, &path)).await;
            if answer.status != status {
                self.fault(&name, &format!("{status}, but {answer:?}"));
            }
        }
        let nowhere = Spot {
            space: "nowhere",
            collection: "notes",
        };
        let fate = needs(who, Action::Read, nowhere, &[200, 404]);
        self.plain(who, &Request::new("GET", "/spaces/nowhere/api/notes"), fate)
            .await;
        let undeclared = Spot {
            space: "default",
            collection: "undeclared",
        };
        let fate = needs(who, Action::Read, undeclared, &[404]);
        self.plain(who, &Request::new("GET", "/api/undeclared"), fate)
            .await;
    }
}

/// What becomes of a request that needs a right somewhere, and nothing else.
fn needs(who: &Who, action: Action, spot: Spot, statuses: &'static [u16]) -> Fate {
    match may(who, action, &spot) {
        true => Fate::Answered(statuses),
        false => Fate::Denied(action),
    }
}

fn names(answer: &Answer, member: &str) -> BTreeSet<String> {
    let page = json_of(answer);
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let names = items.iter().filter_map(|it| it[member].as_str());
    names.map(str::to_owned).collect()
}

/// Status and body of the one operation of a batch that was not atomic.
fn operation(answer: &Answer) -> (u16, Value) {
    let result = json_of(answer)["results"][0].clone();
    let status = result["status"].as_u64().unwrap_or_default();
    let body = match result.get("problem") {
        Some(problem) => problem.clone(),
        None => result["body"].clone(),
    };
    (status as u16, body)
}

/// Status and body of the one field of an operation of GraphQL, as the same has them over REST. Null stands
/// for whatever there is nothing of.
fn field(answer: &Answer, fate: &Fate) -> (u16, Value) {
    let body = json_of(answer);
    let refused = &body["errors"][0]["extensions"];
    if let Some(status) = refused["status"].as_u64() {
        return (status as u16, refused["problem"].clone());
    }
    if !body["errors"].is_null() {
        return (500, body);
    }
    let found = match &body["data"]["it"] {
        // Of a batch of one.
        Value::Array(rows) => rows[0].clone(),
        found => found.clone(),
    };
    let nothing = match fate {
        Fate::Answered(statuses) => statuses.iter().find(|it| [404, 410].contains(*it)),
        _ => None,
    };
    let status = match &found {
        Value::Null => nothing.copied().unwrap_or(404),
        it if it["outcome"]["isCreated"] == true => 201,
        it if it["document"]["outcome"]["isCreated"] == true => 201,
        it if it["__typename"] == "Deleted" || it["isDeletion"] == true => 204,
        _ => 200,
    };
    (status, found)
}

/// An answer without what no two answers share: ids, times, tags.
fn plain(answer: &Answer, doc: &Doc) -> String {
    let mut lines = vec![answer.status.to_string()];
    for (name, value) in &answer.headers {
        if !["date", "x-request-id", "content-length"].contains(&name.as_str()) {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    lines.sort();
    lines.push(String::from_utf8_lossy(&answer.body).into_owned());
    let text = lines.join("\n").replace(&doc.id, "ID");
    without_ids(&text)
}

/// A text without UUIDs and times.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && word.bytes().filter(|it| *it == b'-').count() == 4;
    let is_time = |word: &str| word.len() >= 20 && word.starts_with("20") && word.ends_with('Z');
    let is_part = |it: char| it.is_ascii_alphanumeric() || "-:.".contains(it);
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        out += match word {
            word if is_id(word) => "UUID",
            word if is_time(word) => "TIME",
            word => word,
        };
        let mut letters = behind.chars();
        out.extend(letters.next());
        rest = letters.as_str();
    }
    out
}

/// Rights by operation, as a person would write them down.
const TABLE: [(&str, &[&str]); 29] = [
    ("GET /api", &["read"]),
    ("GET /api/{collection}", &["read"]),
    ("POST /api/{collection}", &["create"]),
    ("GET /api/{collection}/{id}", &["read"]),
    ("HEAD /api/{collection}/{id}", &["read"]),
    ("PUT /api/{collection}/{id}", &["create", "update"]),
    ("PATCH /api/{collection}/{id}", &["update"]),
    ("DELETE /api/{collection}/{id}", &["delete"]),
    ("GET /api/{collection}/{id}/versions", &["read"]),
    ("GET /api/{collection}/{id}/versions/{version}", &["read"]),
    ("POST /api/{collection}/{id}/merge", &["update", "read"]),
    ("GET /api/{collection}/{id}/lock", &["read"]),
    ("POST /api/{collection}/{id}/lock", &["update"]),
    (
        "DELETE /api/{collection}/{id}/lock",
        &["update", "break-lock"],
    ),
    ("GET /api/{collection}/_changes", &["read"]),
    ("GET /api/{collection}/{id}/_changes", &["read"]),
    ("POST /api/_batch", &["create", "update", "delete"]),
    ("GET /api/_changes", &["read"]),
    (
        "GET /api/_conflicts",
        &["read", "create", "update", "delete"],
    ),
    ("POST /api/_conflicts/dismiss", &["resolve"]),
    ("GET /api/_conflicts/stats", &["read"]),
    (
        "GET /api/_conflicts/{conflict}",
        &["read", "create", "update", "delete"],
    ),
    ("POST /api/_conflicts/{conflict}/resolve", &["resolve"]),
    ("GET /healthz", &[]),
    ("GET /readyz", &[]),
    ("GET /metrics", &["operate"]),
    ("GET /openapi.json", &[]),
    ("GET /problems/{slug}", &[]),
    ("GET /", &[]),
];

/// Those that the matrix asks for without a recipe for documents.
const BESIDE: [&str; 17] = [
    "GET /api",
    "GET /api/{collection}",
    "POST /api/{collection}",
    "GET /api/{collection}/_changes",
    "POST /api/_batch",
    "GET /api/_changes",
    "GET /api/_conflicts",
    "POST /api/_conflicts/dismiss",
    "GET /api/_conflicts/stats",
    "GET /api/_conflicts/{conflict}",
    "POST /api/_conflicts/{conflict}/resolve",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /problems/{slug}",
    "GET /",
];

/// A new operation without a row here is nobody's idea of what it needs.
#[tokio::test]
async fn the_matrix_has_every_operation_and_the_description_says_what_each_needs() {
    let world = World::new(99).await;
    let api = world
        .by(&who::of("nobody"), Request::new("GET", "/openapi.json"))
        .await
        .json();
    let mut described = BTreeSet::new();
    let mut tried: BTreeSet<String> = BESIDE.iter().map(ToString::to_string).collect();
    tried.extend(RECIPES.iter().map(|recipe| recipe.operation.to_owned()));
    for (path, operations) in api["paths"].as_object().unwrap() {
        let mut parts: Vec<_> = path.split('/').collect();
        if let Some(part) = parts
            .iter_mut()
            .find(|it| ["notes", "open", "secret"].contains(it))
        {
            *part = "{collection}";
        }
        let path = parts.join("/");
        for (method, operation) in operations.as_object().unwrap() {
            let Some(security) = operation.get("security") else {
                continue;
            };
            let name = format!("{} {path}", method.to_uppercase());
            let row = TABLE.iter().find(|(row, _)| *row == name);
            let (_, rights) = row.unwrap_or_else(|| panic!("no row says what {name} needs"));
            let told = security.as_array().unwrap().iter();
            let told: Vec<_> = told.map(|it| it["bearer"][0].as_str().unwrap()).collect();
            assert_eq!(told, **rights, "{name}");
            described.insert(name);
        }
    }
    assert_eq!(tried, described, "tried, and described");
}
