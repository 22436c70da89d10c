use std::time::Duration;

use super::once::with_key;
use crate::lab::{Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// How long what was sent may take to appear.
const APPEARS: Duration = Duration::from_millis(500);
/// How long the connection stays open after the last byte left, one try after the other.
const PATIENCE: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(30),
    Duration::from_millis(300),
];

/// D14: a creation whose answer is lost, and which is sent again.
pub(in crate::probe) async fn resend(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(creation) = &lab.subject().create else {
        return Ok(Ruling::skipped(
            "give the request that creates with `--create`",
        ));
    };
    let alice = lab.actor("alice");
    // What is counted has to be told apart: where a body takes nothing new, nothing can be.
    let request = lab.creation(creation);
    let Some(item) = lab.item_of(&request) else {
        return Ok(Ruling::skipped(
            "the body in `--body` is the same each time; put `{{nonce}}` into it, so that the creations can be \
             told apart",
        ));
    };
    // With a key, whatever was said of them: who honours it does what can be done.
    let request = with_key(request, lab.nonce().text());
    let listed = |text: &[u8]| String::from_utf8_lossy(text).matches(item.as_str()).count();
    let known = lab.creation(creation);
    let known_item = lab.item_of(&known).unwrap_or_default();
    let made = lab.send_served(&alice, known).await?;
    lab.owned(&made, creation);
    let list = lab.get(&creation.url);
    let before = lab.send_served(&alice, list.clone()).await?;
    let in_one = before
        .response()
        .map(|response| {
            String::from_utf8_lossy(&response.body)
                .matches(known_item.as_str())
                .count()
        })
        .unwrap_or(0);
    if !made.is_accepted() || in_one == 0 {
        return Ok(Ruling::skipped(format!(
            "what {} {} creates is not listed there, so it cannot be counted ({})",
            creation.method,
            creation.url.path(),
            said(&made)
        )));
    }
    let count = async || -> Result<_, Halt> {
        let exchange = lab.send_served(&alice, list.clone()).await?;
        let count = exchange.response().map_or(0, |it| listed(&it.body));
        Ok((count, exchange))
    };
    // A server may stop what nobody waits for any more; one that had time has done it.
    let mut dropped = None;
    for patience in PATIENCE {
        dropped = Some(alice.abandon(request.clone(), patience).await?);
        let begun = lab.client().elapsed();
        while count().await?.0 == 0 && lab.client().elapsed() - begun < APPEARS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if count().await?.0 > 0 {
            break;
        }
    }
    let dropped = match dropped {
        Some(dropped) if count().await?.0 > 0 => dropped,
        _ => {
            return Ok(Ruling::inconclusive(
                "the request whose connection was closed was not performed",
            ));
        }
    };
    let again = lab.send_served(&alice, request).await?;
    lab.owned(&again, creation);
    let (after, listing) = count().await?;
    for place in places(&listing, &creation.url, &item) {
        lab.own(&lab.at(place));
    }
    Ok(if after > in_one {
        Ruling::fail(
            if lab.subject().idempotency {
                Severity::High
            } else {
                Severity::Medium
            },
            format!(
                "a client lost the answer and sent the request again ({}): it was performed twice, despite its \
                 Idempotency-Key",
                said(&again)
            ),
        )
        .showing("sent, and its answer lost", &dropped)
        .showing("sent again", &again)
        .showing("the list", &listing)
    } else {
        Ruling::pass(format!(
            "a client that lost the answer and sends the request again is answered {}, and it is performed once",
            said(&again)
        ))
    })
}

/// Where the listed items stand that hold `item`, if the list says so.
fn places(listing: &crate::model::Exchange, collection: &url::Url, item: &str) -> Vec<url::Url> {
    let Some(document) = listing.response().and_then(crate::model::Response::json) else {
        return Vec::new();
    };
    crate::model::listed(&document, collection)
        .into_iter()
        .filter(|(_, row)| row.to_string().contains(item))
        .map(|(place, _)| place)
        .collect()
}
