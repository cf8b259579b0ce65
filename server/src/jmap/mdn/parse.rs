use jmap::{BlobId, EmailId, MethodError, MethodErrorType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{MOST, supported};
use crate::delivery::off_thread;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed};
use crate::parts::ReadError;
use crate::{report, store};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    blob_ids: Vec<BlobId>,
}

/// `MDN/parse` (RFC 9007 2.2).
pub async fn parse(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    supported(call)?;
    let Arguments { blob_ids } = arguments(given)?;
    if blob_ids.len() > MOST {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let (mut parsed, mut not_parsable, mut not_found) = (Map::new(), Vec::new(), Vec::new());
    for blob in blob_ids {
        let bytes = match call.resolve(blob.as_str()).map(BlobId::from) {
            Some(id) => call.read(&call.account.id, &id).await,
            None => Err(ReadError::NotFound),
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(ReadError::NotFound) => {
                not_found.push(blob);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        match off_thread(move || report::notification(&bytes)).await.map_err(failed)? {
            Some(mut mdn) => {
                mdn.for_email_id = email(call, mdn.original_message_id.as_deref()).await?;
                parsed.insert(blob.to_string(), json!(mdn));
            }
            None => not_parsable.push(blob),
        }
    }
    answer(&json!({
        "accountId": call.account.id,
        "parsed": (!parsed.is_empty()).then_some(parsed),
        "notParsable": (!not_parsable.is_empty()).then_some(not_parsable),
        "notFound": (!not_found.is_empty()).then_some(not_found),
    }))
}

/// The account's email that has this Message-ID.
async fn email(call: &Call, message_id: Option<&str>) -> Result<Option<EmailId>, MethodError> {
    let Some(id) = message_id.map(|id| id.trim_matches(['<', '>', ' '])) else { return Ok(None) };
    let mut connection = call.relay.store.read().await.map_err(failed)?;
    let found = store::emails_of_message(&mut connection, &call.account.id, id).await.map_err(failed)?;
    Ok(found.into_iter().next().map(|email| email.id))
}
