//! Changing messages.

use jmap::{Email, Id, Patch, Set, keyword};
use serde_json::{Value, json};

use super::account::Account;
use super::few;
use super::submission::set_failure;
use crate::protocol::{Change, EmailId, Failure};

/// Makes a change to each message. One that is gone already counts as destroyed.
pub async fn update(account: &Account, emails: &[EmailId], change: &Change) -> Result<(), Failure> {
    for emails in emails.chunks(account.relay.max_objects()) {
        let mut set = Set::<Email>::new(account.relay.account().clone());
        let ids = emails.iter().map(|email| Id::from(email.0.as_str()));
        match patch(change) {
            Some(patch) => set.update = Some(few(ids.map(|id| (id, patch.clone())))),
            None => set.destroy = Some(ids.collect()),
        }
        let answer = account.relay.call(&set).await?;
        let refused = answer.not_updated.unwrap_or_default().into_values().next();
        let kept = answer.not_destroyed.unwrap_or_default().into_values();
        let kept = kept.map(|error| set_failure(&error)).find(|failure| *failure != Failure::NotFound);
        if let Some(failure) = refused.map(|error| set_failure(&error)).or(kept) {
            return Err(failure);
        }
        if *change == Change::Destroy {
            account.forget(emails);
        }
    }
    Ok(())
}

/// The patch of a change; none for one that destroys.
fn patch(change: &Change) -> Option<Patch> {
    // Null takes a keyword away (RFC 8620 5.3).
    let keyword =
        |name: &str, on: bool| (format!("keywords/{name}"), if on { Value::Bool(true) } else { Value::Null });
    let entry = match change {
        Change::Seen(on) => keyword(keyword::SEEN, *on),
        Change::Flagged(on) => keyword(keyword::FLAGGED, *on),
        Change::Answered => keyword(keyword::ANSWERED, true),
        Change::Move { mailbox } => ("mailboxIds".to_owned(), json!({ mailbox.0.as_str(): true })),
        Change::Destroy => return None,
    };
    Some(few([entry]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::patch;
    use crate::protocol::{Change, MailboxId};

    #[test]
    fn changes_are_the_smallest_patches() {
        assert_eq!(json!(patch(&Change::Seen(true))), json!({"keywords/$seen": true}));
        assert_eq!(json!(patch(&Change::Flagged(false))), json!({"keywords/$flagged": null}));
        let mailbox = MailboxId("T".into());
        assert_eq!(json!(patch(&Change::Move { mailbox })), json!({"mailboxIds": {"T": true}}));
        assert_eq!(patch(&Change::Destroy), None);
    }
}
