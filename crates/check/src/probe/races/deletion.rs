use super::series::{Series, accepted};
use crate::lab::{Condition, Guard, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

const NO_TAG: &str = "If-Match is not enforced, so there is no rule that a race could break";

/// D9: PUT beside DELETE with one tag. One is accepted, and the state agrees.
pub(in crate::probe) async fn beside_put(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped(NO_TAG));
    }
    if let Some(ruling) = super::unruled(lab) {
        return Ok(ruling);
    }
    if let Some(reason) = ignores_tags(lab).await? {
        return Ok(Ruling::skipped(reason));
    }
    let writers = lab.writers(2);
    let mut series = Series::default();
    for round in 1..=lab.effort().rounds {
        let scratch = lab.scratch().await?;
        let base = scratch.settled().await?;
        let condition = Condition::unchanged(&Guard::Tag, &base);
        let nonce = lab.nonce();
        let put = (writers[0].clone(), scratch.write(&nonce, &condition));
        let delete = (writers[1].clone(), scratch.deletion(&condition));
        // Whoever goes first in the sweep has the better chance; both are to have it.
        let volley = if round % 2 == 0 {
            series.race(lab, [put, delete]).await?
        } else {
            let mut volley = series.race(lab, [delete, put]).await?;
            volley.exchanges.reverse();
            volley
        };
        let after = scratch.settled().await?;
        let [put, delete] = &volley.exchanges[..] else {
            continue;
        };
        let reason = match (put.is_accepted(), delete.is_accepted()) {
            (true, true) => Some("a PUT and a DELETE with one tag were both accepted".to_owned()),
            (true, false) if delete.is_refused() && !after.shows(&nonce) => Some(
                "the PUT was accepted and the DELETE refused, but the new version is not stored"
                    .into(),
            ),
            (false, true) if put.is_refused() && after.is_there() => Some(
                "the DELETE was accepted and the PUT refused, but the resource still exists".into(),
            ),
            _ => None,
        };
        if let Some(reason) = reason {
            let ruling = Ruling::fail(Severity::Critical, reason)
                .showing("what both read", &base.exchange)
                .showing("PUT", put)
                .showing("DELETE", delete)
                .showing("after the race", &after.exchange);
            return Ok(series.found(ruling));
        }
    }
    Ok(series.passed("one of PUT and DELETE is accepted, and the stored state agrees"))
}

/// D10: N DELETEs with one tag. One is accepted.
pub(in crate::probe) async fn many(lab: &Lab) -> Result<Ruling, Halt> {
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped(NO_TAG));
    }
    if let Some(ruling) = super::unruled(lab) {
        return Ok(ruling);
    }
    if let Some(reason) = ignores_tags(lab).await? {
        return Ok(Ruling::skipped(reason));
    }
    let alice = lab.actor("alice");
    let scratch = lab.scratch().await?;
    let condition = Condition::unchanged(&Guard::Tag, &scratch.settled().await?);
    let first = lab
        .send_served(&alice, scratch.deletion(&condition))
        .await?;
    let again = lab
        .send_served(&alice, scratch.deletion(&condition))
        .await?;
    if first.is_accepted() && again.is_accepted() {
        return Ok(Ruling::skipped(format!(
            "a second DELETE by one client is answered {} as well: DELETE is idempotent by design",
            said(&again)
        )));
    }
    let mut series = Series::default();
    for &writers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(3) {
            let scratch = lab.scratch().await?;
            let condition = Condition::unchanged(&Guard::Tag, &scratch.settled().await?);
            let request = scratch.deletion(&condition);
            let volley = series
                .race_with_one(lab, &lab.writers(writers), &request)
                .await?;
            let accepted = accepted(&volley);
            if accepted.len() > 1 {
                let ruling = Ruling::fail(
                    Severity::Medium,
                    format!(
                        "{} of {writers} DELETEs with one tag were answered as if each had deleted the resource",
                        accepted.len()
                    ),
                );
                let shown = accepted.into_iter().take(2);
                return Ok(
                    series.found(ruling.showing_each("told that it deleted the resource", shown))
                );
            }
        }
    }
    Ok(series.passed("of many DELETEs with one tag, one is accepted"))
}

/// Learns with one client whether DELETE heeds tags; why a race says nothing, if it does not.
async fn ignores_tags(lab: &Lab) -> Result<Option<String>, Halt> {
    let scratch = lab.scratch().await?;
    let stale = scratch.settled().await?;
    scratch.write_anew(&lab.actor("bob")).await?;
    let request = scratch.deletion(&Condition::unchanged(&Guard::Tag, &stale));
    let refused = lab.send_served(&lab.actor("alice"), request).await?;
    if refused.is_accepted() || !scratch.settled().await?.is_there() {
        return Ok(Some(
            "a DELETE with a stale tag is accepted from a single client (B9), so there is no rule that a race \
             could break".into(),
        ));
    }
    let deleted = scratch.delete(&lab.actor("alice")).await?;
    Ok((!deleted.is_accepted()).then(|| format!("DELETE was answered {}", said(&deleted))))
}
