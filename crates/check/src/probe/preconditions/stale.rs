use super::{must_be_refused, offered, unprotected};
use crate::lab::{Condition, Halt, Lab, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// A tag that no server gave out.
const MADE_UP: &str = "\"never-given-out-0\"";

/// B1: two clients read one version, and both write; the second has to be refused.
pub(in crate::probe) async fn stale_is_refused(lab: &Lab) -> Result<Ruling, Halt> {
    let Some(guard) = lab.habits().guard.clone() else {
        return unprotected::loses_updates(lab).await;
    };
    let alice = lab.actor("alice");
    let base = lab.read_as(&alice, lab.place()).await?;
    lab.let_the_date_pass().await;
    let (_, between) = lab.write_anew(&lab.actor("bob")).await?;
    let stale = lab
        .attempt(&alice, &Condition::unchanged(&guard, &base))
        .await?;
    lab.keep_refusal(&stale.exchange);
    let what = format!("the {} of an earlier version", guard.validator());
    let ruling = must_be_refused(lab, &between, &stale, &what).await?;
    Ok(if ruling.has_failed() {
        ruling.showing("what she read", &base.exchange)
    } else {
        ruling
    })
}

/// B2: a tag that was never given out.
pub(in crate::probe) async fn made_up_is_refused(lab: &Lab) -> Result<Ruling, Halt> {
    let base = lab.read().await?;
    if base.tag().is_none() {
        return Ok(Ruling::skipped("there is no ETag"));
    }
    let alice = lab.actor("alice");
    // One in the resource's own style first: some refuse a strange format before they compare.
    let own_style = base
        .tag()
        .map(forged)
        .filter(|forged| Some(forged.as_str()) != base.tag());
    let mut ruling = Ruling::pass("a made-up tag is refused");
    for tag in own_style.iter().map(String::as_str).chain([MADE_UP]) {
        let before = lab.read().await?;
        let condition = Condition::if_match(tag).and(lab.in_the_body(&before));
        let attempt = lab.attempt(&alice, &condition).await?;
        let mut judged = must_be_refused(lab, &before, &attempt, "a made-up tag").await?;
        if judged.severity == Some(Severity::Critical) && !condition.members.is_empty() {
            // What protects is in the body, and was current: nothing was lost.
            judged.severity = Some(Severity::Medium);
            judged.reason = format!(
                "a write with a made-up tag, and the current version in the body, was accepted ({}): If-Match \
                 is ignored",
                said(&attempt.exchange)
            );
        }
        // 400 for a format that it does not know is as good.
        let is_format = attempt
            .status()
            .is_some_and(|status| status.as_u16() == 400);
        if judged.has_failed() && !(is_format && judged.severity == Some(Severity::Low)) {
            ruling = ruling.or_worse(judged);
        }
    }
    Ok(ruling)
}

/// B3: the current tag.
pub(in crate::probe) async fn current_is_accepted(lab: &Lab) -> Result<Ruling, Halt> {
    let base = lab.settled().await?;
    let Some(guard) = offered(lab, &base) else {
        return Ok(Ruling::skipped(
            "there is no validator to send with a write",
        ));
    };
    let alice = lab.actor("alice");
    let attempt = lab
        .attempt(&alice, &Condition::unchanged(&guard, &base))
        .await?;
    let after = lab.settled().await?;
    if attempt.is_applied() {
        return Ok(Ruling::pass(format!(
            "a write with the current {} is accepted",
            guard.validator()
        )));
    }
    // Somebody else may have written in between.
    if !lab.habits().mask.is_same(&base, &after) {
        return Ok(Ruling::inconclusive(
            "the resource changed during the probe: somebody else writes as well",
        ));
    }
    Ok(Ruling::fail(
        Severity::High,
        format!(
            "a write with the current {} was answered {}: clients will stop sending it",
            guard.validator(),
            said(&attempt.exchange)
        ),
    )
    .showing("what was read", &base.exchange)
    .showing("the write with what was read", &attempt.exchange))
}

/// A tag in the style of one that was given out, with its last letters and digits turned.
fn forged(tag: &str) -> String {
    let mut turned = 0;
    let mut forged: Vec<char> = tag.chars().rev().collect();
    for letter in &mut forged {
        if letter.is_ascii_alphanumeric() && turned < 4 {
            *letter = match *letter {
                '9' => '0',
                'z' => 'a',
                'Z' => 'A',
                'f' => 'a',
                'F' => 'A',
                other => char::from(other as u8 + 1),
            };
            turned += 1;
        }
    }
    forged.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::forged;

    #[test]
    fn a_forged_tag_keeps_its_style() {
        let cases = [
            ("\"7-1f\"", "\"8-2a\""),
            ("W/\"abc999\"", "W/\"abd000\""),
            ("\"\"", "\"\""),
        ];
        for (tag, expected) in cases {
            assert_eq!(forged(tag), expected, "{tag}");
        }
    }
}
