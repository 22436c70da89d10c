use serde_json::Value;

use super::winner::rate;
use crate::lab::{Halt, Lab};
use crate::probe::Ruling;
use crate::severity::Severity;
use crate::subject::Transfer;

/// D17: transfers at once. The sum stays.
pub(in crate::probe) async fn transfer(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(transfer) = &lab.subject().transfer else {
        return Ok(Ruling::skipped(
            "`--transfer` and `--accounts` say what is moved, and where it stands",
        ));
    };
    let before = sum(lab, transfer).await?;
    let alone = lab
        .send_served(&lab.actor("alice"), transfer.request.clone())
        .await?;
    if !alone.is_accepted() || (sum(lab, transfer).await? - before).abs() > f64::EPSILON {
        return Ok(Ruling::inconclusive(
            "one transfer alone was not accepted, or changed the sum: there is nothing that a race could break",
        )
        .showing("one transfer alone", &alone));
    }
    let (mut rounds, mut overlapping) = (0, 0);
    for &writers in &lab.effort().writers {
        for _ in 0..lab.effort().rounds.div_ceil(2) {
            let before = sum(lab, transfer).await?;
            let sends = lab
                .writers(writers)
                .into_iter()
                .map(|actor| (actor, transfer.request.clone()))
                .collect();
            let volley = lab.volley(sends).await?;
            let after = sum(lab, transfer).await?;
            rounds += 1;
            overlapping += u32::from(volley.overlapped());
            if (after - before).abs() > 1e-6 {
                let mut ruling = Ruling::fail(
                    Severity::Critical,
                    format!(
                        "{writers} transfers at once took the sum of {} from {before} to {after}",
                        transfer.amount
                    ),
                );
                for exchange in volley
                    .exchanges
                    .iter()
                    .filter(|it| it.is_accepted())
                    .take(3)
                {
                    ruling = ruling.showing("accepted", exchange);
                }
                return Ok(ruling.after(rounds, overlapping));
            }
        }
    }
    Ok(if overlapping == 0 {
        Ruling::inconclusive(
            "no race provably overlapped: nothing can be said of what happens in one",
        )
    } else {
        Ruling::pass(format!("the sum stays; {}", rate(overlapping)))
    }
    .after(rounds, overlapping))
}

/// Read when nothing is under way.
async fn sum(lab: &Lab, transfer: &Transfer) -> Result<f64, Halt> {
    let reader = lab.actor("reader");
    let mut sum = 0.0;
    for account in &transfer.accounts {
        let reading = lab.read_as(&reader, account).await?;
        sum += reading
            .member(&transfer.amount)
            .as_ref()
            .and_then(Value::as_f64)
            .ok_or_else(|| {
                Halt::Cannot(format!(
                    "there is no number at {} of {account}",
                    transfer.amount
                ))
            })?;
    }
    Ok(sum)
}
