use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use detente_core::rules::Rules;
use detente_core::{
    Applied, CollectionRules, Command, Condition, Decision, Digest, Edit, Key, Kind, Moment, Once,
    Preconditions, Proposal, Seq, Stored, Unconditional,
};
use detente_postgres::{Postgres, PostgresOptions, PostgresReader};
use detente_store::{
    Changes, Follow, PageLimit, Reader, Store, Transacted, Transaction, WriteError, Writer,
    WriterHandle, audit,
};
use tokio::runtime::Runtime;

use crate::proxy::Proxy;

/// How many clients each node has, and how many documents they all share.
const CLIENTS: u64 = 6;
const DOCUMENTS: u64 = 3;

/// Clients of two nodes that write and read the same few documents.
pub(crate) struct Workload {
    nodes: Vec<Node>,
}

/// A node by itself.
pub(crate) struct Node {
    writer: Writer,
    pub(crate) reader: PostgresReader,
}

impl Node {
    pub(crate) fn start(runtime: &Runtime, url: &str) -> Self {
        let options = PostgresOptions::default();
        let store = runtime.block_on(Postgres::open(url, options)).unwrap();
        let reader = store.reader();
        let writers = vec![store.another(), store];
        let writer = Writer::start_all(writers, 1000).unwrap();
        Self { writer, reader }
    }

    /// Creates a document of its own; under a key, if there is one.
    pub(crate) fn put(
        &self,
        runtime: &Runtime,
        number: u64,
        scope: Option<[u8; 32]>,
    ) -> Result<Decision, WriteError> {
        let transacted = self.transact(runtime, number, scope)?;
        match transacted {
            Transacted::Applied(mut all) => Ok(Decision::Apply(Box::new(all.remove(0)))),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn once(
        &self,
        runtime: &Runtime,
        number: u64,
        scope: [u8; 32],
    ) -> Result<Transacted, WriteError> {
        self.transact(runtime, number, Some(scope))
    }

    fn transact(
        &self,
        runtime: &Runtime,
        number: u64,
        scope: Option<[u8; 32]>,
    ) -> Result<Transacted, WriteError> {
        let key = Key::new("default", "notes", &number.to_string()).unwrap();
        let body = format!(r#"{{"n":{number}}}"#);
        let proposal = Proposal::check(&Rules::default(), body.into(), None);
        let edit = Edit::Put(proposal.unwrap());
        let once = scope.map(|scope| Once {
            scope,
            payload: scope,
        });
        let asked = Transaction {
            writes: vec![(Command::new(key, edit, "ann".into()).into(), rules())],
            once,
            ..Transaction::default()
        };
        runtime.block_on(self.writer.handle().transact(asked))
    }

    pub(crate) fn end(self) {
        drop(self.reader);
        self.writer.join().unwrap();
    }
}

fn rules() -> Arc<CollectionRules> {
    Arc::new(CollectionRules {
        unconditional: Unconditional::Allow,
        ..CollectionRules::default()
    })
}

/// What clients were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Bodies of writes that were said not to be performed.
    pub(crate) failed: Vec<String>,
    /// Reads that showed less than was acknowledged before.
    stale: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    key: Key,
    seq: Seq,
    version: u64,
    pub(crate) body: String,
}

impl Workload {
    pub(crate) fn start(runtime: &Runtime, proxies: &[Proxy]) -> Self {
        let start = |proxy: &Proxy| Node::start(runtime, &proxy.url);
        Self {
            nodes: proxies.iter().map(start).collect(),
        }
    }

    /// Lets the clients work while `harm` does what it does, and a little longer.
    pub(crate) fn run(&mut self, runtime: &Runtime, round: u64, harm: impl FnOnce()) -> Told {
        let told = Arc::new(Mutex::new(Told::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let newest: Arc<Vec<AtomicU64>> =
            Arc::new((0..DOCUMENTS).map(|_| AtomicU64::new(0)).collect());
        let mut clients = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            for number in 0..CLIENTS {
                let client = Client {
                    name: format!("{round}-{index}-{number}"),
                    round,
                    writer: node.writer.handle(),
                    reader: node.reader.clone(),
                    told: Arc::clone(&told),
                    newest: Arc::clone(&newest),
                };
                clients.push(runtime.spawn(client.work(number, Arc::clone(&is_over))));
            }
        }
        harm();
        std::thread::sleep(Duration::from_millis(100));
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            runtime.block_on(client).unwrap();
        }
        std::mem::take(&mut *told.lock().unwrap())
    }

    pub(crate) fn end(self) {
        self.nodes.into_iter().for_each(Node::end);
    }
}

struct Client {
    name: String,
    round: u64,
    writer: WriterHandle,
    reader: PostgresReader,
    told: Arc<Mutex<Told>>,
    /// The newest version of each document that somebody was told of.
    newest: Arc<Vec<AtomicU64>>,
}

impl Client {
    async fn work(self, number: u64, is_over: Arc<AtomicBool>) {
        let mut count = 0;
        while !is_over.load(Ordering::Relaxed) {
            let document = (number + count) % DOCUMENTS;
            count += 1;
            self.edit(document, count).await;
        }
    }

    /// Reads a document, and writes it if it is still what was read.
    async fn edit(&self, document: u64, count: u64) {
        let key = Key::new("default", "notes", &format!("{}-{document}", self.round)).unwrap();
        let place = &self.newest[document as usize];
        let expected = place.load(Ordering::SeqCst);
        let Some(read) = self.read(&key).await else {
            return;
        };
        let found = read.as_ref().map_or(0, |head| head.version);
        if found < expected {
            let stale = format!("{key:?}: version {found} after {expected} was acknowledged");
            self.told.lock().unwrap().stale.push(stale);
        }
        let preconditions = match read {
            None => Preconditions {
                if_none_match: Some(Condition::Any),
                ..Preconditions::default()
            },
            Some(head) => Preconditions {
                if_match: Some(Condition::Tags(vec![head.tag().to_entity_tag()])),
                ..Preconditions::default()
            },
        };
        let body = format!(r#"{{"by":"{}","n":{count}}}"#, self.name);
        let bytes = Bytes::copy_from_slice(body.as_bytes());
        let proposal = Proposal::check(&Rules::default(), bytes, None).unwrap();
        let command = Command {
            preconditions,
            ..Command::new(key.clone(), Edit::Put(proposal), self.name.as_str().into())
        };
        let decided = self.writer.write(command, rules()).await;
        let mut told = self.told.lock().unwrap();
        match decided {
            Ok(Decision::Apply(applied)) => {
                place.fetch_max(applied.stored.version, Ordering::SeqCst);
                told.acknowledged.push(Acknowledged {
                    key,
                    seq: applied.stored.seq,
                    version: applied.stored.version,
                    body,
                });
            }
            Ok(_) => {}
            Err(_) => told.failed.push(body),
        }
    }

    /// `None`: the store is away.
    async fn read(&self, key: &Key) -> Option<Option<detente_core::Head>> {
        self.reader.fresh(key.space()).await.ok()?;
        self.reader.head(key).await.ok()
    }
}

/// The first version of a document of its own.
pub(crate) fn version(seq: Seq) -> Applied {
    let body = Bytes::from(format!(r#"{{"n":{seq}}}"#));
    let stored = Stored {
        seq,
        key: Key::new("default", "notes", &seq.to_string()).unwrap(),
        version: 1,
        prev: None,
        base: None,
        by: "ann".into(),
        at: Moment(1),
        kind: Kind::Document,
        digest: Digest::of(&body),
        body,
    };
    Applied {
        head: stored.head(),
        stored: Arc::new(stored),
        tree: None,
        created: true,
        claimed: Vec::new(),
        released: Vec::new(),
    }
}

impl Told {
    pub(crate) fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.failed.extend(other.failed);
        self.stale.extend(other.stale);
    }

    /// Holds what was told against what is stored, as another node sees it.
    pub(crate) fn judge(&self, runtime: &Runtime, url: &str) -> Vec<String> {
        let store = runtime.block_on(Postgres::open(url, PostgresOptions::default()));
        let reader = store.unwrap().reader();
        let mut faults = self.stale.clone();
        let audited = runtime.block_on(audit(&reader, |_| None)).unwrap();
        faults.extend(audited.faults);
        let mut stored = HashMap::new();
        let mut wanted = Changes {
            space: "default".into(),
            collection: None,
            since: 0,
            follow: Follow::Versions,
            limit: PageLimit::rows(1000),
        };
        loop {
            let page = runtime.block_on(reader.changes(&wanted)).unwrap();
            for version in page.items {
                let body = version.text().to_owned();
                if stored.insert(body, version.clone()).is_some() {
                    faults.push(format!("{} is stored twice", version.text()));
                }
            }
            wanted.since = page.through;
            if !page.more {
                break;
            }
        }
        let mut seen = HashSet::new();
        for told in &self.acknowledged {
            let found = stored.get(&told.body);
            let is_it = found.is_some_and(|it| {
                (it.seq, it.version, &it.key) == (told.seq, told.version, &told.key)
            });
            if !is_it {
                faults.push(format!("{told:?} is lost"));
            }
            if !seen.insert((&told.key, told.version)) {
                let (key, version) = (&told.key, told.version);
                faults.push(format!(
                    "version {version} of {key:?} was acknowledged twice"
                ));
            }
        }
        let unwanted = self.failed.iter().filter(|body| stored.contains_key(*body));
        faults.extend(unwanted.map(|body| format!("{body} is stored, and was said not to be")));
        faults
    }
}
