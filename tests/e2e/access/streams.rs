use std::time::Duration;

use serde_json::json;

use super::canary::leaked;
use super::model::{Action, Spot, may};
use super::recipe::Request;
use super::who::{self, Who};
use super::world::{Target, World};

/// What a stream tells until it has been silent for a while.
async fn listen(url: &str, who: &Who) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut ask = http.get(url).header("Accept", "text/event-stream");
    if let Some(authorization) = &who.authorization {
        ask = ask.header("Authorization", authorization);
    }
    let mut response = ask.send().await.unwrap();
    let status = response.status().as_u16();
    let mut told = format!("{:?}\n", response.headers());
    while let Ok(Ok(Some(chunk))) =
        tokio::time::timeout(Duration::from_millis(700), response.chunk()).await
    {
        told += std::str::from_utf8(&chunk).unwrap();
    }
    (status, told)
}

/// A subscription, by a URL.
fn subscription(space: &str, field: &str) -> String {
    let query = format!(
        "subscription{{{field}{{position seq collection id version isDeletion updatedAt updatedBy paths
            merged{{baseVersion}} document{{id etag json conflicts(first:5){{id by paths}}}}}}}}"
    );
    let url = reqwest::Url::parse_with_params("http://localhost", [("query", query)]).unwrap();
    format!("{space}/graphql?{}", url.query().unwrap())
}

/// From the beginning, and while documents are written, handed over and deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_nobody_what_is_out_of_their_sight() {
    let mut world = World::new(7).await;
    let (to_ann, foreign) = (world.doc(Target::ToAnn), world.doc(Target::Foreign));
    let paths = [
        ("default", "", "/api/_changes?since=0".to_owned()),
        (
            "default",
            "",
            "/api/_changes?since=0&include=last".to_owned(),
        ),
        (
            "default",
            "",
            "/api/_changes?since=0&latest=true".to_owned(),
        ),
        ("default", "notes", "/api/notes/_changes?since=0".to_owned()),
        (
            "default",
            "secret",
            "/api/secret/_changes?since=0&include=last".to_owned(),
        ),
        ("default", "open", "/api/open/_changes?since=0".to_owned()),
        (
            "default",
            "notes",
            format!("{}/_changes?since=0", to_ann.path()),
        ),
        (
            "default",
            "notes",
            format!("{}/_changes?since=0", foreign.path()),
        ),
        ("other", "", "/spaces/other/api/_changes?since=0".to_owned()),
        ("default", "", subscription("", "changes(since:\"0\")")),
        (
            "other",
            "",
            subscription("/spaces/other", "changes(since:\"0\")"),
        ),
        (
            "default",
            "notes",
            subscription("", "noteChanged(since:\"0\")"),
        ),
        (
            "default",
            "secret",
            subscription("", "secretChanged(since:\"0\")"),
        ),
        (
            "default",
            "notes",
            subscription(
                "",
                &format!("noteChanged(id:\"{}\",since:\"0\")", foreign.id),
            ),
        ),
    ];
    let everybody = who::everybody();
    let mut streams = Vec::new();
    for who in &everybody {
        for (space, collection, path) in &paths {
            let url = format!("{}{path}", world.url);
            streams.push(async move {
                let (status, told) = listen(&url, who).await;
                (who, *space, *collection, path, status, told)
            });
        }
    }
    let writes = async {
        for n in 0..5 {
            for (target, collection) in [
                (Target::Foreign, "notes"),
                (Target::Own, "notes"),
                (Target::Secret, "secret"),
            ] {
                let doc = &world.docs[&target];
                let owner = doc.owner().unwrap();
                let body = json!({"owner": owner, "email": doc.id, "n": n});
                let put = Request::new("PUT", &doc.path()).json(&body);
                assert_eq!(
                    world.by_admin(put.header("If-Match", "*")).await.status,
                    200
                );
                let passing = format!("/api/{collection}/passing-{}", doc.id);
                let put = Request::new("PUT", &passing).json(&json!({"owner": owner}));
                world.by_admin(put).await;
                let delete = Request::new("DELETE", &passing).header("If-Match", "*");
                assert_eq!(world.by_admin(delete).await.status, 204);
            }
        }
    };
    let (told, ()) = tokio::join!(futures_util::future::join_all(streams), writes);
    let (mut events, mut answers) = (0, 0);
    for (who, space, collection, path, status, told) in told {
        let may = may(who, Action::Read, &Spot { space, collection });
        let is_graphql = path.contains("/graphql");
        if is_graphql && who.is_known {
            assert_eq!(
                told.contains("\"FORBIDDEN\""),
                !may,
                "{} {path}: {told}",
                who.label
            );
        }
        let expected = match may {
            _ if !who.is_known => 401,
            // A stream of GraphQL says so itself.
            _ if is_graphql => 200,
            true => 200,
            false => 403,
        };
        assert_eq!(status, expected, "{} {path}: {told}", who.label);
        let leaks: Vec<_> = leaked(&world.canaries, who, path, &told);
        assert!(
            leaks.is_empty(),
            "{} {path}: {leaks:?} in {told}",
            who.label
        );
        events += told.matches("event: change").count();
        answers += told.matches("\"data\":{").count();
    }
    assert!(events > 500, "only {events} events: nothing was tested");
    assert!(answers > 300, "only {answers} answers: nothing was tested");
}
