use http::{HeaderName, HeaderValue};

use super::series::{Series, accepted, rate};
use super::unique::rows;
use crate::lab::{Halt, Lab, said};
use crate::model::{Exchange, Request, Severity};
use crate::probe::Ruling;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// D5: N requests with one `Idempotency-Key`; a replay; another request with that key.
pub(in crate::probe) async fn once(lab: &Lab) -> Result<Ruling, Halt> {
    if !lab.subject().idempotency {
        return Ok(Ruling::skipped(
            "give `--idempotency` if the API honours Idempotency-Key",
        ));
    }
    let Some(creation) = &lab.subject().create else {
        return Ok(Ruling::skipped(
            "give the request that creates with `--create`",
        ));
    };
    let mut series = Series::default();
    let mut last = None;
    for &writers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(3) {
            let request = with_key(lab.creation(creation), lab.nonce().text());
            let volley = series
                .race_with_one(lab, &lab.writers(writers), &request)
                .await?;
            let rows = rows(lab, &volley.exchanges, creation);
            if rows.len() > 1 {
                return Ok(series.found(twice(
                    format!(
                        "{writers} requests with one Idempotency-Key created {} resources",
                        rows.len()
                    ),
                    accepted(&volley),
                )));
            }
            if let Some(row) = rows.into_iter().next() {
                last = Some((request, row));
            }
        }
    }
    let Some((request, row)) = last else {
        return Ok(series.found(Ruling::inconclusive("nothing could be created")));
    };
    let alice = lab.writers(1).remove(0);
    let replay = lab.send_served(&alice, request.clone()).await?;
    if lab
        .owned(&replay, creation)
        .is_some_and(|other| other != row)
    {
        let reason = "a replay created a second resource".into();
        return Ok(series.found(twice(reason, vec![&replay])));
    }
    let mut changed = lab.creation(creation);
    if changed.body == request.body {
        return Ok(series.found(Ruling::pass(format!(
            "each key is performed once; a replay is answered {}; {}",
            said(&replay),
            rate(series.overlapping)
        ))));
    }
    changed.headers = request.headers;
    let misused = lab.send_served(&alice, changed).await?;
    if misused.is_accepted() {
        let made = lab.owned(&misused, creation).filter(|other| *other != row);
        let ruling = Ruling::fail(
            if made.is_some() {
                Severity::Medium
            } else {
                Severity::High
            },
            format!(
                "another payload with a used key is answered {}, as if it had been performed: {}",
                said(&misused),
                if made.is_some() {
                    "the key was ignored"
                } else {
                    "the client believes that its payload was saved"
                }
            ),
        )
        .showing("the first answer, replayed", &replay)
        .showing("another payload with its key", &misused);
        return Ok(series.found(ruling));
    }
    Ok(series.found(Ruling::pass(format!(
        "each key is performed once; a replay is answered {}, another payload with the key {}; {}",
        said(&replay),
        said(&misused),
        rate(series.overlapping)
    ))))
}

pub(super) fn with_key(request: Request, key: &str) -> Request {
    // A string of a structured field (RFC 8941, section 3.3.3).
    match HeaderValue::from_str(&format!("\"{key}\"")) {
        Ok(value) => request.with(KEY, value),
        Err(_) => request,
    }
}

fn twice(reason: String, made: Vec<&Exchange>) -> Ruling {
    Ruling::fail(Severity::Critical, reason).showing_each("done", made.into_iter().take(3))
}
