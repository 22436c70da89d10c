use serde_json::Value;

use crate::parameters::MAX_LIMIT;
use crate::problem::problems;
use crate::schema::{
    ID, Saying, flag, moment, one_word_of, short_text_like, text, text_in, text_like, whole,
};

/// What a request says beside its body.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name among the components.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) description: &'static str,
    pub(crate) schema: fn() -> Value,
    pub(crate) example: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

pub(crate) static PARAMETERS: [&Parameter; 30] = [
    &COLLECTION,
    &ID_IN_PATH,
    &VERSION,
    &CONFLICT,
    &SLUG,
    &LIMIT,
    &CURSOR,
    &VERSION_CURSOR,
    &CONFLICT_CURSOR,
    &SORT,
    &SINCE,
    &DRY_RUN,
    &BREAK_LOCK,
    &ATOMIC,
    &OF_COLLECTION,
    &OF_DOCUMENT,
    &OF_ACTOR,
    &OF_KIND,
    &OF_OUTCOME,
    &LOGGED_SINCE,
    &LOGGED_UNTIL,
    &IF_MATCH,
    &IF_NONE_MATCH,
    &IF_UNMODIFIED_SINCE,
    &IF_MODIFIED_SINCE,
    &PREFER,
    &IDEMPOTENCY,
    &LOCK,
    &ACTOR,
    &LAST_EVENT_ID,
];

/// A collection's name, within a pattern.
pub(crate) const COLLECTION_NAME: &str = "[a-z][a-z0-9-]{0,62}";

/// A name, a JSON Pointer or a name of the server's, `-` before it to turn the order round.
const SORT_BY: &str =
    "^(-?(_id|_version|_updated_at|(/([^/~]|~[01])*)+)|-?[^_/-][\\s\\S]*|--[\\s\\S]*)$";

/// The `seq` of a change, or where the feed is now.
const POSITION: &str = "^(now|0*[0-9]{1,18})$";

/// Where a page of the conflict log begins.
const BEFORE: &str = "^0*[0-9]{1,18}$";

/// A string in quotes (RFC 8941, section 3.3.3), or the bare text that many clients send.
pub(crate) const IDEMPOTENCY_KEY: &str =
    "^(\"([ !#-\\[\\]-~]|\\\\[\"\\\\])+\"|[!#-+\\--:<-\\[\\]-~]+)$";

/// A coded URL in angle brackets (RFC 4918, section 10.5), or bare.
pub(crate) const LOCK_TOKEN: &str = "^(<[!-~]+>|[!-;=-~][!-~]*)$";

const TAG: &str = "\"7-1f3a9c02\"";
const DATE: &str = "Sun, 22 Nov 2026 10:30:00 GMT";
const TIME: &str = "2026-11-22T10:30:00Z";

const fn parameter(
    place: Place,
    (key, name): (&'static str, &'static str),
    description: &'static str,
    schema: fn() -> Value,
) -> Parameter {
    Parameter {
        key,
        name,
        place,
        description,
        schema,
        example: None,
    }
}

const fn path(name: &'static str, description: &'static str, schema: fn() -> Value) -> Parameter {
    parameter(Place::Path, (name, name), description, schema)
}

const fn query(
    names: (&'static str, &'static str),
    description: &'static str,
    schema: fn() -> Value,
) -> Parameter {
    parameter(Place::Query, names, description, schema)
}

const fn field(
    names: (&'static str, &'static str),
    example: &'static str,
    description: &'static str,
    schema: fn() -> Value,
) -> Parameter {
    Parameter {
        example: Some(example),
        ..parameter(Place::Header, names, description, schema)
    }
}

static COLLECTION: Parameter = path("collection", "A collection, declared or not.", || {
    text_like(&format!("^{COLLECTION_NAME}$"))
});

static ID_IN_PATH: Parameter = path(
    "id",
    "Which document: 1 to 255 unreserved characters (RFC 3986), the first of them not `_`.",
    || short_text_like(ID, 255),
);

static VERSION: Parameter = path("version", "Which version of the document.", || {
    whole(1).and("format", "int64").and("maximum", i64::MAX)
});

static CONFLICT: Parameter = path("conflict", "Which conflict of the log.", || text_in("uuid"));

static SLUG: Parameter = path("slug", "The last part of a problem's `type`.", || {
    let slugs: Vec<_> = problems().map(|row| row.slug).collect();
    text().and("enum", slugs)
});

pub(super) static LIMIT: Parameter = query(
    ("limit", "limit"),
    "How many items to answer at most.",
    || whole(1).and("maximum", MAX_LIMIT).and("default", 100),
);

pub(super) static CURSOR: Parameter = query(
    ("cursor", "cursor"),
    "Where to go on: `next` of the page before, with the same `sort`. Opaque.",
    || text_like("^[A-Za-z0-9_-]+$"),
);

pub(super) static VERSION_CURSOR: Parameter = query(
    ("versionCursor", "cursor"),
    "Where to go on: `next` of the page before.",
    || text_like("^0*[1-9][0-9]{0,17}$"),
);

pub(super) static CONFLICT_CURSOR: Parameter = query(
    ("conflictCursor", "cursor"),
    "Where to go on: `next` of the page before.",
    || text_like(BEFORE),
);

pub(super) static SORT: Parameter = query(
    ("sort", "sort"),
    "A member's name, a JSON Pointer (`/address/city`), or one of `_id` (which is the default), `_version` and \
     `_updated_at`; `-` before it turns the order round. Absent comes first, then null, booleans, numbers, strings, \
     arrays, objects; equals are in the order of their ids.",
    || text_like(SORT_BY),
);

pub(super) static SINCE: Parameter = query(
    ("since", "since"),
    "The `seq` after which to begin: `last` of the page before, `0` for the beginning, or `now`.",
    || text_like(POSITION).and("default", "0"),
);

pub(super) static DRY_RUN: Parameter = query(
    ("dryRun", "dry_run"),
    "Whether to tell what the merge would come to now, and to store nothing.",
    || flag().and("default", false),
);

pub(super) static BREAK_LOCK: Parameter = query(
    ("breakLock", "break"),
    "Whether to take the lock away from whoever holds it, which a token may have to allow.",
    || flag().and("default", false),
);

pub(super) static ATOMIC: Parameter = query(
    ("atomic", "atomic"),
    "Whether all operations are performed or none; `false`: each for itself.",
    || flag().and("default", true),
);

pub(super) static OF_COLLECTION: Parameter = query(
    ("ofCollection", "collection"),
    "Only conflicts in this collection.",
    text,
);

pub(super) static OF_DOCUMENT: Parameter = query(
    ("ofDocument", "document"),
    "Only conflicts about documents of this id.",
    text,
);

pub(super) static OF_ACTOR: Parameter =
    query(("ofActor", "by"), "Only conflicts of this writer.", text);

pub(super) static OF_KIND: Parameter = query(
    ("ofKind", "kind"),
    "Only refusals of this kind: the last part of the problem's `type`.",
    text,
);

pub(super) static OF_OUTCOME: Parameter = query(
    ("ofOutcome", "outcome"),
    "Only conflicts that this became of.",
    || one_word_of(&["open", "resolved", "dismissed"]),
);

pub(super) static LOGGED_SINCE: Parameter = Parameter {
    example: Some(TIME),
    ..query(
        ("loggedSince", "since"),
        "Only conflicts of this time and later.",
        moment,
    )
};

pub(super) static LOGGED_UNTIL: Parameter = Parameter {
    example: Some(TIME),
    ..query(
        ("loggedUntil", "until"),
        "Only conflicts before this time.",
        moment,
    )
};

// What entity tags and HTTP-dates look like is RFC 9110's to say; a pattern for them helps nobody.

pub(super) static IF_MATCH: Parameter = field(
    ("ifMatch", "If-Match"),
    TAG,
    "The tags of the version that the request is about, as `ETag` told them, or `*` for any. Compared strongly.",
    text,
);

pub(super) static IF_NONE_MATCH: Parameter = field(
    ("ifNoneMatch", "If-None-Match"),
    TAG,
    "Tags of versions that are known already; `*` for a document that must not exist yet. Compared weakly.",
    text,
);

pub(super) static IF_UNMODIFIED_SINCE: Parameter = field(
    ("ifUnmodifiedSince", "If-Unmodified-Since"),
    DATE,
    "As If-Match, by `Last-Modified`; it counts only where If-Match is absent. Passed over if it is no HTTP-date.",
    text,
);

pub(super) static IF_MODIFIED_SINCE: Parameter = field(
    ("ifModifiedSince", "If-Modified-Since"),
    DATE,
    "As If-None-Match, by `Last-Modified`; it counts only where If-None-Match is absent. Passed over if it is no \
     HTTP-date.",
    text,
);

pub(super) static PREFER: Parameter = field(
    ("prefer", "Prefer"),
    "conflict=merge",
    "`return=minimal` leaves the representation out of the answer (RFC 7240). `conflict=merge` has an edit of a version \
     that is no longer the current one merged with what came since, where the two do not collide; `conflict=reject` \
     has it refused. Other preferences are passed over.",
    text,
);

pub(super) static IDEMPOTENCY: Parameter = field(
    ("idempotencyKey", "Idempotency-Key"),
    "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
    "Names this one write, so that to send it again does not perform it again: the answer of the first time is \
     repeated for a day, with `Idempotent-Replayed`. A string in quotes (RFC 8941, section 3.3.3), or bare; what \
     nobody used before, such as a UUID. Refusals are not kept.",
    || short_text_like(IDEMPOTENCY_KEY, 255),
);

pub(super) static LOCK: Parameter = field(
    ("lockToken", "Lock-Token"),
    "<urn:uuid:0288a989-1f0e-45fe-9dca-d5f22f43b41c>",
    "The token that taking the lock gave, in angle brackets (RFC 4918, section 10.5) or bare. A token of a lock that \
     is no longer held is refused, even where nobody holds one.",
    || text_like(LOCK_TOKEN),
);

pub(super) static LAST_EVENT_ID: Parameter = field(
    ("lastEventId", "Last-Event-ID"),
    "0",
    "Where a stream goes on that was interrupted; it counts instead of `since`.",
    || text_like(POSITION),
);

/// Of every write, where no token says it.
pub(crate) static ACTOR: Parameter = field(
    ("actor", "X-Actor"),
    "alice",
    "Who writes: becomes `updated_by`. Without it that is `anonymous`. UTF-8 without control characters, at most 128 \
     bytes.",
    || text_like("^[!-~]([ -~]{0,126}[!-~])?$"),
);
