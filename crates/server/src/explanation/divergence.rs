use axum::http::header;
use detente_core::json::{Draft, Pointer};
use detente_core::merge::Join;
use detente_service::{Change, Clash, Demand, Divergence, MOST_PLACES, Shows};

use super::Subject;
use super::message::{self, field_name};
use super::obstacle;
use crate::problem::{Problem, ProblemKind};

impl Subject<'_> {
    pub(super) fn collided(
        &self,
        kind: ProblemKind,
        detail: String,
        divergence: Divergence,
    ) -> Problem {
        let tag = divergence.current_tag().map(|tag| tag.to_field());
        let current = divergence.current.as_ref();
        let base = divergence.base.as_ref();
        let mut problem = Problem::new(kind, detail)
            .with("current_version", current.map(|it| it.version))
            .with("your_version", base.map(|base| base.version))
            .with("current_etag", tag.as_deref())
            .with("conflicting_fields", first(&divergence.fields))
            .with("conflicts", clash_rows(&divergence, MOST_PLACES))
            .with("changes_since", change_rows(&divergence.since))
            .with("mergeable", divergence.is_mergeable);
        if let Some(count) = omitted(&divergence.clashes) {
            problem = problem.with("conflicts_omitted", count);
        }
        if !divergence.agreements.is_empty() {
            problem = problem.with("agreements", agreement_names(&divergence, MOST_PLACES));
        }
        if divergence.is_cut {
            problem = problem.with("changes_omitted", true);
        }
        if !divergence.joined.is_empty() {
            problem = problem.with("joined", joined_rows(first(&divergence.joined)));
        }
        if divergence.is_already_applied {
            problem = problem.with("already_applied", true);
        }
        problem = self.with_documents(problem, &divergence);
        let problem = problem.with("resolutions", self.resolutions());
        match tag {
            Some(tag) => problem.header(header::ETAG, &tag),
            None => problem,
        }
    }

    fn with_documents(&self, problem: Problem, divergence: &Divergence) -> Problem {
        let Some(current) = &divergence.current else {
            return problem;
        };
        match divergence.shows {
            Shows::Nothing => return problem,
            Shows::TooLarge => return problem.with("current_href", self.href()),
            Shows::All => {}
        }
        let problem = if current.head().is_document() {
            problem.with_document("current", current.body.clone())
        } else {
            problem
        };
        match &divergence.merged {
            Some(merged) => problem.with_document("merged", merged.clone()),
            None => problem,
        }
    }

    pub(super) fn deleted(&self, divergence: &Divergence) -> Problem {
        let Some(tombstone) = &divergence.current else {
            return Problem::internal("a deleted document has no tombstone");
        };
        let detail = match self.rests_on {
            None => format!(
                "{} deleted this {} in version {}.",
                tombstone.by,
                self.noun(),
                tombstone.version
            ),
            Some(operation) => {
                format!("Operation {operation} of this batch deletes the document first.")
            }
        };
        let base = divergence.base.as_ref().map(|base| base.version);
        let current = self.stored.filter(|_| self.rests_on.is_some());
        let problem = Problem::new(ProblemKind::Deleted, detail)
            .with(
                "current_version",
                current.map_or(tombstone.version, |it| it.version),
            )
            .with("your_version", base)
            .deletion(tombstone);
        let problem = match divergence.shows {
            Shows::Nothing => problem,
            _ => problem
                .with("conflicts", clash_rows(divergence, MOST_PLACES))
                .with("changes_since", change_rows(&divergence.since))
                .with("mergeable", false),
        };
        problem.with("resolutions", self.resolutions())
    }

    pub(super) fn base_gone(&self, divergence: &Divergence) -> Problem {
        let tag = divergence.current_tag().map(|tag| tag.to_field());
        let head = divergence.current.as_ref().map(|it| it.head());
        let problem = Problem::new(ProblemKind::BaseGone, message::BASE_GONE)
            .with("current_etag", tag.as_deref())
            .with("resolutions", self.resolutions())
            .with_facts(head);
        match tag {
            Some(tag) => problem.header(header::ETAG, &tag),
            None => problem,
        }
    }
}

/// Those that a refusal names.
fn first<T>(places: &[T]) -> &[T] {
    &places[..places.len().min(MOST_PLACES)]
}

/// How many a refusal leaves out, if it does.
fn omitted<T>(places: &[T]) -> Option<u64> {
    let count = places.len().saturating_sub(MOST_PLACES);
    (count > 0).then_some(count as u64)
}

/// A row for each place where two edits collide, up to so many.
pub(crate) fn clash_rows(divergence: &Divergence, most: usize) -> Vec<Draft> {
    let shows_values = divergence.shows == Shows::All;
    let row = |clash: &Clash| {
        let mut row = Draft::default()
            .with("path", clash.path.to_string())
            .with("kind", clash.kind.name())
            .with("strategy", clash.strategy);
        if let Some(broken) = &clash.broken {
            let (member, name) = match &broken.demand {
                Demand::Keyword(name) => ("keyword", name),
                Demand::Rule(name) => ("rule", name),
                Demand::Constraint(name) => ("constraint", name),
            };
            row.add(member, name);
            row.add("message", &broken.message);
        }
        if let Some(obstacle) = &clash.obstacle {
            row.add("obstacle", obstacle::row(obstacle));
        }
        let values = [
            ("base", &clash.base),
            ("yours", &clash.yours),
            ("current", &clash.current),
        ];
        for (name, value) in values {
            if let (Some(value), true) = (value, shows_values) {
                row.add(name, value);
            }
        }
        if let Some(author) = &clash.author {
            row.add("by", &*author.by);
            row.add("version", author.version);
        }
        row
    };
    divergence.clashes.iter().take(most).map(row).collect()
}

/// A row for each version between base and current.
pub(crate) fn change_rows(changes: &[Change]) -> Vec<Draft> {
    let row = |change: &Change| {
        let mut row = Draft::default()
            .with("version", change.version)
            .with("by", &*change.by)
            .with("at", change.at.to_string());
        if let Some(fields) = &change.fields {
            row.add("fields", first(fields));
            if let Some(count) = omitted(fields) {
                row.add("fields_omitted", count);
            }
        }
        row
    };
    changes.iter().map(row).collect()
}

/// What both sides changed alike, up to so many places.
pub(crate) fn agreement_names(divergence: &Divergence, most: usize) -> Vec<String> {
    let name = |place: &Pointer| field_name(place);
    divergence.agreements.iter().take(most).map(name).collect()
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
