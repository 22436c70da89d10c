use serde_json::Value;

use super::series::{Series, accepted};
use crate::lab::{Halt, Lab};
use crate::model::Severity;
use crate::probe::Ruling;
use crate::subject::Transfer;

/// D17: transfers at once. The sum stays.
pub(in crate::probe) async fn transfer(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(transfer) = &lab.subject().transfer else {
        return Ok(Ruling::skipped(
            "give the request and the accounts by `--transfer` and `--accounts`",
        ));
    };
    let before = amounts(lab, transfer).await?;
    let alone = lab
        .send_served(&lab.actor("alice"), transfer.request.clone())
        .await?;
    let after = amounts(lab, transfer).await?;
    let moved: Vec<f64> = after
        .iter()
        .zip(&before)
        .map(|(to, from)| to - from)
        .collect();
    if !alone.is_accepted() || !is_nothing(moved.iter().sum()) {
        return Ok(Ruling::inconclusive(
            "a single transfer was not accepted, or changed the sum, so there is no rule that a race could break",
        )
        .showing("one transfer alone", &alone));
    }
    let mut series = Series::default();
    for &writers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(2) {
            let before = amounts(lab, transfer).await?;
            let volley = series
                .race_with_one(lab, &lab.writers(writers), &transfer.request)
                .await?;
            let after = amounts(lab, transfer).await?;
            let is_clear = volley
                .exchanges
                .iter()
                .all(|it| it.is_accepted() || it.is_refused());
            let accepted = accepted(&volley);
            let (was, is) = (before.iter().sum::<f64>(), after.iter().sum::<f64>());
            // Each that was accepted moved what the first one moved.
            let adds_up = before
                .iter()
                .zip(&after)
                .zip(&moved)
                .all(|((from, to), moved)| is_nothing(to - from - moved * accepted.len() as f64));
            let reason = if !is_nothing(is - was) {
                format!(
                    "{writers} transfers at once changed the sum of {} from {was} to {is}",
                    transfer.amount
                )
            } else if is_clear && !adds_up {
                format!(
                    "{} transfers at once were accepted, but the amounts do not show all of them: {before:?} \
                     became {after:?}",
                    accepted.len()
                )
            } else {
                continue;
            };
            let ruling = Ruling::fail(Severity::Critical, reason)
                .showing_each("accepted", accepted.into_iter().take(3));
            return Ok(series.found(ruling));
        }
    }
    Ok(series.passed("the sum stays the same, and every transfer counts"))
}

fn is_nothing(amount: f64) -> bool {
    amount.abs() < 1e-6
}

/// Read when nothing is under way, in the order of the accounts.
async fn amounts(lab: &Lab, transfer: &Transfer) -> Result<Vec<f64>, Halt> {
    let reader = lab.actor("reader");
    let mut amounts = Vec::new();
    for account in &transfer.accounts {
        let reading = lab.read_as(&reader, account).await?;
        let amount = reading
            .member(&transfer.amount)
            .as_ref()
            .and_then(Value::as_f64)
            .ok_or_else(|| {
                Halt::Cannot(format!(
                    "there is no number at {} of {account}",
                    transfer.amount
                ))
            })?;
        amounts.push(amount);
    }
    Ok(amounts)
}
