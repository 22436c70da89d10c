use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::http2;
use super::plain::{Client, Reply, Sending, accepted};

/// Whether a server does what it must not; a race may need several rounds.
pub(crate) type Show = fn(&Client) -> bool;

const NOTE: &str = "/notes/1";
const WRITERS: u32 = 8;

/// How the defect of a broken server is seen.
///
/// It panics for a server that is not in the table.
pub(crate) fn of(name: &str) -> Show {
    let found = SHOWS.iter().find(|(other, _)| *other == name);
    found.unwrap_or_else(|| panic!("nothing shows {name}")).1
}

const SHOWS: &[(&str, Show)] = &[
    ("no-validator", |client| {
        let note = client.get(NOTE);
        note.header("etag").is_none() && note.header("last-modified").is_none()
    }),
    ("tag-without-quotes", |client| {
        let tag = client.tag(NOTE);
        !tag.contains('"') && put(client, &tag).is_accepted()
    }),
    ("constant-tag", keeps_tag),
    ("tag-of-one-member", keeps_tag),
    ("restless-tag", |client| {
        client.tag(NOTE) != client.tag(NOTE)
    }),
    ("one-tag-for-gzip", |client| {
        zipped(client) == client.tag(NOTE)
    }),
    ("gzip-tag-refused", |client| {
        put(client, &zipped(client)).status == 412
    }),
    ("tag-of-seconds", keeps_tag),
    ("date-of-seconds", |client| {
        let date = || client.get(NOTE).header("last-modified").map(str::to_owned);
        let before = date().unwrap_or_default();
        let write = Sending::put(NOTE, note()).with("If-Unmodified-Since", &before);
        client.send(&write).is_accepted() && date().as_ref() == Some(&before)
    }),
    ("strange-tag-on-write", |client| {
        let answer = put(client, &client.tag(NOTE));
        answer.header("etag") != Some(&client.tag(NOTE))
    }),
    ("tag-hidden-from-pages", |client| {
        !exposes(&client.get(NOTE))
    }),
    ("later-tags-hidden-from-pages", |client| {
        let read = Sending::new("GET", NOTE).with("If-None-Match", &client.tag(NOTE));
        let not_modified = client.send(&read);
        not_modified.status == 304 && !exposes(&not_modified) && exposes(&client.get(NOTE))
    }),
    ("refusals-hidden-from-pages", |client| {
        let refused = put(client, "\"stale\"");
        let origin = "access-control-allow-origin";
        refused.header(origin).is_none() && client.get(NOTE).header(origin) == Some("*")
    }),
    ("hashed-tag", |client| {
        let write = |title| {
            let write = Sending::put(NOTE, titled(title)).if_match(&client.tag(NOTE));
            client.send(&write);
            client.tag(NOTE)
        };
        let first = write("a");
        write("b") != first && write("a") == first
    }),
    ("no-validator-patch", |client| loses(client, patched)),
    ("no-validator-bytes", |client| loses(client, plain)),
    ("no-validator-xml", |client| loses(client, xml)),
    ("tag-ignored", |client| loses(client, whole)),
    ("tag-ignored-bytes", |client| loses(client, plain)),
    ("tag-ignored-patch", |client| loses(client, patched)),
    ("only-date-ignored", |client| loses(client, whole)),
    ("only-date-ignored-bytes", |client| loses(client, plain)),
    ("version-ignored", |client| loses(client, whole)),
    ("version-ignored-patch", |client| loses(client, patched)),
    ("all-ignored", |client| loses(client, whole)),
    ("if-match-ignored", stale_is_done),
    ("if-match-not-compared", |client| {
        let unasked = client.send(&Sending::put(NOTE, note()));
        stale_is_done(client) && unasked.status == 428
    }),
    ("past-tag-accepted", stale_is_done),
    ("unknown-tag-accepted", |client| {
        put(client, r#""made-up""#).is_accepted()
    }),
    ("current-tag-refused", |client| {
        put(client, &client.tag(NOTE)).status == 412
    }),
    ("star-creates", |client| {
        let write = Sending::put(&fresh(), note()).if_match("*");
        client.send(&write).is_accepted()
    }),
    ("lists-refused", |client| {
        let list = format!(r#""made-up", {}"#, client.tag(NOTE));
        !put(client, &list).is_accepted()
    }),
    ("weak-tag-accepted", |client| {
        put(client, &format!("W/{}", client.tag(NOTE))).is_accepted()
    }),
    ("if-none-match-ignored", |client| {
        let write = Sending::put(NOTE, note()).with("If-None-Match", "*");
        client.send(&write).is_accepted()
    }),
    ("nothing-required", |client| {
        client.send(&Sending::put(NOTE, note())).is_accepted()
    }),
    ("patch-ignores-if-match", |client| {
        let patch = Sending::patch(NOTE, note()).if_match(&stale(client));
        client.send(&patch).is_accepted()
    }),
    ("delete-ignores-if-match", |client| {
        let delete = Sending::delete(&created(client)).if_match(r#""made-up""#);
        client.send(&delete).is_accepted()
    }),
    ("date-ignored", |client| {
        let write = Sending::put(NOTE, note()).with("If-Unmodified-Since", LONG_AGO);
        client.send(&write).is_accepted()
    }),
    ("date-beside-tag", |client| {
        let write = Sending::put(NOTE, note()).if_match(&client.tag(NOTE));
        client
            .send(&write.with("If-Unmodified-Since", LONG_AGO))
            .status
            == 412
    }),
    ("stale-before-invalid", |client| {
        let write = Sending::put(NOTE, "{").if_match(&stale(client));
        client.send(&write).status == 412
    }),
    ("body-version-ignored", |client| {
        let mut sent = note();
        sent["version"] = json!(1_000_000);
        client.send(&Sending::put(NOTE, sent)).is_accepted()
    }),
    ("resurrected", |client| {
        let path = created(client);
        let tag = client.tag(&path);
        client.send(&Sending::delete(&path).if_match(&tag));
        let again = Sending::put(&path, note()).if_match(&tag);
        client.send(&again).is_accepted()
    }),
    ("refused-but-written", |client| {
        let title = nonce();
        let write = Sending::put(NOTE, titled(&title)).if_match(&stale(client));
        client.send(&write).status == 412 && client.get(NOTE).body.contains(&title)
    }),
    ("refused-but-counted", |client| {
        let stale = stale(client);
        let tag = client.tag(NOTE);
        put(client, &stale).status == 412 && client.tag(NOTE) != tag
    }),
    ("empty-conflict", |client| refused(client).body.is_empty()),
    ("html-conflict", |client| {
        refused(client).body.starts_with("<html>")
    }),
    ("curt-conflict", |client| {
        refused(client).json() == json!({ "error": "stale" })
    }),
    ("wrong-tag-quoted", |client| {
        refused(client).json()["current_etag"] != client.tag(NOTE)
    }),
    ("statement-leaked", |client| {
        refused(client).body.contains("UPDATE")
    }),
    ("two-codes", |client| {
        let patch = Sending::patch(NOTE, note()).if_match(&stale(client));
        client.send(&patch).status != refused(client).status
    }),
    ("conflict-as-500", |client| refused(client).status == 500),
    ("conflict-as-200", |client| {
        let before = stale(client);
        let tag = client.tag(NOTE);
        put(client, &before).status == 200 && client.tag(NOTE) == tag
    }),
    ("conflict-as-503", |client| refused(client).status == 503),
    ("bare-428", |client| {
        let answer = client.send(&Sending::put(NOTE, note()));
        answer.status == 428 && !answer.body.contains("If-Match")
    }),
    ("check-then-write", |client| winners(client) > 1),
    ("check-then-write-at-once", |client| winners(client) > 1),
    ("none-wins", |client| winners(client) == 0),
    ("head-checked", |client| {
        let tag = client.tag(NOTE);
        let alice = client.begin(&Sending::put(NOTE, note()).if_match(&tag));
        let bob = put(client, &tag);
        alice.finish().is_accepted() && bob.is_accepted()
    }),
    ("two-creators", |client| {
        let path = fresh();
        let creates = each(|| Sending::put(&path, note()).with("If-None-Match", "*"));
        accepted(&client.together(&creates)) > 1
    }),
    ("two-of-one-name", |client| accepted(&namesakes(client)) > 1),
    ("duplicate-crashes", |client| {
        namesakes(client).iter().any(|reply| reply.status == 500)
    }),
    ("key-races", |client| {
        let (key, order) = (nonce(), order());
        let creates = each(|| keyed(&key, &order));
        distinct(&client.together(&creates)) > 1
    }),
    ("key-ignored", |client| {
        let create = keyed(&nonce(), &order());
        distinct(&[client.send(&create), client.send(&create)]) > 1
    }),
    ("payload-ignored", |client| {
        let key = nonce();
        client.send(&keyed(&key, &order()));
        client.send(&keyed(&key, &order())).is_accepted()
    }),
    ("member-by-member", |client| {
        let whole = |text: &str| json!({ "title": text, "text": text, "items": [] });
        let writes = [nonce(), nonce()].map(|text| Sending::put(NOTE, whole(&text)));
        let both = accepted(&client.together(&writes)) == 2;
        let note = client.get(NOTE).json();
        both && note["title"] != note["text"]
    }),
    ("patch-of-all-members", |client| {
        let text = nonce();
        let patches = ["title", "text"].map(|name| Sending::patch(NOTE, json!({ name: text })));
        let both = accepted(&client.together(&patches)) == 2;
        let note = client.get(NOTE).json();
        both && note["title"] != note["text"]
    }),
    ("oversold", |client| {
        let (won, left) = takes(client, 3);
        won + left != 3
    }),
    ("undersold", |client| {
        let (won, _) = takes(client, i64::from(WRITERS));
        won < i64::from(WRITERS)
    }),
    ("delete-races", |client| {
        let path = created(client);
        let tag = client.tag(&path);
        let writes = [Sending::delete(&path), Sending::put(&path, note())];
        accepted(&client.together(&writes.map(|write| write.if_match(&tag)))) > 1
    }),
    ("shipped-twice", |client| {
        let order = client.send(&Sending::post("/orders", order()));
        let path = format!("{}/ship", order.header("location").unwrap_or_default());
        accepted(&client.together(&each(|| Sending::new("POST", &path)))) > 1
    }),
    ("torn-read", torn),
    ("stale-read", old_while_busy),
    ("dropped-write", |client| {
        let paths: Vec<String> = (0..WRITERS).map(|_| fresh()).collect();
        let creates: Vec<Sending> = paths
            .iter()
            .map(|path| Sending::put(path, note()))
            .collect();
        let replies = client.together(&creates);
        let mut told = paths.iter().zip(&replies);
        told.any(|(path, reply)| reply.status == 201 && client.get(path).status == 404)
    }),
    ("key-noted-late", |client| {
        let (key, order) = (nonce(), order());
        let create = keyed(&key, &order);
        drop(client.begin(&create).release());
        while client.send(&create).status == 409 {}
        let item = &order["item"];
        let orders = client.get("/orders").json();
        let orders = orders.as_array().cloned().unwrap_or_default();
        orders.iter().filter(|order| order["item"] == *item).count() == 2
    }),
    ("lagging-replica", |client| {
        let tag = client.tag(NOTE);
        let write = Sending::put(NOTE, note()).if_match(&tag);
        let last = client.bases() - 1;
        accepted(&[
            client.send(&write),
            client.send(&write.clone().at_base(last)),
        ]) == 2
    }),
    ("http2-races", |client| {
        let bodies = (0..WRITERS).map(|_| note().to_string()).collect();
        let tag = client.tag(NOTE);
        let statuses = http2::put_together(client.authority(), NOTE, &tag, bodies);
        assert!(winners(client) == 1, "over HTTP/1.1 one wins");
        statuses.iter().filter(|status| status.is_success()).count() > 1
    }),
    ("late-write", old_while_busy),
    ("transfer-races", |client| {
        let transfer = json!({ "from": "a", "to": "b", "amount": 1 });
        let back = json!({ "from": "b", "to": "a", "amount": 1 });
        let mut transfers = each(|| Sending::post("/transfers", &transfer));
        transfers.extend(each(|| Sending::post("/transfers", &back)));
        client.together(&transfers);
        let balance = |path| client.get(path).json()["balance"].as_i64();
        let sum = [balance("/accounts/a"), balance("/accounts/b")];
        sum.into_iter().sum::<Option<i64>>() != Some(200)
    }),
];

const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A text that was not there before.
pub(crate) fn nonce() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("nonce-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn titled(title: &str) -> Value {
    json!({ "title": title, "text": "Nothing yet.", "items": [] })
}

fn note() -> Value {
    titled(&nonce())
}

fn order() -> Value {
    json!({ "item": nonce(), "state": "open" })
}

/// A path where nothing is.
fn fresh() -> String {
    format!("/notes/{}", nonce())
}

fn each(sending: impl Fn() -> Sending) -> Vec<Sending> {
    (0..WRITERS).map(|_| sending()).collect()
}

fn put(client: &Client, tag: &str) -> Reply {
    client.send(&Sending::put(NOTE, note()).if_match(tag))
}

/// The tag of the note before its last change.
fn stale(client: &Client) -> String {
    let tag = client.tag(NOTE);
    put(client, &tag);
    tag
}

fn refused(client: &Client) -> Reply {
    put(client, &stale(client))
}

fn stale_is_done(client: &Client) -> bool {
    refused(client).is_accepted()
}

/// Two clients read the same and write, each with all that the read says of its version: is the first edit gone?
fn loses(client: &Client, edit: fn(&Reply, &str) -> Sending) -> bool {
    let read = client.get(NOTE);
    let write = |text: &str| {
        let validators = [
            ("If-Match", "etag"),
            ("If-Unmodified-Since", "last-modified"),
        ];
        let carried = validators
            .into_iter()
            .filter_map(|(field, said)| Some((field, read.header(said)?)));
        let bare = edit(&read, text);
        let write = carried.fold(bare, |write, (field, value)| write.with(field, value));
        client.send(&write)
    };
    let (bob, alice) = (nonce(), nonce());
    accepted(&[write(&bob), write(&alice)]) == 2 && client.get(NOTE).body.contains(&alice)
}

/// A whole document, with the version that was read.
fn whole(read: &Reply, text: &str) -> Sending {
    let mut note = titled(text);
    if let Some(version) = read.json().get("version") {
        note["version"] = version.clone();
    }
    Sending::put(NOTE, note)
}

/// A patch, with the version that was read.
fn patched(read: &Reply, text: &str) -> Sending {
    let mut patch = json!({ "title": text });
    if let Some(version) = read.json().get("version") {
        patch["version"] = version.clone();
    }
    Sending::patch(NOTE, patch)
}

fn plain(_: &Reply, text: &str) -> Sending {
    Sending::put(NOTE, text)
}

fn xml(_: &Reply, text: &str) -> Sending {
    Sending::put(NOTE, format!("<note><title>{text}</title></note>"))
}

fn exposes(reply: &Reply) -> bool {
    let exposed = reply.header("access-control-expose-headers");
    exposed.is_some_and(|names| names.contains("etag"))
}

fn keeps_tag(client: &Client) -> bool {
    let tag = client.tag(NOTE);
    put(client, &tag).is_accepted() && client.tag(NOTE) == tag
}

fn zipped(client: &Client) -> String {
    let read = Sending::new("GET", NOTE).with("Accept-Encoding", "gzip");
    let read = client.send(&read);
    read.header("etag").unwrap_or_default().to_owned()
}

/// The path of a new note.
fn created(client: &Client) -> String {
    let reply = client.send(&Sending::post("/notes", note()));
    reply.header("location").unwrap_or_default().to_owned()
}

fn winners(client: &Client) -> usize {
    let tag = client.tag(NOTE);
    let writes = each(|| Sending::put(NOTE, note()).if_match(&tag));
    accepted(&client.together(&writes))
}

fn namesakes(client: &Client) -> Vec<Reply> {
    let member = json!({ "email": nonce(), "name": "Ann" });
    client.together(&each(|| Sending::post("/members", &member)))
}

fn keyed(key: &str, body: &Value) -> Sending {
    Sending::post("/orders", body).with("Idempotency-Key", key)
}

/// How many resources the answers name.
fn distinct(replies: &[Reply]) -> usize {
    let named = replies.iter().filter_map(|reply| reply.header("location"));
    named.collect::<HashSet<_>>().len()
}

/// How many of the writers took one, and what is left, of so many.
fn takes(client: &Client, stock: i64) -> (i64, i64) {
    let path = "/products/1";
    let restock = Sending::put(path, json!({ "name": "chair", "stock": stock }));
    client.send(&restock.if_match(&client.tag(path)));
    let take = json!({ "quantity": 1 });
    let replies = client.together(&each(|| Sending::post("/products/1/take", &take)));
    let left = client.get(path).json()["stock"].as_i64();
    (accepted(&replies) as i64, left.unwrap_or_default())
}

/// Readers beside a writer: is the tag of one version on the body of the other?
fn torn(client: &Client) -> bool {
    let before = client.get(NOTE);
    let tag = before.header("etag").unwrap_or_default();
    let mut sendings = each(|| Sending::new("GET", NOTE));
    sendings.insert(4, Sending::put(NOTE, note()).if_match(tag));
    let mut replies = client.together(&sendings);
    let after = replies.remove(4);
    let whole =
        [&before, &after].map(|reply| (reply.header("etag"), reply.json()["title"].clone()));
    let mut read = replies.iter();
    read.any(|reply| !whole.contains(&(reply.header("etag"), reply.json()["title"].clone())))
}

/// While another request is there: does a read after a write show what was before it?
fn old_while_busy(client: &Client) -> bool {
    let other = client.begin(&Sending::put("/notes/other", note()));
    let written = put(client, &client.tag(NOTE));
    let read = client.get(NOTE);
    other.finish();
    written.is_accepted() && read.header("etag") != written.header("etag")
}
