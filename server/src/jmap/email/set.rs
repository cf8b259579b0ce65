use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jmap::{Email, EmailId, Id, MailboxId, MethodError, Patch, SetErrorType};
use serde_json::{Map, Value};

use super::create::{self, Letters, Written};
use super::get::Shown;
use super::patch::{self, Known};
use crate::jmap::answer::{Answer, Outcome, answer};
use crate::jmap::{Call, set};
use crate::store::{self, EmailRow, Kind, Ledger, StoreError, Tx};

/// How many emails are read at once.
const CHUNK: usize = 128;

/// `Email/set` (RFC 8621 4.6).
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted = set::read::<Email>(call, given)?;
    let mut created = call.created.clone();
    let mut outcome = Outcome::default();
    let (ready, letters) = written(call, wanted.create, &mut outcome).await?;
    let letters = Arc::new(letters);
    let before = set::Before { if_in_state: wanted.if_in_state, outcome, ..Default::default() };
    let write = set::write(call, Kind::Email, before, move |tx, ledger, outcome| {
        Box::pin(async move {
            create(tx, ledger, ready, &mut created, outcome).await?;
            drop(letters);
            update(tx, ledger, wanted.update.unwrap_or_default(), &created, outcome).await?;
            destroy(tx, ledger, wanted.destroy.unwrap_or_default(), &created, outcome).await?;
            Ok(Vec::new())
        })
    });
    answer(&write.await?)
}

async fn create(
    tx: &mut Tx,
    ledger: &mut Ledger,
    ready: Vec<(String, Written)>,
    created: &mut BTreeMap<String, String>,
    outcome: &mut Outcome,
) -> Result<(), StoreError> {
    for (creation, written) in ready {
        match create::keep(tx, ledger, written, created).await? {
            Ok(made) => {
                let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
                created.insert(creation.clone(), id.to_owned());
                outcome.created.insert(creation, made);
            }
            Err(error) => drop(outcome.not_created.insert(creation, error)),
        }
    }
    Ok(())
}

/// Writes the messages that are to be made, each by itself.
async fn written(
    call: &Call,
    wanted: Option<BTreeMap<String, Map<String, Value>>>,
    outcome: &mut Outcome,
) -> Result<(Vec<(String, Written)>, Letters), MethodError> {
    let (mut ready, mut letters) = (Vec::new(), Letters::begin(call));
    for (creation, properties) in wanted.into_iter().flatten() {
        match create::write(call, properties, &mut letters).await? {
            Ok(written) => ready.push((creation, written)),
            Err(error) => drop(outcome.not_created.insert(creation, error)),
        }
    }
    Ok((ready, letters))
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
        // RFC 8620 5.3: a whole object is a patch too.
        let shown =
            Shown { row: Some(row), outer: &row.outer, blob: &row.blob_id, size: row.size, sealed: false };
        let is_new = |(name, value): &(String, Value)| {
            patch::SETTABLE.contains(&name.as_str()) || shown.kept(name).as_ref() != Some(value)
        };
        let patch = patch.into_iter().filter(is_new).collect();
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
    // By their bytes: whoever destroys the same letters of his own meanwhile comes to them in the same order.
    let mut in_order: Vec<&EmailRow> = rows.values().collect();
    in_order.sort_unstable_by_key(|row| &row.blob_id);
    for row in in_order {
        store::destroy_email(tx, ledger, row).await?;
    }
    for id in wanted {
        match rows.remove(&id) {
            Some(_) => outcome.destroyed.push(id),
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
