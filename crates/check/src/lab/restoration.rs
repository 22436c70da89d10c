use super::bench::served;
use super::{Condition, Lab, TRIES, pace};
use crate::model::{Effect, RunError};

impl Lab {
    /// Puts back what was there before, and says whether it is.
    pub(crate) async fn restore(&self) -> Result<bool, RunError> {
        let actor = self.actor("restorer");
        for tries in 1..=TRIES {
            let exchange = served(&actor, self.get(self.place()), TRIES).await?;
            let Ok(now) = self.reading(exchange) else {
                continue;
            };
            let original = &self.habits.original;
            let is_same = self.habits.mask.is_same(&now, original);
            // It may say the same in other letters: those are worth one write, where one is accepted.
            let is_enough = tries > 1 || self.habits.unwritable.is_some();
            if is_same && (is_enough || now.body() == original.body()) {
                return Ok(true);
            }
            if self.habits.ripens && now.has_weak_tag() {
                self.let_a_second_pass().await;
                continue;
            }
            let request = self.habits.form.restoring(
                self.place(),
                (original, &now, &self.habits.mask),
                &if now.is_there() {
                    self.from(&now)
                } else {
                    Condition::none()
                },
            );
            let exchange = actor.send(request).await?;
            if exchange.effect() == Effect::Busy {
                pace::wait(&exchange, tries).await;
            }
        }
        Ok(false)
    }
}
