//! Which mailboxes each user wants to see (RFC 8621 2, `isSubscribed`).
//!
//! A change of it is a change of the account, with a number of its own, that one user alone sees.

use std::collections::BTreeMap;

use jmap::{AccountId, MailboxId};

use super::sql::{self, Connection};
use super::{Ledger, States, StoreError, Tx, states};

/// What one user is subscribed to in one account.
#[derive(Debug, Clone)]
pub struct Subscribed {
    said: BTreeMap<MailboxId, bool>,
    otherwise: bool,
}

impl Subscribed {
    /// Whether the user is subscribed to a mailbox.
    pub fn to(&self, mailbox: &MailboxId) -> bool {
        self.said.get(mailbox).copied().unwrap_or(self.otherwise)
    }
}

/// What `member` is subscribed to in an account: where they never said so, to all of their own, and to nothing of another.
pub async fn subscribed(
    connection: &mut Connection,
    account: &AccountId,
    member: &AccountId,
) -> Result<Subscribed, StoreError> {
    let text = "SELECT mailbox_id, is_subscribed FROM mailbox_subscriptions
                WHERE account_id = $1 AND member_id = $2";
    let rows = sql::query(text).bind(account.as_str()).bind(member.as_str()).fetch_all(connection).await?;
    let mut said = BTreeMap::new();
    for row in rows {
        said.insert(MailboxId::from(row.try_get::<String>(0)?), row.try_get::<i64>(1)? != 0);
    }
    Ok(Subscribed { said, otherwise: account == member })
}

/// Subscribes `member` to a mailbox, or ends that.
pub async fn subscribe(
    tx: &mut Tx,
    ledger: &mut Ledger,
    member: &AccountId,
    mailbox: &MailboxId,
    is_subscribed: bool,
) -> Result<(), StoreError> {
    let state = ledger.next_for(member);
    sql::query(
        "INSERT INTO mailbox_subscriptions (account_id, member_id, mailbox_id, is_subscribed, updated_state)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id, member_id, mailbox_id) DO UPDATE SET
         is_subscribed = EXCLUDED.is_subscribed, updated_state = EXCLUDED.updated_state",
    )
    .bind(ledger.account().as_str())
    .bind(member.as_str())
    .bind(mailbox.as_str())
    .bind(i64::from(is_subscribed))
    .bind(state)
    .execute(tx.connection())
    .await?;
    Ok(())
}

/// Forgets who is subscribed to a mailbox that goes.
pub(super) async fn unsubscribe_all(
    tx: &mut Tx,
    account: &AccountId,
    mailbox: &MailboxId,
) -> Result<(), StoreError> {
    sql::query("DELETE FROM mailbox_subscriptions WHERE account_id = $1 AND mailbox_id = $2")
        .bind(account.as_str())
        .bind(mailbox.as_str())
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// The states of an account as `member` sees them: that of mailboxes moves with their own subscriptions, too.
pub async fn states_for(
    connection: &mut Connection,
    account: &AccountId,
    member: &AccountId,
) -> Result<States, StoreError> {
    let text = "SELECT CAST(COALESCE(MAX(updated_state), 0) AS BIGINT) FROM mailbox_subscriptions
                WHERE account_id = $1 AND member_id = $2";
    let own =
        sql::query(text).bind(account.as_str()).bind(member.as_str()).fetch_one(&mut *connection).await?;
    Ok(states(connection, account).await?.with_subscriptions(own.try_get(0)?))
}
