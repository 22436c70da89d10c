//! The fields of conditional requests. What parses is written back as something that parses to the
//! same, and preconditions are judged as RFC 9110, section 13.1 defines each of them.
//!
//! The input is read three times: as a field value, as one of our own tags, and as the choices that
//! make up a request.

#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use detente_core::{
    Condition, Digest, EntityTag, Field, Moment, Preconditions, Selected, Verdict, VersionTag,
    evaluate,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    field_values(data);
    if let Ok(text) = std::str::from_utf8(data) {
        version_tags(text);
        dates(text);
    }
    let mut choices = Unstructured::new(data);
    if let Ok(numbers) = <[u64; 3]>::arbitrary(&mut choices) {
        made_tags(numbers);
    }
    if let Ok(request) = Request::arbitrary(&mut Unstructured::new(data)) {
        evaluation(&request);
    }
});

fn field_values(value: &[u8]) {
    let tags = EntityTag::parse_list(value);
    match &tags {
        Ok(tags) => {
            assert!(!tags.is_empty());
            let texts: Vec<String> = tags.iter().map(ToString::to_string).collect();
            let again = EntityTag::parse_list(texts.join(", ").as_bytes());
            assert_eq!(again.as_ref(), Ok(tags));
            tags.iter().for_each(one_tag);
        }
        Err(error) => assert!(error.offset <= value.len(), "{error}"),
    }
    match Condition::parse(value) {
        Ok(Condition::Any) => assert_eq!(value.trim_ascii(), b"*"),
        other => assert_eq!(other, tags.map(Condition::Tags)),
    }
}

fn one_tag(tag: &EntityTag) {
    assert!(tag.weak_eq(tag));
    assert_eq!(tag.strong_eq(tag), !tag.is_weak());
    let plain = VersionTag::without_suffix(tag.clone());
    assert!(tag.opaque().starts_with(plain.opaque()));
    if let Some(ours) = VersionTag::from_entity_tag(tag) {
        assert_eq!(ours.to_entity_tag(), *tag);
        assert_eq!(VersionTag::without_suffix(tag.with_coding("gzip")), *tag);
    }
}

fn version_tags(text: &str) {
    if let Ok(tag) = text.parse::<VersionTag>() {
        assert_eq!(tag.to_string(), text);
    }
}

fn made_tags([version, seq, digest]: [u64; 3]) {
    let tag = VersionTag {
        version,
        seq,
        digest: Digest(digest >> 16),
    };
    assert_eq!(tag.to_string().parse(), Ok(tag));
    assert_eq!(VersionTag::from_entity_tag(&tag.to_entity_tag()), Some(tag));
}

fn dates(text: &str) {
    if let Some(moment) = Moment::from_http_date(text) {
        assert_eq!(Moment::from_http_date(&moment.to_http_date()), Some(moment));
    }
}

/// Few tags and few moments, so that they often meet.
#[derive(Arbitrary, Debug)]
struct Request {
    if_match: Option<Wanted>,
    if_none_match: Option<Wanted>,
    if_unmodified_since: Option<u8>,
    if_modified_since: Option<u8>,
    current: Option<Current>,
    is_read: bool,
}

#[derive(Arbitrary, Debug)]
enum Wanted {
    Any,
    Tags(Vec<Tag>),
}

#[derive(Arbitrary, Debug)]
struct Tag {
    is_weak: bool,
    is_second: bool,
}

#[derive(Arbitrary, Debug)]
struct Current {
    tag: Tag,
    modified: u8,
    shares_its_second: bool,
}

impl Tag {
    fn build(&self) -> EntityTag {
        let weak = if self.is_weak { "W/" } else { "" };
        let opaque = if self.is_second { "b" } else { "a" };
        EntityTag::parse_list(format!("{weak}\"{opaque}\"").as_bytes())
            .unwrap()
            .remove(0)
    }
}

impl Wanted {
    fn build(&self) -> Condition {
        match self {
            Self::Any => Condition::Any,
            Self::Tags(tags) => Condition::Tags(tags.iter().map(Tag::build).collect()),
        }
    }
}

/// Eight moments in each second.
fn moment(eighths: u8) -> Moment {
    Moment(u64::from(eighths) * 125)
}

fn evaluation(request: &Request) {
    let conditions = Preconditions {
        if_match: request.if_match.as_ref().map(Wanted::build),
        if_none_match: request.if_none_match.as_ref().map(Wanted::build),
        if_unmodified_since: request.if_unmodified_since.map(moment),
        if_modified_since: request.if_modified_since.map(moment),
    };
    let current = request.current.as_ref().map(|current| Selected {
        tag: current.tag.build(),
        modified: moment(current.modified),
        shares_its_second: current.shares_its_second,
    });
    let verdict = evaluate(&conditions, current.as_ref(), request.is_read);
    let fails = |field| verdict == Verdict::Fail(field);

    let is_matched = is_matched(&conditions, current.as_ref());
    assert_eq!(fails(Field::IfMatch), is_matched == Some(false));
    if is_matched.is_some() {
        assert!(!fails(Field::IfUnmodifiedSince), "If-Match overrides it");
    }
    if conditions.if_none_match.is_some() || !request.is_read {
        assert!(!fails(Field::IfModifiedSince), "it does not count here");
    }
    if let (Some(Condition::Any), true) = (&conditions.if_none_match, current.is_some()) {
        assert_ne!(verdict, Verdict::Proceed);
    }
    if let (Some(Condition::Tags(tags)), Some(current)) = (&conditions.if_none_match, &current)
        && tags.iter().any(|tag| tag.opaque() == current.tag.opaque())
    {
        assert_ne!(verdict, Verdict::Proceed);
    }
    if current.is_none() && conditions.if_match.is_none() {
        assert_eq!(verdict, Verdict::Proceed);
    }
    if conditions == Preconditions::default() {
        assert_eq!(verdict, Verdict::Proceed);
    }
    if let (Some(date), Some(current)) = (conditions.if_unmodified_since, &current)
        && current.modified.second() > date.second()
        && is_matched.is_none()
    {
        assert!(fails(Field::IfUnmodifiedSince));
    }
}

/// Section 13.1.1, for requests that say If-Match.
fn is_matched(conditions: &Preconditions, current: Option<&Selected>) -> Option<bool> {
    let condition = conditions.if_match.as_ref()?;
    Some(match (condition, current) {
        (Condition::Any, current) => current.is_some(),
        (Condition::Tags(_), None) => false,
        (Condition::Tags(tags), Some(current)) => {
            !current.tag.is_weak() && tags.contains(&current.tag)
        }
    })
}
