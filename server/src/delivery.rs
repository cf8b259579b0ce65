//! From bytes in memory to mail that is sealed, durable and announced.
//!
//! Clear mail exists here only in memory: it is sealed to each recipient before anything is kept. Public
//! accounts alone keep it as it came.

mod sealing;

use std::collections::BTreeSet;
use std::sync::Arc;

use jmap::{MailboxId, Role, keyword};
use smime::message::SealError;

use crate::blobs::BlobError;
use crate::clock::{Millis, now};
use crate::directory::CertifyError;
use crate::outbound;
use crate::relay::Relay;
use crate::report::Report;
use crate::store::{self, Account, Hold, Ledger, NewEmail, StoreError, Usage};
use sealing::prepare_with;
pub use sealing::{Findings, Sealed, is_sealed, kept, prepare};

/// Why mail was not delivered to anybody.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliverError {
    /// No key to seal to could be found or made.
    #[error("no key to seal to: {0}")]
    Key(#[from] CertifyError),
    /// The message cannot be sealed.
    #[error("the message could not be sealed: {0}")]
    Seal(#[from] SealError),
    /// The bytes could not be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An account keeps as much as it may.
    #[error("an account keeps as much as it may")]
    Full,
    /// An account has no inbox.
    #[error("the account has no inbox")]
    NoInbox,
}

/// Delivers a message to accounts of this relay: to all of them or to none.
///
/// When it returns, the mail is on the disk. The last message that an account takes may go beyond its quota:
/// how large it is once it is sealed is not known when a recipient is accepted, and one full mailbox must not
/// keep a message from all the others.
pub async fn deliver(
    relay: &Relay,
    recipients: &[Account],
    message: impl Into<Arc<Vec<u8>>>,
) -> Result<(), DeliverError> {
    deliver_with(relay, recipients, message, &Findings::default()).await
}

/// Delivers a message from elsewhere, with what was found about it.
pub async fn deliver_with(
    relay: &Relay,
    recipients: &[Account],
    message: impl Into<Arc<Vec<u8>>>,
    findings: &Findings,
) -> Result<(), DeliverError> {
    let mail = prepare_with(relay, recipients, message.into(), findings).await?;
    let report = findings.report.clone();
    let kept = relay.store.write(move |tx| Box::pin(admit(tx, mail, report))).await;
    relay.metrics.delivery(recipients.len(), kept.is_ok());
    kept
}

async fn admit(tx: &mut store::Tx, mail: Vec<Sealed>, report: Option<Report>) -> Result<(), DeliverError> {
    store::lock_accounts(tx, mail.iter().map(Sealed::account)).await?;
    for sealed in mail {
        let ledger = Ledger::open(tx, sealed.account()).await?;
        if ledger.room() == 0 {
            return Err(DeliverError::Full);
        }
        let (account, blob) = (sealed.account().clone(), sealed.blob().clone());
        put(tx, ledger, sealed, Place::default()).await?;
        if let Some(report) = &report {
            outbound::note(tx, &account, report, &blob).await?;
        }
    }
    Ok(())
}

/// Where mail goes that does not just arrive.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Its mailbox; the inbox when absent.
    pub mailbox: Option<MailboxId>,
    /// Its keywords.
    pub keywords: BTreeSet<String>,
    /// When it came; now when absent.
    pub received_at: Option<Millis>,
}

/// Keeps mail that is carried over, in its place; false when the account has it already.
pub async fn file(tx: &mut store::Tx, mail: Vec<Sealed>, place: Place) -> Result<bool, DeliverError> {
    let mut fresh = false;
    for sealed in mail {
        let ledger = Ledger::open(tx, sealed.account()).await?;
        let blob = &sealed.letter.blob.blob().id;
        if !store::emails_of_blob(tx.connection(), sealed.account(), blob).await?.is_empty() {
            continue;
        }
        if ledger.room() < sealed.size() {
            return Err(DeliverError::Full);
        }
        put(tx, ledger, sealed, place.clone()).await?;
        fresh = true;
    }
    Ok(fresh)
}

/// Whether a message of so many octets may come for an account.
pub async fn has_room(relay: &Relay, account: &Account, octets: usize) -> Result<bool, StoreError> {
    let mut connection = relay.store.read().await?;
    let usage = store::usage(&mut connection, &account.id, relay.store.quota().get()).await?;
    Ok(fits(usage, octets))
}

/// Whether a message of so many octets may come to what is kept already.
pub fn fits(usage: Usage, octets: usize) -> bool {
    let room = usage.room();
    room > 0 && i64::try_from(octets).is_ok_and(|octets| octets <= room)
}

/// Octets of a message that are gone through sooner than another thread takes over.
const INLINE_LIMIT: usize = 64 * 1024;

/// Does what takes long for large messages off the threads that serve sockets.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Abandoned)
}

/// Does what goes through so many octets, off the threads that serve sockets where they are many.
pub async fn by_length<T: Send + 'static>(
    octets: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    if octets > INLINE_LIMIT { off_thread(work).await } else { Ok(work()) }
}

/// Puts sealed mail into the inboxes of its recipients, whether or not they have room: whoever takes mail
/// on looks at that, and what was taken on is kept.
pub async fn keep(tx: &mut store::Tx, mail: Vec<Sealed>) -> Result<(), DeliverError> {
    store::lock_accounts(tx, mail.iter().map(Sealed::account)).await?;
    for sealed in mail {
        let ledger = Ledger::open(tx, sealed.account()).await?;
        put(tx, ledger, sealed, Place::default()).await?;
    }
    Ok(())
}

async fn put(
    tx: &mut store::Tx,
    mut ledger: Ledger,
    Sealed { account, letter, role }: Sealed,
    place: Place,
) -> Result<(), DeliverError> {
    let blob = letter.blob.blob();
    let mut mailbox = place.mailbox;
    for role in [role, Role::Inbox] {
        if mailbox.is_none() {
            mailbox = store::mailbox_by_role(tx.connection(), &account.id, role.name()).await?;
        }
    }
    let mut keywords = place.keywords;
    // Anybody can write what looks like mail sealed here. A keyword of what was just delivered is the relay's.
    keywords.extend(letter.at_door.then(|| keyword::SEALED_AT_DOOR.to_owned()));
    let email = NewEmail {
        blob_id: blob.id.clone(),
        size: blob.size,
        received_at: place.received_at.unwrap_or_else(now),
        outer: letter.outer.clone(),
        keywords,
        mailboxes: BTreeSet::from([mailbox.ok_or(DeliverError::NoInbox)?]),
        summary: None,
        clear: letter.clear.clone().filter(|_| !account.kind.is_sealed()),
    };
    store::put_blob(tx, &account.id, blob, Hold::Email).await?;
    store::insert_email(tx, &mut ledger, &email).await?;
    ledger.close(tx).await?;
    Ok(())
}
