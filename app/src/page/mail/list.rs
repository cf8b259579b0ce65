//! The list of one mailbox, loaded page by page.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::protocol::{EmailId, Row};

/// How many rows are asked for at once.
pub(crate) const PAGE: u32 = 50;

/// The list of a mailbox, newest first; slots that were not loaded yet are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    rows: Vec<Option<Arc<Row>>>,
    /// Pages that are as the relay last told.
    fresh: BTreeSet<u32>,
}

impl List {
    /// Every slot, as many as the mailbox holds messages.
    pub(crate) fn rows(&self) -> &[Option<Arc<Row>>] {
        &self.rows
    }

    /// A message of the list.
    pub(crate) fn row(&self, email: &EmailId) -> Option<&Arc<Row>> {
        self.rows.iter().flatten().find(|row| row.id == *email)
    }

    /// Where a message lies.
    pub(crate) fn position(&self, email: &EmailId) -> Option<usize> {
        self.rows.iter().position(|row| row.as_ref().is_some_and(|row| row.id == *email))
    }

    /// The pages that have to be asked for, so that the slots of a range are known and fresh.
    pub(crate) fn missing(&self, range: &Range<usize>) -> Vec<u32> {
        let page = PAGE as usize;
        // An empty list still has a first page that may be stale.
        let last = range.end.min(self.rows.len()).saturating_sub(1) / page;
        (range.start / page..=last)
            .filter_map(|index| u32::try_from(index).ok())
            .filter(|index| self.lacks(*index))
            .collect()
    }

    fn lacks(&self, index: u32) -> bool {
        let start = index as usize * PAGE as usize;
        let slots = self.rows.iter().skip(start).take(PAGE as usize);
        !self.fresh.contains(&index) || slots.into_iter().any(Option::is_none)
    }

    /// Takes over a slice that the relay answered with.
    pub(super) fn fill(&mut self, position: u32, rows: Vec<Row>, total: u32) {
        self.rows.resize(total as usize, None);
        let slots = self.rows.iter_mut().skip(position as usize);
        for (slot, row) in slots.zip(rows) {
            // The same row keeps its place in memory, so that what shows it need not be drawn again.
            if slot.as_ref().is_none_or(|old| **old != row) {
                *slot = Some(Arc::new(row));
            }
        }
        self.fresh.insert(position / PAGE);
    }

    /// Forgets that pages are fresh; what is shown stays until the relay answers.
    pub(super) fn make_stale(&mut self) {
        self.fresh.clear();
    }

    /// Replaces, adds (by the time it was received) or removes a message.
    pub(super) fn put(&mut self, email: &EmailId, row: Option<&Arc<Row>>) {
        match (self.position(email), row) {
            (Some(position), Some(row)) => {
                if let Some(slot) = self.rows.get_mut(position) {
                    *slot = Some(Arc::clone(row));
                }
            }
            (Some(position), None) => {
                self.rows.remove(position);
            }
            (None, Some(row)) => {
                let older = |slot: &Option<Arc<Row>>| {
                    slot.as_ref().is_some_and(|other| other.received < row.received)
                };
                let place = self.rows.iter().position(older).unwrap_or(self.rows.len());
                self.rows.insert(place, Some(Arc::clone(row)));
            }
            (None, None) => {}
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{List, PAGE};
    use crate::protocol::{EmailId, MailboxId, Row, Summary, ThreadId, UnixTime};

    pub(crate) fn row(id: &str, received: u64) -> Row {
        Row {
            id: EmailId(id.into()),
            thread: ThreadId(id.into()),
            mailboxes: vec![MailboxId("in".into())],
            received: UnixTime(received),
            size: 1,
            seen: false,
            flagged: false,
            answered: false,
            draft: false,
            from: vec![],
            to: vec![],
            summary: Summary::Sealed,
        }
    }

    fn rows(from: u32, to: u32) -> Vec<Row> {
        (from..to).map(|index| row(&index.to_string(), u64::from(1000 - index))).collect()
    }

    #[test]
    fn only_pages_in_sight_are_asked_for() {
        let mut list = List::default();
        assert_eq!(list.missing(&(0..20)), [0]);
        list.fill(0, rows(0, PAGE), 1000);
        assert_eq!(list.missing(&(0..20)), [0; 0]);
        assert_eq!(list.missing(&(40..120)), [1, 2]);
        list.make_stale();
        assert_eq!(list.missing(&(0..20)), [0]);
    }

    #[test]
    fn an_empty_mailbox_is_asked_for_once() {
        let mut list = List::default();
        list.fill(0, vec![], 0);
        assert_eq!(list.missing(&(0..20)), [0; 0]);
    }

    #[test]
    fn a_message_taken_away_leaves_a_gap_that_is_asked_for() {
        let mut list = List::default();
        list.fill(0, rows(0, PAGE), PAGE + 1);
        list.put(&EmailId("3".into()), None);
        assert_eq!(list.rows().len(), PAGE as usize);
        assert_eq!(list.missing(&(0..20)), [0]);
    }
}
