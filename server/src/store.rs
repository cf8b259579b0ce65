//! What the relay remembers, in SQL that SQLite and PostgreSQL share.
//!
//! SQLite is embedded and the default; with PostgreSQL several processes share one store. Reads go
//! through a pool, writes through [`Store::write`]: a job's caller is answered, and listeners are told,
//! only after its transaction is durable.

mod accounts;
mod app_passwords;
mod blobs;
mod certificates;
mod changes;
pub mod check;
mod clear_texts;
mod content;
mod counts;
mod destinations;
pub mod dump;
mod email_query;
mod emails;
mod engine;
pub mod fanout;
mod greylist;
mod held;
mod identities;
mod ledger;
mod mailbox_subscriptions;
mod mailboxes;
mod operator;
mod orphans;
mod processes;
mod push_subscriptions;
mod queue;
mod schema;
mod sent;
mod sessions;
mod shares;
pub mod sql;
mod sts;
mod submissions;
mod threads;
mod uploads;
mod vacations;
mod vault;
mod writer;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

pub use accounts::{
    Account, AccountKind, NewAccount, account, account_by_address, accounts, add_account, directory,
    recipient, set_password,
};
pub use app_passwords::{AppPassword, add_app_password, app_password, app_passwords, drop_app_password};
pub use blobs::{
    BlobRef, Hold, Kept, blob_data, claim_blob, hold_blob, keep_idle, own_blob, put_blob, release_blob,
};
pub use certificates::{
    EnrolmentKey, IssuedCertificate, add_certificate, add_next_certificate, certificates_of,
    certificates_since, drop_enrolment_key, enrolment_key, has_revoked, put_enrolment_key,
    revoke_certificates,
};
pub use changes::{ChangedIds, ChangesError, TOLD, changes, forget_destroyed};
pub use content::Content;
pub use destinations::{forget_failures, has_failures, note_failure, put_off, sweep_destinations};
pub use email_query::{
    ClearField, EmailCondition, EmailOrder, EmailSearch, FoundEmails, SortKey, Start, count_emails,
    emails_of_changed_threads, places, search_emails,
};
pub use emails::{
    EmailPatch, EmailRow, NewEmail, destroy_email, emails, emails_of_blob, emails_of_message, insert_email,
    update_email,
};
pub use engine::Engine;
pub use greylist::{open_at, put_mark, renew_marks, sweep_marks};
pub use held::{Due, Held, due, held, hold, hold_on, next_held, release_held};
pub use identities::{OWN_IDENTITY, destroy_identity, identities, put_identity};
pub use ledger::{Kind, Ledger, States, Usage, lock_accounts, room, set_quota, states, usage};
pub use mailbox_subscriptions::{Subscribed, states_for, subscribe, subscribed};
pub use mailboxes::{
    MailboxRow, NewMailbox, add_mailbox, destroy_mailbox, lock_blobs_in, mailbox_by_role, mailbox_emails,
    mailboxes, properties_changed_since, update_mailbox,
};
pub use operator::{
    Act, Destination, Waiting, act_on, queued_entry, remove_waiting, waiting, waiting_by_domain,
    waiting_entry, waiting_ids,
};
pub use orphans::{ADOPTED, adopt_blob, collect_blob, forget_file, keep_orphans, orphans, still_going};
pub use processes::{beat, depart, serving, written_by_others};
pub use push_subscriptions::{
    PushSubscription, drop_subscription, put_subscription, subscriptions, subscriptions_to,
    sweep_subscriptions,
};
pub use queue::{
    Busy, Depth, Failure, Lease, Outgoing, Queued, discard, enqueue, lease, next_due, postpone, queue_depth,
    release_leases, release_others,
};
pub use schema::{MigrateError, Moved, difference, newest, probe};
pub use sent::{Claim, begin_sending, claim_sending, release_sending, settle_sending};
pub use sessions::{
    Credential, add_session, credential_account, drop_session, drop_sessions, sweep_sessions,
};
pub use shares::{Shared, share, shared_with, unshare};
pub use sts::{KeptPolicy, keep_policy, kept_policy};
pub use submissions::{
    NewSubmission, SubmissionRow, add_dsn, add_submission, destroy_submission, set_delivery, set_reported,
    set_undo, submission, submissions, submissions_of_message,
};
pub use threads::{ThreadRow, thread_for, threads};
pub use uploads::{Uploads, put_upload, sweep_uploads, uploads_beyond};
pub use vacations::{Vacation, claim_answer, put_vacation, vacation};
pub use vault::{put_vault, vault};
pub use writer::{Quota, Tx};

use crate::clock::Millis;
use crate::config::Database;
use crate::push::Hub;
use engine::Source;
use sql::{Connection, PooledConnection, Readers, SqlError};

/// A failure of the database itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused a statement or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[source] SqlError),
    /// The database gave up a statement that took too long.
    #[error("the statement took too long")]
    TooLong,
    /// A row does not hold what this program writes.
    #[error("a row is corrupt: {0}")]
    Corrupt(&'static str),
    /// A blob went while it was to be held.
    #[error("the blob is not there any more")]
    BlobGone,
    /// A newer release changed the tables while this one ran.
    #[error(
        "the database has version {found}, this release knows versions up to {known}: use a newer release"
    )]
    Newer {
        /// The version of the database.
        found: i64,
        /// The newest version this release can use.
        known: i64,
    },
    /// The writer is gone, because the relay is stopping.
    #[error("the store is closed")]
    Closed,
    /// A job panicked; nothing of it was kept.
    #[error("a write was abandoned")]
    Abandoned,
}

impl From<SqlError> for StoreError {
    fn from(error: SqlError) -> Self {
        if error.is_too_long() { Self::TooLong } else { Self::Database(error) }
    }
}

/// Whether the store is behind a failure, and the same may succeed later.
pub fn is_passing(failure: &dyn std::error::Error) -> bool {
    let causes = std::iter::successors(failure.source(), |cause| cause.source());
    causes.filter_map(|cause| cause.downcast_ref()).any(SqlError::is_passing)
}

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The database could not be reached or migrated.
    #[error("cannot open the database: {0}")]
    Database(#[from] SqlError),
    /// A newer release wrote the database; this one would damage it.
    #[error(
        "the database has version {found}, this release knows versions up to {known}: use a newer release"
    )]
    Newer {
        /// The version of the database.
        found: i64,
        /// The newest version this release can use.
        known: i64,
    },
}

/// The open store.
#[derive(Debug)]
pub struct Store {
    source: Source,
    quota: Quota,
    readers: Readers,
    searches: Arc<Semaphore>,
    writer: writer::Writer,
}

impl Store {
    /// Opens the configured database, or the one in `folder`, and brings it up to date.
    pub async fn open(folder: &Path, database: Option<&Database>, hub: Arc<Hub>) -> Result<Self, OpenError> {
        let source = Source::new(folder, database);
        let mut connection = source.writer().await?;
        schema::migrate(&mut connection, source.engine).await?;
        let readers = source.readers().await?;
        let quota = Quota::default();
        let writer = writer::Writer::start(connection, &source, &quota, hub).await?;
        let searches = Arc::new(Semaphore::new(engine::SEARCHES));
        Ok(Self { source, quota, readers, searches, writer })
    }

    /// What accounts may keep that have no quota of their own.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        self.source.engine
    }

    /// A connection on which everything looks as at one moment, whatever is written meanwhile.
    pub async fn snapshot(&self) -> Result<Connection, StoreError> {
        let mut connection = self.source.connect().await?;
        sql::script(&mut connection, self.engine().begin_reading()).await?;
        Ok(connection)
    }

    /// How many connections that read are open, and how many of these are idle.
    pub fn readers(&self) -> (usize, usize) {
        self.readers.count()
    }

    /// A connection for what may take long; never all of them, so that there is one for what is quick.
    pub async fn search(&self) -> Result<PooledConnection, StoreError> {
        let place = Arc::clone(&self.searches).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        Ok(self.read().await?.with(place))
    }

    /// A connection to read with.
    pub async fn read(&self) -> Result<PooledConnection, StoreError> {
        Ok(self.readers.acquire().await?)
    }

    /// A connection of its own in a transaction that writes; see [`end_writing`].
    pub async fn writing(&self) -> Result<Connection, StoreError> {
        let mut connection = self.source.connect().await?;
        sql::script(&mut connection, self.engine().begin()).await?;
        Ok(connection)
    }

    /// Runs `job` in a transaction and returns once that is durable.
    ///
    /// The job runs to its end even when the caller goes away. When it fails, nothing of it stays; but what PostgreSQL does
    /// not answer while it is committed may stay. A job that others stand in the way of is run again, as a clone: it does
    /// nothing but in its transaction.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> futures::future::BoxFuture<'t, Result<T, E>>
            + Clone
            + Send
            + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.writer.run(job).await
    }

    /// Puts all that was written into the database file and empties the log of writes, which until then has the pages from
    /// before a deletion; false where somebody still reads what was before. PostgreSQL has no such means: there deleted rows
    /// go when it vacuums, and its log when it is recycled.
    pub async fn checkpoint(&self) -> Result<bool, StoreError> {
        if self.engine() != Engine::Sqlite {
            return Ok(true);
        }
        let ask = self.write(|tx| Box::pin(async move { Ok::<_, StoreError>(tx.empty_log()) }));
        ask.await?.await.map_err(|_| StoreError::Abandoned)
    }

    /// Finishes the waiting writes and closes the database.
    pub async fn close(&self) {
        self.writer.stop().await;
        self.readers.close().await;
    }
}

/// Ends what [`Store::writing`] began: keeps it, or takes it back.
pub async fn end_writing(connection: &mut Connection, keep: bool) -> Result<(), StoreError> {
    Ok(sql::script(connection, if keep { "SELECT 1; COMMIT" } else { "ROLLBACK" }).await?)
}

/// Whether there is a database to open; a server is taken to have one.
pub fn exists(folder: &Path, database: Option<&Database>) -> bool {
    Source::new(folder, database).exists()
}

/// A process that did not say for so long that it is alive is gone.
pub const ALIVE: Millis = 60 * 1000;

/// Brings the configured database, or the one in `folder`, to a version; see [`newest`].
///
/// With `dry` it is tried in a transaction that is taken back: there, and back again.
pub async fn migrate(
    folder: &Path,
    database: Option<&Database>,
    to: i64,
    dry: bool,
) -> Result<Moved, MigrateError> {
    let source = Source::new(folder, database);
    let mut connection = source.connect().await?;
    let moved = schema::migrate_to(&mut connection, source.engine, to, dry).await?;
    connection.close().await?;
    Ok(moved)
}

/// `$1, $2, …` for `count` values that start at `first`, rounded up so that few texts are prepared.
///
/// The caller binds the last value again until [`padded`] values are bound.
fn placeholders(first: usize, count: usize) -> String {
    let marks: Vec<String> = (first..first + padded(count)).map(|n| format!("${n}")).collect();
    marks.join(", ")
}

fn padded(count: usize) -> usize {
    count.max(1).next_power_of_two()
}

/// The values, with the last one repeated up to the number of placeholders.
fn padding<T>(values: &[T]) -> impl Iterator<Item = &T> {
    let missing = padded(values.len()).saturating_sub(values.len());
    values.iter().chain(values.last().into_iter().cycle().take(missing))
}

/// Space-separated words, as sets of keywords and mailbox ids are kept.
fn words<T: From<String> + Ord>(text: &str) -> std::collections::BTreeSet<T> {
    text.split_ascii_whitespace().map(|word| T::from(word.to_owned())).collect()
}
