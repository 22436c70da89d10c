//! Detente's own.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use detente_core::json::{Value, parse};
use detente_core::merge::{Choices, Merge, Strategies, merge};

use super::{Kind, Sides, Verdict, repeat};

/// The three documents as the library takes them.
pub(crate) struct Library {
    strategies: Strategies,
    choices: Choices,
    /// As JSON: a text is a string.
    texts: [Vec<u8>; 3],
    values: [Value; 3],
    merged: Value,
}

impl Library {
    /// # Errors
    ///
    /// When a document is not JSON.
    pub(crate) fn new(sides: &Sides) -> Result<Library> {
        let json = |text: &String| match sides.kind {
            Kind::Text => Value::String(text.clone()).to_text().into_bytes(),
            _ => text.clone().into_bytes(),
        };
        let texts = [&sides.base, &sides.ours, &sides.theirs].map(json);
        let [base, ours, theirs] = &texts;
        Ok(Library {
            strategies: sides.kind.strategies()?,
            choices: Choices::new(),
            values: [parse(base)?, parse(ours)?, parse(theirs)?],
            merged: parse(&json(&sides.merged))?,
            texts,
        })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let found = self.join(&self.values);
        let is_merged = found.document.as_ref() == Some(&self.merged);
        Verdict::of(found.conflicts.len(), is_merged)
    }

    /// Seconds that a merge takes, from three texts to one: parsed, merged and written.
    ///
    /// # Errors
    ///
    /// When nothing is left to write.
    pub(crate) fn time_texts(&self, time: Duration) -> Result<f64> {
        repeat(time, || {
            let [base, ours, theirs] = black_box(&self.texts);
            let values = [parse(base)?, parse(ours)?, parse(theirs)?];
            let document = self.join(&values).document;
            black_box(document.context("nothing is left")?.to_text());
            Ok(())
        })
    }

    /// Seconds that a merge takes, from three values to one.
    ///
    /// # Errors
    ///
    /// Never: a merge of values cannot fail.
    pub(crate) fn time_values(&self, time: Duration) -> Result<f64> {
        repeat(time, || {
            black_box(self.join(black_box(&self.values)));
            Ok(())
        })
    }

    fn join(&self, [base, ours, theirs]: &[Value; 3]) -> Merge {
        let sides = [base, ours, theirs].map(Some);
        merge(
            sides[0],
            sides[1],
            sides[2],
            &self.strategies,
            &self.choices,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strategies_join_what_was_generated() {
        for kind in Kind::ALL {
            for bytes in [1 << 10, 100 << 10] {
                let library = Library::new(&Sides::generate(kind, bytes)).expect("it is JSON");
                assert_eq!(library.verdict(), Verdict::Merged, "{kind:?}, {bytes}");
            }
        }
    }

    #[test]
    fn without_a_strategy_both_sides_edits_of_one_place_are_in_conflict() {
        let mut library =
            Library::new(&Sides::generate(Kind::Counters, 1 << 10)).expect("it is JSON");
        library.strategies = Strategies::default();
        assert_eq!(library.verdict(), Verdict::Conflicts(1));
    }
}
