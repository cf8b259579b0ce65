use std::sync::Arc;

use jmap::{AccountId, BlobId, Role};
use smime::message::{needs_door, seal_at_door};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, block_on_ready};

use super::{DeliverError, by_length, off_thread};
use crate::blobs::Prepared;
use crate::clear_text::ClearText;
use crate::directory;
use crate::outer::OuterHeader;
use crate::random;
use crate::relay::Relay;
use crate::report::Report;
use crate::store::{Account, EmailRow, StoreError};

/// Mail that is sealed to its recipient, or goes to a public account, and is ready to be kept.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub(super) account: Account,
    pub(super) letter: Arc<Letter>,
    pub(super) role: Role,
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
    /// Whether it is known not to be: the domain of the return path denies it, or its author's denies him and nothing
    /// confirms it.
    pub is_denied: bool,
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
pub(super) struct Letter {
    pub(super) blob: Prepared,
    pub(super) outer: OuterHeader,
    pub(super) clear: Option<ClearText>,
    /// It came in clear and was sealed here.
    pub(super) at_door: bool,
}

/// Seals a message to each recipient, unless its sender did or the account is public, and makes the bytes safe to refer to.
pub async fn prepare(
    relay: &Relay,
    recipients: &[Account],
    message: Vec<u8>,
) -> Result<Vec<Sealed>, DeliverError> {
    prepare_with(relay, recipients, Arc::new(message), &Findings::default()).await
}

pub(super) async fn prepare_with(
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

/// The mail of a sealed message that is kept already, for [`super::keep`] in a transaction that has
/// made sure that its bytes are there.
pub fn kept(email: &EmailRow, recipients: Vec<Account>) -> Vec<Sealed> {
    let blob = Prepared::kept(email.blob_id.clone(), email.size);
    let letter = Arc::new(Letter { blob, outer: email.outer.clone(), clear: None, at_door: false });
    let inbox = |account| Sealed { account, letter: Arc::clone(&letter), role: Role::Inbox };
    recipients.into_iter().map(inbox).collect()
}

/// Whether a message may be kept as it is.
pub async fn is_sealed(message: Arc<Vec<u8>>) -> Result<bool, StoreError> {
    by_length(message.len(), move || !needs_door(&message)).await
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
