use smtp_proto::{
    MAIL_BODY_BINARYMIME, MAIL_REQUIRETLS, MAIL_SMTPUTF8, MailFrom, RCPT_NOTIFY_DELAY, RCPT_NOTIFY_FAILURE,
    RCPT_NOTIFY_NEVER, RCPT_NOTIFY_SUCCESS, RcptTo,
};

use super::{Protocol, Reply, Session};
use crate::clock::now;
use crate::delivery::{self, DeliverError};
use crate::directory::{self, CertifyError};
use crate::smtp::body::Body;
use crate::smtp::greylist::Marks;
use crate::store::{self, Account, StoreError};

/// RFC 5321 4.5.3.1.8: at least 100.
const MOST_RECIPIENTS: usize = 100;

/// A message on its way in.
#[derive(Debug)]
pub struct Transaction {
    pub mail_from: String,
    pub utf8: bool,
    /// What the sender calls this message (RFC 3461 4.4).
    pub envelope_id: Option<String>,
    pub size: usize,
    /// By SMTP each account once, by LMTP as often as each was named: it is answered as often.
    pub recipients: Vec<Recipient>,
    pub chunks: Option<Body>,
}

/// For whom.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub account: Account,
    /// Whether the sender wants to hear of the delivery (RFC 3461 4.1).
    pub notify_success: bool,
    /// The address that the sender gave, as far as the servers on the way told (RFC 3461 4.2).
    pub original: Option<String>,
    /// Under what the sender is remembered, where strangers are put off.
    pub marks: Option<Marks>,
}

impl Session {
    pub fn mail(&mut self, from: &MailFrom<String>) -> Reply {
        let config = &self.relay().config;
        if self.hello.is_none() {
            return Reply::new(503, "5.5.1 say EHLO first");
        }
        if config.smtp_require_tls && self.tls.is_none() && self.protocol == Protocol::Smtp {
            return Reply::new(530, "5.7.0 say STARTTLS first");
        }
        if self.transaction.is_some() {
            return Reply::new(503, "5.5.1 one message after the other");
        }
        // RFC 8689 3: it holds within TLS only. Nothing here goes further, so that it is kept by delivering.
        let needs_tls = from.flags & MAIL_REQUIRETLS != 0 && self.tls.is_none();
        if from.flags & MAIL_BODY_BINARYMIME != 0 || needs_tls {
            return Reply::new(555, "5.5.4 that parameter is not offered");
        }
        if !from.address.is_ascii() && from.flags & MAIL_SMTPUTF8 == 0 {
            return Reply::new(553, "5.6.7 such an address needs SMTPUTF8");
        }
        if from.size > config.max_message_size {
            return Reply::new(552, "5.3.4 the message is too large");
        }
        if let (Some(pace), Some(peer)) = (&self.gate.pace, self.stranger())
            && !pace.take(peer, now())
        {
            return Reply::new(451, "4.7.1 too many messages from your network within an hour");
        }
        self.transaction = Some(Transaction {
            mail_from: from.address.clone(),
            utf8: from.flags & MAIL_SMTPUTF8 != 0,
            envelope_id: from.env_id.clone(),
            size: from.size,
            recipients: Vec::new(),
            chunks: None,
        });
        Reply::new(250, "2.1.0 sender fine")
    }

    pub async fn rcpt(&mut self, to: &RcptTo<String>) -> Reply {
        let relay = self.relay().clone();
        let Some(transaction) = &mut self.transaction else { return Reply::new(503, "5.5.1 say MAIL first") };
        if transaction.chunks.is_some() {
            return Reply::new(503, "5.5.1 the message has begun");
        }
        if transaction.recipients.len() >= MOST_RECIPIENTS {
            return Reply::new(452, "4.5.3 too many recipients");
        }
        if !to.address.is_ascii() && !transaction.utf8 {
            return Reply::new(553, "5.6.7 such an address needs SMTPUTF8");
        }
        let when = RCPT_NOTIFY_SUCCESS | RCPT_NOTIFY_FAILURE | RCPT_NOTIFY_DELAY;
        if to.flags & RCPT_NOTIFY_NEVER != 0 && to.flags & when != 0 {
            return Reply::new(501, "5.5.4 NEVER stands alone");
        }
        if !relay.is_local(&to.address) {
            return Reply::new(550, "5.7.1 mail for elsewhere is not taken here");
        }
        let lmtp = self.protocol == Protocol::Lmtp;
        let found = async {
            let mut connection = relay.store.read().await?;
            let quota = relay.store.quota().get();
            let found = store::recipient(&mut connection, &to.address, quota).await?;
            let Some((account, usage)) = found else { return Ok(None) };
            let lacks_key = !lmtp && directory::lacks_key(&mut connection, &account).await?;
            Ok::<_, StoreError>(Some((account, lacks_key, delivery::fits(usage, transaction.size))))
        };
        match found.await {
            // Here and now, for at the end of the message one reply would keep it from all the others.
            Ok(Some((_, true, _))) => DeliverError::from(CertifyError::Revoked).into(),
            Ok(Some((_, _, false))) => Reply::full(),
            Ok(Some((account, _, true))) => self.admit(to, account).await,
            Ok(None) => Reply::new(550, "5.1.1 there is no such address here"),
            Err(error) => {
                tracing::error!(%error, "a recipient could not be looked up");
                Reply::new(451, "4.3.0 try again later")
            }
        }
    }

    /// Takes a recipient who is here, unless the sender is a stranger who is to come again.
    async fn admit(&mut self, to: &RcptTo<String>, account: Account) -> Reply {
        let (relay, lmtp, stranger) =
            (self.relay().clone(), self.protocol == Protocol::Lmtp, self.stranger());
        let Some(transaction) = &mut self.transaction else { return Reply::new(503, "5.5.1 say MAIL first") };
        let mut marks = None;
        if let (Some(greylist), Some(peer)) = (&relay.greylist, stranger) {
            let known = greylist.marks(peer, &transaction.mail_from, &account.address);
            match greylist.wait(&relay.store, &known).await {
                Ok(None) => marks = Some(known),
                Ok(Some(wait)) => return Reply::greylisted(wait),
                Err(error) => {
                    tracing::error!(%error, "a sender could not be looked up");
                    return Reply::new(451, "4.3.0 try again later");
                }
            }
        }
        // One copy each, however often an address is named.
        if lmtp || !transaction.recipients.iter().any(|known| known.account.id == account.id) {
            let notify_success = to.flags & RCPT_NOTIFY_SUCCESS != 0;
            let original = to.orcpt.clone();
            transaction.recipients.push(Recipient { account, notify_success, original, marks });
        }
        Reply::new(250, "2.1.5 recipient fine")
    }

    /// Whether a message may come now; `chunked` for BDAT, which may not follow or precede DATA.
    pub fn ready(&self, chunked: bool) -> Result<(), Reply> {
        match &self.transaction {
            Some(transaction) if transaction.recipients.is_empty() => {
                Err(Reply::new(503, "5.5.1 say RCPT first"))
            }
            Some(transaction) if transaction.chunks.is_some() && !chunked => {
                Err(Reply::new(503, "5.5.1 the message comes in chunks"))
            }
            Some(_) => Ok(()),
            None => Err(Reply::new(503, "5.5.1 say MAIL and RCPT first")),
        }
    }
}
