//! Name lookups. They may block for long, so threads of their own make them.

use crate::io::BlockingPool;
use crate::sync::CriticalMutex;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::resolve;

/// The addresses of a name, with any port; none if it is not known.
pub(crate) type Answer = Arc<[SocketAddr]>;

/// Called with the answer, on a thread that makes lookups.
pub(super) type Asker = Box<dyn FnOnce(&Answer) + Send>;

/// An answer is given again for this long: many sockets that connect to one name share it. What a
/// name means may change, so it is short against the pause between two attempts.
const FRESH: Duration = Duration::from_millis(10);

/// The lookups of a context: a few at a time, and never two of one name.
#[derive(Clone)]
pub(crate) struct Lookups {
    names: Arc<CriticalMutex<HashMap<String, Name>>>,
    workers: BlockingPool,
}

enum Name {
    /// A lookup waits for its turn or is under way; these want to know its answer.
    Asked(Vec<Asker>),
    /// What was found, and when.
    Known(Instant, Answer),
}

impl Name {
    fn is_outdated(&self, now: Instant) -> bool {
        matches!(self, Self::Known(found, _) if now.saturating_duration_since(*found) > FRESH)
    }
}

impl Default for Lookups {
    fn default() -> Self {
        Self { names: Arc::default(), workers: BlockingPool::new("ZMQ-resolve") }
    }
}

impl Lookups {
    /// The addresses of a name, if they were found a moment ago. Else `asker` is called with them
    /// later.
    ///
    /// # Errors
    /// There can be no thread for the lookup; `asker` is not called.
    pub(crate) fn ask(&self, name: &str, asker: Asker) -> io::Result<Option<Answer>> {
        let now = Instant::now();
        let mut names = self.names.lock();
        match names.get_mut(name) {
            Some(Name::Asked(askers)) => {
                askers.push(asker);
                return Ok(None);
            }
            Some(known @ Name::Known(..)) if known.is_outdated(now) => {}
            Some(Name::Known(_, answer)) => return Ok(Some(answer.clone())),
            None => {}
        }
        names.retain(|_, own| !own.is_outdated(now));
        names.insert(name.to_owned(), Name::Asked(vec![asker]));
        let (own, sought) = (self.names.clone(), name.to_owned());
        let begun = self.workers.run(Box::new(move || look_up(&own, sought)));
        if begun.is_err() {
            names.remove(name);
        }
        begun.map(|()| None)
    }
}

/// Resolves a name, and calls all that asked for it.
fn look_up(names: &CriticalMutex<HashMap<String, Name>>, name: String) {
    let answer: Answer = resolve::look_up(&name).into();
    let known = Name::Known(Instant::now(), answer.clone());
    let asked = names.lock().insert(name, known);
    if let Some(Name::Asked(askers)) = asked {
        askers.into_iter().for_each(|asker| asker(&answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn who_asks_again_at_once_gets_the_same_answer() {
        let lookups = Lookups::default();
        let (sender, receiver) = mpsc::channel();
        let asker = |sender: &mpsc::Sender<Answer>| -> Asker {
            let sender = sender.clone();
            Box::new(move |answer| sender.send(answer.clone()).unwrap())
        };
        let mut at_once = 0;
        for _ in 0..100 {
            let known = lookups.ask("localhost", asker(&sender)).unwrap();
            at_once += usize::from(known.is_some());
        }
        for _ in at_once..100 {
            let answer = receiver.recv_timeout(PATIENCE).unwrap();
            assert!(answer.iter().any(|own| own.ip().is_loopback()));
        }
        assert!(receiver.try_recv().is_err());
    }

    #[test]
    fn an_answer_is_forgotten_after_a_while() {
        let now = Instant::now();
        let known = Name::Known(now, Answer::from([]));
        assert!(!known.is_outdated(now + FRESH));
        assert!(known.is_outdated(now + FRESH + Duration::from_millis(1)));
        assert!(!Name::Asked(Vec::new()).is_outdated(now + FRESH * 9));
    }
}
