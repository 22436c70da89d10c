use std::time::{Duration, Instant};

use http::header;

use super::decider::Decider;
use super::defect::{Defect, Gap};
use super::meeting::Guest;
use super::operation::Operation;
use super::refusal::{By, Refusal, Stale};
use super::server::Server;
use super::store::{Done, Outcome, Step};

/// Long enough for those who were released together to meet.
const ENCOUNTER: Duration = Duration::from_millis(5);

/// How long another base URL's copy may lag.
const LAG: Duration = Duration::from_millis(50);

impl Server {
    /// Decides on a write and applies it: in one step, unless the server is broken there.
    ///
    /// # Errors
    ///
    /// Why it was not applied.
    pub(crate) async fn step(
        &self,
        decider: Decider<'_>,
        guest: &Guest<'_>,
    ) -> Result<Done, Refusal> {
        let Decider { ask, operation, .. } = decider;
        let is_take = matches!(operation, Operation::Take(_));
        match self.defect {
            Some(Defect::Race(scope, gap)) if scope.holds(ask, operation) => {
                self.race(decider, gap).await
            }
            Some(Defect::CrashingRace(scope, gap)) if scope.holds(ask, operation) => {
                self.crash(decider, gap).await
            }
            Some(Defect::MemberByMember) if decider.is_unconditional_put() => {
                self.write_member_by_member(decider).await
            }
            Some(Defect::AllLose) if ask.header(&header::IF_MATCH).is_some() => {
                self.refuse_all(decider, guest).await
            }
            Some(Defect::Drops) => self.drop_some(decider, guest).await,
            Some(Defect::Undersells) if is_take => self.undersell(decider, guest).await,
            Some(Defect::NotesKeyLate) if ask.idempotency_key().is_some() => {
                self.note_late(decider)
            }
            Some(Defect::LaggingCopy) if ask.base > 0 => self.check_copy(decider),
            Some(Defect::WritesRefused) => self.write_refused(decider),
            Some(Defect::CountsRefused) => self.count_refused(decider),
            _ => self.store.step(|view| decider.decide(view)),
        }
    }

    async fn race(&self, decider: Decider<'_>, gap: Gap) -> Result<Done, Refusal> {
        let mut step = self.store.look(None, |view| decider.decide(view))?;
        let rest = step.changes.split_off(step.changes.len().min(1));
        // Of several changes the first is made at once and the others later: were all of them late, those who
        // meet would write the same, and the sum of two balances would stay.
        if rest.is_empty() {
            gap.pass().await;
        }
        let done = self.store.apply(step);
        for change in rest {
            gap.pass().await;
            self.store.apply(Step {
                changes: vec![change],
                outcome: Outcome::Deleted,
            });
        }
        Ok(done)
    }

    async fn crash(&self, decider: Decider<'_>, gap: Gap) -> Result<Done, Refusal> {
        self.store.look(None, |view| decider.decide(view))?;
        gap.pass().await;
        let step = self.store.step(|view| decider.decide(view));
        step.map_err(|_| Refusal::Crashed)
    }

    async fn write_member_by_member(&self, decider: Decider<'_>) -> Result<Done, Refusal> {
        let step = self.store.look(None, |view| decider.decide(view))?;
        let members = match &step.changes[..] {
            [(key, Some(content))] => content
                .as_object()
                .map(|members| (key.clone(), members.clone())),
            _ => None,
        };
        let (Outcome::Replaced { .. }, Some((key, members))) = (&step.outcome, members) else {
            return Ok(self.store.apply(step));
        };
        let mut members: Vec<_> = members.into_iter().collect();
        // In an order of its own each time, as from a hash map.
        fastrand::shuffle(&mut members);
        let mut done = None;
        for (name, value) in members {
            let applied = self.store.step(|view| {
                let mut content = view.content(&key).cloned().ok_or(Refusal::Absent)?;
                content[name.as_str()] = value;
                Ok(Step::replace(&key, content))
            })?;
            done = Some(applied);
            Gap::Wait(Duration::from_millis(1)).pass().await;
        }
        done.ok_or(Refusal::Crashed)
    }

    async fn refuse_all(&self, decider: Decider<'_>, guest: &Guest<'_>) -> Result<Done, Refusal> {
        tokio::time::sleep(ENCOUNTER).await;
        if guest.has_met() {
            return Err(Refusal::Stale(Stale {
                by: By::Tag,
                current: None,
                sent: decider.ask.header(&header::IF_MATCH).into(),
            }));
        }
        self.store.step(|view| decider.decide(view))
    }

    async fn drop_some(&self, decider: Decider<'_>, guest: &Guest<'_>) -> Result<Done, Refusal> {
        tokio::time::sleep(ENCOUNTER).await;
        if guest.has_met() && fastrand::u8(..3) == 0 {
            let step = self.store.look(None, |view| decider.decide(view))?;
            return Ok(self.store.pretend(step));
        }
        self.store.step(|view| decider.decide(view))
    }

    async fn undersell(&self, decider: Decider<'_>, guest: &Guest<'_>) -> Result<Done, Refusal> {
        tokio::time::sleep(ENCOUNTER).await;
        if guest.has_met() {
            return Err(Refusal::OutOfStock);
        }
        self.store.step(|view| decider.decide(view))
    }

    fn note_late(&self, decider: Decider<'_>) -> Result<Done, Refusal> {
        self.store.step(|view| {
            let mut step = decider.decide(view)?;
            let note = step.changes.split_off(step.changes.len().min(1));
            if let Some(key) = decider.ask.idempotency_key() {
                self.keys.keep_note(key, note);
            }
            Ok(step)
        })
    }

    /// The copy knows what was read, and what is old.
    fn check_copy(&self, decider: Decider<'_>) -> Result<Done, Refusal> {
        let now = Instant::now();
        let old = now.checked_sub(LAG).unwrap_or(now);
        let read = decider
            .operation
            .document()
            .and_then(|key| self.last_read(key));
        let as_of = read.map_or(old, |read| old.max(read));
        let step = self.store.look(Some(as_of), |view| decider.decide(view))?;
        Ok(self.store.apply(step))
    }

    fn write_refused(&self, decider: Decider<'_>) -> Result<Done, Refusal> {
        let done = self.store.step(|view| decider.decide(view));
        if let Err(Refusal::Stale(_)) = &done {
            let unasked = Decider {
                conditional: false,
                ..decider
            };
            self.store.step(|view| unasked.decide(view))?;
        }
        done
    }

    fn count_refused(&self, decider: Decider<'_>) -> Result<Done, Refusal> {
        let done = self.store.step(|view| decider.decide(view));
        if let (Err(Refusal::Stale(_)), Some(key)) = (&done, decider.operation.document()) {
            self.store.step(|view| {
                let mut content = view.content(key).cloned().ok_or(Refusal::Absent)?;
                let refused = content["refused"].as_u64().unwrap_or(0);
                content["refused"] = (refused + 1).into();
                Ok(Step::replace(key, content))
            })?;
        }
        done
    }
}
