//! Who is served next when more is asked than can be done at once.
//!
//! What waits is bounded, and waits for a bounded time. What somebody looks at goes before what runs
//! by itself; organisations take turns, and within one its accounts do, so that no one of them keeps
//! the others waiting by asking more.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use jmap::AccountId;
use tokio::sync::oneshot;

use super::problem::Fault;
use crate::metrics::Metrics;
use crate::store::Account;

/// How much may wait in all.
const WAITING: usize = 1024;
/// How long something may wait: a client that asked gives up not much later.
const PATIENCE: Duration = Duration::from_secs(10);
/// When to come again.
const RETRY_AFTER: u64 = 5;
/// One in so many goes to what runs by itself, even while people wait: it must not stand still.
const BULK_SHARE: u32 = 8;

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits before a screen.
    Interactive,
    /// A transfer, or a program's long list of changes.
    Bulk,
}

/// Lets in what can be done at once.
#[derive(Debug)]
pub struct Admission {
    most: usize,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    running: usize,
    waiting: usize,
    served: u32,
    interactive: Rounds<Rounds<VecDeque<Waiting>>>,
    bulk: Rounds<Rounds<VecDeque<Waiting>>>,
}

type Waiting = oneshot::Sender<Place>;

/// Those who take turns, by name.
#[derive(Debug)]
struct Rounds<T> {
    order: VecDeque<String>,
    each: HashMap<String, T>,
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), each: HashMap::new() }
    }
}

impl<T: Default> Rounds<T> {
    fn of(&mut self, name: &str) -> &mut T {
        if !self.each.contains_key(name) {
            self.order.push_back(name.to_owned());
        }
        self.each.entry(name.to_owned()).or_default()
    }

    /// What the one whose turn it is gives; whoever has nothing left is forgotten.
    fn next(&mut self, take: impl Fn(&mut T) -> Option<Waiting>) -> Option<Waiting> {
        while let Some(name) = self.order.pop_front() {
            if let Some(waiting) = self.each.get_mut(&name).and_then(&take) {
                self.order.push_back(name);
                return Some(waiting);
            }
            self.each.remove(&name);
        }
        None
    }
}

/// A place among those that are served; given on when it is dropped.
#[derive(Debug)]
pub struct Place(Arc<Admission>);

impl Admission {
    /// So many at once.
    pub fn new(most: usize) -> Self {
        Self { most, line: Mutex::default() }
    }

    /// Whether somebody has to wait.
    pub fn is_busy(&self) -> bool {
        self.line.lock().unwrap_or_else(PoisonError::into_inner).waiting > 0
    }

    /// Waits for a place; refused when too many wait, or for too long (503, Retry-After).
    pub async fn enter(
        self: &Arc<Self>,
        account: &Account,
        class: Class,
        metrics: &Metrics,
    ) -> Result<Place, Fault> {
        let organisation = account.organisation.as_deref().unwrap_or_default();
        let place = match self.queue(organisation, &account.id, class) {
            Ok(None) => return Ok(Place(Arc::clone(self))),
            // A place that comes at the very moment of giving up is dropped with `called`, and so given on.
            Ok(Some(called)) => tokio::time::timeout(PATIENCE, called).await.ok().and_then(Result::ok),
            Err(Full) => None,
        };
        place.ok_or_else(|| {
            metrics.refusal("admission");
            Fault::new(StatusCode::SERVICE_UNAVAILABLE, "too much is asked at once").retry_after(RETRY_AFTER)
        })
    }

    fn queue(
        &self,
        organisation: &str,
        account: &AccountId,
        class: Class,
    ) -> Result<Option<oneshot::Receiver<Place>>, Full> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.running < self.most {
            line.running += 1;
            return Ok(None);
        }
        if line.waiting >= WAITING {
            return Err(Full);
        }
        line.waiting += 1;
        let (call, called) = oneshot::channel();
        let rounds = match class {
            Class::Interactive => &mut line.interactive,
            Class::Bulk => &mut line.bulk,
        };
        rounds.of(organisation).of(account.as_str()).push_back(call);
        Ok(Some(called))
    }
}

struct Full;

impl Line {
    fn next(&mut self) -> Option<Waiting> {
        self.served = self.served.wrapping_add(1);
        let take = |rounds: &mut Rounds<Rounds<VecDeque<Waiting>>>| {
            rounds.next(|accounts| accounts.next(VecDeque::pop_front))
        };
        let next = if self.served.is_multiple_of(BULK_SHARE) {
            take(&mut self.bulk).or_else(|| take(&mut self.interactive))
        } else {
            take(&mut self.interactive).or_else(|| take(&mut self.bulk))
        };
        self.waiting -= usize::from(next.is_some());
        next
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut line = self.0.line.lock().unwrap_or_else(PoisonError::into_inner);
            let next = line.next();
            line.running -= usize::from(next.is_none());
            next
        };
        if let Some(waiting) = next {
            // One that gave up does not take it: it is dropped here again, and goes to the next.
            waiting.send(Self(Arc::clone(&self.0))).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Called = oneshot::Receiver<Place>;

    fn wait(admission: &Arc<Admission>, organisation: &str, account: &str, class: Class) -> Called {
        admission.queue(organisation, &AccountId::from(account), class).ok().flatten().unwrap()
    }

    /// Gives places on until all were served; the order of the names.
    fn serve(first: Place, mut waiting: Vec<(&'static str, Called)>) -> Vec<&'static str> {
        let mut order = Vec::new();
        let mut place = Some(first);
        while place.take().is_some() {
            let called = waiting.iter_mut().enumerate();
            let next = called.filter_map(|(at, (_, called))| Some((at, called.try_recv().ok()?))).next();
            if let Some((at, next)) = next {
                order.push(waiting.remove(at).0);
                place = Some(next);
            }
        }
        order
    }

    fn taken() -> (Arc<Admission>, Place) {
        let admission = Arc::new(Admission::new(1));
        assert!(admission.queue("o", &AccountId::from("first"), Class::Interactive).ok().unwrap().is_none());
        let place = Place(Arc::clone(&admission));
        (admission, place)
    }

    #[test]
    fn organisations_and_accounts_take_turns_and_people_go_before_programs() {
        let (admission, place) = taken();
        let mut waiting = vec![("bulk", wait(&admission, "x", "z", Class::Bulk))];
        for _ in 0..3 {
            waiting.push(("a", wait(&admission, "big", "a", Class::Interactive)));
        }
        waiting.push(("b", wait(&admission, "big", "b", Class::Interactive)));
        waiting.push(("c", wait(&admission, "small", "c", Class::Interactive)));
        assert!(admission.is_busy());
        assert_eq!(serve(place, waiting), ["a", "c", "b", "a", "a", "bulk"]);
        assert!(!admission.is_busy());
        assert!(
            admission.queue("o", &AccountId::from("d"), Class::Bulk).ok().unwrap().is_none(),
            "free again"
        );
    }

    #[test]
    fn what_runs_by_itself_does_not_stand_still() {
        let (admission, place) = taken();
        let mut waiting = vec![("bulk", wait(&admission, "x", "z", Class::Bulk))];
        for _ in 0..20 {
            waiting.push(("a", wait(&admission, "o", "a", Class::Interactive)));
        }
        let order = serve(place, waiting);
        assert_eq!(order.iter().position(|name| *name == "bulk"), Some(7));
    }

    #[test]
    fn a_place_goes_past_those_who_gave_up_and_what_waits_is_bounded() {
        let (admission, place) = taken();
        for _ in 0..WAITING - 1 {
            drop(wait(&admission, "o", "gone", Class::Interactive));
        }
        let mut last = wait(&admission, "o", "there", Class::Interactive);
        assert!(admission.queue("o", &AccountId::from("more"), Class::Interactive).is_err());
        drop(place);
        assert!(last.try_recv().is_ok());
    }
}
