use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// What somebody was told about a letter, by its message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was handed over, and no answer came.
    Nothing,
    /// It is safe.
    Safe,
    /// It is safe, and its removal was asked for without an answer.
    Leaving,
    /// It is gone.
    Gone,
}

/// What the relay acknowledged; kept outside of its process.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<BTreeMap<String, Told>>);

impl Ledger {
    pub fn note(&self, message_id: &str, told: Told) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(message_id.to_owned(), told);
    }

    pub fn safe(&self) -> usize {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().filter(|told| **told != Told::Nothing).count()
    }

    /// Compares with the letters that are there.
    pub fn hold_against(&self, found: &[String]) -> Result<(), String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut once = BTreeSet::new();
        for id in found {
            if !once.insert(id.as_str()) {
                return Err(format!("{id} is there twice"));
            }
            match all.get(id) {
                None => return Err(format!("{id} was never sent")),
                Some(Told::Gone) => return Err(format!("{id} was destroyed and is there")),
                Some(_) => {}
            }
        }
        for (id, told) in all.iter() {
            if *told == Told::Safe && !once.contains(id.as_str()) {
                return Err(format!("{id} was acknowledged and is missing"));
            }
        }
        Ok(())
    }
}
