use detente_core::Key;

use super::dice::Dice;
use super::draft::{collect, delete, key, place, put};
use super::session::Session;
use crate::{Reader, Store};

pub fn lists_go_both_ways_from_anywhere<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    let mut dice = Dice(7);
    let mut ids: Vec<String> = (0..30)
        .map(|n| format!("{}{n}", ["a", "B", "~", "0"][n % 4]))
        .collect();
    for id in &ids {
        session.apply(put(&key(id), "{}"));
        session.apply(put(&Key::new("default", "cc", id).unwrap(), "{}"));
        session.apply(put(&Key::new("other", "c", id).unwrap(), "{}"));
    }
    for _ in 0..10 {
        let gone = ids.swap_remove(usize::try_from(dice.roll(ids.len() as u64)).unwrap());
        session.apply(delete(&key(&gone)));
    }
    ids.sort();
    let place = place("default", "c");
    assert_eq!(collect(&session.reader, &place, None, false), ids);
    let reversed: Vec<_> = ids.iter().rev().cloned().collect();
    assert_eq!(collect(&session.reader, &place, None, true), reversed);
    for (at, id) in ids.iter().enumerate() {
        assert_eq!(
            collect(&session.reader, &place, Some(id), false),
            ids[at + 1..]
        );
        let before: Vec<_> = ids[..at].iter().rev().cloned().collect();
        assert_eq!(collect(&session.reader, &place, Some(id), true), before);
    }
    let collections = session.reader.collections().unwrap();
    assert_eq!(
        collections,
        [
            self::place("default", "c"),
            self::place("default", "cc"),
            self::place("other", "c")
        ]
    );
    session.close();
}
