use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CORE, MAIL, Method, MethodError, SEALED, SUBMISSION, State};

/// One method call, or one answer: name, arguments, call id (RFC 8620 3.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invocation(pub String, pub Value, pub String);

/// A whole request (RFC 8620 3.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The capabilities that the calls use.
    pub using: Vec<String>,
    /// The calls, done in order.
    pub method_calls: Vec<Invocation>,
    /// Creation ids of earlier requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ids: Option<BTreeMap<String, String>>,
}

/// A whole response (RFC 8620 3.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The answers, in the order of the calls.
    pub method_responses: Vec<Invocation>,
    /// All creation ids known now, when the request gave some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ids: Option<BTreeMap<String, String>>,
    /// The state of the Session object.
    pub session_state: State,
}

/// A reference to an earlier answer of the same request (RFC 8620 3.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultReference {
    /// The call id of the earlier call.
    pub result_of: String,
    /// The name of its answer.
    pub name: String,
    /// A JSON pointer into its arguments, where `*` walks an array.
    pub path: String,
}

/// A request being put together; each call is named by its place.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    calls: Vec<Invocation>,
}

impl Batch {
    /// Adds a call and returns its call id.
    pub fn call<M: Method>(&mut self, method: &M) -> Result<String, serde_json::Error> {
        let arguments = serde_json::to_value(method)?;
        Ok(self.push(method.name(), arguments))
    }

    /// The request to send, using every capability these types know.
    pub fn into_request(self) -> Request {
        let using = [CORE, MAIL, SUBMISSION, SEALED].map(str::to_owned).to_vec();
        Request { using, method_calls: self.calls, created_ids: None }
    }

    fn push(&mut self, name: &str, arguments: Value) -> String {
        let id = format!("c{}", self.calls.len());
        self.calls.push(Invocation(name.to_owned(), arguments, id.clone()));
        id
    }
}

/// Why a response holds no usable answer to a call.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnswerError {
    /// The relay refused the call.
    Refused(MethodError),
    /// There is no answer with that call id and name.
    Missing,
    /// The answer is not what the method answers.
    Malformed(serde_json::Error),
}

impl std::fmt::Display for AnswerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "the relay refused the call: {error:?}"),
            Self::Missing => f.write_str("the response has no answer to the call"),
            Self::Malformed(error) => write!(f, "the answer is malformed: {error}"),
        }
    }
}

impl std::error::Error for AnswerError {}

impl Response {
    /// The answer to the call `call_id`, which was a call of `M` named `name`.
    ///
    /// The name matters where one call gives several answers (RFC 8621 7.5.1).
    pub fn answer<M: Method>(&self, name: &str, call_id: &str) -> Result<M::Answer, AnswerError> {
        let mut answers = self.method_responses.iter().filter(|Invocation(.., id)| id == call_id);
        let found =
            answers.find(|Invocation(n, ..)| n == name || n == "error").ok_or(AnswerError::Missing)?;
        if found.0 == "error" {
            let error = MethodError::deserialize(&found.1).map_err(AnswerError::Malformed)?;
            return Err(AnswerError::Refused(error));
        }
        M::Answer::deserialize(&found.1).map_err(AnswerError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Email, Get, MethodErrorType};

    #[test]
    fn a_refused_call_is_told_apart_from_a_missing_one() {
        let response: Response = serde_json::from_str(
            r#"{"methodResponses":[["error",{"type":"invalidArguments"},"c0"]],"sessionState":"1"}"#,
        )
        .unwrap();
        match response.answer::<Get<Email>>("Email/get", "c0") {
            Err(AnswerError::Refused(error)) => assert_eq!(error.kind, MethodErrorType::InvalidArguments),
            other => panic!("{other:?}"),
        }
        assert!(matches!(response.answer::<Get<Email>>("Email/get", "c1"), Err(AnswerError::Missing)));
    }
}
