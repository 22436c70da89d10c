use detente_core::Key;

use super::draft::put;
use super::session::Session;
use crate::{Changes, PageLimit, Reader, Store};
use pollster::FutureExt;

/// The feed of a space, and of one collection.
pub fn changes_come_in_order_and_by_scope<S: Store>(open: impl Fn() -> S) {
    let session = Session::new(open());
    for n in 0..30 {
        let (space, collection) = [("default", "c"), ("default", "d"), ("other", "c")][n % 3];
        session.apply(put(
            &Key::new(space, collection, &n.to_string()).unwrap(),
            "{}",
        ));
    }
    let read = |space, collection, since, limit| {
        let feed = session
            .reader
            .changes(&Changes {
                space: str::to_owned(space),
                collection: Option::map(collection, str::to_owned),
                since,
                limit: PageLimit::rows(limit),
            })
            .block_on()
            .unwrap();
        let seqs: Vec<_> = feed.items.iter().map(|stored| stored.seq).collect();
        (seqs, feed.through, feed.more)
    };
    assert_eq!(read("default", Some("c"), 0, 3), (vec![1, 4, 7], 7, true));
    assert_eq!(read("default", None, 7, 4), (vec![8, 10, 11, 13], 13, true));
    assert_eq!(read("other", None, 24, 9), (vec![27, 30], 30, false));
    assert_eq!(read("nowhere", None, 0, 9), (vec![], 30, false));
    session.close();
}
