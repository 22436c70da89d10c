use detente_core::json::{Object, Pointer, Value};
use detente_core::merge::{Choice, Choices, Merge};

use crate::json::Json;
use crate::problem::{Problem, number};
use crate::snapshot::Snapshot;
use crate::tag::Tag;

/// One place where your edit and another exclude each other. `None` means absent, which is not
/// null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub path: Pointer,
    /// How the edits conflict, such as `edit-edit` or `delete-edit`.
    pub kind: String,
    /// The merge strategy of the place; `manual` by default.
    pub strategy: String,
    pub base: Option<Json>,
    pub yours: Option<Json>,
    pub current: Option<Json>,
    /// Who last changed the place, if the server says so.
    pub by: Option<String>,
    /// In which version, if the server says so.
    pub version: Option<u64>,
}

/// A write that came too late: somebody else saved in between.
///
/// Detente sends all of this. For a server that does not, the client has read the document again
/// and compared the edits itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Stale {
    /// The refusal, as the server sent it.
    pub problem: Problem,
    /// What is stored now; `None` if that is too large for a refusal, or if the caller may not read
    /// it.
    pub current: Option<Json>,
    /// `None` if there is no document.
    pub current_tag: Option<Tag>,
    pub current_version: Option<u64>,
    /// The places in conflict; empty if all edits can be merged.
    pub conflicts: Vec<Conflict>,
    /// Yours and current, merged; in the places in conflict it has the current value. `None` if the
    /// base of the edit is unknown, or if the caller may not read it.
    pub merged: Option<Json>,
    told: bool,
}

impl Stale {
    /// The same choice for all conflicts.
    pub fn choose_all(&self, choice: &Choice) -> Choices {
        let places = self.conflicts.iter();
        places
            .map(|conflict| (conflict.path.clone(), choice.clone()))
            .collect()
    }

    /// Reads a refusal of Detente; returns it as the error if it is something else, or if it leaves out conflicts: to
    /// decide on those, the edits must be compared here.
    pub(crate) fn of(problem: Problem) -> Result<Box<Self>, Problem> {
        let told = matches!(problem.kind(), "stale-version" | "precondition-failed");
        let is_whole = problem.get("conflicts_omitted").is_none();
        if !told || !is_whole || problem.get("current_etag").is_none() {
            return Err(problem);
        }
        Ok(Box::new(Self {
            current: problem.get("current").cloned().map(Json),
            current_tag: problem.text("current_etag").and_then(Tag::new),
            current_version: problem.number("current_version"),
            conflicts: problem
                .items("conflicts")
                .iter()
                .filter_map(conflict)
                .collect(),
            merged: problem.get("merged").cloned().map(Json),
            problem,
            told: true,
        }))
    }

    /// Explains a refusal that explains nothing, from `theirs`, which the client has read since.
    pub(crate) fn found(problem: Problem, theirs: Snapshot, merge: Merge) -> Box<Self> {
        Box::new(Self {
            problem,
            current: Some(Json(theirs.tree)),
            current_tag: theirs.tag,
            current_version: theirs.version,
            conflicts: merge.conflicts.into_iter().map(Conflict::from).collect(),
            merged: merge.document.map(Json),
            told: false,
        })
    }

    /// Whether the server sent all this, which means that it can also merge edits.
    pub(crate) fn is_told(&self) -> bool {
        self.told
    }

    /// The current version, if the refusal contains it.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        Some(Snapshot {
            version: self.current_version,
            tag: Some(self.current_tag.clone()?),
            tree: self.current.clone()?.0,
        })
    }
}

fn conflict(row: &Value) -> Option<Conflict> {
    let text = |name| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let value = |name| row.get(name).cloned().map(Json);
    Some(Conflict {
        path: text("path")?.parse().ok()?,
        kind: text("kind").unwrap_or_default(),
        strategy: text("strategy").unwrap_or_default(),
        base: value("base"),
        yours: value("yours"),
        current: value("current"),
        by: text("by"),
        version: row.get("version").and_then(number),
    })
}

impl From<detente_core::Conflict> for Conflict {
    fn from(conflict: detente_core::Conflict) -> Self {
        Self {
            path: conflict.path,
            kind: conflict.collision.name().to_owned(),
            strategy: conflict.strategy.to_owned(),
            base: conflict.base.map(Json),
            yours: conflict.ours.map(Json),
            current: conflict.theirs.map(Json),
            by: None,
            version: None,
        }
    }
}

/// Choices as `POST …/merge` takes them.
pub(crate) fn choices_to_json(choices: &Choices) -> Value {
    let members = choices.iter().map(|(path, choice)| {
        let choice = match choice {
            Choice::Ours => "yours".into(),
            Choice::Theirs => "current".into(),
            Choice::Base => "base".into(),
            Choice::Value(value) => Value::Object(Object::from([("value".into(), value.clone())])),
        };
        (path.to_string(), choice)
    });
    Value::Object(members.collect())
}

#[cfg(test)]
mod tests {
    use detente_core::json::parse;
    use reqwest::StatusCode;

    use super::*;

    const REFUSAL: &str = r#"{
        "type": "/problems/stale-version", "status": 409, "detail": "bob saved version 7.",
        "current_version": 7, "your_version": 5, "current_etag": "\"7-1f\"",
        "conflicts": [
            {"path": "/title", "kind": "edit-edit", "strategy": "manual", "base": "Draft",
             "yours": "Plan", "current": null, "by": "bob", "version": 7},
            {"path": "/a~1b", "kind": "edit-delete", "strategy": "manual", "yours": 1}
        ],
        "mergeable": false, "current": {"title": null, "n": 9007199254740993}, "merged": {}
    }"#;

    fn problem(body: &str) -> Problem {
        Problem::new(StatusCode::CONFLICT, body.as_bytes(), None)
    }

    #[test]
    fn what_a_refusal_tells() {
        let stale = Stale::of(problem(REFUSAL)).unwrap();
        assert_eq!(stale.current_tag, Tag::new("\"7-1f\""));
        assert_eq!(stale.current_version, Some(7));
        let current = stale.current.as_ref().unwrap();
        assert_eq!(
            current.to_string(),
            r#"{"title":null,"n":9007199254740993}"#
        );
        let [title, other] = &stale.conflicts[..] else {
            panic!("{:?}", stale.conflicts);
        };
        assert_eq!(title.path.to_string(), "/title");
        assert_eq!(
            (&title.base, &title.yours),
            (&Some(Json("Draft".into())), &Some(Json("Plan".into())))
        );
        assert_eq!(title.current, Some(Json(Value::Null)), "null is a value");
        assert_eq!((title.by.as_deref(), title.version), (Some("bob"), Some(7)));
        assert_eq!(other.path.tokens(), ["a/b"]);
        assert_eq!(
            (&other.base, &other.current, &other.by),
            (&None, &None, &None)
        );
    }

    #[test]
    fn refusals_that_are_about_something_else_or_do_not_tell_all() {
        for body in [
            "",
            r#"{"error":"UpdateConflict"}"#,
            r#"{"type":"/problems/duplicate-entry","current_etag":"\"1\""}"#,
            r#"{"type":"/problems/precondition-failed"}"#,
            r#"{"type":"/problems/stale-version","current_etag":"\"1-1\"","conflicts_omitted":7}"#,
        ] {
            assert!(Stale::of(problem(body)).is_err(), "{body}");
        }
    }

    #[test]
    fn choices_are_written_as_the_server_reads_them() {
        let choices = Choices::from([
            ("/a".parse().unwrap(), Choice::Ours),
            ("/b~1".parse().unwrap(), Choice::Theirs),
            ("/c".parse().unwrap(), Choice::Base),
            ("/d".parse().unwrap(), Choice::Value(parse(b"1.0").unwrap())),
        ]);
        assert_eq!(
            choices_to_json(&choices).to_text(),
            r#"{"/a":"yours","/b~1":"current","/c":"base","/d":{"value":1.0}}"#
        );
    }
}
