use std::sync::Arc;

use bytes::Bytes;

use crate::json::{self, MAX_DEPTH, Value};
use crate::rules::{Claim, Deed, Rules, Violation};
use crate::{Digest, Key, LockTokens, Merging, Patch, PatchFailure, Preconditions};

/// What one write asks for.
#[derive(Clone, Debug)]
pub struct Command {
    pub key: Key,
    pub preconditions: Preconditions,
    pub edit: Edit,
    /// Who asks; becomes `updated_by`.
    pub by: Arc<str>,
    /// The tokens of locks that the writer holds, or believes to hold.
    pub lock_tokens: LockTokens,
    /// Whether it only says that something in a folder changed: then a lock of the folder that is not deep does
    /// not keep it out.
    pub is_inner: bool,
    /// What access rules know of whoever asks: an object. `None`: the rules are not asked.
    pub caller: Option<Arc<Value>>,
    /// What whoever asks has no right to, where only what is stored tells whether the write is that.
    pub lacks: Option<Deed>,
}

/// How the document is to change.
#[derive(Clone, Debug)]
pub enum Edit {
    Put(Proposal),
    /// Puts a document back that was accepted before, elsewhere: it need not be in a state in which
    /// documents begin.
    Restore(Proposal),
    Patch(Patching),
    /// Joins an edit of a version that the writer names with what is stored.
    Merge(Box<Merging>),
    Delete,
}

/// A patch, and how large a document it may leave.
#[derive(Clone, Debug)]
pub struct Patching {
    pub patch: Arc<Patch>,
    /// How large a document may be, in bytes.
    pub max_bytes: usize,
}

/// A document that passed all that does not depend on the stored state.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub body: Bytes,
    pub digest: Digest,
    /// The document, where somebody had to look into it.
    pub(crate) tree: Option<Arc<Value>>,
    pub(crate) claims: Vec<Claim>,
}

impl Command {
    /// A command without preconditions or lock, which access rules are not asked about.
    pub fn new(key: Key, edit: Edit, by: Arc<str>) -> Self {
        Self {
            key,
            preconditions: Preconditions::default(),
            edit,
            by,
            lock_tokens: LockTokens::None,
            is_inner: false,
            caller: None,
            lacks: None,
        }
    }
}

impl Proposal {
    /// Checks a document and finds the unique keys that it has.
    ///
    /// `body` must be I-JSON; `tree` may be given if it was parsed already.
    ///
    /// # Errors
    ///
    /// Every violation, with its path.
    pub fn check(rules: &Rules, body: Bytes, tree: Option<Value>) -> Result<Self, Vec<Violation>> {
        let needs_tree = rules.schema.is_some() || rules.read_documents();
        let tree = match tree {
            Some(tree) => Some(tree),
            None if needs_tree => Some(parse_checked(&body)),
            None => None,
        };
        if let (Some(schema), Some(tree)) = (&rules.schema, &tree) {
            let violations = schema.violations(tree);
            if !violations.is_empty() {
                return Err(violations);
            }
        }
        let claims = match &tree {
            Some(tree) => rules.claims(tree),
            None => Vec::new(),
        };
        Ok(Self {
            digest: Digest::of(&body),
            body,
            tree: tree.map(Arc::new),
            claims,
        })
    }

    /// The unique keys that the document has.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The document as a tree.
    pub fn document(&self) -> Arc<Value> {
        match &self.tree {
            Some(tree) => Arc::clone(tree),
            None => Arc::new(parse_checked(&self.body)),
        }
    }

    /// A document that was made here: too large, or not an object, is a violation as any other.
    ///
    /// # Errors
    ///
    /// Every violation, with its path.
    pub fn made(rules: &Rules, document: Value, max_bytes: usize) -> Result<Self, Vec<Violation>> {
        if document.as_object().is_none() {
            return Err(vec![Violation::no_object()]);
        }
        if document.depth() > MAX_DEPTH {
            return Err(vec![Violation::too_deep()]);
        }
        let body = Bytes::from(document.to_text());
        if body.len() > max_bytes {
            return Err(vec![Violation::too_large(max_bytes)]);
        }
        Self::check(rules, body, Some(document))
    }

    /// The outcome of a patch on a stored document.
    ///
    /// # Errors
    ///
    /// [`Unfit::Patch`] if the patch does not fit; [`Unfit::Invalid`] if its result is no document.
    pub fn patched(
        rules: &Rules,
        patch: &Patch,
        base: &Bytes,
        max_bytes: usize,
    ) -> Result<Self, Unfit> {
        let patched = patch
            .apply(&parse_checked(base), max_bytes)
            .map_err(Unfit::Patch)?;
        Self::made(rules, patched, max_bytes).map_err(Unfit::Invalid)
    }
}

/// Why a patch has no outcome.
#[derive(Clone, Debug)]
pub enum Unfit {
    Patch(PatchFailure),
    Invalid(Vec<Violation>),
}

impl Violation {
    /// A document is one JSON object.
    pub fn no_object() -> Self {
        Self {
            path: String::new(),
            keyword: "type".into(),
            message: "a document is a JSON object".into(),
        }
    }

    fn too_deep() -> Self {
        Self {
            path: String::new(),
            keyword: "maxDepth".into(),
            message: format!("the document would be nested deeper than {MAX_DEPTH} levels"),
        }
    }

    fn too_large(max_bytes: usize) -> Self {
        Self {
            path: String::new(),
            keyword: "maxBytes".into(),
            message: format!("the document would be larger than {max_bytes} bytes"),
        }
    }
}

/// The tree of a body that was checked before it was accepted or stored.
pub(crate) fn parse_checked(body: &[u8]) -> Value {
    json::parse(body).expect("a body was checked before it came here")
}
