//! Contents of files that nothing names any more.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use detente_blobs::{Blobs, ContentHash};
use detente_core::{Condition, EntityTag, Key, Preconditions, Unconditional};
use detente_service::{
    Entry, FileTerms, Files, OnCollision, Outgoing, Policy, Principal, PutFile, Rights, Service,
    What,
};
use detente_store::memory::Disk;
use detente_store::{Memory, Store, Writer};

struct House {
    service: Service,
    _writer: Writer,
    blobs: Blobs,
    _folder: tempfile::TempDir,
    ann: Principal,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path()).unwrap();
        let store = Memory::on(&Disk::default());
        let reader = Arc::new(store.reader());
        let writer = Writer::start(store, 100).unwrap();
        let files = Files::new(Some(blobs.clone()), 1_000_000, Unconditional::Reject);
        let policy = Policy {
            files: Some(files),
            ..Policy::default()
        };
        let ann = Principal {
            name: "ann".into(),
            rights: Arc::new(Rights::ALL),
            caller: None,
            until: None,
            agent: None,
        };
        Self {
            service: Service::new(policy, reader, writer.handle()),
            _writer: writer,
            blobs,
            _folder: folder,
            ann,
        }
    }

    async fn put(
        &self,
        path: &str,
        content: &[u8],
        tag: Option<&EntityTag>,
    ) -> Result<EntityTag, What> {
        let mut incoming = self.service.receive().unwrap();
        for piece in content.chunks(10_000) {
            incoming
                .must_fit(incoming.size() + piece.len() as u64)
                .unwrap();
            incoming.take(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let put = PutFile {
            key: Key::file("default", path).unwrap(),
            terms: FileTerms {
                conditions: Preconditions {
                    if_match: tag.map(|tag| Condition::Tags(vec![tag.clone()])),
                    ..Preconditions::default()
                },
                ..FileTerms::default()
            },
            media_type: "text/plain".into(),
            received: incoming.finish().await.unwrap(),
            on_collision: OnCollision::Refuse,
            verb: "PUT",
        };
        let stored = self.service.put_file(&self.ann, put, None).await;
        let stored = stored.map_err(|explanation| explanation.what)?;
        Ok(stored.done.stored.head().tag().to_entity_tag())
    }

    fn has(&self, content: &[u8]) -> bool {
        let hash = ContentHash::of(content);
        self.blobs.has(hash, content.len() as u64).unwrap()
    }

    async fn sweep(&self) -> u64 {
        let swept = self.service.sweep_contents(Duration::ZERO).await.unwrap();
        swept.unwrap().removed
    }
}

fn content(letter: u8) -> Vec<u8> {
    vec![letter; 40_000]
}

#[tokio::test]
async fn a_sweep_keeps_what_a_version_or_the_conflict_log_names() {
    let house = House::new();
    let [first, second, refused, nobody] = [b'a', b'b', b'c', b'd'].map(content);
    let tag = house.put("deep/er/x", &first, None).await.unwrap();
    house.put("deep/er/x", &second, Some(&tag)).await.unwrap();
    let stale = house.put("deep/er/x", &refused, Some(&tag)).await;
    assert!(matches!(stale, Err(What::Stale(..))), "{stale:?}");
    // Received, and then its upload was given up.
    let mut incoming = house.service.receive().unwrap();
    incoming.take(nobody.clone().into()).await.unwrap();
    incoming.finish().await.unwrap();
    assert!(
        [&first, &second, &refused, &nobody]
            .iter()
            .all(|it| house.has(it))
    );
    assert_eq!(house.sweep().await, 1);
    assert!(!house.has(&nobody));
    assert!([&first, &second, &refused].iter().all(|it| house.has(it)));
    assert_eq!(house.sweep().await, 0);
}

#[tokio::test]
async fn equal_contents_are_one_and_each_file_can_be_read() {
    let house = House::new();
    let same = content(b'x');
    for path in ["one", "two"] {
        house.put(path, &same, None).await.unwrap();
    }
    house.sweep().await;
    for path in ["one", "two"] {
        let key = Key::file("default", path).unwrap();
        let any = Preconditions::default();
        let read = house.service.read(&house.ann, &key, &any).await.unwrap();
        let Entry::File(facts) = Entry::of(&read.stored).unwrap() else {
            panic!("it is a file");
        };
        let part = house.service.content(&read.stored, &facts, (39_990, 10));
        let Outgoing::Elsewhere(mut reading) = part.await.unwrap() else {
            panic!("it is large");
        };
        assert_eq!(reading.next().await.unwrap().unwrap(), "xxxxxxxxxx");
    }
}

/// Somebody removed it from the folder: that is told, and no other content is taken for it.
#[tokio::test]
async fn a_content_that_is_not_there_is_a_failure() {
    let house = House::new();
    house.put("x", &content(b'x'), None).await.unwrap();
    let named = std::collections::HashSet::new();
    house.blobs.sweep(&named, Duration::ZERO).unwrap();
    let key = Key::file("default", "x").unwrap();
    let any = Preconditions::default();
    let read = house.service.read(&house.ann, &key, &any).await.unwrap();
    let entry = Entry::of(&read.stored).unwrap();
    let facts = entry.file().unwrap();
    let sent = house.service.content(&read.stored, facts, (0, 1)).await;
    assert!(matches!(sent.unwrap_err().what, What::Failed { .. }));
}
