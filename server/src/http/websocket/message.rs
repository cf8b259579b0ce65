use jmap::{LimitKind, Problem, Request, RequestErrorType, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::listening::Told;
use crate::jmap::{Limits, check, read_json};

/// What a client calls its request.
pub type RequestId = String;

/// The greatest id of a request, which goes back with the answer.
const LONGEST_ID: usize = 256;
/// The greatest number of types that a client names.
const MOST_TYPES: usize = 64;

/// A message from a client (RFC 8887 4.3).
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// A request.
    Request(Asked),
    /// The client wants to hear of changes.
    Enable {
        /// Of which types; all when absent.
        types: Option<Vec<String>>,
        /// What it heard last.
        since: Option<String>,
    },
    /// It does not want to hear of changes any more.
    Disable,
}

/// A request and what its client calls it.
#[derive(Debug, PartialEq)]
pub struct Asked {
    /// What the client calls it.
    pub id: Option<RequestId>,
    /// The request.
    pub request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enable {
    data_types: Option<Vec<String>>,
    push_state: Option<String>,
}

/// Reads a message; a refusal has the id of the request, where it can be read.
pub fn read(text: &str, limits: &Limits) -> Result<Incoming, (Option<RequestId>, Problem)> {
    if text.len() > limits.max_size_request {
        let limit = RequestErrorType::Limit(LimitKind::SizeRequest);
        return Err((None, limit.problem("the request is too large")));
    }
    let message = read_json(text.as_bytes()).map_err(|problem| (None, problem))?;
    let id = message.get("id").cloned();
    let known = id.as_ref().and_then(Value::as_str).filter(|id| id.len() <= LONGEST_ID).map(str::to_owned);
    let wrong = |why: &str| (known.clone(), RequestErrorType::NotRequest.problem(why));
    match message.get("@type").and_then(Value::as_str) {
        Some("Request") if id.is_some() && known.is_none() => Err(wrong("the id is no short text")),
        Some("Request") => {
            let request = check(message, limits).map_err(|problem| (known.clone(), problem))?;
            Ok(Incoming::Request(Asked { id: known, request }))
        }
        Some("WebSocketPushEnable") => {
            let enable = Enable::deserialize(message).map_err(|error| wrong(&error.to_string()))?;
            if enable.data_types.iter().flatten().count() > MOST_TYPES {
                return Err(wrong("too many types"));
            }
            Ok(Incoming::Enable { types: enable.data_types, since: enable.push_state })
        }
        Some("WebSocketPushDisable") => Ok(Incoming::Disable),
        _ => Err(wrong("@type is none that a client sends")),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(flatten)]
    content: &'a Response,
}

/// A Response (RFC 8887 4.3.2).
pub fn response(request_id: Option<RequestId>, content: &Response) -> String {
    serde_json::to_string(&Answered { kind: "Response", request_id, content }).unwrap_or_default()
}

/// A RequestError (RFC 8887 4.3.3).
pub fn refusal(id: Option<RequestId>, problem: Problem) -> String {
    let mut message = serde_json::to_value(problem).unwrap_or_default();
    if let Value::Object(members) = &mut message {
        members.insert("@type".into(), json!("RequestError"));
        members.extend(id.map(|id| ("requestId".into(), json!(id))));
    }
    message.to_string()
}

/// A StateChange with what to give to hear what follows it (RFC 8887 4.3.5.1).
pub fn state_change(told: Told) -> String {
    let mut message = serde_json::to_value(told.change).unwrap_or_default();
    if let Value::Object(members) = &mut message {
        members.insert("pushState".into(), json!(told.id));
    }
    message.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (Option<RequestId>, String) {
        let limits = Limits { max_size_request: 200, ..Limits::for_messages_of(1) };
        let (id, problem) = read(text, &limits).unwrap_err();
        (id, problem.kind.rsplit(':').next().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_is_no_request_is_told_with_its_id() {
        assert_eq!(refused("{"), (None, "notJSON".into()));
        assert_eq!(refused(r#"{"id":"a"}"#), (Some("a".into()), "notRequest".into()));
        assert_eq!(refused(r#"{"@type":"Request","id":7,"using":[],"methodCalls":[]}"#).1, "notRequest");
        assert_eq!(refused(r#"{"@type":"Request","id":"b"}"#), (Some("b".into()), "notRequest".into()));
        let using = r#"{"@type":"Request","id":"c","using":["x"],"methodCalls":[]}"#;
        assert_eq!(refused(using), (Some("c".into()), "unknownCapability".into()));
        assert_eq!(refused(r#"{"@type":"WebSocketPushEnable","dataTypes":7}"#).1, "notRequest");
        assert_eq!(refused(&" ".repeat(201)), (None, "limit".into()));
    }
}
