use http::{HeaderValue, Method, header};
use serde_json::{Map, Value};

use super::must_be_refused;
use crate::client::Actor;
use crate::lab::{Condition, Guard, Halt, Lab, Shape, Unconditional, said};
use crate::model::{Request, Severity, set};
use crate::probe::Ruling;

/// B9: what B1 to B3 and B8 ask, of the other methods that write.
pub(in crate::probe) async fn siblings(lab: &Lab) -> Result<Ruling, Halt> {
    match lab.habits().guard {
        Some(Guard::Tag) => {}
        // A version in the body has nowhere to stand in a DELETE.
        Some(Guard::Member(_)) => return delete_without_a_body(lab).await,
        _ => {
            return Ok(Ruling::skipped(
                "the usual method does not enforce If-Match, so B1 says it all",
            ));
        }
    }
    let patch = patch(lab).await?;
    let delete = match delete(lab).await {
        Err(Halt::Cannot(reason)) => Ruling::skipped(format!("DELETE: {reason}")),
        other => other?,
    };
    let mut ruling = patch.clone().or_worse(delete.clone());
    if !ruling.has_failed() {
        ruling.reason = format!("{}; {}", patch.reason, delete.reason);
    }
    Ok(ruling)
}

async fn patch(lab: &Lab) -> Result<Ruling, Halt> {
    let usual = &lab.habits().form.method;
    let (Shape::Json { at, kind, .. }, false) = (&lab.habits().form.shape, *usual == Method::PATCH)
    else {
        return Ok(Ruling::skipped(
            "PATCH is the usual method, or the body is not JSON",
        ));
    };
    let alice = lab.actor("alice");
    let patch = |nonce: &crate::lab::Nonce, condition: &Condition| {
        let mut body = Value::Object(Map::new());
        set(&mut body, at, kind.value(nonce));
        let request = Request::new(Method::PATCH, lab.place().clone()).with(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/merge-patch+json"),
        );
        condition.carried_by(request).with_json(&body)
    };
    let stale = lab.read().await?;
    let nonce = lab.nonce();
    let request = patch(&nonce, &lab.from(&stale));
    let current = lab.attempt_request(&alice, nonce, request).await?;
    if !current.is_applied() || !lab.read_until(&current.nonce).await?.shows(&current.nonce) {
        return Ok(Ruling::skipped(format!(
            "PATCH as a merge patch was answered {}",
            said(&current.exchange)
        )));
    }
    let between = lab.read().await?;
    let nonce = lab.nonce();
    let request = patch(&nonce, &Condition::unchanged(&Guard::Tag, &stale));
    let refused = lab.attempt_request(&alice, nonce, request).await?;
    lab.keep_refusal(&refused.exchange);
    let ruling = must_be_refused(lab, &between, &refused, "PATCH and a stale tag").await?;
    let open = unconditional(lab, &alice, patch).await?;
    Ok(not_worse_than_high(ruling).or_worse(open))
}

/// A PATCH without a precondition, where the usual method asks for one.
async fn unconditional(
    lab: &Lab,
    alice: &Actor,
    patch: impl Fn(&crate::lab::Nonce, &Condition) -> Request,
) -> Result<Ruling, Halt> {
    let Unconditional::Refused(status) = lab.habits().unconditional else {
        return Ok(Ruling::pass("a stale PATCH is refused"));
    };
    let nonce = lab.nonce();
    let request = patch(&nonce, &Condition::none());
    let open = lab.attempt_request(alice, nonce, request).await?;
    Ok(if open.is_applied() {
        Ruling::fail(
            Severity::High,
            format!(
                "without a precondition, {} is answered {status}, but PATCH {}",
                lab.habits().form.method,
                said(&open.exchange)
            ),
        )
        .showing("PATCH without a precondition", &open.exchange)
    } else {
        Ruling::pass("a stale PATCH is refused, and so is one without a precondition")
    })
}

async fn delete(lab: &Lab) -> Result<Ruling, Halt> {
    let scratch = lab.scratch().await?;
    let alice = lab.actor("alice");
    let stale = scratch.read().await?;
    scratch.write_anew(&lab.actor("bob")).await?;
    let between = scratch.read().await?;
    if stale.tag() == between.tag() {
        return Ok(Ruling::skipped("DELETE: the tag did not change"));
    }
    let request = scratch.deletion(&Condition::unchanged(&Guard::Tag, &stale));
    let refused = lab.send_served(&alice, request).await?;
    let after = scratch.settled().await?;
    if !after.is_there() {
        return Ok(Ruling::fail(
            Severity::High,
            format!(
                "a DELETE with a stale tag was answered {}, and deleted what somebody else had just saved",
                said(&refused)
            ),
        )
        .showing("before the DELETE", &between.exchange)
        .showing("DELETE with a stale tag", &refused)
        .showing("after the DELETE", &after.exchange));
    }
    if refused.is_accepted() {
        return Ok(Ruling::skipped(format!(
            "a DELETE was answered {}, but deleted nothing",
            said(&refused)
        )));
    }
    if refused
        .status()
        .is_some_and(|status| matches!(status.as_u16(), 405 | 501))
    {
        return Ok(Ruling::skipped("there is no DELETE"));
    }
    lab.keep_refusal(&refused);
    let current = scratch.delete(&alice).await?;
    Ok(if current.is_accepted() {
        Ruling::pass("a stale DELETE is refused, and a current one is accepted")
    } else {
        Ruling::fail(
            Severity::High,
            format!(
                "DELETE with the current tag was answered {}",
                said(&current)
            ),
        )
        .showing("before the DELETE", &after.exchange)
        .showing("DELETE with its tag", &current)
    })
}

/// DELETE where writes are judged by a version in the body: with a stale tag, if there are tags; or else with nothing.
async fn delete_without_a_body(lab: &Lab) -> Result<Ruling, Halt> {
    let scratch = lab.scratch().await?;
    let stale = scratch.read().await?;
    scratch.write_anew(&lab.actor("bob")).await?;
    let between = scratch.read().await?;
    let condition = Condition::unchanged(&Guard::Tag, &stale);
    let has_tag = !condition.fields.is_empty() && stale.tag() != between.tag();
    let condition = if has_tag {
        condition
    } else {
        Condition::none()
    };
    let answer = lab
        .send_served(&lab.actor("alice"), scratch.deletion(&condition))
        .await?;
    let after = scratch.settled().await?;
    if after.is_there() {
        return Ok(if answer.is_accepted() {
            Ruling::skipped(format!(
                "a DELETE was answered {}, but deleted nothing",
                said(&answer)
            ))
        } else {
            Ruling::pass(format!(
                "a DELETE that does not name the current version is answered {}",
                said(&answer)
            ))
        });
    }
    let ruling = if has_tag {
        Ruling::fail(
            Severity::High,
            format!(
                "a DELETE with a stale tag was answered {}, and deleted what somebody else had just saved",
                said(&answer)
            ),
        )
    } else if matches!(lab.habits().unconditional, Unconditional::Refused(_)) {
        Ruling::fail(
            Severity::Medium,
            format!(
                "{} requires a version, but a DELETE without one was answered {}",
                lab.habits().form.method,
                said(&answer)
            ),
        )
    } else {
        return Ok(Ruling::skipped("no write requires a version"));
    };
    Ok(ruling
        .showing("before the DELETE", &between.exchange)
        .showing("DELETE", &answer)
        .showing("after the DELETE", &after.exchange))
}

/// The usual method is protected: that another is not is bad enough.
fn not_worse_than_high(mut ruling: Ruling) -> Ruling {
    ruling.severity = ruling.severity.map(|severity| severity.max(Severity::High));
    ruling
}
