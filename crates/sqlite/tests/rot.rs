//! Bits that change on the disk: what is read is what was written, or is said to be damaged, and an
//! inspection names whatever changed something that is read.

#[path = "rot/contents.rs"]
mod contents; // a store with something in every table
#[path = "rot/reading.rs"]
mod reading; // everything that can be read of it

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use detente_sqlite::inspect;
use tempfile::TempDir;

use reading::{Reading, read_all};

/// Repeats a run.
const SEED: &str = "DETENTE_ROT_SEED";

struct Dice(u64);

impl Dice {
    /// SplitMix64.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[derive(Debug, Default)]
struct Tally {
    unnoticed: u32,
    refused_to_open: u32,
    told_damaged: u32,
}

/// Flips bits, one at a time, of a store that was closed well or left with heads to be made up.
fn flip(count: u64, seed: u64, is_closed: bool) -> Tally {
    let folder = TempDir::new().unwrap();
    contents::write(folder.path(), is_closed);
    let file = folder.path().join("detente.db");
    let sound = fs::read(&file).unwrap();
    let truth = read_all(folder.path()).expect("it is sound");
    assert!(truth.values().all(Result::is_ok), "{truth:?}");
    put_back(&file, &sound);
    assert_eq!(inspect(folder.path()).unwrap(), []);
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    for _ in 0..count {
        let at = dice.below(sound.len() as u64);
        let bit = dice.below(8);
        let mut rotten = sound.clone();
        rotten[usize::try_from(at).unwrap()] ^= 1 << bit;
        put_back(&file, &rotten);
        let place = format!("bit {bit} of byte {at} (page {}, {seed})", at / 4096 + 1);
        let found = read_all(folder.path());
        let faults = found
            .iter()
            .flatten()
            .find_map(|(what, it)| it.as_ref().err().map(|it| format!("{what}: {it}")));
        match found {
            None => tally.refused_to_open += 1,
            Some(found) => {
                if !is_true_or_refused(&truth, &found, &place) {
                    tally.unnoticed += 1;
                    continue;
                }
                tally.told_damaged += 1;
            }
        }
        put_back(&file, &rotten);
        let named = inspect(folder.path());
        assert!(
            named.as_ref().is_ok_and(|it| !it.is_empty()) || named.is_err(),
            "{place} changed what is read, but an inspection finds nothing: {faults:?}"
        );
    }
    println!("{tally:?}");
    tally
}

/// Panics where something is read that was not written. Returns whether anything could not be read.
fn is_true_or_refused(
    truth: &BTreeMap<String, Reading>,
    found: &BTreeMap<String, Reading>,
    place: &str,
) -> bool {
    let mut is_refused = false;
    for (what, expected) in truth {
        let expected = expected.as_ref().expect("the truth was read");
        match &found[what] {
            Ok(found) => assert_eq!(found, expected, "{place}: {what}"),
            Err(_) => is_refused = true,
        }
    }
    is_refused
}

fn put_back(file: &Path, content: &[u8]) {
    for ending in ["-wal", "-shm"] {
        let beside = format!("{}{ending}", file.display());
        if fs::exists(&beside).unwrap() {
            fs::remove_file(beside).unwrap();
        }
    }
    fs::write(file, content).unwrap();
}

fn seed(default: u64) -> u64 {
    std::env::var(SEED).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn no_bit_that_flips_is_taken_for_what_was_written() {
    let tally = flip(600, seed(1), true);
    assert!(tally.told_damaged > 100, "{tally:?}");
}

#[test]
fn nor_one_of_a_store_that_was_left_by_a_crash() {
    let tally = flip(400, seed(2), false);
    assert!(tally.told_damaged > 50, "{tally:?}");
}
