use std::collections::BTreeMap;

use jmap::{AccountId, State};
use sqlx::{AnyConnection, Row};

use super::{StoreError, Tx};
use crate::push::Changed;

/// The types of objects that have states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Mailboxes.
    Mailbox,
    /// Emails.
    Email,
    /// Threads.
    Thread,
    /// Submissions.
    Submission,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mailbox, Self::Email, Self::Thread, Self::Submission];

    /// The type's name in JMAP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mailbox => "Mailbox",
            Self::Email => "Email",
            Self::Thread => "Thread",
            Self::Submission => "EmailSubmission",
        }
    }
}

/// The states of an account; each is the sequence number of the last change of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct States(BTreeMap<Kind, i64>);

impl States {
    /// The state of one type as a number.
    pub fn number(&self, kind: Kind) -> i64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// The state of one type as it stands on the wire.
    pub fn of(&self, kind: Kind) -> State {
        State::from(self.number(kind).to_string())
    }

    /// All states as if all had changed, for a listener that missed something.
    pub fn all(&self) -> Changed {
        let states = Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), self.of(kind))).collect();
        Changed { states, at: self.newest() }
    }

    /// The sequence number of the last change.
    pub fn newest(&self) -> i64 {
        self.0.values().copied().max().unwrap_or_default()
    }
}

/// The states of an account.
pub async fn states(connection: &mut AnyConnection, account: &AccountId) -> Result<States, StoreError> {
    let row = sqlx::query(
        "SELECT mailbox_state, email_state, thread_state, submission_state FROM accounts WHERE id = $1",
    )
    .bind(account.as_str())
    .fetch_one(connection)
    .await?;
    read(&row, 0)
}

/// Gives each changed object of one account a sequence number of its own.
///
/// A number per object lets `/changes` stop anywhere (RFC 8620 5.2 `maxChanges`).
#[derive(Debug)]
pub struct Ledger {
    account: AccountId,
    next: i64,
    before: States,
    after: States,
}

impl Ledger {
    /// Opens the account's ledger and keeps others off the account until the transaction ends.
    pub async fn open(tx: &mut Tx, account: &AccountId) -> Result<Self, StoreError> {
        let row = sqlx::query(
            "UPDATE accounts SET modseq = modseq WHERE id = $1
             RETURNING modseq, mailbox_state, email_state, thread_state, submission_state",
        )
        .bind(account.as_str())
        .fetch_one(tx.connection())
        .await?;
        let before = read(&row, 1)?;
        Ok(Self { account: account.clone(), next: row.try_get(0)?, after: before.clone(), before })
    }

    /// Whose ledger it is.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The states before this transaction.
    pub fn before(&self) -> &States {
        &self.before
    }

    /// The number for one changed object.
    pub fn next(&mut self, kind: Kind) -> i64 {
        self.next += 1;
        self.after.0.insert(kind, self.next);
        self.next
    }

    /// Writes the new states and announces them; returns them.
    pub async fn close(self, tx: &mut Tx) -> Result<States, StoreError> {
        let Self { account, next, before, after } = self;
        if before == after {
            return Ok(after);
        }
        sqlx::query(
            "UPDATE accounts SET modseq = $2, mailbox_state = $3, email_state = $4, thread_state = $5,
             submission_state = $6 WHERE id = $1",
        )
        .bind(account.as_str())
        .bind(next)
        .bind(after.number(Kind::Mailbox))
        .bind(after.number(Kind::Email))
        .bind(after.number(Kind::Thread))
        .bind(after.number(Kind::Submission))
        .execute(tx.connection())
        .await?;
        let moved = Kind::ALL.into_iter().filter(|kind| before.number(*kind) != after.number(*kind));
        let states = moved.map(|kind| (kind.name().to_owned(), after.of(kind))).collect();
        tx.announce(account, Changed { states, at: after.newest() });
        Ok(after)
    }
}

fn read(row: &sqlx::any::AnyRow, first: usize) -> Result<States, StoreError> {
    let mut states = BTreeMap::new();
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        states.insert(kind, row.try_get(first + place)?);
    }
    Ok(States(states))
}
