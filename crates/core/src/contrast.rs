use bytes::Bytes;

use crate::json::{Members, Object, Value, write_member};

/// Versions of a document side by side. A member whose text is the same in all of them was not
/// changed and cannot conflict: it is set aside, and trees are built of the rest only.
///
/// Comparing or merging those trees has the same result as for the whole documents, as long as no
/// strategy is declared for the root and no choice is made; [`Contrast::whole`] adds what was set
/// aside to the result of a merge.
#[derive(Debug)]
pub struct Contrast {
    documents: Vec<Members>,
    /// For each member of the first document whether it is set aside.
    is_aside: Vec<bool>,
}

impl Contrast {
    /// Compares `texts`, which must be checked JSON objects.
    pub fn of(texts: impl IntoIterator<Item = Bytes>) -> Self {
        let mut documents: Vec<Members> = Vec::new();
        for text in texts {
            documents.push(match documents.first() {
                None => Members::of(text),
                Some(first) => Members::like(text, first),
            });
        }
        let mut shared_by = vec![0; documents.first().map_or(0, Members::len)];
        let others = documents.get(1..).unwrap_or_default();
        for document in others {
            for twin in (0..document.len()).filter_map(|index| document.twin(index)) {
                shared_by[twin] += 1;
            }
        }
        let is_aside = shared_by.iter().map(|it| *it == others.len()).collect();
        Self {
            documents,
            is_aside,
        }
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// The tree of one of the documents, without what is set aside.
    pub fn tree(&self, document: usize) -> Value {
        let members = &self.documents[document];
        let own = (0..members.len()).filter(|index| !self.is_aside(document, *index));
        let own = own.map(|index| (members.name(index).to_owned(), members.value(index)));
        Value::Object(own.collect())
    }

    /// The text of a merge of the trees, with everything that was set aside: in the order of one of
    /// the documents, then the members that it does not have.
    pub fn whole(&self, document: usize, merged: &Value) -> Bytes {
        let empty = Object::new();
        let merged = merged.as_object().unwrap_or(&empty);
        let members = &self.documents[document];
        let mut out = vec![b'{'];
        let mut written = 0;
        for index in 0..members.len() {
            if self.is_aside(document, index) {
                members.write(index, &mut out);
            } else if let Some(value) = merged.get(members.name(index)) {
                write_member(members.name(index), value, &mut out);
                written += 1;
            } else {
                continue;
            }
            out.push(b',');
        }
        if written < merged.len() {
            for (name, value) in merged.iter().filter(|(name, _)| !members.has_name(name)) {
                write_member(name, value, &mut out);
                out.push(b',');
            }
        }
        if out.len() > 1 {
            out.pop();
        }
        out.push(b'}');
        out.into()
    }

    fn is_aside(&self, document: usize, index: usize) -> bool {
        let in_first = match document {
            0 => Some(index),
            _ => self.documents[document].twin(index),
        };
        in_first.is_some_and(|index| self.is_aside[index])
    }
}
