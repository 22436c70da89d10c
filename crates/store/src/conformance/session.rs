use std::sync::Arc;

use detente_core::{CollectionRules, Command, Decision, Stored};

use super::draft::rules;
use crate::{Reader, Store, WriteError, Writer};

/// A writer on a store, for commands one by one or together.
pub(super) struct Session<R> {
    pub(super) runtime: tokio::runtime::Runtime,
    pub(super) writer: Writer,
    pub(super) reader: R,
}

impl<R: Reader> Session<R> {
    pub(super) fn new<S: Store<Reader = R>>(store: S) -> Self {
        let reader = store.reader();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        Self {
            runtime,
            writer: Writer::start(store, 1000).unwrap(),
            reader,
        }
    }

    pub(super) fn write(&self, command: Command) -> Result<Decision, WriteError> {
        self.write_by(command, rules())
    }

    pub(super) fn write_by(
        &self,
        command: Command,
        rules: Arc<CollectionRules>,
    ) -> Result<Decision, WriteError> {
        self.runtime
            .block_on(self.writer.handle().write(command, rules))
    }

    pub(super) fn apply(&self, command: Command) -> Arc<Stored> {
        self.apply_by(command, rules())
    }

    pub(super) fn apply_by(&self, command: Command, rules: Arc<CollectionRules>) -> Arc<Stored> {
        match self.write_by(command, rules).unwrap() {
            Decision::Apply(applied) => applied.stored,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn close(self) {
        drop(self.reader);
        self.writer.join().unwrap();
    }
}
