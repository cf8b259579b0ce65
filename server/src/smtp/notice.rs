use super::session::envelope::{Recipient, Transaction};
use crate::allowance::Allowance;
use crate::clock::{mail_date, now};
use crate::config::Config;
use crate::delivery::{self, DeliverError, Findings};
use crate::outer::OuterHeader;
use crate::relay::Relay;
use crate::report::StatusNotification;
use crate::store::{self, Account, Hold, Outgoing};

/// A delivery status notification (RFC 3464) of mail that was delivered, for a sender who asked for it.
///
/// It repeats nothing of the message but its id: it waits in the queue, and the subject may have come in clear.
#[derive(Debug)]
pub struct Notice {
    sender: String,
    envelope_id: Option<String>,
    message_id: Option<String>,
    recipients: Vec<Recipient>,
}

impl Notice {
    /// What to tell of a message; none where nobody asked, or nobody is there to be told (RFC 3461 6.2).
    ///
    /// Nor where the return path may be somebody else's, who would get what a stranger asked for.
    pub fn of(
        transaction: &Transaction,
        recipients: &[Recipient],
        findings: &Findings,
        message: &[u8],
    ) -> Option<Self> {
        let asked = recipients.iter().filter(|recipient| recipient.notify_success);
        let recipients: Vec<Recipient> = asked.cloned().collect();
        let is_answerable = findings.is_answerable && !findings.is_suspicious;
        if recipients.is_empty() || transaction.mail_from.is_empty() || !is_answerable {
            return None;
        }
        Some(Self {
            sender: transaction.mail_from.clone(),
            envelope_id: transaction.envelope_id.clone(),
            message_id: OuterHeader::parse(message).message_id.into_iter().next(),
            recipients,
        })
    }

    /// Sends it, with no return path; mail is taken whether that works or not, so failures are logged only.
    pub async fn send(&self, relay: &Relay, sent: &Allowance) {
        let Some(first) = self.recipients.first().map(|recipient| &recipient.account) else { return };
        // Whoever asks for many notices of one account's mail gets no more.
        if !sent.take(&first.id, 1, now()) {
            return;
        }
        let notice = self.write(&relay.config);
        if let Err(error) = self.hand_on(relay, first, notice).await {
            tracing::error!(%error, "a delivery status notification could not be sent");
        }
    }

    async fn hand_on(&self, relay: &Relay, account: &Account, notice: Vec<u8>) -> Result<(), DeliverError> {
        if relay.is_local(&self.sender) {
            let mut connection = relay.store.read().await?;
            let sender = store::account_by_address(&mut connection, &self.sender).await?;
            drop(connection);
            return match sender {
                Some(sender) => delivery::deliver(relay, &[sender], notice).await,
                None => Ok(()),
            };
        }
        let blob = relay.blobs.prepare(&relay.store, notice).await?;
        let (account, recipient) = (account.id.clone(), self.sender.clone());
        let write = relay.store.write(move |tx| {
            Box::pin(async move {
                store::lock_accounts(tx, [&account]).await?;
                store::put_blob(tx, &account, blob.blob(), Hold::Sending).await?;
                let id = blob.blob().id.clone();
                let outgoing =
                    Outgoing { priority: -2, ..Outgoing::new(account, String::new(), recipient, id) };
                store::enqueue(tx, &outgoing, now()).await?;
                Ok::<_, DeliverError>(())
            })
        });
        write.await?;
        relay.queue_bell.notify_one();
        Ok(())
    }

    fn write(&self, config: &Config) -> Vec<u8> {
        let envelope = field("Original-Envelope-Id", self.envelope_id.as_deref());
        let (host, date) = (config.host(), mail_date(now()));
        let mut words = String::from("Your message is in the mailbox of");
        let mut fields = format!("{envelope}Reporting-MTA: dns; {host}\r\nArrival-Date: {date}\r\n");
        for Recipient { account, original, .. } in &self.recipients {
            let address = &account.address;
            words.push_str(&format!("\r\n  <{address}>"));
            let kind = |address: &str| if address.is_ascii() { "rfc822" } else { "utf-8" };
            let original = original.as_ref().map(|original| format!("{}; {original}", kind(original)));
            let original = field("Original-Recipient", original.as_deref());
            fields.push_str(&format!(
                "\r\n{original}Final-Recipient: {}; {address}\r\nAction: delivered\r\nStatus: 2.0.0\r\n",
                kind(address)
            ));
        }
        StatusNotification {
            to: &self.sender,
            subject: "Your message was delivered",
            words: &words,
            about: self.message_id.as_deref(),
            fields: &fields,
            header: None,
        }
        .write(config)
    }
}

/// A line of a header; nothing where there is no value, or one that would break out of its line.
fn field(name: &str, value: Option<&str>) -> String {
    match value {
        Some(value) if !value.chars().any(char::is_control) => format!("{name}: {value}\r\n"),
        _ => String::new(),
    }
}
