//! C: is a conflict told so that a client can go on?

mod leak; // what is nobody's business
mod usable; // what a client can go on from

pub(super) use leak::leaks_nothing;
pub(super) use usable::{quoted_tag, usable};

use http::StatusCode;
use serde_json::Value;

use crate::lab::{Condition, Guard, Halt, Lab, Reading, said};
use crate::model::{Effect, Exchange, Response, Severity, leaves};
use crate::probe::Ruling;

/// A stale write, how it was answered, and before the write.
struct Conflict {
    base: Reading,
    current: Reading,
    refused: Exchange,
}

const NO_CONFLICT: &str = "no stale write is refused, so there is no answer to a conflict";

/// Provokes a conflict with one client; `None` if the API knows none.
async fn provoke(lab: &Lab) -> Result<Option<Conflict>, Halt> {
    let Some(guard) = lab.habits().guard.clone() else {
        return Ok(None);
    };
    let base = lab.settled().await?;
    lab.let_the_date_pass().await;
    let (_, current) = lab.write_anew(&lab.actor("bob")).await?;
    let stale = lab
        .attempt(&lab.actor("alice"), &Condition::unchanged(&guard, &base))
        .await?;
    Ok((!stale.exchange.is_accepted()).then_some(Conflict {
        base,
        current,
        refused: stale.exchange,
    }))
}

/// The answer to a conflict, where it is one that a client can know for it.
fn told(conflict: &Conflict) -> Option<&Response> {
    conflict
        .refused
        .response()
        .filter(|response| response.status.is_client_error())
}

/// What looks like something else is no answer to look at.
fn not_told(conflict: &Conflict) -> Ruling {
    Ruling::skipped(format!(
        "a stale write was answered {}; C7 reports that",
        said(&conflict.refused)
    ))
}

/// C1: has the answer to a conflict a body?
pub(super) async fn has_a_body(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(conflict) = provoke(lab).await? else {
        return Ok(Ruling::skipped(NO_CONFLICT));
    };
    Ok(match told(&conflict) {
        None => not_told(&conflict),
        Some(response) if response.body.trim_ascii().is_empty() => Ruling::fail(
            Severity::Medium,
            format!(
                "{} with an empty body: it says that the write failed, but not why or how to go on",
                said(&conflict.refused)
            ),
        )
        .showing("the answer to a stale write", &conflict.refused),
        Some(response) => Ruling::pass(format!(
            "the answer to a conflict has a body of {} bytes",
            response.body.len()
        ))
        .showing("the answer to a stale write", &conflict.refused),
    })
}

/// C2: is it of a media type that says it is a problem?
pub(super) async fn media_type(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(conflict) = provoke(lab).await? else {
        return Ok(Ruling::skipped(NO_CONFLICT));
    };
    let Some(response) = told(&conflict) else {
        return Ok(not_told(&conflict));
    };
    if response.body.trim_ascii().is_empty() {
        return Ok(Ruling::skipped("the answer to a conflict has no body"));
    }
    let media_type = response.header("content-type").unwrap_or("none");
    let is_problem = media_type.starts_with("application/problem+json")
        || media_type.starts_with("application/problem+xml");
    let told_status = response
        .json()
        .and_then(|body| body.get("status").and_then(Value::as_u64));
    let ruling = match told_status {
        Some(status) if is_problem && status != u64::from(response.status.as_u16()) => {
            Ruling::fail(
                Severity::Low,
                format!(
                    "the answer is {}, but its body says that the status is {status}",
                    said(&conflict.refused)
                ),
            )
        }
        _ if is_problem => Ruling::pass(format!(
            "the media type is {media_type}, and the status in the body agrees"
        )),
        _ => Ruling::fail(
            Severity::Low,
            format!(
                "the media type is {media_type}: clients must learn a format that only this API uses"
            ),
        ),
    };
    Ok(ruling.showing("the answer to a stale write", &conflict.refused))
}

/// C6: is one cause told by one status everywhere?
pub(super) async fn consistent(lab: &Lab) -> Result<Ruling, Halt> {
    if let Some(conflict) = provoke(lab).await? {
        lab.keep_refusal(&conflict.refused);
    }
    let refusals: Vec<_> = lab
        .refusals()
        .into_iter()
        .filter(|exchange| exchange.is_refused())
        .collect();
    let Some(first) = refusals.first() else {
        return Ok(Ruling::skipped(NO_CONFLICT));
    };
    let other = refusals
        .iter()
        .find(|exchange| exchange.status() != first.status() || code(exchange) != code(first));
    Ok(match other {
        Some(other) => Ruling::fail(
            Severity::Low,
            format!(
                "stale writes get different answers: {} {}, {} {}",
                first.request.method,
                told_as(first),
                other.request.method,
                told_as(other)
            ),
        )
        .showing("one answer", first)
        .showing("another answer", other),
        None => Ruling::pass(format!(
            "all {} stale writes were answered {}",
            refusals.len(),
            told_as(first)
        )),
    })
}

/// C7: is a conflict never shown as a failure of the server, or as a success?
pub(super) async fn honest_status(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(guard) = lab.habits().guard.clone() else {
        return Ok(Ruling::skipped(NO_CONFLICT));
    };
    let mut last = None;
    // Whatever happens once may have another cause.
    for _ in 0..2 {
        let base = lab.settled().await?;
        lab.let_the_date_pass().await;
        let (_, current) = lab.write_anew(&lab.actor("bob")).await?;
        let stale = lab
            .attempt(&lab.actor("alice"), &Condition::unchanged(&guard, &base))
            .await?;
        let after = lab.settled().await?;
        let is_written = after.shows(&stale.nonce);
        let is_shown_otherwise = match stale.exchange.effect() {
            Effect::Accepted => !is_written,
            Effect::Refused => false,
            Effect::Busy | Effect::Unknown => !is_written && stale.status().is_some(),
        };
        if !is_shown_otherwise {
            return Ok(Ruling::pass(format!(
                "a conflict was answered {}",
                said(&stale.exchange)
            )));
        }
        last = Some((current, stale));
    }
    let (current, stale) = last.expect("the stale write");
    let reason = if stale.exchange.is_accepted() {
        format!(
            "a stale write was answered {} but not stored: clients believe that it was saved",
            said(&stale.exchange)
        )
    } else {
        format!(
            "a stale write was answered {}: clients take it for a server error, and send it again",
            said(&stale.exchange)
        )
    };
    Ok(Ruling::fail(Severity::High, reason)
        .showing("before the write", &current.exchange)
        .showing("the stale write", &stale.exchange))
}

/// C8: does the refusal of a write without a precondition say how to write with one?
pub(super) async fn says_how(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(refused) = lab.requirement() else {
        return Ok(Ruling::skipped(
            "a write without a precondition is accepted",
        ));
    };
    let Some(response) = refused
        .response()
        .filter(|response| response.status == StatusCode::PRECONDITION_REQUIRED)
    else {
        return Ok(Ruling::skipped(format!(
            "a write without a precondition was answered {}, not 428",
            said(&refused)
        )));
    };
    let text = String::from_utf8_lossy(&response.body).to_ascii_lowercase();
    let names_it = text.contains("if-match")
        || text.contains("if-unmodified-since")
        || text.contains("etag")
        || matches!(&lab.habits().guard, Some(Guard::Member(pointer))
            if text.contains(&pointer.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()));
    Ok(if names_it {
        Ruling::pass("the body of the 428 says what to send")
    } else {
        Ruling::fail(
            Severity::Low,
            "the body of the 428 does not say what to send; RFC 6585 asks for an explanation of how to resubmit",
        )
    }
    .showing("the answer to a write without a precondition", &refused))
}

fn told_as(exchange: &Exchange) -> String {
    match code(exchange) {
        Some(code) => format!("{} ({code})", said(exchange)),
        None => said(exchange),
    }
}

/// What a machine could go by: a code in the body.
fn code(exchange: &Exchange) -> Option<String> {
    let body = exchange.response()?.json()?;
    leaves(&body).into_iter().find_map(|(pointer, value)| {
        match (pointer.rsplit('/').next(), value) {
            (Some("code" | "error_code" | "errorCode" | "errno" | "type"), Value::String(text)) => {
                Some(text.clone())
            }
            (Some("code" | "errno"), Value::Number(number)) => Some(number.to_string()),
            _ => None,
        }
    })
}
