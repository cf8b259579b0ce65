use std::any::Any;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jmap::Problem;

use crate::admission::Overload;
use crate::memory::Full;
use crate::parts::ReadError;
use crate::store;

/// When to come again, in seconds, after something that is soon over.
const RETRY_AFTER: u64 = 5;

/// A refusal as RFC 9457 problem details.
#[derive(Debug)]
pub struct Fault {
    problem: Problem,
    retry_after: Option<u64>,
    challenge: bool,
}

impl Fault {
    /// A refusal that the status says all about.
    pub fn new(status: StatusCode, detail: &str) -> Self {
        let problem = Problem {
            kind: "about:blank".into(),
            status: status.as_u16(),
            detail: Some(detail.to_owned()),
            limit: None,
        };
        Self { problem, retry_after: None, challenge: false }
    }

    /// A failure that the log tells about and the client does not learn.
    pub fn failed(error: impl std::error::Error) -> Self {
        tracing::error!(%error, "a request failed");
        if store::is_passing(&error) {
            let later = Self::new(StatusCode::SERVICE_UNAVAILABLE, "the relay cannot reach its store");
            return later.retry_after(RETRY_AFTER);
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the relay failed")
    }

    /// A refusal because of what others do now.
    pub(super) fn busy(why: impl std::error::Error) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, &why.to_string()).retry_after(RETRY_AFTER)
    }

    /// Says how a program signs in (RFC 9110 11.6.1); a browser would ask its user in a window of its own.
    pub fn challenge(mut self, request: &Parts) -> Self {
        self.challenge = !request.headers.contains_key("sec-fetch-mode");
        self
    }

    /// What goes over the wire.
    pub fn into_problem(self) -> Problem {
        self.problem
    }

    /// Asks to come again after some seconds.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self { problem, retry_after: None, challenge: false }
    }
}

impl From<Overload> for Fault {
    fn from(error: Overload) -> Self {
        Self::busy(error)
    }
}

impl From<Full> for Fault {
    fn from(error: Full) -> Self {
        Self::busy(error)
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Busy => Self::busy(error),
            ReadError::NotFound => Self::new(StatusCode::NOT_FOUND, "there is no such blob"),
            ReadError::Failed(error) => Self::failed(error),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if self.challenge {
            let ways = HeaderValue::from_static("Basic realm=\"sealpost\", Bearer realm=\"sealpost\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, ways);
        }
        // RFC 9110 15.5.6 and 15.5.22, RFC 6455 4.4: what would be taken instead. Only the page's fallback tells methods
        // apart by itself, and only the WebSocket wants an upgrade.
        let instead: &[(HeaderName, &str)] = match status {
            StatusCode::METHOD_NOT_ALLOWED => &[(header::ALLOW, "GET,HEAD")],
            StatusCode::UPGRADE_REQUIRED => {
                &[(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")]
            }
            _ => &[],
        };
        for (name, value) in instead {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A panic of a handler: the relay goes on, and nothing of it is told.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "the relay failed").into_response()
}
