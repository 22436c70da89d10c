//! Patches. Applying one is deterministic and bounded in depth and size. A JSON Patch does what its
//! operations do one by one, or fails where the first of them does; a merge patch is idempotent.
//!
//! The first line of the input is a document, the second a patch.

#![no_main]

use detente_core::json::{self, MAX_DEPTH, Value};
use detente_core::{JsonPatch, Patch, PatchFailure, merge_patch};
use libfuzzer_sys::fuzz_target;

/// What `copy` may add up to.
const BUDGET: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let mut next = || json::parse(lines.next()?).ok();
    let (Some(document), Some(patch)) = (next(), next()) else {
        return;
    };
    merge(&document, &patch);
    if let Ok(operations) = JsonPatch::from_value(&patch) {
        apply(&document, &patch, &operations);
    }
});

fn merge(document: &Value, patch: &Value) {
    let merged = merge_patch(Some(document), patch);
    assert!(merged.depth() <= MAX_DEPTH);
    assert!(merged.weight() <= document.weight() + patch.weight());
    let twice = merge_patch(Some(&merged), patch);
    assert_eq!(twice.to_text(), merged.to_text());
    let created = merge_patch(None, patch);
    assert_eq!(created, merge_patch(Some(&Value::Null), patch));
    let applied = Patch::Merge(patch.clone()).apply(document, 0);
    assert_eq!(applied, Ok(merged));
}

fn apply(document: &Value, patch: &Value, operations: &JsonPatch) {
    let applied = operations.apply(document, BUDGET);
    assert_eq!(operations.apply(document, BUDGET), applied);
    match &applied {
        Ok(result) => {
            assert!(result.depth() <= MAX_DEPTH);
            assert!(result.weight() <= document.weight() + patch.weight() + BUDGET);
            assert_eq!(one_by_one(document, patch), Ok(result.clone()));
        }
        Err(failure) => {
            let (index, _) = failure.place();
            assert!(index < operations.operations().len(), "{failure}");
            // Alone, each operation has the whole budget.
            if !matches!(failure, PatchFailure::TooLarge { .. }) {
                assert_eq!(one_by_one(document, patch), Err(index), "{failure}");
            }
        }
    }
}

/// The result of each operation as a patch of its own, or the index of the first that fails.
fn one_by_one(document: &Value, patch: &Value) -> Result<Value, usize> {
    let Value::Array(operations) = patch else {
        unreachable!("it was read as a JSON Patch");
    };
    let mut document = document.clone();
    for (index, operation) in operations.iter().enumerate() {
        let one = JsonPatch::from_value(&Value::Array(vec![operation.clone()])).unwrap();
        document = one.apply(&document, BUDGET).map_err(|_| index)?;
    }
    Ok(document)
}
