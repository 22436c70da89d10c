//! Files over plain HTTP: bytes at paths. WebDAV clients would ask otherwise.

mod digest; // what a content must be (RFC 9530)
mod listing; // what is in a folder, as JSON
pub(crate) mod pages; // a folder that is sent as it is read
mod range; // a part of a content (RFC 9110, section 14)
pub(crate) mod sending; // a content on its way out

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use detente_core::{Condition, FILES, Key, Preconditions, ROOT};
use detente_service::{
    Became, Done, Entry, FileTerms, OnCollision, PutFile, StoredFile, TooMuch, What,
};
use tokio::time::Instant;

use crate::call::{Answer, Call};
use crate::explanation::Refused;
use crate::fields;
use crate::history::parse_number;
use crate::idempotency::OnceField;
use crate::operations::IN_LISTS_OF_VERSIONS;
use crate::parameters::parameters;
use crate::preference::Preferences;
use crate::problem::{Problem, ProblemKind};
use crate::representation::{self, Coding, bodiless, field};
use crate::resource::bad_name;
use crate::write::mark_replayed;
use digest::Expected;

/// What a content is where nobody says (RFC 9110, section 8.3).
const OCTETS: &str = "application/octet-stream";

/// The longest media type, in bytes.
const MAX_MEDIA_TYPE: usize = 255;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// A path of a request.
pub(crate) struct Target {
    pub(crate) key: Key,
    /// It ends with a slash: a folder is meant.
    pub(crate) means_folder: bool,
}

impl Target {
    pub(crate) fn of(call: &Call) -> Result<Self, Problem> {
        let names = call.names();
        let space = names.space()?;
        let path = call.path.get("path").unwrap_or_default();
        let bare = path.strip_suffix('/').unwrap_or(path);
        let key = match path {
            "" => Key::file(space, ROOT),
            _ => Key::file(space, bare),
        };
        Ok(Self {
            key: key.map_err(bad_name)?,
            means_folder: path.len() != bare.len() || path.is_empty(),
        })
    }
}

/// The content of a file, or what is in a folder.
pub(crate) async fn read(call: &mut Call) -> Answer {
    let Target { key, means_folder } = Target::of(call)?;
    let headers = call.inbound.headers();
    let conditions = fields::preconditions(headers)?;
    let page = listing::Wanted::parse(call.inbound.query())?;
    let service = &call.app.service;
    let read = match service.read(&call.principal, &key, &conditions).await {
        Ok(read) => read,
        // It is there as soon as anything is in it.
        Err(refused) if key.id() == ROOT && matches!(refused.what, What::Missing) => {
            return listing::of(call, &key, None, &page).await;
        }
        Err(refused) => return Err(refused.into()),
    };
    let entry = Entry::of(&read.stored)?;
    if entry.file().is_some() && means_folder {
        return Err(not_a_folder(&key).into());
    }
    if read.is_known {
        let reply = bodiless(StatusCode::NOT_MODIFIED, &read.stored, &call.site);
        return Ok(reply.map(Body::from));
    }
    match entry {
        Entry::Folder => listing::of(call, &key, Some(&read.stored), &page).await,
        Entry::File(facts) => sending::file(call, &read.stored, &facts).await,
    }
}

fn not_a_folder(key: &Key) -> Problem {
    let path = key.id();
    let detail = format!("{path:?} is a file, and not a folder: its path has no slash at the end.");
    Problem::new(ProblemKind::PathClash, detail)
        .with("path", path)
        .with("found", "file")
}

/// A file, or a folder if the path ends with a slash.
pub(crate) async fn put(call: &mut Call) -> Answer {
    let Target { key, means_folder } = Target::of(call)?;
    if means_folder {
        return put_folder(call, &key).await;
    }
    let on_collision = Preferences::on_collision(call.inbound.headers());
    let terms = terms(call.inbound.headers())?;
    let stored = receive(call, key, ("PUT", terms), on_collision).await?;
    let done = &stored.done;
    let (mut response, applied) = match stored.became {
        Became::Stored => return Ok(answer(call, done)),
        Became::Copied => {
            let mut response = answer(call, done);
            locate(call, &mut response, done);
            (response, "conflict=copy")
        }
        // Whoever gets its tag gets to see what was joined.
        Became::Joined => match Entry::of(&done.stored)? {
            Entry::File(facts) => {
                let mut response = sending::file(call, &done.stored, &facts).await?;
                if done.is_replayed {
                    mark_replayed(response.headers_mut());
                }
                (response, "conflict=merge")
            }
            Entry::Folder => return Ok(answer(call, done)),
        },
    };
    let applied = HeaderValue::from_static(applied);
    response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    Ok(response)
}

async fn put_folder(call: &mut Call, key: &Key) -> Answer {
    if !call.inbound.is_empty() {
        let detail =
            "A folder has no content: its path ends with a slash. That of a file does not.";
        return Err(Problem::malformed(detail).into());
    }
    let terms = terms(call.inbound.headers())?;
    let service = &call.app.service;
    let done = service.make_folder(&call.principal, key, &terms);
    Ok(answer(call, &done.await?))
}

/// A file in a folder, under a name that nobody has.
pub(crate) async fn post(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    let name = uuid::Uuid::now_v7().to_string();
    let path = match key.id() {
        ROOT => name,
        folder => format!("{folder}/{name}"),
    };
    let key = Key::file(key.space(), &path).map_err(bad_name)?;
    let terms = FileTerms {
        conditions: Preconditions {
            if_none_match: Some(Condition::Any),
            ..Preconditions::default()
        },
        ..terms(call.inbound.headers())?
    };
    let stored = receive(call, key, ("POST", terms), OnCollision::Refuse).await?;
    let mut response = answer(call, &stored.done);
    locate(call, &mut response, &stored.done);
    Ok(response)
}

/// A file, or a folder with all that is in it.
pub(crate) async fn delete(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    let headers = call.inbound.headers();
    let terms = terms(headers)?;
    let once = OnceField::read(headers)?;
    let once = once.as_ref().map(|once| once.of(&call.inbound));
    let service = &call.app.service;
    let removed = service.remove_file(&call.principal, &key, &terms, once);
    Ok(answer(call, &removed.await?))
}

/// The versions of a file, or the content of one of them.
pub(crate) async fn versions(call: &mut Call) -> Answer {
    let Target { key, .. } = Target::of(call)?;
    let query = call.inbound.query().to_owned();
    let wanted = parameters(&query).find(|(name, _)| name == "version");
    let Some((_, number)) = wanted else {
        fields::must_be_placed(&IN_LISTS_OF_VERSIONS, call.inbound.headers())?;
        return listing::versions(call, &key).await;
    };
    let number = parse_number(&number).ok_or_else(|| {
        let problem = Problem::malformed("version must be a version's number: 1, 2, 3 and so on.");
        problem.with("parameter", "version")
    })?;
    let conditions = fields::preconditions(call.inbound.headers())?;
    let service = &call.app.service;
    let read = service.read_version(&call.principal, &key, number, &conditions);
    let read = read.await?;
    if read.is_known {
        let reply = bodiless(StatusCode::NOT_MODIFIED, &read.stored, &call.site);
        return Ok(reply.map(Body::from));
    }
    match Entry::of(&read.stored)? {
        Entry::File(facts) => sending::file(call, &read.stored, &facts).await,
        Entry::Folder => {
            let text = listing::row_of_version(&read.stored)?;
            let coding = Coding::negotiate(call.inbound.headers(), text.len());
            representation::json(text, coding).await
        }
    }
}

/// Takes in a content, piece by piece, and stores it.
pub(crate) async fn receive(
    call: &mut Call,
    key: Key,
    (verb, terms): (&'static str, FileTerms),
    on_collision: OnCollision,
) -> Result<StoredFile, Refused> {
    let headers = call.inbound.headers();
    must_be_whole(headers)?;
    let media_type = media_type(headers)?;
    let expected = Expected::of(headers)?;
    let once = OnceField::read(headers)?;
    let mut incoming = call.app.service.receive()?;
    if let Some(length) = call.inbound.declared() {
        incoming.must_fit(length).map_err(too_much)?;
    }
    let begun = Instant::now();
    while let Some(piece) = call.inbound.next_piece(begun, incoming.size()).await? {
        let size = incoming.size() + piece.len() as u64;
        incoming.must_fit(size).map_err(too_much)?;
        incoming.take(piece).await?;
    }
    let received = incoming.finish().await?;
    expected.must_be(received.hash)?;
    let put = PutFile {
        key,
        terms,
        media_type,
        received,
        on_collision,
        verb,
    };
    let once = once.as_ref().map(|once| once.of(&call.inbound));
    Ok(call
        .app
        .service
        .put_file(&call.principal, put, once)
        .await?)
}

/// What the fields of a request say that a write depends on.
fn terms(headers: &HeaderMap) -> Result<FileTerms, Problem> {
    Ok(FileTerms {
        conditions: fields::preconditions(headers)?,
        lock_token: fields::lock_token(headers)?,
        ..FileTerms::default()
    })
}

/// What travels must be the file: no part of it, and no coding of it.
fn must_be_whole(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(header::CONTENT_RANGE) {
        // RFC 9110, section 14.5: a part would be taken for the whole.
        let detail = "A file is written as a whole: Content-Range cannot be heeded.";
        return Err(Problem::malformed(detail).with("header", "Content-Range"));
    }
    fields::must_be_plain(headers)
}

fn media_type(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(OCTETS.to_owned());
    };
    let text = value.to_str().ok().map(str::trim);
    let is_type = |text: &&str| {
        let plain = text.split(';').next().unwrap_or_default().trim();
        let is_token = |part: &str| {
            let is_tchar = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
            !part.is_empty() && part.bytes().all(is_tchar)
        };
        let parts = plain.split_once('/');
        text.len() <= MAX_MEDIA_TYPE && parts.is_some_and(|(a, b)| is_token(a) && is_token(b))
    };
    let text = text.filter(is_type).ok_or_else(|| {
        let detail = format!(
            "Content-Type must be a media type of at most {MAX_MEDIA_TYPE} bytes, such as text/plain."
        );
        Problem::malformed(detail).with("header", "Content-Type")
    })?;
    Ok(text.to_owned())
}

fn too_much(too_much: TooMuch) -> Problem {
    let TooMuch {
        limit,
        has_no_folder,
    } = too_much;
    let detail = match has_no_folder {
        true => format!(
            "A file may have at most {limit} bytes here: the configuration names no folder for larger ones \
             (`files.folder`)."
        ),
        false => format!("A file may have at most {limit} bytes."),
    };
    let problem = Problem::new(ProblemKind::ContentTooLarge, detail);
    problem.with("limit_bytes", limit)
}

/// What became of a write. There is no body: whoever wrote a file has it.
pub(crate) fn answer(call: &Call, done: &Done) -> Response {
    let is_file = done.stored.head().is_document();
    let status = match is_file && done.created {
        true => StatusCode::CREATED,
        false => StatusCode::NO_CONTENT,
    };
    let mut reply = bodiless(status, &done.stored, &call.site);
    if !is_file {
        // There is no representation left that a tag could name.
        reply.headers_mut().remove(header::ETAG);
    }
    if done.is_replayed {
        mark_replayed(reply.headers_mut());
    }
    reply.map(Body::from)
}

/// Where the file is. A request that is repeated is answered with the name that it got first.
fn locate(call: &Call, response: &mut Response, done: &Done) {
    let key = &done.stored.key;
    debug_assert_eq!(key.collection(), FILES);
    let location = field(call.site.document(key));
    response.headers_mut().insert(header::LOCATION, location);
}
