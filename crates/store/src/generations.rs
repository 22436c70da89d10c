use std::collections::HashMap;
use std::hash::Hash;

/// A cache of bounded weight in two generations: what is used moves to the young one, and when that
/// is full the old one is dropped whole. No list to keep in order, and close to LRU.
#[derive(Debug)]
pub struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    weight: usize,
    /// Of one generation.
    capacity: usize,
    weigh: fn(&V) -> usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Generations<K, V> {
    /// At most `capacity` in all, in units of `weigh`.
    pub fn new(capacity: usize, weigh: fn(&V) -> usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            weight: 0,
            capacity: capacity / 2,
            weigh,
        }
    }

    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.insert(key, value.clone());
        Some(value)
    }

    pub fn insert(&mut self, key: K, value: V) {
        let weight = (self.weigh)(&value);
        if weight > self.capacity {
            return;
        }
        if self.weight + weight > self.capacity {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        if let Some(replaced) = self.young.insert(key, value) {
            self.weight -= (self.weigh)(&replaced);
        }
    }

    pub fn remove(&mut self, key: &K) {
        if let Some(removed) = self.young.remove(key) {
            self.weight -= (self.weigh)(&removed);
        }
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_weight_is_bounded() {
        let mut cache = Generations::new(20, |_: &u32| 1);
        for key in 0..1000u32 {
            cache.insert(key, key);
            assert_eq!(cache.get(&0), Some(0), "after {key}");
            assert!(cache.young.len() + cache.old.len() <= 20);
        }
        assert_eq!(cache.get(&500), None);
        cache.remove(&999);
        assert_eq!(cache.get(&999), None);
    }
}
