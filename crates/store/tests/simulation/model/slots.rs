use detente_core::Key;
use detente_core::json::Value;

/// The documents that have a slot, in the order in which they came to it.
#[derive(Default)]
pub(super) struct Slots(Vec<(Key, Value)>);

impl Slots {
    /// A document has this slot from now on.
    pub(super) fn move_to(&mut self, key: &Key, slot: Option<&Value>) {
        let has_it = |row: &(Key, Value)| row.0 == *key && Some(&row.1) == slot;
        if self.0.iter().any(has_it) {
            return;
        }
        self.0.retain(|row| row.0 != *key);
        self.0.extend(slot.map(|slot| (key.clone(), slot.clone())));
    }

    /// Each document whose slot another had first, and that one's id.
    pub(super) fn rivals(&self) -> Vec<(Key, Value, String)> {
        let mut rivals = Vec::new();
        for (at, (key, slot)) in self.0.iter().enumerate() {
            if let Some((holder, _)) = self.0[..at].iter().find(|(_, it)| it == slot) {
                rivals.push((key.clone(), slot.clone(), holder.id().to_owned()));
            }
        }
        rivals
    }
}
