use std::collections::{BTreeMap, BTreeSet};

use jmap::{AccountId, BlobId};

use super::{Emails, rows, text};
use crate::store::check::finding::Finding;
use crate::store::sql::Connection;
use crate::store::{Kind, StoreError, states};

pub async fn blobs(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let statement = "SELECT a.blob_id, a.in_use, b.size FROM account_blobs a
                     LEFT JOIN blobs b ON b.id = a.blob_id WHERE a.account_id = $1";
    let mut held: BTreeMap<BlobId, (bool, Option<i64>)> = BTreeMap::new();
    for row in rows(connection, account, statement).await? {
        held.insert(text(&row, 0)?, (row.try_get::<i64>(1)? == 1, row.try_get(2)?));
    }
    let mut wanted = BTreeSet::new();
    for (email, fact) in emails {
        let holding = held.get(&fact.blob);
        if !holding.is_some_and(|(in_use, _)| *in_use) && wanted.insert(&fact.blob) {
            findings.push(Finding::NotHeld { account: account.clone(), blob: fact.blob.clone() });
        }
        if let Some((_, Some(expected))) = holding
            && *expected != fact.size
        {
            let (account, email) = (account.clone(), email.clone());
            findings.push(Finding::Size { account, email, found: fact.size, expected: *expected });
        }
        wanted.insert(&fact.blob);
    }
    let vain = held.iter().filter(|(blob, (in_use, _))| *in_use && !wanted.contains(blob));
    findings
        .extend(vain.map(|(blob, _)| Finding::HeldInVain { account: account.clone(), blob: blob.clone() }));
    Ok(())
}

pub async fn used(
    connection: &mut Connection,
    account: &AccountId,
    emails: &Emails,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let row = rows(connection, account, "SELECT used FROM accounts WHERE id = $1").await?;
    let found = row.first().map_or(Ok(0), |row| row.try_get(0))?;
    let expected = emails.values().map(|fact| fact.size).sum();
    if found != expected {
        findings.push(Finding::Used { account: account.clone(), found, expected });
    }
    Ok(())
}

/// Each change has a number of its own, and the state of its type is no older.
pub async fn numbers(
    connection: &mut Connection,
    account: &AccountId,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let statement = "SELECT 'Mailbox', updated_state FROM mailboxes WHERE account_id = $1
        UNION ALL SELECT 'Email', updated_state FROM emails WHERE account_id = $1
        UNION ALL SELECT 'Thread', updated_state FROM threads WHERE account_id = $1
        UNION ALL SELECT 'EmailSubmission', updated_state FROM submissions WHERE account_id = $1
        UNION ALL SELECT 'subscription', updated_state FROM mailbox_subscriptions
          WHERE account_id = $1 AND updated_state > 0
        UNION ALL SELECT kind, updated_state FROM tombstones WHERE account_id = $1";
    let (mut newest, mut seen) = (BTreeMap::<String, i64>::new(), BTreeSet::new());
    for row in rows(connection, account, statement).await? {
        let (kind, state): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        if !seen.insert(state) {
            findings.push(Finding::SharedState { account: account.clone(), state });
        }
        let newest = newest.entry(kind).or_default();
        *newest = state.max(*newest);
    }
    let states = states(connection, account).await?;
    for kind in Kind::ALL {
        let (found, newest) = (states.number(kind), newest.get(kind.name()).copied().unwrap_or_default());
        if found < newest {
            findings.push(Finding::State { account: account.clone(), kind, found, newest });
        }
    }
    Ok(())
}
