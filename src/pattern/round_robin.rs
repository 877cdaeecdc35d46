//! Pipes that take turns.

use super::PipeId;

/// Pipes, one of which has its turn. The next in order follows it, and the first the last; a new
/// one comes last. The last takes the place of one that leaves: so does libzmq (observed),
/// and programs may know its order.
#[derive(Default)]
pub(super) struct RoundRobin {
    pipes: Vec<PipeId>,
    /// Below the number of pipes, or 0.
    current: usize,
    /// By the slots of pipes: where the pipe of that slot was put in `pipes`. It may have left since.
    places: Vec<u32>,
}

impl RoundRobin {
    /// Adds a pipe that is not there.
    pub(super) fn add(&mut self, id: PipeId) {
        if self.place(id).is_none() {
            let slot = id.slot();
            if self.places.len() <= slot {
                self.places.resize(slot + 1, 0);
            }
            self.places[slot] = self.pipes.len() as u32;
            self.pipes.push(id);
        }
    }

    /// The position of the pipe, if it is there.
    fn place(&self, id: PipeId) -> Option<usize> {
        let place = *self.places.get(id.slot())? as usize;
        (self.pipes.get(place) == Some(&id)).then_some(place)
    }

    /// Takes out the pipe of this place.
    fn take(&mut self, place: usize) {
        self.pipes.swap_remove(place);
        if let Some(moved) = self.pipes.get(place) {
            self.places[moved.slot()] = place as u32;
        }
        self.wrap();
    }

    /// The pipe whose turn it is.
    #[inline]
    pub(super) fn current(&self) -> Option<PipeId> {
        self.pipes.get(self.current).copied()
    }

    /// The number of pipes.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.pipes.len()
    }

    /// The turn goes on to the next.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.current += 1;
        self.wrap();
    }

    /// The pipe whose turn it is leaves.
    pub(super) fn leave(&mut self) {
        if self.current < self.pipes.len() {
            self.take(self.current);
        }
    }

    /// Removes a pipe, if it is there.
    pub(super) fn remove(&mut self, id: PipeId) {
        if let Some(place) = self.place(id) {
            self.take(place);
        }
    }

    #[inline]
    fn wrap(&mut self) {
        if self.current >= self.pipes.len() {
            self.current = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(turns: &mut RoundRobin) -> Vec<u64> {
        (0..turns.len())
            .map(|_| {
                let id = turns.current().unwrap();
                turns.advance();
                id.number()
            })
            .collect()
    }

    #[test]
    fn a_pipe_is_not_taken_for_another_that_had_its_slot() {
        let mut turns = RoundRobin::default();
        let (before, after) = (PipeId::new(1 << 32 | 5), PipeId::new(2 << 32 | 5));
        turns.add(before);
        turns.add(PipeId::new(7));
        turns.remove(before);
        // It is not there, and neither is the one that it is not yet.
        turns.remove(before);
        turns.remove(after);
        turns.add(after);
        turns.add(after);
        turns.remove(before);
        assert_eq!(order(&mut turns), [7, after.number()]);
    }

    #[test]
    fn the_last_takes_the_place_of_one_that_leaves() {
        let mut turns = RoundRobin::default();
        (1..=4).for_each(|id| turns.add(PipeId::new(id)));
        assert_eq!(order(&mut turns), [1, 2, 3, 4]);
        turns.leave();
        assert_eq!(order(&mut turns), [4, 2, 3]);
        turns.add(PipeId::new(1));
        turns.add(PipeId::new(1));
        turns.remove(PipeId::new(2));
        assert_eq!(order(&mut turns), [4, 1, 3]);
        turns.advance();
        turns.advance();
        turns.leave();
        assert_eq!(order(&mut turns), [4, 1]);
        turns.remove(PipeId::new(1));
        turns.leave();
        turns.leave();
        assert_eq!(turns.current(), None);
    }
}
