use std::sync::{Arc, Mutex};

use detente_client::{Choice, Choices, Collection, Draft, Error, Json};

use crate::fake::{Fake, Reply};
use crate::shelf::{DIALECTS, Dialect, Shelf};

type Shared = Arc<Mutex<Shelf>>;

const BASE: &str = r#"{"title":"Draft","body":"Once","n":1}"#;

async fn server(dialect: Dialect) -> (Fake, Shared, Collection) {
    let shelf = Arc::new(Mutex::new(Shelf::new(dialect).with("45", BASE)));
    let served = Arc::clone(&shelf);
    let fake = Fake::start(move |ask| served.lock().unwrap().reply(ask)).await;
    let articles = fake.client().collection("articles");
    (fake, shelf, articles)
}

fn others_save(shelf: &Shared, text: &str) {
    shelf.lock().unwrap().set("45", text);
}

fn stored(shelf: &Shared) -> String {
    shelf.lock().unwrap().text("45")
}

#[tokio::test]
async fn edits_of_different_places_are_joined() {
    for dialect in DIALECTS {
        let (fake, shelf, articles) = server(dialect).await;
        let mut draft = articles.edit("45").await.unwrap();
        draft.set("title", "Plan");
        others_save(&shelf, r#"{"title":"Draft","body":"The end","n":1}"#);
        let saved = draft.save().await.unwrap();
        let joined = r#"{"title":"Plan","body":"The end","n":1}"#;
        assert_eq!(stored(&shelf), joined, "{dialect:?}");
        assert_eq!(saved.document.to_string(), joined);
        assert!(saved.merged);
        let told = (dialect == Dialect::Detente).then_some((1, 2));
        assert_eq!(saved.merged_versions, told, "{dialect:?}");
        assert_eq!(fake.writes()[0].header("prefer"), Some("conflict=merge"));
        // The draft continues from there: the next save does not undo what was merged.
        draft.set("n", 2);
        let saved = draft.save().await.unwrap();
        assert!(!saved.merged);
        assert_eq!(
            stored(&shelf),
            joined.replace(r#""n":1"#, r#""n":2"#),
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn a_draft_without_an_edit_writes_nothing() {
    let (fake, _, articles) = server(Dialect::Detente).await;
    let mut draft = articles.edit("45").await.unwrap();
    let saved = draft.save().await.unwrap();
    assert_eq!((saved.merged, saved.document.version()), (false, Some(1)));
    draft.set("title", "Draft");
    draft.save().await.unwrap();
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn without_a_decision_the_refusal_tells_all_and_the_draft_is_as_it_was() {
    for dialect in DIALECTS {
        let (_fake, shelf, articles) = server(dialect).await;
        let mut draft = articles.edit("45").await.unwrap();
        draft.set("title", "Plan");
        draft.set("n", 2);
        others_save(&shelf, r#"{"title":"Final","body":"Once","n":1}"#);
        let error = draft.save().await.unwrap_err();
        let Error::Stale(stale) = error else {
            panic!("{error:?}");
        };
        let [conflict] = &stale.conflicts[..] else {
            panic!("{stale:?}");
        };
        let values = [&conflict.base, &conflict.yours, &conflict.current];
        let values = values.map(|value| value.as_ref().unwrap().to_string());
        assert_eq!(
            values,
            [r#""Draft""#, r#""Plan""#, r#""Final""#],
            "{dialect:?}"
        );
        assert_eq!(
            (conflict.path.to_string().as_str(), &*conflict.kind),
            ("/title", "edit-edit")
        );
        let merged = stale.merged.as_ref().unwrap().to_string();
        assert_eq!(merged, r#"{"title":"Final","body":"Once","n":2}"#);
        assert_eq!(stale.current_tag.as_ref().unwrap().to_string(), "\"2-45\"");
        assert_eq!(draft.to_string(), r#"{"title":"Plan","body":"Once","n":2}"#);
        assert_eq!(draft.version(), (dialect == Dialect::Detente).then_some(1));
    }
}

fn decides(draft: &mut Draft, choice: Choice) -> Arc<Mutex<usize>> {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    draft.on_conflict(move |stale| {
        *counted.lock().unwrap() += 1;
        Some(stale.choose_all(&choice))
    });
    asked
}

#[tokio::test]
async fn where_edits_collide_somebody_decides() {
    let cases = [
        (Choice::Ours, "Plan"),
        (Choice::Theirs, "Final"),
        (Choice::Base, "Draft"),
        (Choice::Value("Final plan".into()), "Final plan"),
    ];
    for dialect in DIALECTS {
        for (choice, title) in cases.clone() {
            let (fake, shelf, articles) = server(dialect).await;
            let mut draft = articles.edit("45").await.unwrap();
            draft.set("title", "Plan");
            others_save(&shelf, r#"{"title":"Final","body":"Once","n":2}"#);
            let asked = decides(&mut draft, choice.clone());
            let saved = draft.save().await.unwrap();
            assert_eq!(*asked.lock().unwrap(), 1, "{dialect:?} {choice:?}");
            let expected = format!(r#"{{"title":"{title}","body":"Once","n":2}}"#);
            assert_eq!(stored(&shelf), expected, "{dialect:?} {choice:?}");
            assert!(saved.merged);
            if dialect == Dialect::Detente {
                let merge = fake.writes().pop().unwrap();
                assert_eq!(merge.line(), "POST /api/articles/45/merge");
                let body: Json = merge.body.parse().unwrap();
                assert_eq!(body.get("base").unwrap().as_str(), Some("\"1-45\""));
                assert_eq!(body.get("current").unwrap().as_str(), Some("\"2-45\""));
            }
        }
    }
}

#[tokio::test]
async fn what_was_decided_too_late_is_decided_again() {
    for dialect in DIALECTS {
        let (_fake, shelf, articles) = server(dialect).await;
        let mut draft = articles.edit("45").await.unwrap();
        draft.set("title", "Plan");
        others_save(&shelf, r#"{"title":"Final","body":"Once","n":1}"#);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, moving) = (Arc::clone(&seen), Arc::clone(&shelf));
        draft.on_conflict(move |stale| {
            let mut noted = noted.lock().unwrap();
            noted.push(stale.conflicts[0].current.clone().unwrap().to_string());
            if noted.len() == 1 {
                others_save(&moving, r#"{"title":"Very final","body":"Once","n":1}"#);
            }
            Some(stale.choose_all(&Choice::Ours))
        });
        draft.save().await.unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(*seen, [r#""Final""#, r#""Very final""#], "{dialect:?}");
        assert_eq!(
            stored(&shelf),
            r#"{"title":"Plan","body":"Once","n":1}"#,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_can_be_resolved_later() {
    for dialect in DIALECTS {
        let (_fake, shelf, articles) = server(dialect).await;
        let mut draft = articles.edit("45").await.unwrap();
        draft.set("title", "Plan");
        others_save(&shelf, r#"{"title":"Final","body":"Once","n":1}"#);
        let Err(Error::Stale(stale)) = draft.save().await else {
            panic!("it collides");
        };
        // An incomplete decision is none.
        let undecided = draft.resolve(&stale, &Choices::new()).await;
        assert!(matches!(undecided, Err(Error::Stale(_))), "{undecided:?}");
        let choices = stale.choose_all(&Choice::Ours);
        let saved = draft.resolve(&stale, &choices).await.unwrap();
        assert_eq!(
            stored(&shelf),
            r#"{"title":"Plan","body":"Once","n":1}"#,
            "{dialect:?}"
        );
        assert_eq!(saved.document.tag().unwrap().to_string(), "\"3-45\"");
    }
}

/// A server that explains conflicts but does not merge.
#[tokio::test]
async fn where_the_server_does_not_merge_the_client_does() {
    let shelf = Arc::new(Mutex::new(Shelf::new(Dialect::Detente).with("45", BASE)));
    let served = Arc::clone(&shelf);
    let fake = Fake::start(move |ask| -> Reply {
        let mut shelf = served.lock().unwrap();
        if ask.path.ends_with("/merge") {
            return crate::fake::Answer::new(405, "").into();
        }
        shelf.reply(ask)
    })
    .await;
    let articles: Collection = fake.client().collection("articles");
    let mut draft = articles.edit("45").await.unwrap();
    draft.set("title", "Plan");
    others_save(&shelf, r#"{"title":"Final","body":"Once","n":2}"#);
    decides(&mut draft, Choice::Ours);
    draft.save().await.unwrap();
    assert_eq!(stored(&shelf), r#"{"title":"Plan","body":"Once","n":2}"#);
}

#[tokio::test]
async fn a_draft_of_a_deleted_document_is_not_saved() {
    let (_fake, shelf, articles) = server(Dialect::Detente).await;
    let mut draft = articles.edit("45").await.unwrap();
    draft.set("title", "Plan");
    shelf
        .lock()
        .unwrap()
        .versions
        .get_mut("45")
        .unwrap()
        .push(None);
    let error = draft.save().await.unwrap_err();
    assert!(matches!(error, Error::Deleted(_)), "{error:?}");
}

#[tokio::test]
async fn a_save_can_run_in_a_task_of_its_own() {
    let (_fake, shelf, articles) = server(Dialect::Detente).await;
    let mut draft = articles.edit("45").await.unwrap();
    draft.set("title", "Plan");
    others_save(&shelf, r#"{"title":"Final","body":"Once","n":1}"#);
    decides(&mut draft, Choice::Theirs);
    tokio::spawn(async move { draft.save().await.unwrap() })
        .await
        .unwrap();
    assert_eq!(stored(&shelf), r#"{"title":"Final","body":"Once","n":1}"#);
}
