use serde_json::{Value, json};

use super::canary::{Seen, leaked, told};
use super::recipe::Request;
use super::who::{self, Who};
use super::world::{Target, World, json_of};
use crate::client::Answer;

/// Canaries of a target's last stored version: its e-mail address, its text, and its own value.
fn values(world: &World, target: Target) -> Vec<String> {
    let of = format!("of version 2 of {target:?}");
    let all = world.canaries.iter();
    let all = all.filter(|it| it.of.ends_with(&of) && matches!(it.seen, Seen::Read { .. }));
    all.map(|it| it.text.clone()).collect()
}

async fn ask(world: &World, who: &Who, request: Request) -> Answer {
    let said = request.said();
    let answer = world.by(who, request).await;
    let told = told(&answer);
    let leaks = leaked(&world.canaries, who, &said, &told);
    assert!(leaks.is_empty(), "{said}: {leaks:?} in {told}");
    answer
}

/// What a filter says of a value that only a hidden document has is what it says of one that none has.
#[tokio::test]
async fn filters_do_not_tell_what_is_hidden() {
    let mut world = World::new(11).await;
    let ann = who::of("ann");
    let hidden = values(&world, Target::Foreign);
    let id = world.doc(Target::Foreign).id;
    let member = world.doc(Target::Foreign).members[1].clone();
    let none = "zqneverstored";
    let queries = |value: &str, id: &str, member: &str| {
        vec![
            format!("email={value}"),
            format!("email.in={value},x"),
            format!("email.ge={value}&sort=email"),
            format!("text={value}&count=true"),
            format!("text.le={value}&sort=-text&count=true"),
            format!("_id={id}&count=true"),
            format!("_id.ge={id}&_id.le={id}&count=true"),
            format!("{member}.exists=true&count=true"),
            format!("sort={member}&limit=1"),
            "owner=bob&count=true".to_owned(),
            "owner=bob&sort=email&limit=1&count=true".to_owned(),
        ]
    };
    let compared = |answer: &Answer| {
        let page = json_of(answer);
        let items = page["items"].as_array().into_iter().flatten();
        let ids: Vec<_> = items.map(|it| it["id"].clone()).collect();
        (answer.status, ids, page["total"].clone())
    };
    for collection in ["notes", "secret"] {
        let there = queries(&hidden[0], &id, &member);
        let nowhere = queries(none, "missing", none);
        for (there, nowhere) in there.iter().zip(&nowhere) {
            let get = |query: &str| Request::new("GET", &format!("/api/{collection}?{query}"));
            let one = ask(&world, &ann, get(there)).await;
            let two = ask(&world, &ann, get(nowhere)).await;
            // What is hers is on either side of a value.
            if there.contains(".ge=") || there.contains(".le=") {
                continue;
            }
            assert_eq!(compared(&one), compared(&two), "{there}");
        }
    }
}

/// That somebody else has a key cannot be hidden; who, and what else they have, can.
#[tokio::test]
async fn a_key_that_is_taken_names_nobody_who_is_hidden() {
    let mut world = World::new(12).await;
    let ann = who::of("ann");
    let email = values(&world, Target::Foreign)[0].clone();
    let own = world.doc(Target::Own);
    let taken = json!({"owner": "ann", "email": email});
    let patch = json!({"email": email});
    let operations = json!([{"op": "replace", "path": "/email", "value": email}]);
    let merge = json!({"base": 2, "patch": patch});
    let put = |path: &str| Request::new("PUT", path).json(&taken);
    let on = |method: &str, rest: &str| Request::new(method, &format!("{}{rest}", own.path()));
    let batch =
        json!({"operations": [{"method": "PUT", "path": "/api/notes/another", "body": taken}]});
    let writes = [
        (Request::new("POST", "/api/notes").json(&taken), 409),
        (put("/api/notes/another"), 409),
        (put("/api/notes/another").header("If-None-Match", "*"), 409),
        (put(&own.path()).header("If-Match", "*"), 409),
        (
            on("PATCH", "")
                .typed("application/merge-patch+json", &patch)
                .header("If-Match", "*"),
            409,
        ),
        (
            on("PATCH", "")
                .typed("application/json-patch+json", &operations)
                .header("If-Match", "*"),
            409,
        ),
        (on("POST", "/merge").json(&merge), 409),
        (on("POST", "/merge?dry_run=true").json(&merge), 409),
        (Request::new("POST", "/api/_batch").json(&batch), 409),
        (
            Request::new("POST", "/api/_batch?atomic=false").json(&batch),
            200,
        ),
    ];
    let holder = world.doc(Target::Foreign).id;
    for (request, status) in writes {
        let said = request.said();
        let answer = ask(&world, &ann, request).await;
        assert_eq!(answer.status, status, "{said}: {answer:?}");
        let text = answer.text();
        assert!(
            !text.contains(&holder) && !text.contains("bob"),
            "{said}: {text}"
        );
    }
    // Nor is it in the log, for her or for those who may see her documents.
    for label in ["ann", "reader", "writer"] {
        let list = ask(
            &world,
            &who::of(label),
            Request::new("GET", "/api/_conflicts"),
        )
        .await;
        for row in json_of(&list)["items"].as_array().unwrap() {
            let request = Request::new("GET", row["href"].as_str().unwrap());
            let entry = world.by(&who::of(label), request).await;
            // Her own edit is there, as she sent it.
            let leaks = leaked(&world.canaries, &who::of(label), &email, &told(&entry));
            assert!(leaks.is_empty(), "{label}: {leaks:?} in {entry:?}");
        }
    }
    // Whoever is denied is not told whether it is taken.
    for email in [&*email, "free@example.org"] {
        let foreign = json!({"owner": "bob", "email": email});
        let create = Request::new("POST", "/api/notes").json(&foreign);
        let denied = ask(&world, &ann, create).await;
        assert_eq!(
            (denied.status, &json_of(&denied)["action"]),
            (403, &json!("create"))
        );
        let handed = Request::new("PUT", &own.path())
            .json(&foreign)
            .header("If-Match", "*");
        let denied = ask(&world, &ann, handed).await;
        assert_eq!(
            (denied.status, &json_of(&denied)["action"]),
            (403, &json!("update"))
        );
    }
}

/// A patch may not be used to find out what is in a document.
#[tokio::test]
async fn guesses_are_answered_alike() {
    let mut world = World::new(13).await;
    let foreign = world.doc(Target::Foreign);
    let secret = world.doc(Target::Secret);
    let [email, text, ..] = &values(&world, Target::Foreign)[..] else {
        panic!("no values");
    };
    let patches = [
        json!([{"op": "test", "path": "/email", "value": email}]),
        json!([{"op": "test", "path": "/email", "value": "wrong"}]),
        json!([{"op": "test", "path": "/text", "value": text}, {"op": "add", "path": "/n", "value": 1}]),
        json!([{"op": "remove", "path": "/email"}]),
        json!([{"op": "remove", "path": "/nothing"}]),
        json!([{"op": "move", "from": "/email", "path": "/owner"}]),
        json!([{"op": "add", "path": "/email/x", "value": 1}]),
    ];
    for label in ["ann", "eve", "jwt", "writer", "updater"] {
        for doc in [&foreign, &secret] {
            for condition in [
                None,
                Some("*"),
                doc.tag.as_deref(),
                doc.tags.first().map(|it| &**it),
            ] {
                let mut answers = Vec::new();
                for patch in &patches {
                    let request = Request::new("PATCH", &doc.path());
                    let request = request.typed("application/json-patch+json", patch);
                    let request = match condition {
                        Some(tag) => request.header("If-Match", tag),
                        None => request,
                    };
                    let answer = ask(&world, &who::of(label), request).await;
                    let is_guess = patch.to_string().contains("\"test\"");
                    // Whoever may not read is refused to guess, whatever is there.
                    if !(is_guess && ["writer", "updater"].contains(&label)) {
                        let body: Value = json_of(&answer);
                        answers.push((answer.status, body["type"].clone(), body["detail"].clone()));
                    }
                }
                let first = answers[0].clone();
                assert!(
                    answers.iter().all(|it| *it == first),
                    "{label}: {answers:?}"
                );
                assert_eq!(first.0, 404, "{label} {condition:?}: {answers:?}");
            }
        }
    }
}

/// A key of somebody else is another key.
#[tokio::test]
async fn what_was_done_once_is_told_to_whoever_did_it() {
    let world = World::new(14).await;
    let path = "/api/notes/once";
    let body = json!({"owner": "bob", "email": "once", "text": "of bob"});
    let put = || {
        Request::new("PUT", path)
            .json(&body)
            .header("Idempotency-Key", "same")
    };
    let (ann, bob) = (who::of("ann"), who::of("bob"));
    assert_eq!(world.by(&bob, put()).await.status, 201);
    let again = world.by(&bob, put()).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, Some("true"))
    );
    for label in [
        "ann",
        "eve",
        "jwt",
        "creator",
        "updater",
        "reader",
        "powerless",
    ] {
        let answer = ask(&world, &who::of(label), put()).await;
        assert_eq!(answer.status, 403, "{label}: {answer:?}");
        assert_eq!(answer.header("idempotent-replayed"), None);
    }
    // Nor does a receipt outlive the right to what was done.
    let own = json!({"owner": "ann", "email": "own"});
    let key = |request: Request| request.json(&own).header("Idempotency-Key", "hers");
    let create = || key(Request::new("PUT", "/api/notes/hers"));
    assert_eq!(world.by(&ann, create()).await.status, 201);
    assert_eq!(world.by(&who::of("reader"), create()).await.status, 403);
}
