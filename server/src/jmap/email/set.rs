use std::collections::{BTreeMap, BTreeSet};

use jmap::{Email, EmailId, Id, MailboxId, MethodError, Patch, Set, SetError, SetErrorType};
use serde_json::Value;

use super::patch::{self, Known};
use crate::jmap::Call;
use crate::jmap::answer::{Answer, Outcome, WriteError, answer, arguments, check_set_size, check_state};
use crate::store::{self, EmailRow, Kind, Ledger, StoreError, Tx};

/// How many emails are read at once.
const CHUNK: usize = 128;

/// `Email/set` (RFC 8621 4.6).
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Set<Email> = arguments(given)?;
    let count = wanted.create.iter().flatten().count()
        + wanted.update.iter().flatten().count()
        + wanted.destroy.iter().flatten().count();
    check_set_size(count, &call.relay.limits)?;
    let account = call.account.id.clone();
    let created = call.created.clone();
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            let mut ledger = Ledger::open(tx, &account).await?;
            let old_state = ledger.before().of(Kind::Email);
            check_state(wanted.if_in_state.as_ref(), &old_state)?;
            let mut outcome = Outcome::default();
            for creation in wanted.create.into_iter().flatten().map(|(creation, _)| creation) {
                outcome.not_created.insert(creation, no_create());
            }
            update(tx, &mut ledger, wanted.update.unwrap_or_default(), &created, &mut outcome).await?;
            destroy(tx, &mut ledger, wanted.destroy.unwrap_or_default(), &created, &mut outcome).await?;
            let new_state = ledger.close(tx).await?.of(Kind::Email);
            Ok::<_, WriteError>(outcome.into_answer(account, old_state, new_state))
        })
    });
    answer(&write.await?)
}

/// Parts that the relay would put together are parts that it could read.
fn no_create() -> SetError {
    let why = "this account holds sealed mail only: upload the sealed message and use Email/import";
    SetError::new(SetErrorType::Forbidden, why)
}

async fn update(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: BTreeMap<Id, Patch>,
    created: &BTreeMap<String, String>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mailboxes: BTreeSet<MailboxId> =
        store::mailboxes(tx.connection(), ledger.account()).await?.into_iter().map(|row| row.id).collect();
    let known = Known { mailboxes: &mailboxes, created };
    let rows = rows(tx, ledger, wanted.keys(), created).await?;
    for (id, patch) in wanted {
        let Some(row) = rows.get(&id) else {
            outcome.not_updated.insert(id, SetErrorType::NotFound.into());
            continue;
        };
        match patch::apply(row, &patch, known) {
            Ok(new) => {
                store::update_email(tx, ledger, row, &new).await?;
                outcome.updated.insert(id, None);
            }
            Err(error) => drop(outcome.not_updated.insert(id, error)),
        }
    }
    Ok(())
}

async fn destroy(
    tx: &mut Tx,
    ledger: &mut Ledger,
    wanted: Vec<Id>,
    created: &BTreeMap<String, String>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    // Read after the updates, for those moved what is counted.
    let mut rows = rows(tx, ledger, wanted.iter(), created).await?;
    for id in wanted {
        match rows.remove(&id) {
            Some(row) => {
                store::destroy_email(tx, ledger, &row).await?;
                outcome.destroyed.push(id);
            }
            None if outcome.destroyed.contains(&id) => {}
            None => drop(outcome.not_destroyed.insert(id, SetErrorType::NotFound.into())),
        }
    }
    Ok(())
}

/// The emails behind ids or creation references.
async fn rows<'a>(
    tx: &mut Tx,
    ledger: &Ledger,
    wanted: impl Iterator<Item = &'a Id>,
    created: &BTreeMap<String, String>,
) -> Result<BTreeMap<Id, EmailRow>, StoreError> {
    let mut names: BTreeMap<EmailId, Id> = BTreeMap::new();
    for id in wanted {
        let resolved = id.as_str().strip_prefix('#').and_then(|creation| created.get(creation));
        names.insert(EmailId::from(resolved.map_or(id.as_str(), String::as_str)), id.clone());
    }
    let ids: Vec<EmailId> = names.keys().cloned().collect();
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        for row in store::emails(tx.connection(), ledger.account(), chunk).await? {
            if let Some(name) = names.get(&row.id) {
                found.insert(name.clone(), row);
            }
        }
    }
    Ok(found)
}
