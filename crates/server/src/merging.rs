use axum::body::Body;
use bytes::Bytes;
use detente_core::json::{self, Draft, Pointer, Value};
use detente_core::merge::{Choice, Choices};
use detente_core::{EntityTag, VersionTag};
use detente_service::{MergeAsk, MergeEdit, MergePreview, Named, What};

use crate::call::{Answer, Call};
use crate::explanation::{Refused, agreement_names, change_rows, clash_rows, joined_rows};
use crate::fields;
use crate::idempotency::OnceField;
use crate::inbound::not_json;
use crate::operations::IN_PREVIEWS;
use crate::parameters::switch_in;
use crate::problem::Problem;
use crate::representation::{self, Coding};
use crate::resource::JSON;
use crate::write::{self, patch_of};

/// What `dry_run` is for.
const DRY_RUN: &str = "whether to show what the merge would come to, and store nothing";

/// Joins an edit of an older version with the current one, or shows what that would come to.
pub(crate) async fn merge(call: &mut Call) -> Answer {
    let is_preview = switch_in(call.inbound.query(), "dry_run", DRY_RUN)? == Some(true);
    if is_preview {
        fields::must_be_placed(&IN_PREVIEWS, call.inbound.headers())?;
    }
    let key = call.names().key()?;
    call.app.service.collection(key.collection())?;
    let conditions = fields::preconditions(call.inbound.headers())?;
    let lock_token = fields::lock_token(call.inbound.headers())?;
    call.inbound.must_be(&[JSON], "accept-post")?;
    let sent = call.inbound.read_enclosing(1).await?;
    let wanted = Wanted::read(&sent)?;
    // Nothing is performed by a preview that a key could be for; one that is none is a mistake all
    // the same.
    let once = OnceField::read(call.inbound.headers())?;
    let ask = MergeAsk {
        key,
        base: wanted.base,
        edit: wanted.edit,
        choices: wanted.choices,
        current: wanted.current,
        conditions,
        lock_token,
        verb: "POST",
        sent,
    };
    let service = &call.app.service;
    if is_preview {
        let preview = service.preview_merge(&call.principal, ask).await?;
        let body = report(&preview).into_text();
        return representation::json(body, Coding::Identity).await;
    }
    let once = once.as_ref().map(|once| once.of(&call.inbound));
    let done = service.merge(&call.principal, ask, once).await?;
    let headers = call.inbound.headers();
    let reply = write::answer(done, &call.inbound.parts.method, headers, &call.site);
    Ok(reply.map(Body::from))
}

/// What a request wants of a merge.
struct Wanted {
    base: Named,
    edit: MergeEdit,
    choices: Choices,
    /// The version that the choices were made on.
    current: Option<Named>,
}

impl Wanted {
    fn read(body: &Bytes) -> Result<Self, Refused> {
        let value = json::parse_enclosing(body, 1).map_err(|error| not_json(&error))?;
        let members = value.as_object();
        let members = members.ok_or_else(|| Problem::mistake("", "must be an object"))?;
        let known = ["base", "document", "patch", "choices", "current"];
        if let Some(other) = members.keys().find(|name| !known.contains(&name.as_str())) {
            let place = Pointer::root().child(other.as_str()).to_string();
            let what = format!("is not known here: {}", known.join(", "));
            return Err(Problem::mistake(&place, &what).into());
        }
        let base = members.get("base");
        let base = base.ok_or_else(|| {
            let what = "must name the version that your edit began from";
            Problem::mistake("/base", what)
        })?;
        let edit = match (members.get("document"), members.get("patch")) {
            (Some(document), None) => MergeEdit::Document(document.clone()),
            (None, Some(patch)) => MergeEdit::Patch(patch_of(patch)?),
            _ => {
                let what = "and /patch: send one of them, what you made of the base";
                return Err(Problem::mistake("/document", what).into());
            }
        };
        let (choices, current) = read_choices(&value)?;
        Ok(Self {
            base: read_named("/base", base)?,
            edit,
            choices,
            current,
        })
    }
}

/// The choices of a request, and the version that they were made on.
pub(crate) fn read_choices(body: &Value) -> Result<(Choices, Option<Named>), Refused> {
    let choices = match body.get("choices") {
        Some(choices) => choices_of(choices)?,
        None => Choices::new(),
    };
    let current = body.get("current");
    let current = current.map(|it| read_named("/current", it)).transpose()?;
    if !choices.is_empty() && current.is_none() {
        return Err(Box::<detente_service::Explanation>::from(What::ChoicesWithoutCurrent).into());
    }
    Ok((choices, current))
}

/// A tag as ETag has it, or the number of a version.
pub(crate) fn read_named(place: &str, value: &Value) -> Result<Named, Problem> {
    let wrong = || {
        let what = "must be an entity tag, with its quotes, or the number of a version";
        Problem::mistake(place, what)
    };
    match value {
        Value::Number(number) => number.as_whole().map(Named::Number).ok_or_else(wrong),
        Value::String(text) => {
            let mut tags = EntityTag::parse_list(text.as_bytes()).map_err(|_| wrong())?;
            let tag = tags.pop().filter(|_| tags.is_empty()).ok_or_else(wrong)?;
            let plain = VersionTag::without_suffix(tag);
            Ok(VersionTag::from_entity_tag(&plain).map_or(Named::Unknown, Named::Tag))
        }
        _ => Err(wrong()),
    }
}

/// `{"/title": "yours" | "current" | "base" | {"value": …}}`
fn choices_of(value: &Value) -> Result<Choices, Problem> {
    let members = value.as_object();
    let members = members.ok_or_else(|| Problem::mistake("/choices", "must be an object"))?;
    let mut choices = Choices::new();
    for (name, value) in members {
        let place = Pointer::root().child("choices").child(name.as_str());
        let wrong = |what: &str| Problem::mistake(&place.to_string(), what);
        let path = name.parse::<Pointer>();
        let path = path.map_err(|error| wrong(&format!("must name a place: {error}")))?;
        let choice = match value {
            Value::String(text) => match text.as_str() {
                "yours" => Some(Choice::Ours),
                "current" => Some(Choice::Theirs),
                "base" => Some(Choice::Base),
                _ => None,
            },
            Value::Object(members) if members.len() == 1 => {
                members.get("value").cloned().map(Choice::Value)
            }
            _ => None,
        };
        let what = "must be \"yours\", \"current\", \"base\" or {\"value\": …}";
        choices.insert(path, choice.ok_or_else(|| wrong(what))?);
    }
    Ok(choices)
}

/// What a merge would come to, with all that collides: it is from here that a large conflict is decided.
pub(crate) fn report(preview: &MergePreview) -> Draft {
    let divergence = &preview.divergence;
    let (base, current) = (&divergence.base, &divergence.current);
    let tag = divergence.current_tag().map(|tag| tag.to_field());
    let mut report = Draft::default()
        .with("mergeable", divergence.is_mergeable)
        .with("base_version", base.as_ref().map(|it| it.version))
        .with("current_version", current.as_ref().map(|it| it.version))
        .with("current_etag", tag.as_deref())
        .with("joined", joined_rows(&divergence.joined))
        .with("agreements", agreement_names(divergence, usize::MAX))
        .with("conflicts", clash_rows(divergence, usize::MAX))
        .with("changes_since", change_rows(&divergence.since));
    if let Some(document) = &preview.document {
        report.add("document", document);
    }
    report
}
