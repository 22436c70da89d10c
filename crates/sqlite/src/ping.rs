use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::layout;

/// Asks whether the store can be read, on a thread and over a connection of its own: what others
/// read, and how many wait for that, says nothing of it. The thread begins with the first question
/// and ends with the value.
#[derive(Debug, Default)]
pub(crate) struct Pinger(OnceLock<Sender<Question>>);

type Question = oneshot::Sender<Result<(), Failure>>;

impl Pinger {
    pub(crate) async fn ask(&self, database: &Path) -> Result<(), Failure> {
        let questions = self.0.get_or_init(|| {
            let (questions, asked) = channel();
            let database = database.to_owned();
            // Without a thread, questions come back unanswered.
            let begun = std::thread::Builder::new()
                .name("ping".into())
                .spawn(move || answer(&database, &asked));
            if let Err(error) = begun {
                tracing::error!(%error, "no thread for questions whether the store can be read");
            }
            questions
        });
        let (question, answered) = oneshot::channel();
        let unanswered = || Failure::failed("nobody answers whether the store can be read");
        questions.send(question).map_err(|_| unanswered())?;
        answered.await.map_err(|_| unanswered())?
    }
}

fn answer(database: &Path, asked: &Receiver<Question>) {
    let mut connection: Option<Connection> = None;
    while let Ok(question) = asked.recv() {
        let mut read = || {
            let open = match connection.take() {
                Some(open) => open,
                None => layout::connect_reader(database)?,
            };
            open.query_row("SELECT 1 FROM marker", [], |_| Ok(()))?;
            // One over which it failed is not used again.
            connection = Some(open);
            Ok(())
        };
        let found = read();
        // Whoever asked may be gone.
        let _ = question.send(found);
    }
}
