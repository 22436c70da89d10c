//! A refusal of the service, as a problem (RFC 9457). The one place where an explanation becomes
//! members, links and sentences; status codes stand with the kinds of problems.

mod divergence; // two edits side by side
mod message; // what is said to people
mod obstacle; // why a strategy cannot merge values
mod violation; // schema, unique keys, rules

use axum::http::header;
use detente_core::json::{Draft, Value};
use detente_core::{Costly, FILES, Head, Key, Lock, MalformedPatch, PatchFailure, Stored};
use detente_service::{
    Action, Bar, Explanation, Misplacement, StaleAnswer, Way, What, are_too_large,
};
use detente_store::{Damage, Settlement};

use crate::lock::owner_in_words;
use crate::problem::{Problem, ProblemKind};
use crate::site::Site;

pub(crate) use divergence::{agreement_names, change_rows, clash_rows, joined_rows};
pub(crate) use violation::invalid;

/// Why a request was not performed.
#[derive(Debug)]
pub(crate) enum Refused {
    Problem(Problem),
    /// It becomes a problem where it is known what links begin with.
    Explained(Box<Explanation>),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Box<Explanation>> for Refused {
    fn from(explanation: Box<Explanation>) -> Self {
        Self::Explained(explanation)
    }
}

impl Refused {
    /// The problem, with links to a site.
    pub(crate) fn told(self, site: &Site) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Explained(explanation) => Problem::of(*explanation, site),
        }
    }
}

impl Problem {
    fn of(explanation: Explanation, site: &Site) -> Self {
        let Explanation {
            what,
            key,
            ways,
            logged,
            rests_on,
            stored,
            ..
        } = explanation;
        let subject = Subject {
            site,
            key: key.as_ref(),
            ways: &ways,
            rests_on,
            stored,
        };
        let problem = subject.problem(what);
        let problem = match rests_on {
            Some(operation) => problem.with("rests_on", operation as u64),
            None => problem,
        };
        match logged {
            Some(place) => problem.with("logged", site.conflict(&place.space, &place.id)),
            None => problem,
        }
    }
}

/// What an explanation is about.
struct Subject<'a> {
    site: &'a Site,
    key: Option<&'a Key>,
    ways: &'a [Way],
    rests_on: Option<usize>,
    stored: Option<Head>,
}

impl Subject<'_> {
    fn problem(&self, what: What) -> Problem {
        use ProblemKind as Kind;
        let stale = |answer| match answer {
            StaleAnswer::Conflict => Kind::StaleVersion,
            StaleAnswer::PreconditionFailed => Kind::PreconditionFailed,
        };
        match what {
            What::Stale(it, answer) => {
                let detail = message::of_stale(&it, None, self.rests_on, self.noun());
                self.collided(stale(answer), detail, *it)
            }
            What::PreconditionFailed(it, field) => {
                let detail = message::of_stale(&it, Some(field), self.rests_on, self.noun());
                self.collided(Kind::PreconditionFailed, detail, *it)
            }
            What::Unmergeable(it, answer) => {
                let detail = message::of_unmergeable(&it, self.rests_on);
                self.collided(stale(answer), detail, *it)
            }
            What::Deleted(it) => self.deleted(&it),
            What::BaseGone(it) => self.base_gone(&it),
            What::Duplicate {
                duplicates,
                head,
                is_shown,
            } => self.duplicate(&duplicates, head, is_shown),
            What::State {
                conflict,
                head,
                is_shown,
            } => violation::state(*conflict, head, is_shown),
            What::Patch { failure, head, .. } => patch(&failure, head),
            What::Locked(lock) => self.locked(&lock),
            What::LockLost => Problem::new(Kind::LockLost, message::LOCK_LOST),
            What::ConditionRequired { verb } => self.condition_required(verb),
            What::ChoicesWithoutCurrent => {
                let problem = Problem::new(Kind::PreconditionRequired, message::CHOICES);
                problem.with("member", "/current")
            }
            other => self.other(other),
        }
    }

    /// What is no conflict with others.
    fn other(&self, what: What) -> Problem {
        use ProblemKind as Kind;
        match what {
            What::NotJson(error) => crate::inbound::not_json(&error),
            What::NotAPatch(error) => not_a_patch(&error),
            What::Invalid(violations) => invalid(violations),
            What::Misplaced { place, problem } => misplaced(&place, problem),
            What::Missing => Problem::not_found(self.has_no("document")),
            What::NeverThere => Problem::not_found(self.never_had()),
            What::NothingToLock => {
                Problem::not_found(self.has_no("document that could be locked, called"))
            }
            What::Gone(tombstone) => gone(&tombstone).with("current_version", tombstone.version),
            What::DeletedIn(tombstone) => {
                let (version, by, noun) = (tombstone.version, &tombstone.by, self.noun());
                let detail = format!("In version {version} {by} deleted the {noun}.");
                Problem::new(Kind::Gone, detail).deletion(&tombstone)
            }
            What::NoCollection(name) if name == FILES => {
                Problem::not_found("This server has no files.")
            }
            What::IsAFolder => self.clash(self.path(), "folder", "file"),
            What::NotAFolder(path) => self.clash(&path, "file", "folder"),
            What::NoFolder(path) => {
                let detail = format!("There is no folder {path:?}: make it first.");
                Problem::new(Kind::PathClash, detail)
                    .with("path", path)
                    .with("found", "nothing")
            }
            What::InTheWay => {
                let detail = format!(
                    "There is something at {:?} already, and Overwrite is F.",
                    self.path()
                );
                Problem::new(Kind::PreconditionFailed, detail).with("header", "Overwrite")
            }
            What::NotApart => {
                let detail = "What is moved or copied and where it is to be must be two places, neither in the other.";
                Problem::new(Kind::PathClash, detail).with("path", self.path())
            }
            What::PathTooLong => {
                let detail = format!(
                    "What is in it would have longer paths below {:?} than paths may be.",
                    self.path()
                );
                Problem::malformed(detail)
            }
            What::TagOfAnother => {
                let detail = format!(
                    "If has an entity tag of {:?}. It may have those of the file, of Destination, and of the folders \
                     that they are in: these are compared and written in one step.",
                    self.path()
                );
                Problem::malformed(detail).with("header", "If")
            }
            What::TooLargeBelow { limit } => {
                let detail = format!(
                    "What is in {:?} has more than {limit} bytes beside its large contents, which is more than can be \
                     moved or copied in one step. Move what is in it first.",
                    self.path()
                );
                Problem::new(Kind::TooCostly, detail).with("limit_bytes", limit as u64)
            }
            What::NoListHolds => {
                let detail = "None of the lists of If holds.";
                Problem::new(Kind::PreconditionFailed, detail).with("header", "If")
            }
            What::TooManyProperties { limit } => {
                let detail =
                    format!("The properties of a file may have at most {limit} bytes together.");
                Problem::new(Kind::ContentTooLarge, detail).with("limit_bytes", limit as u64)
            }
            What::IsTheRoot => {
                let detail = "The folder that all others are in stays where it is.";
                Problem::new(Kind::PathClash, detail)
                    .with("path", "/")
                    .with("found", "folder")
            }
            What::TooMuchBelow { limit } => {
                let detail = format!(
                    "More than {limit} files and folders are in {:?}, which is more than can be deleted, moved or copied in one \
                     step. Begin with what is in it.",
                    self.path()
                );
                Problem::new(Kind::TooCostly, detail)
            }
            What::NoCollection(name) => {
                Problem::not_found(format!("There is no collection {name:?}."))
            }
            What::NoVersion(number) => {
                let id = self.key.map(Key::id).unwrap_or_default();
                Problem::not_found(format!("{id} has no version {number}."))
            }
            What::VersionGone { number, newest } => {
                let id = self.key.map(Key::id).unwrap_or_default();
                let detail = format!("Version {number} of {id} is no longer kept.");
                Problem::new(Kind::VersionGone, detail).with("current_version", newest)
            }
            What::ReadPrecondition {
                field,
                tag,
                version,
            } => {
                let detail = message::of_read(field, &tag);
                let problem = Problem::new(Kind::PreconditionFailed, detail);
                let problem = problem.with("current_etag", tag.to_string());
                problem
                    .with("current_version", version)
                    .header(header::ETAG, &tag.to_string())
            }
            What::NotLocked => {
                let id = self.key.map(Key::id).unwrap_or_default();
                Problem::not_found(format!("Nobody holds a lock of {id:?}."))
            }
            What::NothingToBreak => Problem::not_found("Nobody holds a lock that could be broken."),
            What::NoConflict => Problem::not_found("The log has no such conflict."),
            What::SettledBefore(settled) => settled_before(&settled),
            What::LoggedBaseGone => Problem::new(Kind::BaseGone, message::LOGGED_BASE_GONE),
            What::LoggedBaseUnknown => {
                Problem::new(Kind::PatchConflict, message::LOGGED_BASE_UNKNOWN)
            }
            What::NotResolvedHere => Problem::not_found(message::NOT_RESOLVED_HERE),
            What::NothingToResolve => Problem::not_found(message::NOTHING_TO_RESOLVE),
            What::InProgress => Problem::new(Kind::RequestInProgress, message::IN_PROGRESS)
                .header(header::RETRY_AFTER, "1"),
            What::KeyReused => {
                Problem::new(Kind::KeyReuse, message::KEY_REUSED).with("header", "Idempotency-Key")
            }
            What::ReceiptGone => Problem::new(Kind::VersionGone, message::RECEIPT_GONE),
            What::NotPerformed => Problem::new(Kind::NotPerformed, message::NOT_PERFORMED),
            What::Denied { by, action, bar } => denied(&by, action, bar),
            What::TooCostly(Costly::Rule(rule)) => {
                let detail = format!(
                    "The rule {rule} takes longer for this document than rules may: others wait meanwhile."
                );
                Problem::new(Kind::TooCostly, detail).with("rule", rule)
            }
            What::TooCostly(Costly::Operation(operation)) => {
                let detail = format!(
                    "Up to operation {operation} the patch moves more values than a patch may. Send the \
                     document itself, or edit at the end of arrays."
                );
                Problem::new(Kind::TooCostly, detail).with("operation", operation as u64)
            }
            What::BatchTooLarge { limit } => {
                let detail = "The operations of this batch, with the documents that they change, are \
                              too many bytes for one batch. Send them in several.";
                Problem::new(Kind::ContentTooLarge, detail).with("limit_bytes", limit as u64)
            }
            What::Busy => Problem::unavailable("Too many writes are waiting."),
            What::Closing => Problem::unavailable("The server is shutting down."),
            What::Away => Problem::unavailable("The store cannot be reached."),
            What::Unknown => {
                let detail = "The connection to the database broke, and whether the write was performed \
                              is not known yet.";
                Problem::unavailable(detail).with("outcome", "unknown")
            }
            What::Full => Problem::new(Kind::StorageFull, message::FULL),
            What::Damaged(damage) => damaged(&damage),
            What::Failed { cause } => Problem::internal(cause),
            _ => Problem::internal("a conflict was taken for something else"),
        }
    }

    fn path(&self) -> &str {
        self.key.map(Key::id).unwrap_or_default()
    }

    /// What is at a path is something else.
    fn clash(&self, path: &str, found: &str, wanted: &str) -> Problem {
        let detail = format!("{path:?} is a {found}, and not a {wanted}.");
        Problem::new(ProblemKind::PathClash, detail)
            .with("path", path)
            .with("found", found)
    }

    fn href(&self) -> String {
        let link = |key| self.site.document(key);
        self.key.map(link).unwrap_or_default()
    }

    /// What it is about, in a word.
    fn noun(&self) -> &'static str {
        self.key.map_or("document", noun_of)
    }

    fn has_no(&self, what: &str) -> String {
        match self.key {
            Some(key) if key.is_of_files() => no_such_file(key),
            Some(key) => format!("{} has no {what} {:?}.", key.collection(), key.id()),
            None => format!("There is no such {what}."),
        }
    }

    fn never_had(&self) -> String {
        match self.key {
            Some(key) if key.is_of_files() => no_such_file(key),
            Some(key) => format!("{} never had a document {:?}.", key.collection(), key.id()),
            None => "There never was such a document.".into(),
        }
    }

    /// `current_etag` is not told: it is the GET that protects, not the tag.
    fn condition_required(&self, verb: &str) -> Problem {
        let noun = match (self.noun(), verb) {
            ("file", "DELETE") => "file or folder",
            (noun, _) => noun,
        };
        let detail = message::of_missing_condition(verb, noun);
        let problem = Problem::new(ProblemKind::PreconditionRequired, detail);
        problem.with("resolutions", self.resolutions())
    }

    fn locked(&self, lock: &Lock) -> Problem {
        let owner = owner_in_words(&lock.owner);
        // It may be the lock of a folder that the file is in.
        let of = match self.key {
            Some(key) if key.is_of_files() => format!("{:?}", key.id()),
            _ => "this document".to_owned(),
        };
        let detail = format!("{owner} holds the lock of {of} until {}.", lock.expires_at);
        Problem::new(ProblemKind::Locked, detail)
            .with("locked_by", &*owner)
            .with("fencing", lock.fencing)
            .with("expires_at", lock.expires_at.to_string())
            .with("resolutions", self.resolutions())
    }

    /// The ways on, as requests.
    fn resolutions(&self) -> Vec<Draft> {
        let href = self.href();
        let way = |rel: &str, method: &str, part: &str| {
            let href = match (part, self.key) {
                ("", _) | (_, None) => href.clone(),
                (part, Some(key)) => {
                    let mut href = String::new();
                    self.site.push_part(&mut href, key, part);
                    href
                }
            };
            Draft::default()
                .with("rel", rel)
                .with("method", method)
                .with("href", href)
        };
        let resolution = |it: &Way| match it {
            Way::Retry { verb, tag } => way("retry", verb, "").with("if_match", tag.to_field()),
            Way::Merge { base, current } => way("merge", "POST", "merge")
                .with("base", base.to_field())
                .with("current", current.to_field()),
            Way::Current => way("current", "GET", ""),
            Way::Read => way("read", "GET", ""),
            Way::History => way("history", "GET", "versions"),
            Way::Create => way("create", "PUT", "").with("if_none_match", "*"),
            Way::Recreate => way("recreate", "PUT", "").with("if_none_match", "*"),
            Way::Lock => way("lock", "GET", "lock"),
        };
        self.ways.iter().map(resolution).collect()
    }
}

fn noun_of(key: &Key) -> &'static str {
    match key.is_of_files() {
        true => "file",
        false => "document",
    }
}

fn no_such_file(key: &Key) -> String {
    format!("There is no file or folder {:?}.", key.id())
}

fn denied(by: &str, action: Action, bar: Bar) -> Problem {
    let verb = verb_of(action);
    let detail = match bar {
        Bar::Right => format!("{by} does not have the right to {verb} here."),
        Bar::Rule => {
            format!(
                "The access rules of this collection do not allow {by} to {verb} this document."
            )
        }
    };
    let problem = Problem::new(ProblemKind::Forbidden, detail);
    problem.with("action", action.word())
}

fn verb_of(action: Action) -> &'static str {
    match action {
        Action::Read => "read",
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
        Action::Resolve => "resolve conflicts",
        Action::BreakLock => "break locks",
        Action::Operate => "see how the server does",
    }
}

impl Problem {
    /// Which version is current, where there is one.
    fn with_facts(self, head: Option<Head>) -> Self {
        match head.filter(Head::is_document) {
            Some(head) => self
                .with("current_version", head.version)
                .with("current_etag", head.tag().to_entity_tag().to_field()),
            None => self,
        }
    }

    fn deletion(self, tombstone: &Stored) -> Self {
        self.with("deleted_at", tombstone.at.to_string())
            .with("deleted_by", tombstone.by.to_string())
    }
}

fn gone(tombstone: &Stored) -> Problem {
    let detail = format!("{} deleted this {}.", tombstone.by, noun_of(&tombstone.key));
    Problem::new(ProblemKind::Gone, detail).deletion(tombstone)
}

fn patch(failure: &PatchFailure, head: Option<Head>) -> Problem {
    let (operation, path) = failure.place();
    let detail = message::capitalized(&format!("{failure}."));
    let problem = Problem::new(ProblemKind::PatchConflict, detail)
        .with("operation", operation as u64)
        .with("path", path.to_string());
    let problem = match failure {
        PatchFailure::TestFailed {
            expected, actual, ..
        } if !are_too_large([expected].into_iter().chain(actual)) => {
            let problem = problem.with("expected", expected.clone());
            match actual {
                Some(actual) => problem.with("actual", actual.clone()),
                None => problem,
            }
        }
        _ => problem,
    };
    problem.with_facts(head)
}

pub(crate) fn not_a_patch(error: &MalformedPatch) -> Problem {
    let operation = match error {
        MalformedPatch::NoArray => Value::Null,
        MalformedPatch::NoObject { index }
        | MalformedPatch::Member { index, .. }
        | MalformedPatch::Unknown { index, .. }
        | MalformedPatch::Pointer { index, .. } => Value::from(*index as u64),
    };
    Problem::malformed(format!("The body is no JSON Patch: {error}.")).with("operation", operation)
}

fn misplaced(place: &str, problem: Misplacement) -> Problem {
    let what = match problem {
        Misplacement::NoVersion => "names no version of this document",
        Misplacement::DoesNotFit => "does not fit the base",
        Misplacement::NoPlace => "names a place that no version of the document has",
        Misplacement::VersionGone => {
            let detail = format!("{place} {}", message::VERSION_GONE);
            let problem = Problem::new(ProblemKind::BaseGone, detail);
            return problem.with("member", place);
        }
    };
    Problem::mistake(place, what)
}

/// The refusal of a settlement: somebody was faster.
fn settled_before(settled: &Settlement) -> Problem {
    let outcome = crate::conflict_log::outcome_name(Some(settled.outcome));
    let detail = format!("{} {outcome} this conflict already.", settled.by);
    let problem = Problem::new(ProblemKind::ConflictSettled, detail)
        .with("outcome", outcome)
        .with("settled_by", settled.by.to_string())
        .with("settled_at", settled.at.to_string())
        .with("settled_version", settled.version);
    match &settled.reason {
        Some(reason) => problem.with("settled_reason", reason.to_string()),
        None => problem,
    }
}

/// The log names what is damaged. The answer names its place, but no document: a tag can lead to one
/// that the caller may not know of.
fn damaged(damage: &Damage) -> Problem {
    let problem = Problem::new(ProblemKind::Damaged, message::DAMAGED);
    match damage {
        Damage::Version { seq, document } => {
            let problem = problem.with("seq", *seq);
            match document {
                Some((_, version)) => problem.with("version", *version),
                None => problem,
            }
        }
        Damage::Other(_) => problem,
    }
}
