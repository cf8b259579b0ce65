//! From bytes in memory to mail that is sealed, durable and announced.
//!
//! Clear mail exists here only in memory: it is sealed to each recipient before anything is kept. Public
//! accounts alone keep it as it came.

use std::collections::BTreeSet;
use std::sync::Arc;

use jmap::{AccountId, BlobId, MailboxId, Role, keyword};
use smime::message::{SealError, needs_door, seal_at_door};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, block_on_ready};

use crate::blobs::{BlobError, Prepared};
use crate::clear_text::ClearText;
use crate::clock::{Millis, now};
use crate::directory::{self, CertifyError};
use crate::outbound;
use crate::outer::OuterHeader;
use crate::random;
use crate::relay::Relay;
use crate::report::Report;
use crate::store::{self, Account, EmailRow, Ledger, NewEmail, StoreError, Usage};

/// A message of so many octets is looked through sooner than another thread takes over.
const BRIEF: usize = 64 * 1024;

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

/// Mail that is sealed to its recipient, or goes to a public account, and is ready to be kept.
#[derive(Debug)]
pub struct Sealed {
    account: Account,
    letter: Arc<Letter>,
    role: Role,
}

/// What is known of a message that comes from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The value of an Authentication-Results field (RFC 8601), folded; kept sealed with what came in clear.
    pub results: Option<String>,
    /// Whether it is put with the junk.
    pub is_suspicious: bool,
    /// Whether the domain of its author vouches for him.
    pub is_proved: bool,
    /// Whether its return path is its sender's own, so that an answer meets nobody else.
    pub is_answerable: bool,
    /// What it reports of mail that was sent.
    pub report: Option<Report>,
}

impl Findings {
    /// What came sealed, or comes to a public account, gets them as a field.
    fn before(&self, message: Vec<u8>) -> Vec<u8> {
        match &self.results {
            Some(results) => {
                let mut field = format!("Authentication-Results: {results}\r\n").into_bytes();
                field.extend_from_slice(&message);
                field
            }
            None => message,
        }
    }
}

impl Sealed {
    /// Whom it is for.
    pub fn account(&self) -> &AccountId {
        &self.account.id
    }

    /// Its bytes.
    pub fn blob(&self) -> &BlobId {
        &self.letter.blob.blob().id
    }

    /// How much it takes, in octets.
    pub fn size(&self) -> i64 {
        self.letter.blob.blob().size
    }
}

/// A sealed message whose bytes are safe to refer to.
#[derive(Debug)]
struct Letter {
    blob: Prepared,
    outer: OuterHeader,
    clear: Option<ClearText>,
    /// It came in clear and was sealed here.
    at_door: bool,
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

/// Seals a message to each recipient, unless its sender did or the account is public, and makes the bytes safe to refer to.
pub async fn prepare(
    relay: &Relay,
    recipients: &[Account],
    message: Vec<u8>,
) -> Result<Vec<Sealed>, DeliverError> {
    prepare_with(relay, recipients, Arc::new(message), &Findings::default()).await
}

async fn prepare_with(
    relay: &Relay,
    recipients: &[Account],
    message: Arc<Vec<u8>>,
    findings: &Findings,
) -> Result<Vec<Sealed>, DeliverError> {
    let role = if findings.is_suspicious { Role::Junk } else { Role::Inbox };
    let mut mail = Vec::new();
    if is_sealed(Arc::clone(&message)).await? {
        let message = Arc::try_unwrap(message).unwrap_or_else(|shared| shared.to_vec());
        let message = findings.before(message);
        let clear = recipients.iter().any(|account| !account.kind.is_sealed());
        let clear = clear.then(|| ClearText::of(&message));
        let letter = Arc::new(Letter { clear, ..letter(relay, message).await? });
        let each = recipients.iter().map(|account| {
            let letter = Arc::clone(&letter);
            Sealed { account: account.clone(), letter, role }
        });
        mail.extend(each);
        return Ok(mail);
    }
    let mut clear: Option<Arc<Letter>> = None;
    for account in recipients {
        if !account.kind.is_sealed() {
            let letter = match &clear {
                Some(letter) => Arc::clone(letter),
                None => Arc::new(in_clear(relay, findings.before(message.to_vec())).await?),
            };
            clear = Some(Arc::clone(&letter));
            mail.push(Sealed { account: account.clone(), letter, role });
            continue;
        }
        let certificate = directory::sealing_certificate(&relay.store, &relay.authority, account).await?;
        let sealed = seal(Arc::clone(&message), certificate, findings.results.clone()).await?;
        let letter = Arc::new(Letter { at_door: true, ..letter(relay, sealed).await? });
        mail.push(Sealed { account: account.clone(), letter, role });
    }
    Ok(mail)
}

/// The mail of a sealed message that is kept already, for [`keep`] in a transaction that has
/// made sure that its bytes are there.
pub fn kept(email: &EmailRow, recipients: Vec<Account>) -> Vec<Sealed> {
    let blob = Prepared::kept(email.blob_id.clone(), email.size);
    let letter = Arc::new(Letter { blob, outer: email.outer.clone(), clear: None, at_door: false });
    let inbox = |account| Sealed { account, letter: Arc::clone(&letter), role: Role::Inbox };
    recipients.into_iter().map(inbox).collect()
}

/// Whether a message may be kept as it is.
pub async fn is_sealed(message: Arc<Vec<u8>>) -> Result<bool, StoreError> {
    if message.len() <= BRIEF {
        return Ok(!needs_door(&message));
    }
    off_thread(move || !needs_door(&message)).await
}

async fn letter(relay: &Relay, sealed: Vec<u8>) -> Result<Letter, DeliverError> {
    let outer = OuterHeader::parse(&sealed);
    let blob = relay.blobs.prepare(&relay.store, sealed).await?;
    Ok(Letter { blob, outer, clear: None, at_door: false })
}

/// A letter as public accounts keep it, with what it can be found by.
async fn in_clear(relay: &Relay, message: Vec<u8>) -> Result<Letter, DeliverError> {
    let (clear, message) = off_thread(move || (ClearText::of(&message), message)).await?;
    Ok(Letter { clear: Some(clear), ..letter(relay, message).await? })
}

async fn seal(
    message: Arc<Vec<u8>>,
    recipient: Certificate,
    results: Option<String>,
) -> Result<Vec<u8>, DeliverError> {
    let work = move || {
        let mut rng = random::rng();
        let results = results.map(|folded| folded.replace("\r\n", ""));
        block_on_ready(seal_at_door(&RustCrypto, &mut rng, &message, &recipient, results.as_deref()))
    };
    Ok(off_thread(work).await??)
}

/// Does what takes long for large messages off the threads that serve sockets.
pub async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Abandoned)
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
    store::put_blob(tx, &account.id, blob, true).await?;
    store::insert_email(tx, &mut ledger, &email).await?;
    ledger.close(tx).await?;
    Ok(())
}
