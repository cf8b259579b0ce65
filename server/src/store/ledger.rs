use std::collections::{BTreeMap, BTreeSet};

use jmap::{AccountId, State};

use super::sql::{self, Connection, Row};
use super::{Engine, StoreError, Tx};
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
    /// Addresses to send from.
    Identity,
    /// The answer while its owner is away.
    Vacation,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Mailbox, Self::Email, Self::Thread, Self::Submission, Self::Identity, Self::Vacation];

    /// The type's name in JMAP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mailbox => "Mailbox",
            Self::Email => "Email",
            Self::Thread => "Thread",
            Self::Submission => "EmailSubmission",
            Self::Identity => "Identity",
            Self::Vacation => "VacationResponse",
        }
    }
}

/// RFC 8621 1.5: pushed when there is a new email, and not when somebody read or moved one; not a type of objects.
const DELIVERY: &str = "EmailDelivery";
/// RFC 9425 5: pushed when more is used of it, or less.
const QUOTA: &str = "Quota";

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
        let states = Kind::ALL.into_iter().map(|kind| (kind.name().to_owned(), self.of(kind)));
        let states = states.chain([DELIVERY, QUOTA].map(|name| self.with_emails(name))).collect();
        Changed { states, at: self.newest(), only: None }
    }

    /// Of a type whose state is that of the emails.
    fn with_emails(&self, name: &str) -> (String, State) {
        (name.to_owned(), self.of(Kind::Email))
    }

    /// As one sees them whose newest subscription has the number `newest`.
    pub(super) fn with_subscriptions(mut self, newest: i64) -> Self {
        let mailboxes = self.0.entry(Kind::Mailbox).or_default();
        *mailboxes = newest.max(*mailboxes);
        self
    }

    /// The sequence number of the last change.
    pub fn newest(&self) -> i64 {
        self.0.values().copied().max().unwrap_or_default()
    }
}

/// The states of an account.
pub async fn states(connection: &mut Connection, account: &AccountId) -> Result<States, StoreError> {
    let row = sql::query(
        "SELECT mailbox_state, email_state, thread_state, submission_state, identity_state, vacation_state
         FROM accounts WHERE id = $1",
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
    room: i64,
    grown: i64,
    added: bool,
    /// What one user alone sees: their newest change.
    own: Option<(AccountId, i64)>,
}

/// What an account keeps and may keep, in octets of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// What it keeps.
    pub used: i64,
    /// What it may keep; none for all there is.
    pub quota: Option<i64>,
}

impl Usage {
    /// What it may keep beyond.
    pub fn room(self) -> i64 {
        self.quota.map_or(i64::MAX, |quota| quota.saturating_sub(self.used).max(0))
    }
}

/// What an account keeps and may keep; `default` for those without a quota of their own.
pub async fn usage(
    connection: &mut Connection,
    account: &AccountId,
    default: Option<i64>,
) -> Result<Usage, StoreError> {
    let row = sql::query("SELECT used, quota FROM accounts WHERE id = $1")
        .bind(account.as_str())
        .fetch_one(connection)
        .await?;
    Ok(Usage { used: row.try_get(0)?, quota: row.try_get::<Option<i64>>(1)?.or(default) })
}

/// How many octets an account may keep beyond what it keeps now, within a transaction.
///
/// The account is to be locked, or others may take the room.
pub async fn room(tx: &mut Tx, account: &AccountId) -> Result<i64, StoreError> {
    let default = tx.default_quota();
    Ok(usage(tx.connection(), account, default).await?.room())
}

/// Gives an account a quota of its own, or none.
pub async fn set_quota(tx: &mut Tx, account: &AccountId, quota: Option<i64>) -> Result<(), StoreError> {
    sql::query("UPDATE accounts SET quota = $2 WHERE id = $1")
        .bind(account.as_str())
        .bind(quota)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Keeps others off these accounts until the transaction ends, in an order that all keep to.
///
/// A job that opens the ledgers of several accounts has to do this first: two such jobs of two
/// processes would otherwise wait for each other.
pub async fn lock_accounts<'a>(
    tx: &mut Tx,
    accounts: impl IntoIterator<Item = &'a AccountId>,
) -> Result<(), StoreError> {
    if tx.engine() == Engine::Sqlite {
        // Its writer is alone in any case.
        return Ok(());
    }
    let accounts: BTreeSet<&str> = accounts.into_iter().map(AccountId::as_str).collect();
    for account in accounts {
        sql::query("UPDATE accounts SET modseq = modseq WHERE id = $1")
            .bind(account)
            .execute(tx.connection())
            .await?;
    }
    Ok(())
}

impl Ledger {
    /// Opens the account's ledger and keeps others off the account until the transaction ends.
    pub async fn open(tx: &mut Tx, account: &AccountId) -> Result<Self, StoreError> {
        let row = sql::query(
            "UPDATE accounts SET modseq = modseq WHERE id = $1
             RETURNING modseq, mailbox_state, email_state, thread_state, submission_state, identity_state,
             vacation_state, used, quota",
        )
        .bind(account.as_str())
        .fetch_one(tx.connection())
        .await?;
        let before = read(&row, 1)?;
        let (used, quota) = (row.try_get(7)?, row.try_get::<Option<i64>>(8)?.or(tx.default_quota()));
        let room = Usage { used, quota }.room();
        let next = row.try_get(0)?;
        Ok(Self {
            account: account.clone(),
            next,
            after: before.clone(),
            before,
            room,
            grown: 0,
            added: false,
            own: None,
        })
    }

    /// Whose ledger it is.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The states before this transaction.
    pub fn before(&self) -> &States {
        &self.before
    }

    /// How many octets the account may keep beyond what it keeps now.
    pub fn room(&self) -> i64 {
        self.room.saturating_sub(self.grown).max(0)
    }

    /// Counts octets that came or, below 0, went.
    pub(super) fn grow(&mut self, octets: i64) {
        self.grown = self.grown.saturating_add(octets);
    }

    /// Counts a new email of so many octets.
    pub(super) fn add(&mut self, octets: i64) {
        self.grow(octets);
        self.added = true;
    }

    /// The number for one changed object.
    pub fn next(&mut self, kind: Kind) -> i64 {
        self.next += 1;
        self.after.0.insert(kind, self.next);
        self.next
    }

    /// The number for a mailbox of which only `member` sees that it changed.
    pub(super) fn next_for(&mut self, member: &AccountId) -> i64 {
        self.next += 1;
        self.own = Some((member.clone(), self.next));
        self.next
    }

    /// Writes the new states and announces them; returns them.
    pub async fn close(self, tx: &mut Tx) -> Result<States, StoreError> {
        let Self { account, next, before, after, grown, added, own, .. } = self;
        if before == after && grown == 0 && own.is_none() {
            return Ok(after);
        }
        sql::query(
            "UPDATE accounts SET modseq = $2, mailbox_state = $3, email_state = $4, thread_state = $5,
             submission_state = $6, identity_state = $7, vacation_state = $8, used = used + $9 WHERE id = $1",
        )
        .bind(account.as_str())
        .bind(next)
        .bind(after.number(Kind::Mailbox))
        .bind(after.number(Kind::Email))
        .bind(after.number(Kind::Thread))
        .bind(after.number(Kind::Submission))
        .bind(after.number(Kind::Identity))
        .bind(after.number(Kind::Vacation))
        .bind(grown)
        .execute(tx.connection())
        .await?;
        let moved = Kind::ALL.into_iter().filter(|kind| before.number(*kind) != after.number(*kind));
        let states = moved.map(|kind| (kind.name().to_owned(), after.of(kind)));
        let states = states.chain(added.then(|| after.with_emails(DELIVERY)));
        let states = states.chain((grown != 0).then(|| after.with_emails(QUOTA))).collect();
        if before != after || grown != 0 {
            tx.announce(account.clone(), Changed { states, at: after.newest(), only: None });
        }
        // What all see tells of it, too, where it came later.
        if let Some((member, at)) = own.filter(|(_, at)| *at > after.number(Kind::Mailbox)) {
            let states = BTreeMap::from([(Kind::Mailbox.name().to_owned(), State::from(at.to_string()))]);
            tx.announce(account, Changed { states, at, only: Some(member) });
        }
        Ok(after)
    }
}

fn read(row: &Row, first: usize) -> Result<States, StoreError> {
    let mut states = BTreeMap::new();
    for (place, kind) in Kind::ALL.into_iter().enumerate() {
        states.insert(kind, row.try_get(first + place)?);
    }
    Ok(States(states))
}
