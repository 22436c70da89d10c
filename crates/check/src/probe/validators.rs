//! A: does the resource say which version it is?

mod cors; // what pages of other origins can read
mod head; // asking without touching

use detente_core::EntityTag;
use http::{HeaderValue, header};

use super::Ruling;
use crate::lab::{Condition, Guard, Halt, Lab, Reading, opaque, said};
use crate::model::Severity;
pub(super) use cors::is_exposed;
use head::{Answered, HeadResult};

/// A1: is there a validator, and do GET and HEAD agree on it?
pub(super) async fn is_there(lab: &Lab) -> Result<Ruling, Halt> {
    let reading = lab.read().await?;
    let mut ruling = said_by_get(lab, &reading);
    ruling = ruling.or_worse(malformed(&reading).unwrap_or_else(nothing));
    // What HEAD might do to a resource that cannot be written could not be put back.
    if lab.habits().unwritable.is_some() {
        return Ok(ruling);
    }
    Ok(match head::ask(lab).await? {
        HeadResult::Harmed(harm) => *harm,
        HeadResult::Answered(asked) => {
            ruling.or_worse(disagreement(&asked).unwrap_or_else(nothing))
        }
        HeadResult::Unanswered(head) => ruling.or_worse(
            Ruling::inconclusive(format!(
                "HEAD was answered {}; it is unclear whether it changes anything, and it was not sent again",
                said(&head)
            ))
            .showing("HEAD", &head),
        ),
    })
}

fn nothing() -> Ruling {
    Ruling::skipped("nothing to say")
}

/// What stands for the version on the answer to a GET.
fn said_by_get(lab: &Lab, reading: &Reading) -> Ruling {
    if let Some(tag) = reading.tag() {
        return match () {
            () if lab.habits().ripens => Ruling::pass(format!(
                "GET sends the tag {tag}; for a second after a write it is weak, and cannot be used in If-Match"
            ))
            .showing("GET", &reading.exchange),
            () => {
                Ruling::pass(format!("GET sends the tag {tag}")).showing("GET", &reading.exchange)
            }
        };
    }
    let other = if let Some(date) = reading.modified() {
        Some(format!(
            "there is no ETag; Last-Modified is {date}, which cannot distinguish two writes in one second"
        ))
    } else {
        lab.habits()
            .version_members
            .first()
            .map(|pointer| format!("there is no ETag; the member {pointer} looks like a version"))
    };
    match other {
        Some(reason) => Ruling::pass(reason).showing("GET", &reading.exchange),
        None => Ruling::fail(
            Severity::Medium,
            "there is no ETag, no Last-Modified and no version in the body: a client cannot say which version \
             its edit is based on",
        )
        .showing("GET", &reading.exchange),
    }
}

/// What is no entity tag (RFC 9110, section 8.8.3), though it stands in its field.
fn malformed(reading: &Reading) -> Option<Ruling> {
    let tag = reading.tag()?;
    let is_one = EntityTag::parse_list(tag.as_bytes()).is_ok_and(|tags| tags.len() == 1);
    (!is_one).then(|| {
        Ruling::fail(
            Severity::Low,
            format!(
                "GET says `ETag: {tag}`, which is no entity tag: it needs double quotes; clients, caches and \
                 proxies \
                 that read it as one drop it, and with it the precondition"
            ),
        )
        .showing("GET", &reading.exchange)
    })
}

/// GET and HEAD say two tags.
fn disagreement(asked: &Answered) -> Option<Ruling> {
    let of_get = asked.reading.tag()?;
    let response = asked.head.response()?;
    let of_head = response
        .header("etag")
        .filter(|_| response.status.is_success())?;
    (opaque(of_get) != opaque(of_head)).then(|| {
        Ruling::fail(
            Severity::Medium,
            format!("GET sends the tag {of_get}, but HEAD {of_head}"),
        )
        .showing("GET", &asked.reading.exchange)
        .showing("HEAD", &asked.head)
    })
}

/// A2: is an idle tag the tag is the same each time, and good for a write however it was read?
pub(super) async fn is_stable(lab: &Lab) -> Result<Ruling, Halt> {
    let first = lab.read().await?;
    let Some(tag) = first.tag().map(str::to_owned) else {
        return Ok(Ruling::skipped("there is no ETag"));
    };
    let alice = lab.actor("alice");
    for place in lab.places() {
        for _ in 0..5 {
            let again = lab.read_as(&alice, place).await?;
            // Whoever wrote meanwhile is to blame, not the tag.
            if again.tag().map(opaque) != Some(opaque(&tag))
                && lab.habits().mask.is_same(&first, &again)
            {
                return Ok(Ruling::fail(
                    Severity::High,
                    format!(
                        "the tag changed from {tag} to {}, although nobody wrote",
                        again.tag().unwrap_or("none")
                    ),
                )
                .showing("the tag", &first.exchange)
                .showing("and a moment later", &again.exchange));
            }
        }
    }
    let mut ruling = Ruling::pass(match lab.habits().guard {
        Some(Guard::Tag) => {
            "the tag is the tag is the same each time, and works for a write with each content coding"
        }
        _ => "the tag is the same each time",
    });
    for coding in ["gzip", "br", "identity"] {
        ruling = ruling.or_worse(is_good_when_coded(lab, coding).await?);
    }
    Ok(ruling)
}

/// Reads under a content coding, and writes with the tag that came with it.
async fn is_good_when_coded(lab: &Lab, coding: &'static str) -> Result<Ruling, Halt> {
    let alice = lab.actor("alice");
    let plain = lab.read().await?;
    let request = lab
        .get(lab.place())
        .with(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
    let coded = lab.send_served(&alice, request).await?;
    let Some(response) = coded
        .response()
        .filter(|response| response.status.is_success())
    else {
        return Ok(Ruling::pass("not served in this coding"));
    };
    let is_coded = response
        .header("content-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case(coding));
    let (Some(tag), true) = (response.header("etag"), is_coded) else {
        return Ok(Ruling::pass("not served in this coding"));
    };
    if lab.habits().guard == Some(Guard::Tag) {
        let write = lab.attempt(&alice, &Condition::if_match(tag)).await?;
        if !write.is_applied() {
            return Ok(Ruling::fail(
                Severity::High,
                format!(
                    "the tag {tag} that came with {coding} was refused in If-Match: {}",
                    said(&write.exchange)
                ),
            )
            .showing(format!("read as {coding}"), &coded)
            .showing("the write with that tag", &write.exchange));
        }
    }
    if plain.tag() == Some(tag) && !tag.starts_with("W/") {
        return Ok(Ruling::fail(
            Severity::Medium,
            format!(
                "the strong tag {tag} names two different sequences of bytes, plain and {coding}"
            ),
        )
        .showing("plain", &plain.exchange)
        .showing(coding, &coded));
    }
    Ok(Ruling::pass("good for a write"))
}

/// A3: does a write change the validator?
pub(super) async fn changes(lab: &Lab) -> Result<Ruling, Halt> {
    let Some((name, _)) = validator(lab, &lab.read().await?) else {
        return Ok(Ruling::skipped("there is no validator"));
    };
    let alice = lab.actor("alice");
    let before = lab.read().await?;
    let (_, mut after) = lab.write_anew(&alice).await?;
    if validator(lab, &before) == validator(lab, &after) {
        // One that counts in seconds has no way to tell a second write in its second; A4 says so.
        lab.let_a_second_pass().await;
        after = lab.write_anew(&alice).await?.1;
    }
    Ok(if validator(lab, &before) == validator(lab, &after) {
        Ruling::fail(
            Severity::Critical,
            format!("the content changed, but its {name} did not: a stale copy looks current"),
        )
        .showing("before the write", &before.exchange)
        .showing("after it", &after.exchange)
    } else {
        Ruling::pass(format!("{name} changed with the content"))
    })
}

/// A4: are two writes within one second told apart?
pub(super) async fn has_resolution(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().ripens {
        return Ok(Ruling::pass(
            "for a second after a write the tag is weak, so it does not claim to distinguish versions within \
             one second",
        ));
    }
    let alice = lab.actor("alice");
    // Whatever the clock, several of them share a second; and two neighbours a length.
    let mut seen: Vec<Reading> = Vec::new();
    for _ in 0..6 {
        let (_, reading) = lab.write_anew(&alice).await?;
        let Some((name, value)) = validator(lab, &reading) else {
            return Ok(Ruling::skipped("there is no validator"));
        };
        let twin = seen
            .iter()
            .find(|earlier| validator(lab, earlier).is_some_and(|(_, other)| other == value));
        if let Some(twin) = twin {
            return Ok(Ruling::fail(
                Severity::Medium,
                format!("two versions within a second share one {name}, {value}"),
            )
            .showing("one version", &twin.exchange)
            .showing("another one", &reading.exchange));
        }
        seen.push(reading);
    }
    Ok(Ruling::pass(
        "two versions within one second have different validators",
    ))
}

/// A5: is the tag on a write's answer the one that the next GET gives?
pub(super) async fn is_on_the_answer(lab: &Lab) -> Result<Ruling, Halt> {
    let (write, reading) = lab.write_anew(&lab.actor("alice")).await?;
    let told = write
        .exchange
        .response()
        .and_then(|response| response.header("etag"));
    let (Some(told), Some(read)) = (told, reading.tag()) else {
        return Ok(Ruling::pass(
            "the answer to a write has no tag, so clients must read again",
        ));
    };
    Ok(if opaque(told) == opaque(read) {
        Ruling::pass("the answer to a write has the tag of the stored version")
    } else {
        Ruling::fail(
            Severity::High,
            format!(
                "the answer to the write has the tag {told}, but the next GET {read}: a client that continues \
                 with the first is refused, or overwrites what it never saw"
            ),
        )
        .showing("the write", &write.exchange)
        .showing("the GET after it", &reading.exchange)
    })
}

/// A6: does a tag come back with the content it stood for?
pub(super) async fn comes_back(lab: &Lab) -> Result<Ruling, Halt> {
    let ruling = comes_back_after(lab, false).await?;
    if !ruling.has_failed() {
        return Ok(ruling);
    }
    // A tag that is made from a clock stays the same for as long as that does.
    comes_back_after(lab, true).await
}

async fn comes_back_after(lab: &Lab, takes_time: bool) -> Result<Ruling, Halt> {
    let alice = lab.actor("alice");
    let (first, one) = lab.write_anew(&alice).await?;
    let Some(tag) = one.tag().map(str::to_owned) else {
        return Ok(Ruling::skipped("there is no ETag"));
    };
    if takes_time {
        lab.let_a_second_pass().await;
    }
    let (_, other) = lab.write_anew(&alice).await?;
    let request = lab.write(&first.nonce, &lab.from(&other));
    let back = lab
        .attempt_request(&alice, first.nonce.clone(), request)
        .await?;
    let again = lab.read_until(&first.nonce).await?;
    Ok(if !back.is_applied() {
        Ruling::inconclusive(format!(
            "the first content was not accepted a second time: {}",
            said(&back.exchange)
        ))
    } else if again.tag() == Some(&tag) {
        Ruling::fail(
            Severity::Info,
            format!("{tag} came back with the content, so it is a hash: a client that read before both writes does not notice them"),
        )
        .showing("written first", &first.exchange)
        .showing("its tag", &one.exchange)
        .showing("that of another", &other.exchange)
        .showing("that of the first, written again", &again.exchange)
    } else {
        Ruling::pass("each write has a new tag, even if the content is the same")
    })
}

/// What a client could go by, the best of what there is: its name and value.
pub(super) fn validator(lab: &Lab, reading: &Reading) -> Option<(String, String)> {
    if let Some(tag) = reading.tag() {
        return Some(("ETag".into(), tag.into()));
    }
    if let Some(date) = reading.modified() {
        return Some(("Last-Modified".into(), date.into()));
    }
    let pointer = lab.habits().version_members.first()?;
    Some((pointer.clone(), reading.member(pointer)?.to_string()))
}
