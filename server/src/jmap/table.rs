//! Which methods there are.

use futures::future::BoxFuture;
use jmap::{BLOB, CORE, MAIL, MDN, MethodError, QUOTA, SEALED, SUBMISSION, VACATION, VAPID, WEBSOCKET};
use serde_json::Value;

use super::answer::{Answer, answer};
use super::{
    Call, blob, email, identity, mailbox, mdn, push_subscription, quota, sealed, submission, thread, vacation,
};

/// The capabilities that a request may use.
pub const CAPABILITIES: [&str; 10] =
    [CORE, MAIL, SUBMISSION, VACATION, MDN, WEBSOCKET, BLOB, QUOTA, VAPID, SEALED];

/// Capabilities that are registered with IANA and have no method here. Clients name all that they know in each
/// request, whatever the session says; who calls a method of these hears `unknownMethod`.
pub const ELSEWHERE: [&str; 5] = [
    "urn:ietf:params:jmap:calendars",
    "urn:ietf:params:jmap:contacts",
    "urn:ietf:params:jmap:principals",
    "urn:ietf:params:jmap:principals:owner",
    "urn:ietf:params:jmap:sieve",
];

/// Runs a method.
pub type Handler = for<'a> fn(&'a mut Call, Value) -> BoxFuture<'a, Result<Answer, MethodError>>;

/// Names of arguments: those of one kind of method, and those that one type has beyond.
pub type Arguments = &'static [&'static [&'static str]];

/// A method.
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// The capability that has it.
    pub capability: &'static str,
    /// Whether it works on an account.
    pub takes_account: bool,
    /// Whether it changes the account.
    pub writes: bool,
    /// The names of its arguments beside `accountId`; none where it takes any.
    pub arguments: Option<Arguments>,
    /// What runs it.
    pub handler: Handler,
}

impl Method {
    /// Whether it has an argument of that name.
    pub fn takes(&self, argument: &str) -> bool {
        let is_in = |lists: Arguments| lists.iter().any(|list| list.contains(&argument));
        argument == "accountId" || self.arguments.is_none_or(is_in)
    }
}

macro_rules! run {
    ($function:path) => {
        |call, arguments| Box::pin($function(call, arguments))
    };
}

const fn method(
    capability: &'static str,
    name: &'static str,
    arguments: Arguments,
    handler: Handler,
) -> Method {
    Method { name, capability, takes_account: true, writes: false, arguments: Some(arguments), handler }
}

const fn writing(
    capability: &'static str,
    name: &'static str,
    arguments: Arguments,
    handler: Handler,
) -> Method {
    Method { writes: true, ..method(capability, name, arguments, handler) }
}

// The standard methods (RFC 8620 5).
const GET: &[&str] = &["ids", "properties"];
const CHANGES: &[&str] = &["sinceState", "maxChanges"];
const SET: &[&str] = &["ifInState", "create", "update", "destroy"];
const QUERY: &[&str] = &["filter", "sort", "position", "anchor", "anchorOffset", "limit", "calculateTotal"];
const QUERY_CHANGES: &[&str] =
    &["filter", "sort", "sinceQueryState", "maxChanges", "upToId", "calculateTotal"];
// What those of one type have beyond that.
const TREE: &[&str] = &["sortAsTree", "filterAsTree"];
const BODIES: &[&str] = &[
    "bodyProperties",
    "fetchTextBodyValues",
    "fetchHTMLBodyValues",
    "fetchAllBodyValues",
    "maxBodyValueBytes",
];
const COPY: &[&str] = &[
    "fromAccountId",
    "ifFromInState",
    "ifInState",
    "create",
    "onSuccessDestroyOriginal",
    "destroyFromIfInState",
];

const ECHO: Method = Method {
    name: "Core/echo",
    capability: CORE,
    takes_account: false,
    writes: false,
    arguments: None,
    handler: |_, arguments| Box::pin(async move { answer(&arguments) }),
};

const PUSH_GET: Method = Method {
    name: "PushSubscription/get",
    arguments: Some(&[GET]),
    handler: run!(push_subscription::get),
    ..ECHO
};

const PUSH_SET: Method = Method {
    name: "PushSubscription/set",
    arguments: Some(&[&["create", "update", "destroy"]]),
    handler: run!(push_subscription::set),
    ..ECHO
};

static METHODS: &[Method] = &[
    ECHO,
    PUSH_GET,
    PUSH_SET,
    writing(CORE, "Blob/copy", &[&["fromAccountId", "blobIds"]], run!(blob::copy)),
    writing(BLOB, "Blob/upload", &[&["create"]], run!(blob::upload)),
    method(BLOB, "Blob/get", &[GET, &["offset", "length"]], run!(blob::get)),
    method(BLOB, "Blob/lookup", &[&["typeNames", "ids"]], run!(blob::lookup)),
    method(QUOTA, "Quota/get", &[GET], run!(quota::get)),
    method(QUOTA, "Quota/changes", &[CHANGES], run!(quota::changes)),
    method(QUOTA, "Quota/query", &[QUERY], run!(quota::query)),
    method(QUOTA, "Quota/queryChanges", &[QUERY_CHANGES], run!(quota::query_changes)),
    method(MAIL, "Mailbox/get", &[GET], run!(mailbox::get)),
    method(MAIL, "Mailbox/changes", &[CHANGES], run!(mailbox::changes)),
    method(MAIL, "Mailbox/query", &[QUERY, TREE], run!(mailbox::query)),
    method(MAIL, "Mailbox/queryChanges", &[QUERY_CHANGES, TREE], run!(mailbox::query_changes)),
    // It refuses what else than subscriptions a reader would change.
    method(MAIL, "Mailbox/set", &[SET, &["onDestroyRemoveEmails"]], run!(mailbox::set)),
    method(MAIL, "Thread/get", &[GET], run!(thread::get)),
    method(MAIL, "Thread/changes", &[CHANGES], run!(thread::changes)),
    method(MAIL, "Email/get", &[GET, BODIES], run!(email::get)),
    method(MAIL, "Email/changes", &[CHANGES], run!(email::changes)),
    method(MAIL, "Email/query", &[QUERY, &["collapseThreads"]], run!(email::query)),
    writing(MAIL, "Email/copy", &[COPY], run!(email::copy)),
    method(MAIL, "Email/parse", &[&["blobIds", "properties"], BODIES], run!(email::parse)),
    method(MAIL, "SearchSnippet/get", &[&["filter", "emailIds"]], run!(email::snippets)),
    method(MAIL, "Email/queryChanges", &[QUERY_CHANGES, &["collapseThreads"]], run!(email::query_changes)),
    writing(MAIL, "Email/set", &[SET], run!(email::set)),
    writing(MAIL, "Email/import", &[&["ifInState", "emails"]], run!(email::import)),
    method(SUBMISSION, "Identity/get", &[GET], run!(identity::get)),
    method(SUBMISSION, "Identity/changes", &[CHANGES], run!(identity::changes)),
    writing(SUBMISSION, "Identity/set", &[SET], run!(identity::set)),
    method(VACATION, "VacationResponse/get", &[GET], run!(vacation::get)),
    writing(VACATION, "VacationResponse/set", &[SET], run!(vacation::set)),
    method(SUBMISSION, "EmailSubmission/query", &[QUERY], run!(submission::query)),
    method(SUBMISSION, "EmailSubmission/queryChanges", &[QUERY_CHANGES], run!(submission::query_changes)),
    method(SUBMISSION, "EmailSubmission/get", &[GET], run!(submission::get)),
    method(SUBMISSION, "EmailSubmission/changes", &[CHANGES], run!(submission::changes)),
    writing(
        SUBMISSION,
        "EmailSubmission/set",
        &[SET, &["onSuccessUpdateEmail", "onSuccessDestroyEmail"]],
        run!(submission::set),
    ),
    writing(MDN, "MDN/send", &[&["identityId", "send", "onSuccessUpdateEmail"]], run!(mdn::send)),
    method(MDN, "MDN/parse", &[&["blobIds"]], run!(mdn::parse)),
    writing(SEALED, "Certificate/issue", &[&["request", "usage"]], run!(sealed::issue)),
    method(SEALED, "Certificate/lookup", &[&["addresses"]], run!(sealed::lookup)),
    method(SEALED, "Directory/query", &[&["text", "limit"]], run!(sealed::directory)),
    method(SEALED, "Vault/get", &[], run!(sealed::vault_get)),
    writing(SEALED, "Vault/set", &[&["ifInState", "blob"]], run!(sealed::vault_set)),
    method(SEALED, "Enrolment/get", &[], run!(sealed::enrolment_get)),
    writing(SEALED, "Enrolment/destroy", &[], run!(sealed::enrolment_destroy)),
];

/// All methods.
pub fn methods() -> impl Iterator<Item = &'static Method> {
    METHODS.iter()
}

/// The method of that name.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
