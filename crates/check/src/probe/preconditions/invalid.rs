use bytes::Bytes;

use crate::lab::{Condition, Guard, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// B11: a stale tag on what would fail anyway. The original error is to be told (RFC 9110, section 13.2.1).
pub(in crate::probe) async fn original_error(lab: &Lab) -> Result<Ruling, Halt> {
    let stale = lab.read().await?;
    if lab.habits().guard != Some(Guard::Tag) {
        return Ok(Ruling::skipped("If-Match is not enforced"));
    }
    lab.write_anew(&lab.actor("bob")).await?;
    let alice = lab.actor("alice");
    let condition = Condition::unchanged(&Guard::Tag, &stale);
    if !lab.habits().form.is_json() {
        return Ok(Ruling::skipped(
            "every body is valid here: any bytes are accepted",
        ));
    }
    let nonce = lab.nonce();
    let broken = |condition: &Condition| {
        let mut request = lab.write(&nonce, condition);
        request.body = Bytes::from_static(b"{\"cut\": ");
        request
    };
    let current = lab.read().await?;
    let alone = lab.send_served(&alice, broken(&lab.from(&current))).await?;
    if !alone.is_refused() {
        return Ok(Ruling::inconclusive(format!(
            "a body that is not JSON was answered {}",
            said(&alone)
        )));
    }
    let both = lab.send_served(&alice, broken(&condition)).await?;
    Ok(if both.status() == alone.status() {
        Ruling::pass("invalid requests are rejected before the tag is compared")
    } else {
        Ruling::fail(
            Severity::Low,
            format!(
                "a body that is not JSON is answered {}, but with a stale tag {}: the client reads and merges, \
                 and is refused again",
                said(&alone),
                said(&both)
            ),
        )
        .showing("a body that is not JSON", &alone)
        .showing("the same body with a stale tag", &both)
    })
}
