use std::sync::Arc;

use detente_core::{Command, Condition, Edit, Key, Preconditions, Prepared, Seq, Stored};
use detente_store::Reader;

use super::command::{ahead, merging, proposal, tag};
use super::{Client, Surroundings};
use crate::draft;
use pollster::FutureExt;

/// How many edits a client leaves lying at a time.
const BEGUN: usize = 6;

/// What was found where the version was looked for that an edit began from.
pub(crate) struct LookUp {
    pub(crate) seq: Seq,
    pub(crate) found: Option<Arc<Stored>>,
}

impl Client {
    /// Begins an edit, perhaps, that is left lying.
    pub(super) fn begin<R>(&mut self, around: &mut Surroundings<'_, R>, key: &Key) {
        if let Some(stored) = self.seen.get(key)
            && self.begun.len() < BEGUN
            && around.dice.one_in(8)
        {
            self.begun.push(Arc::clone(stored));
        }
    }

    /// Goes on with an edit that was begun long ago, by the tag of its version alone: as a server is
    /// asked, which must find that version, or refuse.
    pub(super) fn resumed<R: Reader>(
        &self,
        around: &mut Surroundings<'_, R>,
        begun: &Stored,
    ) -> Prepared {
        let key = &begun.key;
        let document = begun.document().expect("only documents are edited");
        let ours = draft::edited(around.dice, key, &document, around.board.serial());
        let edit = match around.dice.below(6) {
            0 => Edit::Delete,
            _ => Edit::Put(proposal(key, &ours)),
        };
        let command = Command {
            preconditions: Preconditions {
                if_match: Some(Condition::Tags(vec![tag(begun)])),
                ..Preconditions::default()
            },
            lock_tokens: self.tokens.get(key).cloned().into(),
            ..self.wish(around, key, edit)
        };
        let found = around
            .reader
            .version("default", begun.seq)
            .block_on()
            .ok()
            .flatten();
        around.board.looked_up.push(LookUp {
            seq: begun.seq,
            found: found.clone(),
        });
        let joined = found.and_then(|base| merging(base, &command.edit, 200_000));
        let mut prepared = Prepared {
            fallback: joined.map(Arc::new),
            must_decide: true,
            ..command.into()
        };
        prepared.ahead = ahead(around, &prepared).map(Arc::new);
        prepared
    }
}
