use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jmap::{
    EmailImport, EmailImported, Import, ImportAnswer, MailboxId, MethodError, SetError, SetErrorType,
};
use serde_json::Value;

use super::patch::{self, Known};
use crate::blobs::BlobError;
use crate::clock::{now, parse_date};
use crate::delivery::is_sealed;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, WriteError, answer, arguments, check_set_size, check_state, failed};
use crate::outer::OuterHeader;
use crate::store::{self, Kind, Ledger, NewEmail, StoreError, Tx};

/// `Email/import` (RFC 8621 4.8): takes sealed messages only.
pub async fn import(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let wanted: Import = arguments(given)?;
    check_set_size(wanted.emails.len(), &call.relay.limits)?;
    let mut checked = Vec::new();
    let mut not_created = BTreeMap::new();
    for (creation, email) in wanted.emails {
        match read(call, &email).await? {
            Ok(outer) => checked.push((creation, email, outer)),
            Err(error) => drop(not_created.insert(creation, error)),
        }
    }
    let account = call.account.id.clone();
    let created_ids = call.created.clone();
    let write = call.relay.store.write(move |tx| {
        Box::pin(async move {
            let mut ledger = Ledger::open(tx, &account).await?;
            let old_state = ledger.before().of(Kind::Email);
            check_state(wanted.if_in_state.as_ref(), &old_state)?;
            let mut created = BTreeMap::new();
            for (creation, email, outer) in checked {
                match keep(tx, &mut ledger, email, outer, &created_ids).await? {
                    Ok(imported) => drop(created.insert(creation, imported)),
                    Err(error) => drop(not_created.insert(creation, error)),
                }
            }
            let new_state = ledger.close(tx).await?.of(Kind::Email);
            Ok::<_, WriteError>(ImportAnswer {
                account_id: account,
                old_state: Some(old_state),
                new_state,
                created: (!created.is_empty()).then_some(created),
                not_created: (!not_created.is_empty()).then_some(not_created),
            })
        })
    });
    let done = write.await?;
    for (creation, imported) in done.created.iter().flatten() {
        call.created.insert(creation.clone(), imported.id.to_string());
    }
    answer(&done)
}

/// Reads the message and refuses what is not sealed; nothing of it is kept then.
async fn read(call: &Call, email: &EmailImport) -> Result<Result<OuterHeader, SetError>, MethodError> {
    let relay = &call.relay;
    let message = match relay.blobs.read(&relay.store, &call.account.id, &email.blob_id).await {
        Ok(message) => message,
        Err(BlobError::NotFound) => {
            let not_found = Some(vec![email.blob_id.to_string()]);
            return Ok(Err(SetError { not_found, ..SetError::from(SetErrorType::BlobNotFound) }));
        }
        Err(error) => return Err(failed(error)),
    };
    let message = Arc::new(message);
    if !is_sealed(Arc::clone(&message)).await.map_err(failed)? {
        let why = "this account holds sealed mail only: the message is not enveloped, or its outer header tells more than it must";
        return Ok(Err(SetError::new(SetErrorType::InvalidEmail, why)));
    }
    Ok(Ok(OuterHeader::parse(&message)))
}

async fn keep(
    tx: &mut Tx,
    ledger: &mut Ledger,
    email: EmailImport,
    outer: OuterHeader,
    created: &BTreeMap<String, String>,
) -> Result<Result<EmailImported, SetError>, StoreError> {
    let mailboxes: BTreeSet<MailboxId> =
        store::mailboxes(tx.connection(), ledger.account()).await?.into_iter().map(|row| row.id).collect();
    let new = match checked(&email, outer, Known { mailboxes: &mailboxes, created }) {
        Ok(new) => new,
        Err(error) => return Ok(Err(error)),
    };
    // The blob may have been swept since it was read.
    let Some(size) = store::own_blob(tx.connection(), ledger.account(), &email.blob_id).await? else {
        return Ok(Err(SetErrorType::BlobNotFound.into()));
    };
    let new = NewEmail { size, ..new };
    store::hold_blob(tx, ledger.account(), &email.blob_id, true).await?;
    let (id, thread_id) = store::insert_email(tx, ledger, &new).await?;
    let size = u64::try_from(size).unwrap_or_default();
    Ok(Ok(EmailImported { id, blob_id: email.blob_id, thread_id, size }))
}

fn checked(email: &EmailImport, outer: OuterHeader, known: Known<'_>) -> Result<NewEmail, SetError> {
    let json = |map| serde_json::to_value(map).unwrap_or_default();
    let wrong = |property: &str| SetError::invalid_properties([property]);
    let keywords = patch::keywords(&json(email.keywords.clone())).ok_or_else(|| wrong("keywords"))?;
    let ids: BTreeMap<String, bool> =
        email.mailbox_ids.iter().map(|(id, on)| (id.to_string(), *on)).collect();
    let mailboxes = patch::mailboxes(&json(ids), known).ok_or_else(|| wrong("mailboxIds"))?;
    patch::check(&keywords, &mailboxes, known)?;
    let received_at = match &email.received_at {
        Some(text) => parse_date(text).ok_or_else(|| wrong("receivedAt"))?,
        None => now(),
    };
    let summary = match &email.sealed_summary {
        Some(text) => Some(patch::summary(text).ok_or_else(|| wrong("sealedSummary"))?),
        None => None,
    };
    Ok(NewEmail { blob_id: email.blob_id.clone(), size: 0, received_at, outer, keywords, mailboxes, summary })
}
