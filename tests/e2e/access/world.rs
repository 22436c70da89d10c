use std::collections::BTreeMap;
use std::sync::Mutex;

use fastrand::Rng;
use serde_json::{Value, json};

use super::canary::{Canary, Seen, letters};
use super::model::Spot;
use super::recipe::Request;
use super::signer::SECRET;
use super::who::{self, AUDIENCE, ISSUER, Who};
use crate::client::{Answer, Client};
use crate::server::{Folder, Server};

/// What a request can be about, as ann would call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    Own,
    Foreign,
    /// Was bob's, and is ann's now.
    ToAnn,
    /// Was ann's, and is bob's now.
    ToBob,
    OwnDeleted,
    ForeignDeleted,
    Open,
    OpenDeleted,
    Secret,
    OtherOwn,
    OtherForeign,
    OtherOpen,
    /// Never was: another id each time.
    Missing,
    OwnLocked,
    ForeignLocked,
}

#[derive(Clone, Debug)]
pub(super) struct Doc {
    pub(super) spot: Spot,
    pub(super) id: String,
    /// Of each version that was stored at first. Empty: it never was.
    pub(super) owners: Vec<String>,
    pub(super) tags: Vec<String>,
    /// The name of the member that each of these versions has for itself.
    pub(super) members: Vec<String>,
    pub(super) is_live: bool,
    /// The tag of the newest version, if that is a document.
    pub(super) tag: Option<String>,
    /// The token of its lock.
    pub(super) lock: Option<String>,
}

impl Doc {
    pub(super) fn path(&self) -> String {
        format!(
            "{}/{}/{}",
            api(self.spot.space),
            self.spot.collection,
            self.id
        )
    }

    pub(super) fn owner(&self) -> Option<&str> {
        self.owners.last().map(String::as_str)
    }
}

/// Where a space's API begins.
pub(super) fn api(space: &str) -> String {
    match space {
        "default" => "/api".to_owned(),
        other => format!("/spaces/{other}/api"),
    }
}

/// A refused write in the conflict log.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) href: String,
    pub(super) seen: Seen,
}

/// A server with documents of ann, of bob and of nobody.
pub(super) struct World {
    /// Ends with the world. Behind a lock, so that worlds can be anywhere.
    _server: Mutex<Server>,
    pub(super) url: String,
    http: Client,
    pub(super) admin: Who,
    pub(super) docs: BTreeMap<Target, Doc>,
    pub(super) canaries: Vec<Canary>,
    pub(super) entries: Vec<Entry>,
    random: Rng,
    count: usize,
}

pub(super) fn config() -> String {
    let rule = "self.owner == caller.name || 'admin' in caller.roles";
    format!(
        r#"
[collections.notes]
[[collections.notes.unique]]
name = "email"
fields = ["/email"]
[collections.notes.access]
read = "{rule}"
create = "{rule}"
update = "{rule}"
delete = "{rule}"
[collections.open]
[collections.secret.access]
read = "'admin' in caller.roles"
create = "'admin' in caller.roles"
update = "'admin' in caller.roles"
delete = "'admin' in caller.roles"
[jwt]
issuer = {ISSUER:?}
audience = {AUDIENCE:?}
key = "jwt.key"
algorithm = "HS256"
{}"#,
        who::tokens()
    )
}

impl World {
    pub(super) async fn new(seed: u64) -> Self {
        let folder = Folder::with_config(&config());
        std::fs::write(folder.path().join("jwt.key"), SECRET).unwrap();
        let server = Server::start_in(folder);
        let mut world = Self {
            http: server.client(),
            url: server.url().to_owned(),
            _server: Mutex::new(server),
            admin: who::of("admin"),
            docs: BTreeMap::new(),
            canaries: Vec::new(),
            entries: Vec::new(),
            random: Rng::with_seed(seed),
            count: 0,
        };
        for who in who::everybody() {
            let secret = who.authorization.as_deref().unwrap_or_default();
            let secret = secret.split(' ').next_back().unwrap_or_default();
            if secret.len() > 8 {
                world.watch("credentials", secret, Seen::Never);
            }
        }
        world.fill().await;
        world
    }

    async fn fill(&mut self) {
        use Target::*;
        let plan: [(Target, &'static str, &'static str, &[&str], bool); 14] = [
            (Own, "default", "notes", &["ann", "ann"], true),
            (Foreign, "default", "notes", &["bob", "bob"], true),
            (ToAnn, "default", "notes", &["bob", "bob", "ann"], true),
            (ToBob, "default", "notes", &["ann", "ann", "bob"], true),
            (OwnDeleted, "default", "notes", &["ann", "ann"], false),
            (ForeignDeleted, "default", "notes", &["bob", "bob"], false),
            (Open, "default", "open", &["bob", "ann"], true),
            (OpenDeleted, "default", "open", &["bob", "ann"], false),
            (Secret, "default", "secret", &["root", "root"], true),
            (OtherOwn, "other", "notes", &["ann", "ann"], true),
            (OtherForeign, "other", "notes", &["bob", "bob"], true),
            (OtherOpen, "other", "open", &["bob", "bob"], true),
            (OwnLocked, "default", "notes", &["ann", "ann"], true),
            (ForeignLocked, "default", "notes", &["bob", "bob"], true),
        ];
        for (target, space, collection, owners, is_live) in plan {
            let spot = Spot { space, collection };
            let doc = self.document(target, spot, owners).await;
            self.docs.insert(target, doc);
            if target == ToAnn || target == ToBob || target == Own || target == Foreign {
                self.log_conflicts(target).await;
            }
            if !is_live {
                self.delete(target).await;
            }
        }
        for target in [Open, OtherForeign] {
            self.log_conflicts(target).await;
        }
        for target in [OwnLocked, ForeignLocked] {
            self.lock(target).await;
        }
    }

    /// A document with a version for each of these owners. Somebody may see a version where they might
    /// see the newest one, too.
    async fn document(&mut self, target: Target, spot: Spot, owners: &[&str]) -> Doc {
        let canary = letters(&mut self.random);
        let id = format!("{target:?}-{canary}").to_lowercase();
        let newest = owners.last().copied().unwrap_or_default();
        let seen = |owner: &str| vec![owner.to_owned(), newest.to_owned()];
        let mut author = None;
        if target == Target::ToBob {
            // She wrote to it: it is in her own entries of the conflict log.
            author = Some("ann".to_owned());
        }
        let trace = |owners| match &author {
            None => Seen::Trace { spot, owners },
            Some(author) => Seen::Edit {
                spot,
                owners,
                author: author.clone(),
            },
        };
        self.watch(
            &format!("the id of {target:?}"),
            &canary,
            trace(seen(newest)),
        );
        let mut doc = Doc {
            spot,
            id,
            owners: owners.iter().map(ToString::to_string).collect(),
            tags: Vec::new(),
            members: Vec::new(),
            is_live: true,
            tag: None,
            lock: None,
        };
        for (index, owner) in owners.iter().enumerate() {
            let [email, text, member, value] = [(); 4].map(|()| letters(&mut self.random));
            let of = |what: &str| format!("{what} of version {} of {target:?}", index + 1);
            for (what, canary) in [
                ("the email", &email),
                ("the text", &text),
                ("a value", &value),
            ] {
                let owners = seen(owner);
                self.watch(&of(what), canary, Seen::Read { spot, owners });
            }
            let owners = seen(owner);
            self.watch(&of("a name"), &member, Seen::Trace { spot, owners });
            let body = json!({"owner": owner, "email": email, "text": text, (&*member): value});
            let put = self.request("PUT", &doc.path()).json(&body);
            let put = match doc.tags.last() {
                Some(tag) => put.header("If-Match", tag),
                None => put,
            };
            // Rules are about whoever asks; the admin hands documents over.
            let answer = self.by_admin(put).await;
            assert!(matches!(answer.status, 200 | 201), "{target:?}: {answer:?}");
            doc.tags.push(answer.tag());
            doc.members.push(member);
            if index == 1 && owner != &newest {
                // What is in the log when the document goes to somebody else.
                let before = Doc {
                    owners: doc.owners[..2].to_vec(),
                    ..doc.clone()
                };
                for who in ["ann", "bob", "admin"].map(who::of) {
                    if let Some(entry) = self.log_conflict(&before, &who, Some(newest)).await {
                        self.entries.push(entry);
                    }
                }
            }
        }
        for (tag, owner) in doc.tags.iter().zip(owners) {
            let owners = seen(owner);
            let opaque = tag.trim_matches('"').to_owned();
            self.watch(
                &format!("a tag of {target:?}"),
                &opaque,
                Seen::Trace { spot, owners },
            );
        }
        doc.tag = doc.tags.last().cloned();
        doc
    }

    async fn delete(&mut self, target: Target) {
        let doc = self.docs[&target].clone();
        let tag = doc.tag.clone().unwrap();
        let delete = self.request("DELETE", &doc.path()).header("If-Match", &tag);
        let deleted = self.by_admin(delete).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
        let doc = self.docs.get_mut(&target).unwrap();
        (doc.is_live, doc.tag) = (false, None);
    }

    async fn lock(&mut self, target: Target) {
        let doc = self.docs[&target].clone();
        let holder = letters(&mut self.random);
        let body = json!({"ttl_s": 3600, "owner": holder});
        let take = self
            .request("POST", &format!("{}/lock", doc.path()))
            .json(&body);
        let taken = self.by_admin(take).await;
        assert_eq!(taken.status, 201, "{taken:?}");
        let token = taken.json()["token"].as_str().unwrap().to_owned();
        let owners = vec![doc.owner().unwrap().to_owned()];
        let spot = doc.spot;
        self.watch(
            "the holder of a lock",
            &holder,
            Seen::Trace { spot, owners },
        );
        self.watch("the token of a lock", &token, Seen::Never);
        self.docs.get_mut(&target).unwrap().lock = Some(token);
    }

    /// Entries by ann, by bob and by the admin, as far as the rules let them write there.
    async fn log_conflicts(&mut self, target: Target) {
        let doc = self.docs[&target].clone();
        for who in ["ann", "bob", "admin"].map(who::of) {
            let Some(entry) = self.log_conflict(&doc, &who, None).await else {
                continue;
            };
            self.entries.push(entry);
        }
    }

    /// A stale edit of a document by somebody; `None` where the document is out of their sight.
    /// `next` is who has it later.
    pub(super) async fn log_conflict(
        &mut self,
        doc: &Doc,
        who: &Who,
        next: Option<&str>,
    ) -> Option<Entry> {
        let owner = doc.owner().unwrap().to_owned();
        if !super::model::passes(who, doc.spot.collection, &owner) {
            return None;
        }
        let [email, text, value] = [(); 3].map(|()| letters(&mut self.random));
        let body = json!({"owner": owner, "email": email, "text": text, "also": value});
        let base = &doc.owners[0];
        let put = self.request("PUT", &doc.path()).json(&body);
        let put = put.header("If-Match", &doc.tags[0]);
        let refused = self.by(who, put).await;
        assert_eq!(refused.status, 409, "{refused:?}");
        let problem = refused.json();
        let href = problem["logged"].as_str().unwrap().to_owned();
        // An edit from what is out of its writer's sight is kept as one from nothing known.
        let knows_base = super::model::passes(who, doc.spot.collection, base);
        let mut owners = vec![owner];
        if knows_base {
            owners.push(base.clone());
        }
        owners.extend(next.map(str::to_owned));
        let seen = Seen::Edit {
            spot: doc.spot,
            owners,
            author: who.name.to_owned(),
        };
        let id = href.rsplit('/').next().unwrap();
        let of = format!("a conflict of {} on {}", who.label, doc.id);
        for canary in [&email, &text, &value, id] {
            self.watch(&of, canary, seen.clone());
        }
        Some(Entry { href, seen })
    }

    fn watch(&mut self, of: &str, text: &str, seen: Seen) {
        self.canaries.push(Canary {
            text: text.to_owned(),
            of: of.to_owned(),
            seen,
        });
    }

    pub(super) fn doc(&mut self, target: Target) -> Doc {
        if let Some(doc) = self.docs.get(&target) {
            return doc.clone();
        }
        let spot = Spot {
            space: "default",
            collection: "notes",
        };
        self.missing(spot)
    }

    /// A document that never was.
    pub(super) fn missing(&mut self, spot: Spot) -> Doc {
        self.count += 1;
        Doc {
            spot,
            id: format!("missing-{}", self.count),
            owners: Vec::new(),
            tags: Vec::new(),
            members: Vec::new(),
            is_live: false,
            tag: None,
            lock: None,
        }
    }

    pub(super) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, path)
    }

    pub(super) async fn by(&self, who: &Who, request: Request) -> Answer {
        let mut ask = self.http.ask(&request.method, &request.path);
        if let Some(authorization) = &who.authorization {
            ask = ask.header("Authorization", authorization);
        }
        for (name, value) in &request.headers {
            ask = ask.header(name, value);
        }
        match &request.body {
            Some((media_type, body)) => ask.body(media_type, body).send().await,
            None => ask.send().await,
        }
    }

    pub(super) async fn by_admin(&self, request: Request) -> Answer {
        self.by(&self.admin, request).await
    }

    /// Where the log ends: every write moves it.
    pub(super) async fn position(&self) -> String {
        let page = self
            .by_admin(Request::new("GET", "/api/_changes?since=now"))
            .await;
        page.json()["last"].as_str().unwrap().to_owned()
    }

    /// Puts a document back into the state that its target has, if somebody changed it.
    pub(super) async fn restore(&mut self, target: Target) {
        let Some(doc) = self.docs.get(&target).cloned() else {
            return;
        };
        let found = self.by_admin(Request::new("GET", &doc.path())).await;
        let owner = doc.owner().unwrap();
        let is_as_it_was = match found.status {
            200 => doc.is_live && found.json()["owner"] == owner,
            _ => !doc.is_live,
        };
        if doc.lock.is_some() {
            let lock = self
                .by_admin(Request::new("GET", &format!("{}/lock", doc.path())))
                .await;
            if lock.status != 200 {
                self.lock(target).await;
            }
        } else {
            let lock = format!("{}/lock?break=true", doc.path());
            self.by_admin(Request::new("DELETE", &lock)).await;
        }
        let mut tag = found.header("etag").map(str::to_owned);
        if !is_as_it_was {
            let body = json!({"owner": owner, "email": doc.id});
            let put = Request::new("PUT", &doc.path()).json(&body);
            let put = match &tag {
                Some(tag) => put.header("If-Match", tag),
                None => put,
            };
            let put = self.by_admin(put).await;
            assert!(matches!(put.status, 200 | 201), "{target:?}: {put:?}");
            tag = Some(put.tag());
            if !doc.is_live {
                let delete = Request::new("DELETE", &doc.path());
                let delete = delete.header("If-Match", tag.as_deref().unwrap());
                assert_eq!(self.by_admin(delete).await.status, 204);
            }
        }
        let doc = self.docs.get_mut(&target).unwrap();
        doc.tag = tag.filter(|_| doc.is_live);
    }

    /// How many conflicts nobody settled yet.
    pub(super) async fn open_conflicts(&self) -> u64 {
        let mut count = 0;
        for space in ["default", "other"] {
            let path = format!("{}/_conflicts?outcome=open&limit=1000", api(space));
            let mut next = path.clone();
            loop {
                let page = self.by_admin(Request::new("GET", &next)).await.json();
                count += page["items"].as_array().unwrap().len() as u64;
                match page["next"].as_str() {
                    Some(cursor) => next = format!("{path}&cursor={cursor}"),
                    None => break,
                }
            }
        }
        count
    }
}

/// The body of an answer, if it is JSON.
pub(super) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}
