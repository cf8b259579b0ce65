use jmap::{Envelope, SetError, SubmissionId};
use serde_json::Value;

use super::Prepared;
use crate::clock::{Millis, now, parse_date};
use crate::jmap::limits::MAX_DELAY;
use crate::store::{self, Account, Held, Ledger, StoreError, Tx};

/// When a submission is to go out, if it is to wait (RFC 4865 as RFC 8621 7 carries it).
pub fn until(envelope: &Envelope) -> Result<Option<Millis>, SetError> {
    let wrong = || SetError::invalid_properties(["envelope"]);
    let mut at = None;
    let is_hold = |name: &str| name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("HOLD"));
    let all = envelope.mail_from.parameters.iter().flatten();
    for (name, value) in all.filter(|(name, _)| is_hold(name)) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(wrong()),
        };
        let found = match name.to_ascii_uppercase().as_str() {
            "HOLDFOR" => text.parse::<u32>().ok().map(|seconds| now() + i64::from(seconds) * 1000),
            "HOLDUNTIL" => parse_date(&text),
            _ => None,
        };
        match (at, found) {
            (None, Some(found)) => at = Some(found),
            _ => return Err(wrong()),
        }
    }
    match at {
        Some(at) if at > now() + MAX_DELAY => Err(wrong()),
        at => Ok(at.filter(|at| *at > now())),
    }
}

/// Holds the message until its time.
pub async fn keep(
    tx: &mut Tx,
    ledger: &Ledger,
    submission: SubmissionId,
    prepared: Prepared,
    send_at: Millis,
) -> Result<(), StoreError> {
    let here = prepared.local.into_iter().map(|account: Account| account.address);
    let recipients: Vec<String> = here.chain(prepared.remote).collect();
    let corrupt = |_| StoreError::Corrupt("held");
    let held = Held {
        submission,
        account: ledger.account().clone(),
        blob: prepared.email.blob_id,
        mail_from: prepared.envelope.mail_from.email,
        recipients: serde_json::to_string(&recipients).map_err(corrupt)?,
        parameters: serde_json::to_string(&prepared.asked).map_err(corrupt)?,
        send_at,
    };
    store::hold(tx, &held).await
}
