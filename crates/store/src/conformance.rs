//! What every store must do, held against a model, as tests of the crate that has a store.
//!
//! Each case takes a function that opens the store in one place, empty at first, as often as it is
//! called. [`conformance!`](crate::conformance!) makes a test of each.

mod dice; // numbers that can be had again
mod draft; // keys, commands and rules
mod session; // a writer on a store

mod feed; // changes of all documents
mod history; // old versions, and those that may go
mod kept; // locks, receipts and the conflict log
mod keys; // unique keys, as the rules want them
mod list; // the documents of a collection
mod log; // versions and heads
mod page; // how much is read at a time
mod two; // two writers, where there may be two

pub use dice::Dice;
pub use feed::*;
pub use history::*;
pub use kept::*;
pub use keys::*;
pub use list::*;
pub use log::*;
pub use page::*;
pub use two::*;

/// Makes a test of each case. `$place` is evaluated for each: a function that opens the store in a
/// place of its own, whenever it is called.
///
/// ```ignore
/// detente_store::conformance!({
///     let disk = Disk::default();
///     move || Memory::on(&disk)
/// });
/// ```
#[macro_export]
macro_rules! conformance {
    ($place:expr) => {
        $crate::conformance! { $place =>
            what_was_written_is_read,
            a_reopened_store_is_the_same,
            lists_are_selected_and_sorted,
            lists_go_both_ways_from_anywhere,
            pages_stay_in_order_while_others_write,
            what_collections_hold_is_counted,
            changes_come_in_order_and_by_scope,
            heads_alone_can_be_followed,
            old_versions_are_found,
            history_is_cut_and_the_rest_agrees,
            changes_of_one_document_are_found_from_anywhere,
            pages_are_limited_by_bytes,
            locks_receipts_and_conflicts_are_kept,
            random_writes_agree_with_a_model,
            a_batch_sees_itself,
            unique_keys_follow_the_rules,
            of_two_writers_one_is_first,
            the_ground_is_one_for_all_writers,
            two_writers_race,
            what_is_lost_stays_lost,
        }
    };
    ($place:expr => $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::conformance::$case($place);
            }
        )*
    };
}
