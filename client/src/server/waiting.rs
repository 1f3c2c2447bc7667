//! Who waits for which keys, in the order in which they came.

use std::collections::{HashMap, HashSet, VecDeque};

/// A database and a key.
type Key = (usize, Vec<u8>);

/// The queues of sessions that wait for keys.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queues: HashMap<Key, VecDeque<u64>>,
    sessions: HashSet<u64>,
}

impl Waiting {
    /// How many sessions wait.
    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Puts a session at the end of each key's queue.
    pub(super) fn add(&mut self, id: u64, keys: &[Key]) {
        self.sessions.insert(id);
        for key in keys {
            let queue = self.queues.entry(key.clone()).or_default();
            // A command may name a key twice; then it is removed twice, too.
            queue.push_back(id);
        }
    }

    /// Takes a session out of the queues.
    pub(super) fn remove(&mut self, id: u64, keys: &[Key]) {
        self.sessions.remove(&id);
        for key in keys {
            if let Some(queue) = self.queues.get_mut(key) {
                if queue.front() == Some(&id) {
                    queue.pop_front();
                } else if let Some(at) = queue.iter().position(|waiting| *waiting == id) {
                    queue.remove(at);
                }
                if queue.is_empty() {
                    self.queues.remove(key);
                }
            }
        }
    }

    /// Who waits for a key, who came first first.
    pub(super) fn of(&self, key: &Key) -> Vec<u64> {
        self.queues.get(key).map(|queue| queue.iter().copied().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_came_first_is_first_and_leaves_nothing_behind() {
        let (a, b) = ((0, b"a".to_vec()), (0, b"b".to_vec()));
        let mut waiting = Waiting::default();
        let both = [a.clone(), b.clone()];
        let thrice = [a.clone(), b.clone(), a.clone()];
        waiting.add(7, &thrice);
        waiting.add(3, core::slice::from_ref(&a));
        waiting.add(5, &both);
        assert_eq!(waiting.sessions(), 3);
        waiting.remove(3, core::slice::from_ref(&a));
        assert_eq!(waiting.of(&a).iter().filter(|id| **id == 5).count(), 1);
        assert_eq!(waiting.of(&a).first(), Some(&7));
        assert_eq!(waiting.of(&b), [7, 5]);
        waiting.remove(7, &thrice);
        waiting.remove(5, &both);
        assert_eq!(waiting.of(&a), Vec::<u64>::new());
        assert!(waiting.queues.is_empty() && waiting.sessions() == 0);
    }
}
