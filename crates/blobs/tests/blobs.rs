use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use detente_blobs::{Blobs, ContentHash, Received};

async fn store(blobs: &Blobs, content: &[u8]) -> Received {
    let mut upload = blobs.receive().await.unwrap();
    for piece in content.chunks(100_000) {
        upload.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    upload.finish().await.unwrap()
}

async fn content(blobs: &Blobs, hash: ContentHash, part: Option<(u64, u64)>) -> Option<Vec<u8>> {
    let mut reading = blobs.read(hash).await.unwrap()?;
    if let Some((from, length)) = part {
        reading.seek(from, length).unwrap();
    }
    let mut found = Vec::new();
    while let Some(piece) = reading.next().await.unwrap() {
        found.extend_from_slice(&piece);
    }
    Some(found)
}

/// How many files there are below a folder.
fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap());
    let below = entries.map(|it| match it.file_type().unwrap().is_dir() {
        true => count(&it.path()),
        false => 1,
    });
    below.sum()
}

fn large() -> Vec<u8> {
    (0..1_000_003_u32).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn a_content_comes_back_whole_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path().join("deep/blobs")).unwrap();
    let large = large();
    for bytes in [&b""[..], b"abc", &large] {
        let Received { hash, size } = store(&blobs, bytes).await;
        assert_eq!((hash, size), (ContentHash::of(bytes), bytes.len() as u64));
        assert!(blobs.has(hash, size).unwrap() && !blobs.has(hash, size + 1).unwrap());
        assert_eq!(content(&blobs, hash, None).await.unwrap(), bytes);
    }
    let hash = ContentHash::of(&large);
    let part = content(&blobs, hash, Some((299_999, 400_000))).await;
    assert_eq!(part.unwrap(), large[299_999..699_999]);
    let mut reading = blobs.read(hash).await.unwrap().unwrap();
    assert!(reading.seek(1, reading.size()).is_err());
    assert!(reading.seek(u64::MAX, 2).is_err());
    assert!(
        content(&blobs, ContentHash::of(b"never"), None)
            .await
            .is_none()
    );
}

#[tokio::test]
async fn equal_contents_are_one_and_what_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let first = store(&blobs, b"same").await;
    assert_eq!(store(&blobs, b"same").await, first);
    assert_eq!(count(folder.path()), 1);
    let mut upload = blobs.receive().await.unwrap();
    upload.write(Bytes::from(large())).await.unwrap();
    assert_eq!(count(folder.path()), 2);
    drop(upload);
    assert_eq!(count(folder.path()), 1);
}

#[tokio::test]
async fn a_sweep_removes_what_is_old_and_not_named() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let kept = store(&blobs, b"kept").await.hash;
    let other = store(&blobs, b"other").await.hash;
    let named = HashSet::from([kept]);
    let spared = blobs.sweep(&named, Duration::from_secs(60)).unwrap();
    assert_eq!((spared.removed, spared.kept), (0, 2), "both are new");
    // Whoever reads it goes on reading.
    let mut reading = blobs.read(other).await.unwrap().unwrap();
    let swept = blobs.sweep(&named, Duration::ZERO).unwrap();
    assert_eq!((swept.removed, swept.bytes, swept.kept), (1, 5, 1));
    assert_eq!(reading.next().await.unwrap().unwrap(), "other");
    assert!(content(&blobs, other, None).await.is_none());
    assert_eq!(content(&blobs, kept, None).await.unwrap(), b"kept");
}

/// What a server that ended left behind.
#[tokio::test]
async fn what_was_about_to_be_removed_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let hash = store(&blobs, b"abc").await.hash;
    let name = hash.to_string();
    let (place, trash) = (folder.path().join(&name[..2]), folder.path().join("trash"));
    std::fs::create_dir(&trash).unwrap();
    std::fs::rename(place.join(&name), trash.join(&name)).unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    assert_eq!(content(&blobs, hash, None).await.unwrap(), b"abc");
}

/// Uploads of one content while sweeps go over it, as fast as both can.
#[tokio::test(flavor = "multi_thread")]
async fn no_sweep_takes_what_was_just_received() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let sweeper = {
        let blobs = blobs.clone();
        std::thread::spawn(move || {
            for _ in 0..40 {
                blobs
                    .sweep(&HashSet::new(), Duration::from_secs(1))
                    .unwrap();
            }
        })
    };
    let path = |hash: ContentHash| {
        let name = hash.to_string();
        folder.path().join(&name[..2]).join(name)
    };
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    while !sweeper.is_finished() {
        let hash = store(&blobs, b"abc").await.hash;
        // It is old, and at this moment it is received again.
        if let Ok(file) = std::fs::File::open(path(hash)) {
            file.set_modified(long_ago).unwrap();
        }
        let hash = store(&blobs, b"abc").await.hash;
        assert_eq!(content(&blobs, hash, None).await.unwrap(), b"abc");
    }
    sweeper.join().unwrap();
}
