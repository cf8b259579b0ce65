//! `VacationResponse` (RFC 8621 8); of public accounts alone, for its text lies here readable.

use jmap::{Get, MethodError, MethodErrorType, Patch, SetError, SetErrorType, VacationResponse};
use serde_json::{Value, json};

use super::answer::{
    Answer, Outcome, answer, arguments, check_properties, failed, get_answer, ids_to_get, project,
};
use super::{Call, set};
use crate::clock::{parse_date, utc_date};
use crate::store::{self, Kind, Vacation};

/// The only one.
const SINGLETON: &str = "singleton";
/// The greatest number of octets of a text.
const LONGEST: usize = 64 * 1024;

const PROPERTIES: [&str; 7] = ["id", "isEnabled", "fromDate", "toDate", "subject", "textBody", "htmlBody"];

/// `VacationResponse/get`.
pub async fn get(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    supported(call)?;
    let Get::<VacationResponse> { ids, properties, .. } = arguments(given)?;
    check_properties(properties.as_deref(), &PROPERTIES)?;
    let ids = ids_to_get(ids, &call.relay.limits)?.unwrap_or_else(|| vec![SINGLETON.into()]);
    let (found, missing): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| id.as_str() == SINGLETON);
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let state = store::states(&mut connection, &call.account.id).await.map_err(failed)?.of(Kind::Vacation);
    let vacation = store::vacation(&mut connection, &call.account.id).await.map_err(failed)?;
    let list = found.iter().map(|_| project(&object(&vacation), properties.as_deref()));
    get_answer(&call.account.id, &state, list.collect::<Result<_, _>>()?, &missing)
}

/// `VacationResponse/set`.
pub async fn set(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    supported(call)?;
    let wanted = set::read::<VacationResponse>(call, given)?;
    let mut outcome = Outcome::default();
    for creation in wanted.create.into_iter().flatten().map(|(creation, _)| creation) {
        outcome.not_created.insert(creation, SetErrorType::Singleton.into());
    }
    for id in wanted.destroy.into_iter().flatten() {
        let kind = if id.as_str() == SINGLETON { SetErrorType::Singleton } else { SetErrorType::NotFound };
        outcome.not_destroyed.insert(id, kind.into());
    }
    let before = set::Before { if_in_state: wanted.if_in_state, outcome, ..Default::default() };
    let updates = wanted.update.unwrap_or_default();
    let change = set::write(call, Kind::Vacation, before, move |tx, ledger, outcome| {
        Box::pin(async move {
            for (id, patch) in updates {
                if id.as_str() != SINGLETON {
                    outcome.not_updated.insert(id, SetErrorType::NotFound.into());
                    continue;
                }
                let old = store::vacation(tx.connection(), ledger.account()).await?;
                match set::news(patch, &object(&old)).and_then(|patch| patched(old, patch)) {
                    Ok(new) => {
                        store::put_vacation(tx, ledger, &new).await?;
                        outcome.updated.insert(id, None);
                    }
                    Err(error) => drop(outcome.not_updated.insert(id, error)),
                }
            }
            Ok(Vec::new())
        })
    });
    answer(&change.await?)
}

fn supported(call: &Call) -> Result<(), MethodError> {
    match call.account.kind.is_sealed() {
        true => Err(MethodErrorType::AccountNotSupportedByMethod.into()),
        false => Ok(()),
    }
}

fn object(vacation: &Vacation) -> Value {
    json!({
        "id": SINGLETON,
        "isEnabled": vacation.is_enabled,
        "fromDate": vacation.from_date.map(utc_date),
        "toDate": vacation.to_date.map(utc_date),
        "subject": vacation.subject,
        "textBody": vacation.text_body,
        "htmlBody": vacation.html_body,
    })
}

fn patched(mut vacation: Vacation, patch: Patch) -> Result<Vacation, SetError> {
    for (property, value) in patch {
        let wrong = || SetError::invalid_properties([property.as_str()]);
        let date = |value: &Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => parse_date(text).map(Some).ok_or_else(wrong),
            _ => Err(wrong()),
        };
        let text = |value: Value| match value {
            Value::Null => Ok(None),
            Value::String(text) if text.len() <= LONGEST && !text.contains('\0') => Ok(Some(text)),
            _ => Err(wrong()),
        };
        match (property.as_str(), value) {
            ("isEnabled", Value::Bool(is_enabled)) => vacation.is_enabled = is_enabled,
            ("fromDate", value) => vacation.from_date = date(&value)?,
            ("toDate", value) => vacation.to_date = date(&value)?,
            ("subject", Value::String(text)) if text.chars().any(char::is_control) => return Err(wrong()),
            ("subject", value) => vacation.subject = text(value)?,
            ("textBody", value) => vacation.text_body = text(value)?,
            ("htmlBody", value) => vacation.html_body = text(value)?,
            _ => return Err(wrong()),
        }
    }
    Ok(vacation)
}
