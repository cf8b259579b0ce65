use std::sync::Arc;

use jmap::{BlobId, MethodError, MethodErrorType};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::BodyWanted;
use super::get::{ANSWER, Shown, check_properties};
use crate::delivery::by_length;
use crate::jmap::Call;
use crate::jmap::answer::{Answer, answer, arguments, failed};
use crate::jmap::weight::weight;
use crate::outer::{OuterHeader, is_message};
use crate::parts::ReadError;

/// What a client gets that names no properties (RFC 8621 4.9).
const DEFAULT: [&str; 18] = [
    "messageId",
    "inReplyTo",
    "references",
    "sender",
    "from",
    "to",
    "cc",
    "bcc",
    "replyTo",
    "subject",
    "sentAt",
    "hasAttachment",
    "preview",
    "bodyValues",
    "textBody",
    "htmlBody",
    "attachments",
    "size",
];
/// Messages that one call reads.
const MOST: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arguments {
    blob_ids: Vec<BlobId>,
    properties: Option<Vec<String>>,
    #[serde(flatten)]
    body: BodyWanted,
}

/// `Email/parse` (RFC 8621 4.9).
pub async fn parse(call: &mut Call, given: Value) -> Result<Answer, MethodError> {
    let Arguments { blob_ids, properties, mut body } = arguments(given)?;
    if blob_ids.len() > MOST {
        return Err(MethodErrorType::RequestTooLarge.into());
    }
    let mut properties = properties.unwrap_or_else(|| DEFAULT.map(str::to_owned).to_vec());
    check_properties(&mut properties, &mut body)?;
    let sealed = call.account.kind.is_sealed();
    let (mut parsed, mut not_parsable, mut not_found) = (Map::new(), Vec::new(), Vec::new());
    let mut room = ANSWER;
    let wanted = Arc::new((properties, body));
    for blob in blob_ids {
        let bytes = match call.read(&call.account.id, &blob).await {
            Ok(bytes) => bytes,
            Err(ReadError::NotFound) => {
                not_found.push(blob);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (of, wanted) = (blob.clone(), Arc::clone(&wanted));
        let made = by_length(bytes.len(), move || object(&bytes, &of, sealed, &wanted));
        let Some((weight, object)) = made.await.map_err(failed)?.transpose()? else {
            not_parsable.push(blob);
            continue;
        };
        room = room.checked_sub(weight).ok_or(MethodErrorType::RequestTooLarge)?;
        parsed.insert(blob.to_string(), object);
    }
    answer(&json!({
        "accountId": call.account.id,
        "parsed": filled(!parsed.is_empty(), parsed),
        "notParsable": filled(!not_parsable.is_empty(), not_parsable),
        "notFound": filled(!not_found.is_empty(), not_found),
    }))
}

/// The object of a message, and what it weighs; none where the bytes are no message.
fn object(
    bytes: &[u8],
    blob: &BlobId,
    sealed: bool,
    (properties, body): &(Vec<String>, BodyWanted),
) -> Option<Result<(usize, Value), MethodError>> {
    if !is_message(bytes) {
        return None;
    }
    let outer = OuterHeader::parse(bytes);
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let object = Shown { row: None, outer: &outer, blob, size, sealed }.object(bytes, properties, body);
    Some(object.map(|object| (weight(&object), object)))
}

fn filled<T>(is_filled: bool, value: T) -> Option<T> {
    is_filled.then_some(value)
}
