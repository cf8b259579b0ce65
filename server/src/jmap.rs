//! JMAP: one request in, one response out (RFC 8620 3).
//!
//! Each type of object has a file; `table` says which methods there are. A method sees one account, the
//! user's own or one that is shared with them: any other `accountId` is refused before the method runs.

mod answer;
mod blob;
mod changes;
mod email;
mod identity;
mod ijson;
mod limits;
mod mailbox;
mod mdn;
mod push_subscription;
mod query;
mod quota;
mod reference;
mod sealed;
mod session_object;
mod set;
mod submission;
mod table;
mod thread;
mod upload;
mod vacation;
mod weight;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use jmap::{
    AccountId, BlobId, Invocation, LimitKind, MethodError, MethodErrorType, Problem, Request,
    RequestErrorType, Response, SEALED,
};
use serde_json::{Map, Value};

pub use limits::Limits;
pub use session_object::session;
pub use table::{Method, methods};
pub use upload::{begin_upload, has_uploaded, keep_upload};

use crate::memory::Held;
use crate::parts::{self, Purpose, Read, ReadError};
use crate::relay::Relay;
use crate::store::{Account, Credential, EmailRow, Shared};

/// When the answers of a request have this many octets, the calls that are left are refused.
const ANSWERED: usize = 32 * 1024 * 1024;

/// How the names of methods end that change nothing.
const ASKING: [&str; 7] = ["/changes", "/echo", "/get", "/lookup", "/parse", "/query", "/queryChanges"];

/// What a request has of what is shared out, such as its place among those that are served.
pub type Permit = Arc<dyn Any + Send + Sync>;

/// What a method works with.
#[derive(Debug, Clone)]
pub struct Call {
    /// The relay.
    pub relay: Arc<Relay>,
    /// Whose session it is.
    pub user: Account,
    /// By what they are signed in.
    pub credential: Credential,
    /// The account that the running method works on: the user's own, or one that is shared with them.
    pub account: Account,
    /// The other accounts that the user may open.
    pub shared: Vec<Shared>,
    /// The capabilities that the request uses (RFC 8620 3.3).
    pub using: Vec<String>,
    /// Ids by creation id, of this request and as the client gave them.
    pub created: BTreeMap<String, String>,
    /// Whether something was not read because too much was read at once.
    pub busy: Arc<AtomicBool>,
    /// Lasts as long as anything that the request began, also when its client goes away.
    pub permit: Permit,
}

impl Call {
    fn uses(&self, capability: &str) -> bool {
        self.using.iter().any(|uri| uri == capability)
    }

    /// The account of that id, if it is open to the user.
    fn opened(&self, id: &AccountId) -> Option<Account> {
        if self.user.id == *id {
            return Some(self.user.clone());
        }
        self.shared.iter().find(|shared| shared.account.id == *id).map(|shared| shared.account.clone())
    }

    /// Whether the user may change the account that the method works on.
    fn may_write(&self) -> bool {
        let same = |shared: &&Shared| shared.account.id == self.account.id;
        self.account.id == self.user.id
            || self.shared.iter().find(same).is_some_and(|shared| shared.may_write)
    }

    /// The bytes of a blob of an account that is open to the user, or of a part of one; they count for the user.
    async fn read(&self, owner: &AccountId, id: &BlobId) -> Result<Read, ReadError> {
        self.unless_busy(parts::read(&self.relay, &self.user, owner, id, Purpose::Method)).await
    }

    /// The bytes of an email, which count for the user.
    async fn message(&self, email: &EmailRow) -> Result<Read, ReadError> {
        let size = usize::try_from(email.size).unwrap_or(usize::MAX);
        self.unless_busy(parts::whole(&self.relay, &self.user, &email.blob_id, size)).await
    }

    /// Reads, unless too much was read already before in this request: it has a place, and would wait each time.
    async fn unless_busy(
        &self,
        read: impl Future<Output = Result<Read, ReadError>>,
    ) -> Result<Read, ReadError> {
        if self.busy.load(Ordering::Relaxed) {
            return Err(ReadError::Busy);
        }
        let read = read.await;
        if matches!(read, Err(ReadError::Busy)) {
            self.busy.store(true, Ordering::Relaxed);
        }
        read
    }

    /// The id that a creation reference stands for (RFC 8620 5.3), or the id itself.
    fn resolve<'a>(&'a self, id: &'a str) -> Option<&'a str> {
        match id.strip_prefix('#') {
            Some(creation) => self.created.get(creation).map(String::as_str),
            None => Some(id),
        }
    }
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub struct User {
    /// Their own account.
    pub account: Account,
    /// By what they are signed in.
    pub credential: Credential,
    /// The other accounts that they may open.
    pub shared: Vec<Shared>,
}

/// Answers a request.
pub async fn respond(
    relay: &Arc<Relay>,
    user: User,
    request: Request,
    permit: Permit,
    held: &mut Held,
) -> Response {
    let User { account: user, credential, shared } = user;
    let account = user.clone();
    let asked_ids = request.created_ids.is_some();
    let created = request.created_ids.unwrap_or_default();
    let relay = Arc::clone(relay);
    let mut call = Call {
        relay,
        user,
        credential,
        account,
        shared,
        using: request.using,
        created,
        busy: Arc::default(),
        permit,
    };
    let mut responses: Vec<Invocation> = Vec::new();
    let (mut copied, mut answered, mut refused) = (reference::COPIED, 0, None);
    for Invocation(name, arguments, id) in request.method_calls {
        let mut next = Some((name, arguments));
        while let Some((name, arguments)) = next.take() {
            let answer = match refused {
                Some(refused) => Err(MethodError::from(refused)),
                None => invoke(&mut call, &name, arguments, (&responses, &mut copied)).await,
            };
            let (mut name, mut arguments) = match answer {
                Ok(answer) => {
                    next = answer.then;
                    (name, answer.arguments)
                }
                Err(error) => refusal(error),
            };
            answered += weight::weight(&arguments);
            if answered >= ANSWERED {
                refused = Some(MethodErrorType::RequestTooLarge);
            } else if held.grow(answered).is_err() {
                refused = Some(MethodErrorType::ServerUnavailable);
                // What was done is told. What only tells can be asked for again.
                if ASKING.iter().any(|verb| name.ends_with(verb)) {
                    (name, arguments) = refusal(MethodErrorType::ServerUnavailable.into());
                }
            }
            responses.push(Invocation(name, arguments, id.clone()));
        }
    }
    let created_ids = asked_ids.then_some(call.created);
    let session_state = session_object::state(&call.relay, &call.user, &call.shared);
    Response { method_responses: responses, created_ids, session_state }
}

fn refusal(error: MethodError) -> (String, Value) {
    ("error".to_owned(), serde_json::to_value(error).unwrap_or_default())
}

/// Reads a request.
pub fn parse(body: &[u8], limits: &Limits) -> Result<Request, Problem> {
    check(read_json(body)?, limits)
}

/// Reads JSON as strictly as requests want it.
pub fn read_json(text: &[u8]) -> Result<Value, Problem> {
    ijson::read(text).map_err(|error| {
        let kind = match error {
            ijson::JsonError::Malformed(_) => RequestErrorType::NotJson,
            ijson::JsonError::TooMany => RequestErrorType::Limit(LimitKind::SizeRequest),
        };
        kind.problem(&error.to_string())
    })
}

/// Reads a request that is JSON already.
pub fn check(value: Value, limits: &Limits) -> Result<Request, Problem> {
    let request: Request = serde_json::from_value(value)
        .map_err(|error| RequestErrorType::NotRequest.problem(&error.to_string()))?;
    let known = |uri: &&str| table::CAPABILITIES.contains(uri) || table::ELSEWHERE.contains(uri);
    if let Some(unknown) = request.using.iter().map(String::as_str).find(|uri| !known(uri)) {
        return Err(RequestErrorType::UnknownCapability.problem(unknown));
    }
    if request.method_calls.len() > limits.max_calls_in_request {
        return Err(RequestErrorType::Limit(LimitKind::CallsInRequest).problem("too many method calls"));
    }
    Ok(request)
}

async fn invoke(
    call: &mut Call,
    name: &str,
    arguments: Value,
    (earlier, copied): (&[Invocation], &mut usize),
) -> Result<answer::Answer, MethodError> {
    let method = table::find(name).filter(|method| call.uses(method.capability));
    let method = method.ok_or(MethodErrorType::UnknownMethod)?;
    let Value::Object(arguments) = arguments else {
        return Err(MethodError::new(MethodErrorType::InvalidArguments, "the arguments are not an object"));
    };
    let arguments = reference::resolve(arguments, earlier, copied)?;
    if let Some(unknown) = arguments.keys().find(|name| !method.takes(name)) {
        let text = format!("there is no argument {unknown}");
        return Err(MethodError::new(MethodErrorType::InvalidArguments, text));
    }
    call.account = opened(method, &arguments, call)?;
    let started = Instant::now();
    let answered = (method.handler)(call, Value::Object(arguments)).await;
    call.relay.metrics.call(method.name, answered.is_ok(), started.elapsed());
    answered
}

/// The account that a method works on.
///
/// One that is not open to the user is refused alike whether it exists or not.
fn opened(method: &Method, arguments: &Map<String, Value>, call: &Call) -> Result<Account, MethodError> {
    if !method.takes_account {
        return Ok(call.user.clone());
    }
    let Some(Value::String(id)) = arguments.get("accountId") else {
        return Err(MethodError::new(MethodErrorType::InvalidArguments, "accountId is missing"));
    };
    if id == call.user.id.as_str() {
        return Ok(call.user.clone());
    }
    let found = call.shared.iter().find(|shared| shared.account.id.as_str() == id);
    let found = found.ok_or(MethodErrorType::AccountNotFound)?;
    // Keys and certificates are one person's, whoever else works in the mailbox.
    if method.capability == SEALED {
        return Err(MethodErrorType::AccountNotSupportedByMethod.into());
    }
    if method.writes && !found.may_write {
        return Err(MethodErrorType::AccountReadOnly.into());
    }
    Ok(found.account.clone())
}
