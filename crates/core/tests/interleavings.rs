//! `decide` under every order of up to four commands on two documents, beside a simple model.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use detente_core::json::parse;
use detente_core::rules::{Claim, Rules, Unique};
use detente_core::{
    Applied, CollectionRules, Command, Condition, Decision, Edit, Head, JsonPatch, Key, Kind, Lock,
    Moment, Patch, Patching, Preconditions, Prepared, Proposal, Refusal, Seq, State, Stored,
    decide,
};

/// A store in memory: the log, and what is derived from it.
#[derive(Clone, Default)]
struct Memory {
    log: Vec<Arc<Stored>>,
    heads: BTreeMap<Key, Head>,
    keys: BTreeMap<String, String>,
}

impl State for Memory {
    type Error = Infallible;

    fn head(&self, key: &Key) -> Result<Option<Head>, Infallible> {
        Ok(self.heads.get(key).copied())
    }

    fn stored(&self, seq: Seq) -> Result<Arc<Stored>, Infallible> {
        Ok(Arc::clone(&self.log[usize::try_from(seq).unwrap() - 1]))
    }

    fn lock(&self, _: &Key) -> Result<Option<Arc<Lock>>, Infallible> {
        Ok(None)
    }

    fn locks_below(&self, _: &Key) -> Result<Vec<Arc<Lock>>, Infallible> {
        Ok(Vec::new())
    }

    fn holder(&self, _: &Key, claim: &Claim) -> Result<Option<String>, Infallible> {
        Ok(self.keys.get(&claim.value).cloned())
    }
}

impl Memory {
    fn apply(&mut self, applied: &Applied) {
        assert_eq!(applied.stored.seq, self.log.len() as Seq + 1);
        for claim in &applied.released {
            let holder = self.keys.remove(&claim.value);
            assert_eq!(
                holder.as_deref(),
                Some(applied.stored.key.id()),
                "releases what it holds"
            );
        }
        for claim in &applied.claimed {
            let before = self
                .keys
                .insert(claim.value.clone(), applied.stored.key.id().to_owned());
            assert_eq!(before, None, "claims what is free");
        }
        self.heads.insert(applied.stored.key.clone(), applied.head);
        self.log.push(Arc::clone(&applied.stored));
    }
}

/// What a command does, simple enough for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ask {
    /// If-Match with the tag that version 1 had at the beginning.
    PutFirst(&'static str),
    /// With `If-None-Match: *`.
    Create(&'static str),
    /// With `If-Match: *`.
    Overwrite(&'static str),
    Unconditional,
    DeleteFirst,
    DeleteAny,
    /// A JSON Patch that tests for `"e":"x"` and writes `"e":"z"`.
    TestedPatch,
}

use Ask::{Create, DeleteAny, DeleteFirst, Overwrite, PutFirst, TestedPatch};

const ASKS: [Ask; 8] = [
    PutFirst("x"),
    PutFirst("y"),
    Create("x"),
    Overwrite("y"),
    Ask::Unconditional,
    DeleteFirst,
    DeleteAny,
    TestedPatch,
];

fn rules() -> CollectionRules {
    let rules = Rules {
        unique: vec![Unique {
            name: "e".into(),
            fields: vec!["/e".parse().unwrap()],
            ignore_case: false,
            normalize: false,
            condition: None,
            error: None,
            message: None,
        }],
        ..Rules::default()
    };
    CollectionRules {
        rules,
        ..CollectionRules::default()
    }
}

fn body(e: &str) -> Bytes {
    Bytes::from(format!(r#"{{"e":"{e}"}}"#))
}

fn put(rules: &Rules, e: &str) -> Edit {
    Edit::Put(Proposal::check(rules, body(e), None).unwrap())
}

fn command(rules: &Rules, first: &Memory, key: &Key, ask: Ask) -> Command {
    let first_tag = || {
        let head = first.heads.get(key).map(|head| head.tag().to_entity_tag());
        head.unwrap_or_else(|| detente_core::EntityTag::strong("none"))
    };
    let any = || Some(Condition::Any);
    let (if_match, if_none_match, edit) = match ask {
        PutFirst(e) => (
            Some(Condition::Tags(vec![first_tag()])),
            None,
            put(rules, e),
        ),
        Create(e) => (None, any(), put(rules, e)),
        Overwrite(e) => (any(), None, put(rules, e)),
        Ask::Unconditional => (None, None, put(rules, "w")),
        DeleteFirst => (Some(Condition::Tags(vec![first_tag()])), None, Edit::Delete),
        DeleteAny => (any(), None, Edit::Delete),
        TestedPatch => (None, None, tested_patch()),
    };
    Command {
        preconditions: Preconditions {
            if_match,
            if_none_match,
            ..Preconditions::default()
        },
        ..Command::new(key.clone(), edit, "somebody".into())
    }
}

fn tested_patch() -> Edit {
    let text =
        br#"[{"op":"test","path":"/e","value":"x"},{"op":"replace","path":"/e","value":"z"}]"#;
    let patch = JsonPatch::from_value(&parse(text).unwrap()).unwrap();
    let patch = Arc::new(Patch::Json(patch));
    Edit::Patch(Patching {
        patch,
        max_bytes: 1000,
    })
}

/// A document as the model sees it: its version, and its `e` unless it is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Simple {
    version: u64,
    e: Option<&'static str>,
}

/// The model's answer to a command, in the order of the contract's table; `None` means refused.
fn model(
    documents: &BTreeMap<usize, Simple>,
    index: usize,
    had_first: bool,
    ask: Ask,
) -> Option<Simple> {
    let now = documents.get(&index).copied();
    let lives = now.is_some_and(|document| document.e.is_some());
    let is_first = lives && had_first && now.is_some_and(|document| document.version == 1);
    let (allowed, e) = match ask {
        PutFirst(e) => (is_first, Some(e)),
        Create(e) => (!lives, Some(e)),
        Overwrite(e) => (lives, Some(e)),
        Ask::Unconditional => (!lives, Some("w")),
        DeleteFirst => (is_first, None),
        DeleteAny => (lives, None),
        TestedPatch => (
            now.is_some_and(|document| document.e == Some("x")),
            Some("z"),
        ),
    };
    let taken = |e: &str| {
        documents
            .iter()
            .any(|(other, document)| *other != index && document.e == Some(e))
    };
    if !allowed || e.is_some_and(taken) {
        return None;
    }
    Some(Simple {
        version: now.map_or(1, |document| document.version + 1),
        e,
    })
}

/// Where a run starts: the state of each of the two documents.
const BEGINNINGS: [[Option<&str>; 2]; 4] = [
    [None, None],
    [Some("x"), None],
    [Some("x"), Some("y")],
    [Some("a"), Some("")],
];

fn begin(
    rules: &CollectionRules,
    keys: &[Key; 2],
    beginning: [Option<&'static str>; 2],
) -> (Memory, BTreeMap<usize, Simple>) {
    let mut memory = Memory::default();
    let mut documents = BTreeMap::new();
    for (index, e) in beginning.into_iter().enumerate() {
        let Some(e) = e else { continue };
        // An empty text means a document that was created and deleted.
        let asks: &[Ask] = if e.is_empty() {
            &[Create("q"), DeleteAny]
        } else {
            &[Create("")]
        };
        for ask in asks {
            let ask = if *ask == Create("") { Create(e) } else { *ask };
            let command = command(&rules.rules, &Memory::default(), &keys[index], ask);
            let seq = memory.log.len() as Seq + 1;
            let decision = decide(&memory, rules, &command.into(), seq, Moment(1));
            let Ok(Decision::Apply(applied)) = decision else {
                panic!("{decision:?}")
            };
            memory.apply(&applied);
            documents.insert(index, model(&documents, index, false, ask).unwrap());
        }
    }
    (memory, documents)
}

struct Run<'a> {
    rules: &'a CollectionRules,
    keys: &'a [Key; 2],
    first: &'a Memory,
    commands: BTreeMap<(usize, Ask), Prepared>,
    checked: RefCell<u64>,
}

impl Run<'_> {
    /// Every command at this point, and then every order of the rest.
    fn explore(&self, memory: &Memory, documents: &BTreeMap<usize, Simple>, left: u32) {
        if left == 0 {
            return;
        }
        for ((index, ask), command) in &self.commands {
            let (mut memory, mut documents) = (memory.clone(), documents.clone());
            self.step(&mut memory, &mut documents, (*index, *ask), command);
            self.explore(&memory, &documents, left - 1);
        }
    }

    fn step(
        &self,
        memory: &mut Memory,
        documents: &mut BTreeMap<usize, Simple>,
        (index, ask): (usize, Ask),
        command: &Prepared,
    ) {
        *self.checked.borrow_mut() += 1;
        let had_first = self
            .first
            .heads
            .get(&self.keys[index])
            .is_some_and(Head::is_document);
        let expected = model(documents, index, had_first, ask);
        let seq = memory.log.len() as Seq + 1;
        let decision = decide(memory, self.rules, command, seq, Moment(2)).unwrap();
        let case = || format!("{ask:?} on document {index} of {documents:?}");
        match (&decision, expected) {
            (Decision::Apply(applied), Some(simple)) => {
                assert_eq!(applied.head.version, simple.version, "{}", case());
                assert_eq!(
                    applied.head.kind == Kind::Document,
                    simple.e.is_some(),
                    "{}",
                    case()
                );
                let e = applied
                    .stored
                    .document()
                    .and_then(|it| it.get("e").cloned());
                assert_eq!(e.as_ref().and_then(|e| e.as_str()), simple.e, "{}", case());
                memory.apply(applied);
                documents.insert(index, simple);
            }
            (Decision::Refuse(refusal), None) => self.check_refusal(memory, index, refusal),
            _ => panic!("{}: {decision:?}, the model says {expected:?}", case()),
        }
        self.check(memory, documents);
    }

    /// A refusal names the version that is really current.
    fn check_refusal(&self, memory: &Memory, index: usize, refusal: &Refusal) {
        let current = memory.heads.get(&self.keys[index]).copied();
        match refusal {
            Refusal::Stale { head } => assert_eq!(*head, current.filter(Head::is_document)),
            Refusal::Deleted { head }
            | Refusal::PreconditionFailed { head, .. }
            | Refusal::Patch { head, .. } => assert_eq!(Some(*head), current),
            Refusal::Duplicate { duplicates, .. } => {
                let other = self.keys[1 - index].id();
                assert!(duplicates.iter().all(|duplicate| duplicate.holder == other));
            }
            Refusal::Missing | Refusal::ConditionRequired => {}
            other => panic!("nothing here can lead to {other:?}"),
        }
    }

    /// Unique keys and documents agree.
    fn check(&self, memory: &Memory, documents: &BTreeMap<usize, Simple>) {
        let held: BTreeSet<_> = memory.keys.values().cloned().collect();
        let living = documents
            .iter()
            .filter(|(_, document)| document.e.is_some());
        let expected: BTreeSet<_> = living
            .map(|(index, _)| self.keys[*index].id().to_owned())
            .collect();
        assert_eq!(held, expected);
        assert_eq!(held.len(), memory.keys.len(), "one key each");
    }
}

#[test]
fn every_order_of_up_to_four_commands_on_two_documents() {
    let rules = rules();
    let keys = ["1", "2"].map(|id| Key::new("default", "users", id).unwrap());
    let mut checked = 0;
    for beginning in BEGINNINGS {
        let (first, documents) = begin(&rules, &keys, beginning);
        let commands = [0, 1]
            .into_iter()
            .flat_map(|index| ASKS.map(|ask| (index, ask)));
        let commands = commands.map(|(index, ask)| {
            let command = command(&rules.rules, &first, &keys[index], ask);
            ((index, ask), command.into())
        });
        let run = Run {
            rules: &rules,
            keys: &keys,
            first: &first,
            commands: commands.collect(),
            checked: RefCell::new(0),
        };
        run.explore(&first, &documents, 4);
        checked += *run.checked.borrow();
    }
    // 16 commands: 16 + 16² + 16³ + 16⁴ steps from each start.
    assert_eq!(checked, 4 * (16 + 256 + 4096 + 65_536));
}
