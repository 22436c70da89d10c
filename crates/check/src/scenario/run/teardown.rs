use super::*;

/// How often a step is taken again that the server was too busy for.
const TRIES: u32 = 8;

const LEFT: &str = "The next round or run starts from what a round leaves behind.";

impl<'a> Runner<'a> {
    /// Takes all steps of the teardown, whatever comes of each; the first that did not come about.
    pub(super) async fn tear_down(&mut self) -> Result<(), Halt> {
        self.phase = Phase::Teardown;
        self.log.clear();
        let scenario = self.scenario;
        let mut end = Ok(());
        for step in &scenario.teardown {
            let taken = self.patiently(step).await;
            end = end.and(taken);
        }
        end
    }

    async fn patiently(&mut self, step: &'a Step) -> Result<(), Halt> {
        let mut pause = Duration::from_millis(50);
        for _ in 1..TRIES {
            match self.step(step).await {
                Err(Halt::Busy) => tokio::time::sleep(pause).await,
                end => return end,
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        self.step(step).await
    }

    /// What a round came to, with its teardown: one that did not come about is told beside all else.
    pub(super) fn with_teardown(
        &mut self,
        end: Result<(), Halt>,
        torn_down: Result<(), Halt>,
    ) -> Result<(), Halt> {
        match (end, torn_down) {
            (end, Ok(())) => end,
            (end, Err(Halt::Failed(mut failure))) => {
                failure.why = LEFT;
                self.left = Some(failure);
                end
            }
            (Ok(()), Err(Halt::Unjudged(reason))) => {
                Err(Halt::Unjudged(format!("the teardown failed: {reason}")))
            }
            (Ok(()), Err(halt)) => Err(halt),
            // It says more why it ended early than what it could not clear away.
            (end, Err(_)) => end,
        }
    }
}
