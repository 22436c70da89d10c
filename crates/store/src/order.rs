use std::sync::Arc;

use detente_core::{LockCommand, LockDecision};

use crate::{LoggedConflict, Transacted, Transaction};

/// What is asked of the desk.
#[derive(Clone, Debug)]
pub enum Order {
    Write(Transaction),
    Lock(LockCommand),
    /// To be written into the conflict log, by and by.
    Log(Arc<LoggedConflict>),
    /// Writes what waits for the conflict log.
    Flush,
}

/// What became of an order.
#[derive(Clone, Debug)]
pub enum Reply {
    Write(Transacted),
    Lock(LockDecision),
    Noted,
}

impl Order {
    /// The space that it is about, whose log it is decided on.
    pub fn space(&self) -> Option<&str> {
        match self {
            Self::Write(transaction) => transaction.space(),
            Self::Lock(command) => Some(command.key.space()),
            Self::Log(conflict) => Some(conflict.key.space()),
            Self::Flush => None,
        }
    }

    pub(crate) fn is_flush(&self) -> bool {
        matches!(self, Self::Flush)
    }
}
