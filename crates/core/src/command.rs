use std::sync::Arc;

use bytes::Bytes;

use crate::json::{self, Value};
use crate::rules::{Claim, Rules, Violation};
use crate::{Digest, Key, Patch, PatchFailure, Preconditions, Seq};

/// What one write asks for.
#[derive(Clone, Debug)]
pub struct Command {
    pub key: Key,
    pub preconditions: Preconditions,
    pub edit: Edit,
    /// Who asks; becomes `updated_by`.
    pub by: Arc<str>,
}

/// How the document is to change.
#[derive(Clone, Debug)]
pub enum Edit {
    Put(Proposal),
    /// Puts a document back that was accepted before, elsewhere: it need not be in a state in which
    /// documents begin.
    Restore(Proposal),
    Patch(Patching),
    Delete,
}

/// A patch, and perhaps its outcome worked out ahead of time.
#[derive(Clone, Debug)]
pub struct Patching {
    pub patch: Arc<Patch>,
    /// The result for the version at this seq. Where the head has moved since, it is worked out anew.
    pub ahead: Option<(Seq, Proposal)>,
    /// How large a document may be, in bytes.
    pub max_bytes: usize,
}

/// A document that passed all that does not depend on the stored state.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub body: Bytes,
    pub digest: Digest,
    /// The document, where the rules of its collection read documents.
    pub(crate) tree: Option<Arc<Value>>,
    pub(crate) claims: Vec<Claim>,
}

/// Whether a write that names no version may replace a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unconditional {
    #[default]
    Reject,
    Allow,
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
            Some(tree) => claims(rules, tree),
            None => Vec::new(),
        };
        Ok(Self {
            digest: Digest::of(&body),
            body,
            tree: tree.filter(|_| rules.read_documents()).map(Arc::new),
            claims,
        })
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
        if patched.as_object().is_none() {
            return Err(Unfit::Invalid(vec![Violation::no_object()]));
        }
        let body = Bytes::from(patched.to_text());
        if body.len() > max_bytes {
            return Err(Unfit::Invalid(vec![Violation::too_large(max_bytes)]));
        }
        Self::check(rules, body, Some(patched)).map_err(Unfit::Invalid)
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

    fn too_large(max_bytes: usize) -> Self {
        Self {
            path: String::new(),
            keyword: "maxBytes".into(),
            message: format!("the document would be larger than {max_bytes} bytes"),
        }
    }
}

pub(crate) fn claims(rules: &Rules, document: &Value) -> Vec<Claim> {
    let unique = rules.unique.iter().enumerate();
    unique
        .filter_map(|(index, unique)| unique.claim(index, document))
        .collect()
}

/// The tree of a body that was checked before it was accepted or stored.
pub(crate) fn parse_checked(body: &[u8]) -> Value {
    json::parse(body).expect("a body was checked before it came here")
}
