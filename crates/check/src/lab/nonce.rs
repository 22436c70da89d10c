use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// Makes what no write has written before, in this run or another.
#[derive(Debug)]
pub(crate) struct Nonces {
    run: u32,
    count: AtomicU32,
}

/// What tells one write from all others, as a text and as a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Nonce {
    text: String,
    number: u64,
}

impl Nonces {
    /// `run` differs from that of other runs.
    pub(crate) fn new(run: u32) -> Self {
        Self {
            run,
            count: AtomicU32::new(1),
        }
    }

    /// How all nonces of this run begin.
    pub(crate) fn prefix(&self) -> String {
        format!("dt{:x}n", self.run)
    }

    pub(crate) fn next(&self) -> Nonce {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        Nonce {
            text: format!("{}{count}", self.prefix()),
            // Small enough for every number type that an API may have, and not likely there before.
            number: u64::from(self.run % 1000) * 1_000_000 + 10_000 + u64::from(count),
        }
    }
}

impl Nonce {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a member's value is this nonce.
    pub(crate) fn is(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => *text == self.text,
            Value::Number(number) => number.as_f64() == Some(self.number as f64),
            _ => false,
        }
    }

    pub(crate) fn as_number(&self) -> Value {
        self.number.into()
    }

    pub(crate) fn as_text(&self) -> Value {
        self.text.clone().into()
    }
}
