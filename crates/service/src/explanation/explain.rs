use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::Pointer;
use detente_core::rules::{Deed, Duplicate, Violation};
use detente_core::{Collision, Command, Constraint, Edit, Head, Refusal, Stored, VersionTag};

use super::bounded::cut;
use super::hidden::Hidden;
use super::story::{History, Story};
use super::{Bar, Broken, Clash, Demand, Divergence, Explanation, REPEAT_LIMIT, Shows, Way, What};
use crate::offload::offload;
use crate::policy::Collection;
use crate::reading::Reading;
use crate::{Outcome, Principal, Service};

/// A write that was refused, as far as its refusal is explained by it.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// How the write was asked for, as its face names it.
    pub(crate) verb: &'static str,
    pub(crate) command: Arc<Command>,
    pub(crate) collection: Arc<Collection>,
    /// Whether it was to be joined with what came since.
    pub(crate) wants_merge: bool,
    /// The body, as it was sent.
    pub(crate) sent: Bytes,
}

/// On what an explanation rests, beside the refusal.
#[derive(Clone, Debug, Default)]
pub(crate) enum Ground {
    /// What the refusal names is stored.
    #[default]
    Stored,
    /// The refusal rests on an earlier operation of the same batch, which was not performed either.
    Operation {
        /// `None`: the write would have been refused without it, too.
        index: Option<usize>,
        /// What that operation would have left of the document.
        left: Option<Arc<Stored>>,
        /// What is stored of the document.
        current: Option<Arc<Stored>>,
    },
}

/// Turns a refusal into an explanation that lets its reader go on in one round trip.
pub(crate) async fn explain(
    service: &Service,
    attempt: Attempt,
    principal: &Principal,
    refusal: Refusal,
    ground: Ground,
) -> Outcome<Box<Explanation>> {
    let reading = &service.reading;
    let (refusal, is_hidden) = match service.hide(&attempt, principal, refusal).await? {
        Hidden::No(refusal) => (refusal, false),
        Hidden::As(refusal) => (refusal, true),
        Hidden::Told(explanation) => return Ok(explanation),
    };
    let history = match ground.current_of(&refusal) {
        _ if is_hidden => History::default(),
        Current::None => History::read(reading, &attempt, None).await?,
        Current::Head(head) => History::read(reading, &attempt, Some(head)).await?,
        Current::Version(stored) => History::up_to(reading, &attempt, stored).await?,
    };
    let is_base_gone = match &refusal {
        Refusal::Stale { head } if attempt.wants_merge => {
            is_base_gone(reading, &attempt.command, *head).await?
        }
        _ => false,
    };
    let key = &attempt.command.key;
    let (history, is_shown) = service.history_in_sight(principal, key, history).await?;
    let refusal = service
        .without_hidden_holders(principal, key, refusal)
        .await?;
    let bytes = history.bytes() + attempt.sent.len();
    let _share = service.budget.explanation(bytes).await;
    let work = move || attempt.explain(history, refusal, is_base_gone, &ground);
    let mut explanation = offload(bytes, work).await?;
    if let Some(record) = &mut explanation.record {
        record.at = service.writer.time().now;
        record.agent.clone_from(&principal.agent);
    }
    Ok(Box::new(explanation.seen(is_shown).of_files()))
}

/// Whether If-Match names a version that was this document's, by all that its tag says, and is not
/// kept any more.
async fn is_base_gone(reading: &Reading, command: &Command, head: Option<Head>) -> Outcome<bool> {
    let (Some(head), Some(condition)) = (head, &command.preconditions.if_match) else {
        return Ok(false);
    };
    for tag in condition.tags() {
        let Some(tag) = VersionTag::from_entity_tag(tag) else {
            continue;
        };
        let is_older = tag.version < head.version && tag.seq < head.seq;
        if is_older
            && reading
                .version(command.key.space(), tag.seq)
                .await?
                .is_none()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

enum Current {
    None,
    Head(Head),
    Version(Option<Arc<Stored>>),
}

impl Ground {
    /// The version that the edit is compared with.
    fn current_of(&self, refusal: &Refusal) -> Current {
        let head = match refusal {
            Refusal::Stale { head } => *head,
            Refusal::Deleted { head }
            | Refusal::PreconditionFailed { head, .. }
            | Refusal::Unmergeable { head, .. } => Some(*head),
            _ => return Current::None,
        };
        match (self, refusal, head) {
            (Self::Operation { left, .. }, Refusal::Deleted { .. }, _) => {
                Current::Version(left.clone())
            }
            (Self::Operation { current, .. }, ..) => Current::Version(current.clone()),
            (Self::Stored, _, Some(head)) => Current::Head(head),
            (Self::Stored, _, None) => Current::None,
        }
    }

    /// The head that can be told: that of a version that is stored.
    fn head(&self, head: Option<Head>) -> Option<Head> {
        match self {
            Self::Stored => head,
            Self::Operation { current, .. } => current.as_ref().map(|stored| stored.head()),
        }
    }
}

impl Attempt {
    /// Whether it is an edit of a version that the request itself names.
    pub(super) fn is_merge(&self) -> bool {
        matches!(self.command.edit, Edit::Merge(_))
    }

    /// What stands in the way of a deed: that its writer lacks the right, or else a rule.
    pub(super) fn denied(&self, deed: Deed) -> What {
        let bar = match self.command.lacks == Some(deed) {
            true => Bar::Right,
            false => Bar::Rule,
        };
        What::denied(&self.command.by, deed.into(), bar)
    }

    fn explain(
        &self,
        history: History,
        refusal: Refusal,
        is_base_gone: bool,
        ground: &Ground,
    ) -> Explanation {
        let base = history.base.clone();
        // The log keeps what is stored, not what an operation would have left.
        let current = match (ground, &refusal) {
            (_, Refusal::LockLost { head }) => ground.head(*head),
            (Ground::Stored, _) => history.current.as_ref().map(|stored| stored.head()),
            (Ground::Operation { .. }, _) => ground.head(None),
        };
        let answer = self.collection.stale_answer;
        let what = match refusal {
            Refusal::Missing => What::Missing,
            Refusal::ConditionRequired => What::ConditionRequired { verb: self.verb },
            Refusal::Invalid(violations) => What::Invalid(violations),
            Refusal::TooCostly(by) => What::TooCostly(by),
            Refusal::Denied(deed) => self.denied(deed),
            Refusal::State { conflict, head } => What::State {
                conflict: Box::new(conflict),
                head: ground.head(head),
                is_shown: true,
            },
            Refusal::Duplicate { duplicates, head } => What::Duplicate {
                duplicates,
                head: ground.head(head),
                is_shown: true,
            },
            Refusal::Patch { failure, head } => What::Patch {
                failure,
                head: ground.head(Some(head)),
                is_shown: true,
            },
            Refusal::Deleted { .. } => What::Deleted(Box::new(self.deleted(history))),
            Refusal::Stale { .. } if is_base_gone => {
                What::BaseGone(Box::new(Story::new(self, history).facts()))
            }
            Refusal::Stale { .. } => What::Stale(Box::new(self.diverge(history)), answer),
            Refusal::PreconditionFailed { field, .. } => {
                What::PreconditionFailed(Box::new(self.diverge(history)), field)
            }
            Refusal::Unmergeable { constraint, .. } => {
                let divergence = self.unmergeable(history, &constraint);
                What::Unmergeable(Box::new(divergence), answer)
            }
            Refusal::Locked { lock } => What::Locked(lock),
            Refusal::LockLost { .. } => What::LockLost,
        };
        let rests_on = match ground {
            Ground::Stored => None,
            Ground::Operation { index, .. } => *index,
        };
        let ways = match (&what, rests_on) {
            // The document is still there.
            (What::Deleted(_), Some(_)) => vec![Way::Current, Way::History],
            _ => self.ways(&what),
        };
        let explanation = Explanation {
            ways,
            rests_on,
            stored: current,
            ..*Explanation::of(what, &self.command.key)
        };
        explanation.recorded(self, base.as_deref())
    }

    pub(super) fn diverge(&self, history: History) -> Divergence {
        Story::new(self, history).diverge(self)
    }

    /// Two edits that can be joined, into what must not be stored.
    fn unmergeable(&self, history: History, constraint: &Constraint) -> Divergence {
        let story = Story::new(self, history);
        let clashes = self.broken(&story, constraint);
        Divergence {
            fields: top_level(clashes.iter().map(|it| &it.path)),
            is_mergeable: false,
            clashes,
            ..story.diverge(self)
        }
    }

    fn deleted(&self, history: History) -> Divergence {
        let story = Story::new(self, history);
        let facts = story.facts();
        let tombstone = facts.current.as_ref();
        let base = facts.base.as_ref();
        let base = base.filter(|base| base.body.len() <= REPEAT_LIMIT);
        let clash = |tombstone: &Arc<Stored>| Clash {
            path: Pointer::root(),
            kind: Collision::EditDelete,
            strategy: "manual",
            base: base.and_then(|base| base.document()),
            yours: None,
            current: None,
            obstacle: None,
            broken: None,
            author: Some(super::Author {
                by: Arc::clone(&tombstone.by),
                version: tombstone.version,
            }),
        };
        Divergence {
            clashes: tombstone.map(clash).into_iter().collect(),
            shows: Shows::All,
            ..facts
        }
    }

    /// A clash for each demand that a join does not meet.
    fn broken(&self, story: &Story, constraint: &Constraint) -> Vec<Clash> {
        let rules = &self.collection.rules.rules;
        let authors = story.authors(&rules.strategies);
        let clash = |path: Pointer, demand, message: &String| Clash {
            kind: Collision::Constraint,
            strategy: rules.strategies.name_at(&path),
            base: None,
            yours: None,
            current: None,
            obstacle: None,
            broken: Some(Broken {
                demand,
                message: cut(message.clone()),
            }),
            author: authors.of(&path),
            path,
        };
        match constraint {
            Constraint::Schema(violations) => {
                let broken = |it: &Violation| {
                    let path = it.path.parse().unwrap_or_default();
                    clash(path, Demand::Keyword(it.keyword.clone()), &it.message)
                };
                violations.iter().map(broken).collect()
            }
            Constraint::State(conflict) => {
                let field = rules.lifecycle.as_ref().map(|it| it.field.clone());
                let demand = Demand::Rule(conflict.rule.clone());
                vec![clash(field.unwrap_or_default(), demand, &conflict.message)]
            }
            Constraint::Unique(duplicates) => {
                let broken = |it: &Duplicate| {
                    let path = it.fields.first().cloned().unwrap_or_default();
                    let demand = Demand::Constraint(it.constraint.clone());
                    clash(path, demand, &it.message)
                };
                duplicates.iter().map(broken).collect()
            }
        }
    }

    /// How a preview of the merge stands: as its refusal would, with what collides beside what is
    /// broken.
    pub(crate) fn preview(&self, history: History, constraint: Option<&Constraint>) -> Divergence {
        let story = Story::new(self, history);
        let mut divergence = story.diverge(self);
        // Whoever asked for the merge gets it, however large it is.
        if divergence.merged.is_none() {
            divergence.merged = story.merged(self);
        }
        if let Some(constraint) = constraint {
            divergence.clashes.extend(self.broken(&story, constraint));
            divergence.is_mergeable = false;
        }
        divergence
    }

    fn ways(&self, what: &What) -> Vec<Way> {
        match what {
            What::ConditionRequired { .. } => vec![Way::Read],
            What::Deleted(_) => vec![Way::History, Way::Recreate],
            What::Locked(_) => vec![Way::Lock],
            What::Stale(divergence, _)
            | What::PreconditionFailed(divergence, _)
            | What::Unmergeable(divergence, _)
            | What::BaseGone(divergence) => self.ways_on(divergence),
            _ => Vec::new(),
        }
    }

    fn ways_on(&self, divergence: &Divergence) -> Vec<Way> {
        let Some(tag) = divergence.current_tag() else {
            return vec![Way::Create];
        };
        let mut ways = Vec::new();
        if !self.is_merge() {
            ways.push(Way::Retry {
                verb: self.verb,
                tag: tag.clone(),
            });
        }
        let is_deletion = matches!(self.command.edit, Edit::Delete);
        if let (Some(base), false) = (&divergence.base, is_deletion) {
            let base = base.head().tag().to_entity_tag();
            ways.push(Way::Merge { base, current: tag });
        }
        ways.extend([Way::Current, Way::History]);
        ways
    }
}

/// The top-level members that paths lead into, each once.
fn top_level<'a>(paths: impl Iterator<Item = &'a Pointer>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in paths.filter_map(|path| path.tokens().first()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
