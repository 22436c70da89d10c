use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex};

use apollo_compiler::ExecutableDocument;
use apollo_compiler::parser::{Parser, SourceSpan};
use apollo_compiler::validation::{DiagnosticList, Valid};

use crate::bounds::{MAX_FAULTS, MAX_NESTING, MAX_TOKENS};
use crate::fault::Fault;

/// What a client sent: operations and fragments that fit the schema.
pub struct Document {
    pub(crate) document: Valid<ExecutableDocument>,
    /// How long its text is.
    bytes: usize,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

impl Document {
    /// Reads a text against a schema (October 2021, section 5).
    pub(crate) fn read(
        text: &str,
        schema: &Valid<apollo_compiler::Schema>,
    ) -> Result<Self, Vec<Fault>> {
        let syntax = Parser::new()
            .recursion_limit(MAX_NESTING)
            .token_limit(MAX_TOKENS)
            .parse_ast(text, NAME)
            .map_err(|found| faults(Fault::PARSE, &found.errors))?;
        let document = syntax
            .to_executable_validate(schema)
            .map_err(|found| faults(Fault::VALIDATION, &found.errors))?;
        Ok(Self {
            document,
            bytes: text.len(),
        })
    }
}

impl Document {
    /// The line and the column of a place in it, from 1.
    pub(crate) fn place(&self, span: SourceSpan) -> Option<(usize, usize)> {
        let place = span.line_column(&self.document.sources)?;
        Some((place.line, place.column))
    }
}

/// What a document is called where something is wrong with it.
const NAME: &str = "request";

fn faults(code: &'static str, found: &DiagnosticList) -> Vec<Fault> {
    let faults = found.iter().take(MAX_FAULTS);
    faults
        .map(|found| Fault::of(code, found.to_json()))
        .collect()
}

/// The documents that were sent lately. Those that were not sent since the last time that it was full go
/// first.
#[derive(Debug, Default)]
pub(crate) struct Documents(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<str>, Arc<Document>>,
    old: HashMap<Box<str>, Arc<Document>>,
    /// Of the texts of the young ones.
    bytes: usize,
}

/// How much text a generation has.
const GENERATION_BYTES: usize = 256 * 1024;

impl Documents {
    pub(crate) fn find_or(
        &self,
        text: &str,
        read: impl FnOnce() -> Result<Document, Vec<Fault>>,
    ) -> Result<Arc<Document>, Vec<Fault>> {
        // A std mutex: nothing awaits while it is held, and it is not held while a document is read.
        let generations = || self.0.lock().expect("nothing panics while it is held");
        if let Some(found) = generations().find(text) {
            return Ok(found);
        }
        let document = Arc::new(read()?);
        generations().keep(text.into(), &document);
        Ok(document)
    }
}

impl Generations {
    fn find(&mut self, text: &str) -> Option<Arc<Document>> {
        if let Some(found) = self.young.get(text) {
            return Some(Arc::clone(found));
        }
        let (text, found) = self.old.remove_entry(text)?;
        self.keep(text, &found);
        Some(found)
    }

    fn keep(&mut self, text: Box<str>, document: &Arc<Document>) {
        if self.bytes + document.bytes > GENERATION_BYTES {
            self.old = mem::take(&mut self.young);
            self.bytes = 0;
        }
        if self.young.insert(text, Arc::clone(document)).is_none() {
            self.bytes += document.bytes;
        }
    }
}
