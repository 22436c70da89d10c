use super::{all_offered, must_be_refused};
use crate::lab::{Attempt, Condition, Guard, Halt, Lab, Reading, said};
use crate::model::Severity;
use crate::probe::Ruling;

/// Shows the lost update where calibration found no validator that protects a write.
///
/// Two clients read one version and both write. Each validator that is there gets its chance to refuse the second write;
/// then the second client writes as clients of such an API have to.
pub(super) async fn loses_updates(lab: &Lab) -> Result<Ruling, Halt> {
    let offered: Vec<_> = all_offered(lab, &lab.read().await?).collect();
    let mut refused = None;
    for guard in offered.iter().map(Some).chain([None]) {
        let meeting = Meeting::of(lab, guard).await?;
        if meeting.is_lost() {
            return Ok(meeting.lost(lab, &offered, guard));
        }
        let what = match guard {
            Some(guard) => format!("the {} of an earlier version", guard.validator()),
            None => "nothing but what each write here carries".to_owned(),
        };
        let ruling = must_be_refused(lab, &meeting.saved, &meeting.second, &what).await?;
        // The first that is refused speaks for the API if nothing gets through.
        refused.get_or_insert(ruling);
    }
    Ok(refused.unwrap_or_else(|| Ruling::inconclusive("no second write was accepted")))
}

/// Two clients who read the same, and then both write.
struct Meeting {
    alice_read: Reading,
    bob_read: Reading,
    first: Attempt,
    /// Bob's edit, as it was there.
    saved: Reading,
    second: Attempt,
    after: Reading,
}

impl Meeting {
    /// Alice's write carries `guard` of what she read, where there is one to carry.
    async fn of(lab: &Lab, guard: Option<&Guard>) -> Result<Self, Halt> {
        let (alice, bob) = (lab.actor("alice"), lab.actor("bob"));
        let alice_read = lab.read_as(&alice, lab.place()).await?;
        let bob_read = lab.read_as(&bob, lab.place()).await?;
        if guard == Some(&Guard::Date) {
            lab.let_a_second_pass().await;
        }
        let (first, saved) = lab.write_anew(&bob).await?;
        let condition = carried(lab, guard, &alice_read);
        let second = lab.attempt(&alice, &condition).await?;
        lab.keep_refusal(&second.exchange);
        let after = lab.settled().await?;
        Ok(Self {
            alice_read,
            bob_read,
            first,
            saved,
            second,
            after,
        })
    }

    fn is_lost(&self) -> bool {
        self.second.exchange.is_accepted() && self.after.shows(&self.second.nonce)
    }

    fn lost(&self, lab: &Lab, offered: &[Guard], guard: Option<&Guard>) -> Ruling {
        let reason = format!(
            "no validator protects a write: {}. Two clients read the same version and both saved ({}, then {}); \
             the first \
             edit is gone, and neither client was told. Every concurrent edit is lost like this",
            missing(lab, offered, guard),
            said(&self.first.exchange),
            said(&self.second.exchange),
        );
        Ruling::fail(Severity::Critical, reason)
            .showing("alice reads", &self.alice_read.exchange)
            .showing("bob reads the same version", &self.bob_read.exchange)
            .showing("bob saves his edit", &self.first.exchange)
            .showing("his edit is stored", &self.saved.exchange)
            .showing(
                "alice saves hers, from the version before",
                &self.second.exchange,
            )
            .showing("bob's edit is gone", &self.after.exchange)
    }
}

/// What an ordinary write has to carry here to be accepted, and `guard`.
fn carried(lab: &Lab, guard: Option<&Guard>, base: &Reading) -> Condition {
    let ticket = &lab.habits().ticket;
    match guard {
        None => lab.from(base),
        // If-Match: * beside a tag would hold for any version.
        Some(Guard::Tag) if ticket.contains(&Guard::Any) => Condition::unchanged(&Guard::Tag, base),
        Some(guard) if ticket.contains(guard) => lab.from(base),
        Some(guard) => lab.from(base).and(Condition::unchanged(guard, base)),
    }
}

/// What the API lacks: a validator, one that it looks at, or one that it accepts.
fn missing(lab: &Lab, offered: &[Guard], guard: Option<&Guard>) -> String {
    match (guard, offered) {
        (Some(Guard::Tag), _) => {
            "GET sends an ETag, and If-Match with an old one is ignored".into()
        }
        (Some(Guard::Date), _) => {
            "GET sends Last-Modified, and If-Unmodified-Since with an old date is ignored".into()
        }
        (Some(Guard::Member(pointer)), _) => format!(
            "the body has a version in {pointer}, and a write that sends an old one back is accepted"
        ),
        (_, []) => "GET sends no ETag, no Last-Modified and no version in the body".into(),
        (_, [first, ..]) => format!(
            "a write that carries the {} is refused even if it is current, and one {} is accepted",
            first.validator(),
            match lab.habits().ticket.contains(&Guard::Any) {
                true => "with If-Match: *",
                false => "without it",
            }
        ),
    }
}
