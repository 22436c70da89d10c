use axum::http::{Method, header};
use detente_core::json::{Draft, Pointer};
use detente_core::merge::Join;
use detente_core::rules::{Duplicate, Violation};
use detente_core::{Collision, Conflict, Constraint, Field};

use super::record::Explained;
use super::story::{Found, Story};
use super::{Attempt, REPEAT_LIMIT, resolution};
use crate::problem::{Problem, ProblemKind};

/// A demand that a joined document does not meet.
struct Broken {
    path: Pointer,
    /// The member that names the demand, and its name.
    what: (&'static str, String),
    message: String,
}

impl Attempt {
    pub(super) fn stale(
        &self,
        kind: ProblemKind,
        story: &Story,
        failed: Option<Field>,
    ) -> Explained {
        let found = story.compare(self);
        let detail = story.tell(&found, failed);
        let rows = self.conflicts(story, &found);
        let paths = found.conflicts.iter().map(|it| it.path.to_string());
        let paths = paths.collect();
        Explained::new(self.collided(kind, story, &found, detail, rows), paths).told_by(story)
    }

    /// Two edits that can be joined, into what must not be stored.
    pub(super) fn unmergeable(&self, story: &Story, constraint: &Constraint) -> Explained {
        let mut found = story.compare(self);
        found.mergeable = false;
        let broken = self.broken(constraint);
        let messages = broken.iter().map(|it| it.message.clone());
        let messages = messages.collect::<Vec<_>>().join("; ");
        found.fields = top_level(broken.iter().map(|it| &it.path));
        let by = story.current.as_ref().map(|current| current.by.to_string());
        let detail = format!(
            "Joined with what {} saved, your edit would break a rule that neither breaks alone: {messages}.",
            by.unwrap_or_default()
        );
        let rows = self.broken_rows(story, constraint);
        let paths = broken.iter().map(|it| it.path.to_string()).collect();
        let kind = self.stale_kind();
        let problem = self.collided(kind, story, &found, detail, rows);
        Explained::new(problem, paths).told_by(story)
    }

    /// A row for each demand that a join does not meet.
    pub(crate) fn broken_rows(&self, story: &Story, constraint: &Constraint) -> Vec<Draft> {
        let broken = self.broken(constraint);
        broken.iter().map(|it| self.broken_row(story, it)).collect()
    }

    fn broken(&self, constraint: &Constraint) -> Vec<Broken> {
        match constraint {
            Constraint::Schema(violations) => {
                let broken = |violation: &Violation| Broken {
                    path: violation.path.parse().unwrap_or_default(),
                    what: ("keyword", violation.keyword.clone()),
                    message: violation.message.clone(),
                };
                violations.iter().map(broken).collect()
            }
            Constraint::State(conflict) => {
                let lifecycle = self.collection.rules.rules.lifecycle.as_ref();
                let field = lifecycle.map(|lifecycle| lifecycle.field.clone());
                let message = if self.may_read {
                    conflict.message.clone()
                } else {
                    format!("the rule {} does not allow this", conflict.rule)
                };
                vec![Broken {
                    path: field.unwrap_or_default(),
                    what: ("rule", conflict.rule.clone()),
                    message,
                }]
            }
            Constraint::Unique(duplicates) => {
                let broken = |duplicate: &Duplicate| Broken {
                    path: duplicate.fields.first().cloned().unwrap_or_default(),
                    what: ("constraint", duplicate.constraint.clone()),
                    message: self.duplicate_message(duplicate),
                };
                duplicates.iter().map(broken).collect()
            }
        }
    }

    fn broken_row(&self, story: &Story, broken: &Broken) -> Draft {
        let Broken {
            path,
            what,
            message,
        } = broken;
        let strategies = &self.collection.rules.rules.strategies;
        let mut row = Draft::default()
            .with("path", path.to_string())
            .with("kind", Collision::Constraint.name())
            .with("strategy", strategies.name_at(path))
            .with(what.0, &what.1)
            .with("message", message);
        if let Some(author) = story.author(strategies, path) {
            row.add("by", &*author.by);
            row.add("version", author.version);
        }
        row
    }

    fn collided(
        &self,
        kind: ProblemKind,
        story: &Story,
        found: &Found,
        detail: String,
        rows: Vec<Draft>,
    ) -> Problem {
        let mut problem = Problem::new(kind, detail)
            .with(
                "current_version",
                story.current.as_ref().map(|it| it.version),
            )
            .with("your_version", story.base.as_ref().map(|base| base.version))
            .with("current_etag", story.tag())
            .with("conflicting_fields", &found.fields)
            .with("conflicts", rows)
            .with("changes_since", story.changes())
            .with("mergeable", found.mergeable);
        if !found.agreements.is_empty() {
            problem = problem.with("agreements", &found.agreements);
        }
        if story.omitted {
            problem = problem.with("changes_omitted", true);
        }
        if !found.joined_places.is_empty() && self.may_read {
            problem = problem.with("joined", joined_rows(&found.joined_places));
        }
        if story.is_already_applied(&self.command.edit) {
            problem = problem.with("already_applied", true);
        }
        problem = self.add_documents(problem, story, found);
        let problem = problem.with("resolutions", self.resolutions(story));
        match story.tag() {
            Some(tag) => problem.header(header::ETAG, &tag),
            None => problem,
        }
    }

    fn add_documents(&self, problem: Problem, story: &Story, found: &Found) -> Problem {
        let Some(current) = story.current.as_ref().filter(|_| self.may_read) else {
            return problem;
        };
        if current.body.len() > REPEAT_LIMIT {
            return problem.with("current_href", self.href());
        }
        let problem = if current.head().is_document() {
            problem.with_document("current", current.body.clone())
        } else {
            problem
        };
        match story.whole(found) {
            Some(joined) => problem.with_document("merged", joined),
            None => problem,
        }
    }

    pub(crate) fn conflicts(&self, story: &Story, found: &Found) -> Vec<Draft> {
        let size = story
            .current
            .as_ref()
            .map_or(0, |current| current.body.len());
        let show_values = self.may_read && size <= REPEAT_LIMIT;
        let strategies = &self.collection.rules.rules.strategies;
        let row = |conflict: &Conflict| {
            let mut row = Draft::default()
                .with("path", conflict.path.to_string())
                .with("kind", conflict.collision.name())
                .with("strategy", conflict.strategy);
            if show_values {
                let values = [
                    ("base", &conflict.base),
                    ("yours", &conflict.ours),
                    ("current", &conflict.theirs),
                ];
                for (name, value) in values {
                    if let Some(value) = value {
                        row.add(name, value);
                    }
                }
            }
            if let Some(author) = story.author(strategies, &conflict.path) {
                row.add("by", &*author.by);
                row.add("version", author.version);
            }
            row
        };
        found.conflicts.iter().map(row).collect()
    }

    pub(super) fn resolutions(&self, story: &Story) -> Vec<Draft> {
        let href = self.href();
        let history = resolution("history", "GET", format!("{href}/versions"));
        match story.tag() {
            Some(tag) => {
                let mut ways = Vec::new();
                if !self.is_merge() {
                    let retry = resolution("retry", self.method.as_str(), &href);
                    ways.push(retry.with("if_match", &tag));
                }
                if let (Some(base), true) = (&story.base, self.method != Method::DELETE) {
                    let base = base.head().tag().to_entity_tag().to_field();
                    let merge = resolution("merge", "POST", format!("{href}/merge"));
                    ways.push(merge.with("base", base).with("current", &tag));
                }
                ways.push(resolution("current", "GET", href));
                ways.push(history);
                ways
            }
            None => vec![resolution("create", "PUT", href).with("if_none_match", "*")],
        }
    }
}

/// What strategies joined, for whoever wants to look at it.
pub(crate) fn joined_rows(joins: &[Join]) -> Vec<Draft> {
    let row = |join: &Join| {
        let mut row = Draft::default()
            .with("path", join.path.to_string())
            .with("strategy", join.strategy);
        if join.review {
            row.add("review", true);
        }
        if let Some(lost) = &join.lost {
            row.add("lost", lost);
        }
        row
    };
    joins.iter().map(row).collect()
}

/// The top-level members that paths lead into, each once.
pub(super) fn top_level<'a>(paths: impl Iterator<Item = &'a Pointer>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in paths.filter_map(|path| path.tokens().first()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
