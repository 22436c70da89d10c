use detente_client::{Collection, Error};

use crate::fake::{Answer, Fake};
use crate::updates::Counter;

#[tokio::test]
async fn a_history_is_read_page_by_page() {
    let fake = Fake::start(|ask| {
        let body = match ask.path.split_once('?') {
            None => {
                r#"{"items":[
                    {"id":"1","version":3,"updated_at":"t3","updated_by":"carol","deleted":true},
                    {"id":"1","version":2,"etag":"\"2-a\"","updated_at":"t2","updated_by":"bob","data":{"n":12345678901234567890.0}}
                ],"next":"2&x"}"#
            }
            Some((_, "cursor=2%26x")) => {
                r#"{"items":[{"id":"1","version":1,"etag":"\"1-a\"","updated_at":"t1","updated_by":"ann","data":{"n":1}}],"next":null}"#
            }
            Some(_) => return Answer::new(400, "").into(),
        };
        Answer::new(200, body).into()
    })
    .await;
    let documents: Collection = fake.client().collection("c");
    let rows = documents.history("1").unwrap().all().await.unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let document = row.document.as_ref();
            let text = document.map_or_else(String::new, |document| document.to_string());
            format!("{} {} {text}", row.version, row.updated_by)
        })
        .collect();
    assert_eq!(
        told,
        [
            "3 carol ",
            r#"2 bob {"n":12345678901234567890.0}"#,
            r#"1 ann {"n":1}"#
        ]
    );
    let document = rows[2].document.as_ref().unwrap();
    assert_eq!(document.tag().unwrap().to_string(), "\"1-a\"");
    assert_eq!(fake.lines().len(), 2);
}

#[tokio::test]
async fn a_list_keeps_its_filters_on_every_page() {
    let fake = Fake::start(|ask| {
        let next = if ask.path.contains("cursor=") {
            "null"
        } else {
            "\"c\""
        };
        let row = r#"{"id":"1","version":1,"etag":"\"1\"","data":{"n":1}}"#;
        Answer::new(200, format!(r#"{{"items":[{row}],"next":{next}}}"#)).into()
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let mut rows = counters.list(&[("n.gt", "0"), ("sort", "-n")]).unwrap();
    let mut seen = 0;
    while let Some(row) = rows.next().await {
        assert_eq!(row.unwrap().document.unwrap().n, 1);
        seen += 1;
    }
    assert_eq!(seen, 2);
    let lines = fake.lines();
    assert_eq!(
        lines,
        [
            "GET /api/c?n.gt=0&sort=-n",
            "GET /api/c?n.gt=0&sort=-n&cursor=c"
        ]
    );
}

#[tokio::test]
async fn a_row_that_does_not_fit_does_not_end_the_list_and_a_refusal_does() {
    let fake = Fake::start(|ask| match ask.path.contains("cursor=") {
        true => Answer::new(403, "").into(),
        false => {
            let rows =
                r#"{"id":"1","version":1,"data":{"n":"x"}},{"id":"2","version":1,"data":{"n":2}}"#;
            Answer::new(200, format!(r#"{{"items":[{rows}],"next":"c"}}"#)).into()
        }
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let mut rows = counters.list(&[]).unwrap();
    assert!(matches!(rows.next().await, Some(Err(Error::Content(_)))));
    assert_eq!(rows.next().await.unwrap().unwrap().id, "2");
    assert!(matches!(
        rows.next().await,
        Some(Err(Error::Unauthorized(_)))
    ));
    assert!(rows.next().await.is_none());
}

#[tokio::test]
async fn one_version() {
    let fake = Fake::start(|_| {
        let answer = Answer::new(200, r#"{"n":4}"#);
        answer
            .header("etag", "\"4-x\"")
            .header("document-version", "4")
            .into()
    })
    .await;
    let counters = fake.client().collection::<Counter>("c");
    let version = counters.version("1", 4).await.unwrap();
    assert_eq!(
        (version.id(), version.version(), version.n),
        ("1", Some(4), 4)
    );
    assert_eq!(fake.lines(), ["GET /api/c/1/versions/4"]);
}
