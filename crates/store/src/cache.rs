use std::collections::VecDeque;
use std::hash::Hash;

use crate::Map;

/// So many of a line may be gone, however short it is.
const LEFT_IN_LINE: usize = 64;

/// A cache of bounded weight. What came first goes first, unless it was used since: then it gets a
/// second chance, and comes last again. Close to LRU, and a look at it moves nothing.
#[derive(Debug)]
pub struct Cache<K, V> {
    slots: Map<K, Slot<V>>,
    /// Who is to go next. What was removed meanwhile, or came again, is passed over by its ticket.
    line: VecDeque<(K, u64)>,
    tickets: u64,
    weight: usize,
    capacity: usize,
    weigh: fn(&V) -> usize,
}

#[derive(Debug)]
struct Slot<V> {
    value: V,
    ticket: u64,
    is_used: bool,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// At most `capacity` in all, in units of `weigh`.
    pub fn new(capacity: usize, weigh: fn(&V) -> usize) -> Self {
        Self {
            slots: Map::default(),
            line: VecDeque::new(),
            tickets: 0,
            weight: 0,
            capacity,
            weigh,
        }
    }

    /// The value of a key, which then counts as used.
    pub fn get(&mut self, key: &K) -> Option<V> {
        let slot = self.slots.get_mut(key)?;
        slot.is_used = true;
        Some(slot.value.clone())
    }

    /// Keeps a value, and lets go of those that were not used for long.
    pub fn insert(&mut self, key: K, value: V) {
        self.remove(&key);
        let weight = (self.weigh)(&value);
        if weight > self.capacity {
            return;
        }
        while self.weight + weight > self.capacity {
            self.evict();
        }
        self.weight += weight;
        self.tickets += 1;
        let ticket = self.tickets;
        self.line.push_back((key.clone(), ticket));
        let slot = Slot {
            value,
            ticket,
            is_used: false,
        };
        self.slots.insert(key, slot);
    }

    /// Lets go of a value.
    pub fn remove(&mut self, key: &K) {
        let Some(slot) = self.slots.remove(key) else {
            return;
        };
        self.weight -= (self.weigh)(&slot.value);
        // Else those who come and go without an eviction would make the line grow for ever.
        if self.line.len() > 2 * self.slots.len() + LEFT_IN_LINE {
            let slots = &self.slots;
            let stands = |key: &K, ticket| slots.get(key).is_some_and(|it| it.ticket == ticket);
            self.line.retain(|(key, ticket)| stands(key, *ticket));
        }
    }

    /// Lets the first in line go, or sends it back to the end.
    fn evict(&mut self) {
        let next = self.line.pop_front();
        let (key, ticket) = next.expect("what weighs something stands in line");
        let Some(slot) = self.slots.get_mut(&key).filter(|it| it.ticket == ticket) else {
            return;
        };
        if slot.is_used {
            slot.is_used = false;
            self.line.push_back((key, ticket));
        } else {
            self.weight -= (self.weigh)(&slot.value);
            self.slots.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_weight_is_bounded() {
        let mut cache = Cache::new(20, |_: &u32| 1);
        for key in 0..1000u32 {
            cache.insert(key, key);
            assert_eq!(cache.get(&0), Some(0), "after {key}");
            assert!(cache.slots.len() <= 20);
            assert!(cache.line.len() <= 20);
        }
        assert_eq!(cache.get(&500), None);
        cache.remove(&999);
        assert_eq!(cache.get(&999), None);
    }

    #[test]
    fn all_of_the_room_is_used() {
        let mut cache = Cache::new(20, |weight: &usize| *weight);
        for round in 0..5 {
            for key in 0..5 {
                if round > 0 {
                    assert_eq!(cache.get(&key), Some(4));
                }
                cache.insert(key, 4);
            }
        }
        cache.insert(5, 1);
        let kept = (0..6).filter(|key| cache.get(key).is_some());
        assert_eq!(kept.count(), 5);
        cache.insert(6, 21);
        assert_eq!(cache.get(&6), None);
        assert!(cache.weight <= 20);
    }

    #[test]
    fn who_comes_and_goes_leaves_no_trace() {
        let mut cache = Cache::new(20, |_: &u32| 1);
        for key in 0..1000u32 {
            cache.insert(key % 3, key);
            assert_eq!(cache.get(&(key % 3)), Some(key));
            cache.remove(&(key % 2));
            assert!(cache.line.len() <= 2 * 3 + LEFT_IN_LINE);
            let weight = cache.slots.len();
            assert_eq!(cache.weight, weight);
        }
    }
}
