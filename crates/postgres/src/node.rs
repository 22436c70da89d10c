use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool};
use detente_core::{Applied, Moment, Seq, Stored};
use detente_store::{Cache, Epoch};
use tokio::runtime::Handle;
use tokio_postgres::Statement;

use crate::failure::Failure;
use crate::lane::Lane;
use crate::open::PostgresOptions;

/// What a cached version weighs beside its body.
const VERSION_OVERHEAD: usize = 200;

/// How many spaces are remembered that nobody uses.
const LANES: usize = 1024;

/// How often other nodes' writes are looked for where somebody follows, and how often heads are
/// folded.
const LOOK: Duration = Duration::from_millis(100);

/// What all writers and readers of a node have in common.
#[derive(Debug)]
pub(crate) struct Node {
    pool: Pool,
    pub(crate) runtime: Handle,
    pub(crate) epoch: Epoch,
    pub(crate) options: PostgresOptions,
    /// The generation of unique constraints that this node checks.
    rules: AtomicI64,
    lanes: Mutex<HashMap<Box<str>, Arc<Lane>>>,
    numbers: AtomicU32,
    /// What this node added to the conflict log since it was bounded, in bytes.
    pub(crate) log_growth: AtomicU64,
    /// By the number of a lane and the place in its log.
    versions: Mutex<Cache<(u32, Seq), Arc<Stored>>>,
    /// What time it was for the database, and when it said so.
    time: Mutex<(Moment, Instant)>,
}

impl Node {
    pub(crate) fn new(
        pool: Pool,
        runtime: Handle,
        options: PostgresOptions,
        (epoch, rules): (u64, i64),
    ) -> Arc<Self> {
        let weigh = |stored: &Arc<Stored>| stored.body.len() + VERSION_OVERHEAD;
        let node = Arc::new(Self {
            pool,
            runtime: runtime.clone(),
            epoch: Epoch(epoch),
            rules: AtomicI64::new(rules),
            lanes: Mutex::default(),
            numbers: AtomicU32::new(0),
            log_growth: AtomicU64::new(0),
            versions: Mutex::new(Cache::new(options.cache_bytes, weigh)),
            time: Mutex::new((Moment(0), Instant::now())),
            options,
        });
        // It ends with the node.
        let watched = Arc::downgrade(&node);
        runtime.spawn(async move {
            let mut look = tokio::time::interval(LOOK);
            look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut round = 0;
            loop {
                look.tick().await;
                let Some(node) = watched.upgrade() else {
                    return;
                };
                node.look_around(round).await;
                round += 1;
            }
        });
        node
    }

    pub(crate) fn rules(&self) -> i64 {
        self.rules.load(Ordering::Relaxed)
    }

    pub(crate) fn set_rules(&self, rules: i64) {
        self.rules.store(rules, Ordering::Relaxed);
    }

    /// A connection that is idle, or a new one.
    pub(crate) async fn client(&self) -> Result<Object, Failure> {
        Ok(self.pool.get().await?)
    }

    /// A statement on a connection, prepared there once.
    pub(crate) async fn prepared(client: &Object, sql: &str) -> Result<Statement, Failure> {
        Ok(client.prepare_cached(sql).await?)
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Lane>>> {
        self.lanes.lock().expect("nothing panics while it is held")
    }

    /// What is known of a space.
    pub(crate) fn lane(&self, space: &str) -> Arc<Lane> {
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get(space) {
            return Arc::clone(lane);
        }
        if lanes.len() >= LANES {
            let is_used =
                |lane: &Arc<Lane>| Arc::strong_count(lane) > 1 || lane.watch.receiver_count() > 0;
            lanes.retain(|_, lane| is_used(lane));
        }
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let lane = Arc::new(Lane::new(space, number));
        lanes.insert(space.into(), Arc::clone(&lane));
        lane
    }

    pub(crate) fn all_lanes(&self) -> Vec<Arc<Lane>> {
        self.lanes().values().map(Arc::clone).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Cache<(u32, Seq), Arc<Stored>>> {
        self.versions
            .lock()
            .expect("nothing panics while it is held")
    }

    /// A version, if memory has it.
    pub(crate) fn recall(&self, lane: &Lane, seq: Seq) -> Option<Arc<Stored>> {
        self.kept().get(&(lane.number, seq))
    }

    pub(crate) fn keep(&self, lane: &Lane, stored: &Arc<Stored>) {
        self.kept()
            .insert((lane.number, stored.seq), Arc::clone(stored));
    }

    pub(crate) fn keep_all(&self, lane: &Lane, versions: &[Applied]) {
        let mut kept = self.kept();
        for applied in versions {
            let stored = &applied.stored;
            kept.insert((lane.number, stored.seq), Arc::clone(stored));
        }
    }

    /// They are stored no longer.
    pub(crate) fn let_go(&self, lane: &Lane, seqs: &[Seq]) {
        let mut kept = self.kept();
        for seq in seqs {
            kept.remove(&(lane.number, *seq));
        }
    }

    /// What time it is for the database, which is the same for all nodes.
    pub(crate) fn time(&self) -> Moment {
        let time = self.time.lock().expect("nothing panics while it is held");
        let (said, at) = *time;
        let passed = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment(said.0.saturating_add(passed))
    }

    /// The database said what time it was, when it was asked between `asked` and now.
    pub(crate) fn heard_time(&self, said: Moment, asked: Instant) {
        let middle = asked + asked.elapsed() / 2;
        *self.time.lock().expect("nothing panics while it is held") = (said, middle);
    }
}
