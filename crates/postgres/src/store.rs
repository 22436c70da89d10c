use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use detente_core::rules::{Claim, Rules};
use detente_core::{Head, Key, Lock, Moment, Receipt, Seq, Stored};
use detente_store::{
    BatchToken, Commit, ConstraintConflict, Facts, Fate, Ground, Lack, Order, Settlement, Store,
    StoreError, Time, UniqueKey, Want, locks_below,
};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::append::{Appended, after};
use crate::facts::Fetched;
use crate::failure::Failure;
use crate::fate::Sought;
use crate::lane::{Lane, Stand};
use crate::node::Node;
use crate::open::{self, OpenError, PostgresOptions};
use crate::queue::Held;
use crate::reader::PostgresReader;

/// Of orders that are about no document.
const NOWHERE: &str = "default";

/// How long a store that does not answer is left alone before it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The shared store, as one of its writers has it. Its methods wait for the database: they must not be
/// called where a runtime's tasks run.
#[derive(Debug)]
pub struct Postgres {
    pub(crate) node: Arc<Node>,
    turn: Option<Turn>,
    sought: Option<(Arc<Lane>, Sought)>,
}

/// A turn that was begun.
#[derive(Debug)]
struct Turn {
    lane: Arc<Lane>,
    stand: Stand,
    fetched: Fetched,
    /// If the lane was waited for: nobody else moves it.
    held: Option<Held>,
    /// It was begun before its orders were known.
    awaits_orders: bool,
}

impl Postgres {
    /// Opens the store that a URL names, as a node of its own, and makes its tables in an empty database.
    /// It works on the runtime of the caller, which must have several threads.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing that was there is changed.
    pub async fn open(url: &str, options: PostgresOptions) -> Result<Self, OpenError> {
        let (pool, found) = open::connect(url).await?;
        let node = Node::new(pool, Handle::current(), options, (found.epoch, found.rules));
        Ok(Self::on(node))
    }

    /// One more writer of the same node. Each space is decided by one of them.
    pub fn another(&self) -> Self {
        Self::on(Arc::clone(&self.node))
    }

    fn on(node: Arc<Node>) -> Self {
        Self {
            node,
            turn: None,
            sought: None,
        }
    }

    /// Begins a turn on a space, on what is known of it.
    fn begin_in(&mut self, space: &str) -> Result<&mut Turn, StoreError> {
        let lane = self.node.lane(space);
        let runtime = &self.node.runtime;
        let (held, stand) = match lane.stand() {
            Some(stand) if stand.turn > 0 && lane.contention.must_wait() => {
                let (held, stand) = runtime.block_on(self.node.hold(&lane))?;
                (Some(held), stand)
            }
            Some(stand) => (None, stand),
            None => (None, runtime.block_on(self.node.refresh(&lane))?),
        };
        if stand.turn > 0 && stand.rules != self.node.rules() {
            return Err(StoreError::Failed(
                "another node was started with other unique constraints: give all nodes the same \
                 configuration, and start this one again"
                    .into(),
            ));
        }
        Ok(self.turn.insert(Turn {
            lane,
            stand,
            fetched: Fetched::default(),
            held,
            awaits_orders: false,
        }))
    }

    /// The turn that was begun, or one on the space where orders without a space are decided.
    fn turn(&mut self, space: &str) -> Result<&mut Turn, StoreError> {
        if self.turn.is_none() {
            return self.begin_in(space);
        }
        self.turn.as_mut().ok_or(StoreError::Away)
    }
}

impl Turn {
    fn head(&self, key: &Key) -> Option<Option<Head>> {
        let fetched = self.fetched.heads.get(key).copied();
        fetched.or_else(|| self.lane.known().head(key).map(Some))
    }
}

impl Facts for Postgres {
    fn head(&self, key: &Key) -> Result<Option<Head>, Lack> {
        let known = self.turn.as_ref().and_then(|turn| turn.head(key));
        known.ok_or_else(|| wanted(Want::Head(key.clone())))
    }

    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, Lack> {
        let known = self.turn.as_ref().and_then(|turn| {
            let kept = self.node.recall(&turn.lane, seq).map(Some);
            kept.or_else(|| turn.fetched.versions.get(&seq).cloned())
        });
        known.ok_or_else(|| wanted(Want::Version(seq)))
    }

    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Lack> {
        let unique = UniqueKey::new(key, claim);
        let known = self
            .turn
            .as_ref()
            .and_then(|turn| turn.fetched.holders.get(&unique));
        known
            .cloned()
            .ok_or_else(|| wanted(Want::holder(key, claim)))
    }

    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Lack> {
        self.of_locks(key, |locks| locks.get(key).cloned())
    }

    fn locks_below(&self, folder: &Key) -> Result<Vec<(Key, Arc<Lock>)>, Lack> {
        self.of_locks(folder, |locks| locks_below(locks.iter(), folder))
    }

    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, Lack> {
        let known = self
            .turn
            .as_ref()
            .and_then(|turn| turn.fetched.receipts.get(scope));
        known.cloned().ok_or_else(|| wanted(Want::Receipt(*scope)))
    }

    fn settled(&self, id: &str) -> Result<Option<Option<Settlement>>, Lack> {
        let known = self
            .turn
            .as_ref()
            .and_then(|turn| turn.fetched.settled.get(id));
        known
            .cloned()
            .ok_or_else(|| wanted(Want::Settled(id.to_owned())))
    }
}

impl Postgres {
    /// What the locks say of the lane that a key is in.
    fn of_locks<T>(
        &self,
        key: &Key,
        find: impl FnOnce(&HashMap<Key, Arc<Lock>>) -> T,
    ) -> Result<T, Lack> {
        let lane = match &self.turn {
            Some(turn) => Arc::clone(&turn.lane),
            None => self.node.lane(key.space()),
        };
        let known = lane.known();
        match known.stand {
            Some(_) => Ok(find(&known.locks)),
            None => Err(wanted(Want::Lock(key.clone()))),
        }
    }
}

fn wanted(want: Want) -> Lack {
    Lack::Wanted(Box::new(want))
}

impl Store for Postgres {
    type Reader = PostgresReader;

    const IS_EXCLUSIVE: bool = false;

    fn reader(&self) -> PostgresReader {
        PostgresReader::new(Arc::clone(&self.node))
    }

    fn wait(&mut self, space: &str) -> bool {
        self.turn = None;
        // Where that fails, it fails again when the orders' turn begins.
        self.begin_in(space).is_ok_and(|turn| {
            turn.awaits_orders = true;
            turn.held.is_some()
        })
    }

    fn begin(&mut self, orders: &[Order], clock: Time) -> Result<Ground, StoreError> {
        let space = orders.iter().find_map(Order::space).unwrap_or(NOWHERE);
        self.turn = self
            .turn
            .take()
            .filter(|it| it.awaits_orders && *it.lane.space == *space);
        let turn = self.turn(space)?;
        turn.awaits_orders = false;
        let stand = turn.stand;
        let missing = Want::of(orders).into_iter();
        let missing: Vec<_> = missing
            .filter(|want| match want {
                Want::Head(key) => turn.head(key).is_none(),
                Want::Lock(_) => false,
                _ => true,
            })
            .collect();
        self.fetch(&missing)?;
        Ok(Ground {
            next_seq: stand.last_seq + 1,
            fencing: stand.fencing,
            time: Time {
                now: Moment(self.node.time().0.max(stand.last_at.0)),
                ..clock
            },
        })
    }

    fn fetch(&mut self, wants: &[Want]) -> Result<(), StoreError> {
        if wants.is_empty() {
            return Ok(());
        }
        let space = wants.iter().find_map(space_of).unwrap_or(NOWHERE);
        let node = Arc::clone(&self.node);
        let turn = self.turn(space)?;
        let Turn {
            lane,
            held,
            fetched,
            ..
        } = turn;
        Ok(node.runtime.block_on(async {
            match held {
                Some(held) => node.fetch_by(held.client()?, lane, wants, fetched).await,
                None => node.fetch(lane, wants, fetched).await,
            }
        })?)
    }

    fn append(&mut self, commit: &Commit) -> Fate {
        let node = Arc::clone(&self.node);
        let written = commit.versions.first().map(|it| it.stored.key.space());
        let space = written.or_else(|| commit.locks.first().map(|(key, _)| key.space()));
        if commit.is_log_alone() {
            return match node.runtime.block_on(node.log(commit)) {
                Ok(()) => {
                    node.runtime.block_on(node.bound_log(commit));
                    Fate::Committed
                }
                // To write it again does nothing.
                Err(failure) => failure.fate().unwrap_or(Fate::Away),
            };
        }
        let turn = match self.turn(space.unwrap_or(NOWHERE)) {
            Ok(turn) => turn,
            Err(error) => return Fate::unwritten(error),
        };
        let (lane, before) = (Arc::clone(&turn.lane), turn.stand);
        let held = turn.held.take();
        self.turn = None;
        let batch = Uuid::new_v4();
        let append = node.append(&lane, before, commit, batch, held);
        match node.runtime.block_on(append) {
            Appended::Known(Fate::Committed) if commit.is_empty() => Fate::Committed,
            Appended::Known(Fate::Committed) => {
                node.keep_all(&lane, &commit.versions);
                lane.committed(before, after(before, commit, batch), commit);
                node.runtime.block_on(node.prune(&lane, commit));
                node.runtime.block_on(node.bound_log(commit));
                Fate::Committed
            }
            Appended::Known(Fate::Lost) => {
                lane.contention.lost();
                // What the next turn begins on.
                match node.runtime.block_on(node.refresh(&lane)) {
                    Ok(_) => Fate::Lost,
                    Err(failure) => Fate::unwritten(failure.error),
                }
            }
            Appended::Known(fate) => fate,
            Appended::Unknown => {
                let first = commit.versions.first().map(|it| it.stored.seq);
                self.sought = Some((lane, Sought { batch, first }));
                Fate::Unknown(BatchToken(batch.as_u128()))
            }
        }
    }

    fn fate(&mut self, batch: BatchToken) -> Fate {
        self.turn = None;
        let sought = self.sought.as_ref();
        let Some((lane, sought)) = sought.filter(|(_, it)| it.batch.as_u128() == batch.0) else {
            // Nothing was sent under this name.
            return Fate::Lost;
        };
        let found = self
            .node
            .runtime
            .block_on(self.node.find_out(lane, *sought));
        match found {
            Ok(fate) => {
                self.sought = None;
                fate
            }
            Err(failure) => {
                tracing::warn!(error = %failure.error, "what became of a commit is not known yet");
                std::thread::sleep(PAUSE);
                Fate::Unknown(batch)
            }
        }
    }

    fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError> {
        self.turn = None;
        Ok(self.node.runtime.block_on(self.node.constrain(rules))?)
    }

    fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, StoreError> {
        let found = self.node.has_keys(collection, rules);
        Ok(self.node.runtime.block_on(found)?)
    }

    /// Folds what is pending. Whatever stays so is folded by the next that opens the store: a database that is
    /// away when a node ends is no failure.
    fn close(&mut self) -> Result<(), StoreError> {
        self.turn = None;
        let lanes = self.node.all_lanes();
        let folded = self.node.runtime.block_on(async {
            for lane in lanes {
                self.node.fold(&lane).await?;
            }
            Ok::<_, Failure>(())
        });
        if let Err(failure) = folded {
            tracing::warn!(error = %failure.error, "what is pending stays so until the store is opened again");
        }
        Ok(())
    }
}

fn space_of(want: &Want) -> Option<&str> {
    match want {
        Want::Head(key) | Want::Holder(key, ..) | Want::Lock(key) => Some(key.space()),
        Want::Version(_) | Want::Receipt(_) | Want::Settled(_) => None,
    }
}
