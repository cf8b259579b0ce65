//! Who is served next when more is asked than can be done at once.
//!
//! What waits is bounded, and waits for a bounded time. What somebody looks at goes before what runs
//! by itself; organisations take turns, and within one its accounts do, so that no one of them keeps
//! the others waiting by asking more. Where nothing more may wait, whoever asks less takes the place of
//! what was asked last by whoever has most waiting.

mod line;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::store::Account;
use line::Line;

/// How much may wait in all.
const WAITING: usize = 1024;
/// How long something may wait: a client that asked gives up not much later.
const PATIENCE: Duration = Duration::from_secs(10);
/// A longer request is a program's list of changes, and not what somebody waits for.
const LONG: usize = 64 * 1024;

/// How urgent something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Somebody waits before a screen.
    Interactive,
    /// A transfer, or a program's long list of changes.
    Bulk,
}

impl Class {
    /// Of a request of so many octets.
    pub fn of_request(octets: usize) -> Self {
        if octets > LONG { Self::Bulk } else { Self::Interactive }
    }
}

/// Lets in what can be done at once.
#[derive(Debug)]
pub struct Admission {
    most: usize,
    line: Mutex<Line>,
}

/// Too many wait, or for too long.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too much is asked at once")]
pub struct Overload;

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

    /// Waits for a place; refused when too many wait, or for too long.
    pub async fn enter(
        self: &Arc<Self>,
        account: &Account,
        class: Class,
        metrics: &Metrics,
    ) -> Result<Place, Overload> {
        let organisation = account.organisation.as_deref().unwrap_or_default();
        let place = self.place(organisation, account.id.as_str(), class).await;
        place.inspect_err(|_| metrics.refusal("admission"))
    }

    /// As [`enter`](Self::enter), for one of a group who need be no account of an organisation.
    pub async fn place(self: &Arc<Self>, group: &str, one: &str, class: Class) -> Result<Place, Overload> {
        match self.queue(group, one, class) {
            Ok(None) => Ok(Place(Arc::clone(self))),
            Ok(Some(mut called)) => {
                let called = tokio::time::timeout(PATIENCE, &mut called.place).await;
                called.ok().and_then(Result::ok).ok_or(Overload)
            }
            Err(Full) => Err(Overload),
        }
    }

    fn queue(
        self: &Arc<Self>,
        organisation: &str,
        account: &str,
        class: Class,
    ) -> Result<Option<Called>, Full> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.running < self.most {
            line.running += 1;
            return Ok(None);
        }
        if line.waiting >= WAITING && !line.make_room(organisation, account) {
            return Err(Full);
        }
        let (call, place) = oneshot::channel();
        line.push(organisation, account, class, call);
        let (organisation, account) = (organisation.to_owned(), account.to_owned());
        let admission = Arc::clone(self);
        Ok(Some(Called { admission, organisation, account, class, place }))
    }
}

struct Full;

/// Somebody who waits; whoever gives up leaves the line.
#[derive(Debug)]
struct Called {
    admission: Arc<Admission>,
    organisation: String,
    account: String,
    class: Class,
    place: oneshot::Receiver<Place>,
}

impl Drop for Called {
    fn drop(&mut self) {
        self.place.close();
        // A place that came at the very moment is given on, for which the line must be free.
        drop(self.place.try_recv());
        let mut line = self.admission.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.forget(&self.organisation, &self.account, self.class);
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

    fn wait(admission: &Arc<Admission>, organisation: &str, account: &str, class: Class) -> Called {
        admission.queue(organisation, account, class).ok().flatten().unwrap()
    }

    /// Gives places on until all were served; the order of the names.
    fn serve(first: Place, mut waiting: Vec<(&'static str, Called)>) -> Vec<&'static str> {
        let mut order = Vec::new();
        let mut place = Some(first);
        while place.take().is_some() {
            let called = waiting.iter_mut().enumerate();
            let next =
                called.filter_map(|(at, (_, called))| Some((at, called.place.try_recv().ok()?))).next();
            if let Some((at, next)) = next {
                order.push(waiting.remove(at).0);
                place = Some(next);
            }
        }
        order
    }

    fn taken() -> (Arc<Admission>, Place) {
        let admission = Arc::new(Admission::new(1));
        assert!(admission.queue("o", "first", Class::Interactive).ok().unwrap().is_none());
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
        assert!(admission.queue("o", "d", Class::Bulk).ok().unwrap().is_none(), "free again");
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
    fn those_who_gave_up_leave_the_line() {
        let (admission, place) = taken();
        for _ in 0..WAITING {
            drop(wait(&admission, "o", "gone", Class::Interactive));
        }
        assert!(!admission.is_busy());
        let mut here = wait(&admission, "o", "here", Class::Interactive);
        drop(place);
        assert!(here.place.try_recv().is_ok());
    }

    #[test]
    fn a_place_that_comes_when_somebody_gives_up_is_given_on() {
        let (admission, place) = taken();
        let gone = wait(&admission, "o", "gone", Class::Interactive);
        let mut here = wait(&admission, "o", "here", Class::Interactive);
        drop(place);
        drop(gone);
        assert!(here.place.try_recv().is_ok());
    }

    #[test]
    fn a_full_line_sends_away_whoever_asks_most() {
        let (admission, _place) = taken();
        let again = |organisation: &str, account: &str| {
            admission.queue(organisation, account, Class::Interactive).ok().flatten()
        };
        let mut many: Vec<Called> = (0..WAITING - 1).map(|_| again("big", "greedy").unwrap()).collect();
        let _modest = again("big", "modest").unwrap();
        assert!(again("big", "greedy").is_none(), "whoever asks most gets nothing more");
        let mut other = again("small", "other").unwrap();
        let mut second = again("big", "modest").unwrap();
        let lost = many.iter_mut().map(|called| called.place.try_recv());
        let lost = lost.filter(|tried| matches!(tried, Err(oneshot::error::TryRecvError::Closed))).count();
        assert_eq!(lost, 2);
        for kept in [&mut other, &mut second] {
            assert!(matches!(kept.place.try_recv(), Err(oneshot::error::TryRecvError::Empty)));
        }
    }
}
