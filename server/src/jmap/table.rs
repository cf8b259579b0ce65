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

/// Runs a method.
pub type Handler = for<'a> fn(&'a mut Call, Value) -> BoxFuture<'a, Result<Answer, MethodError>>;

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
    /// What runs it.
    pub handler: Handler,
}

const fn method(capability: &'static str, name: &'static str, handler: Handler) -> Method {
    Method { name, capability, takes_account: true, writes: false, handler }
}

const fn writing(capability: &'static str, name: &'static str, handler: Handler) -> Method {
    Method { writes: true, ..method(capability, name, handler) }
}

const ECHO: Method = Method {
    name: "Core/echo",
    capability: CORE,
    takes_account: false,
    writes: false,
    handler: |_, arguments| Box::pin(async move { answer(&arguments) }),
};

const PUSH_GET: Method = Method {
    name: "PushSubscription/get",
    handler: |call, arguments| Box::pin(push_subscription::get(call, arguments)),
    ..ECHO
};

const PUSH_SET: Method = Method {
    name: "PushSubscription/set",
    handler: |call, arguments| Box::pin(push_subscription::set(call, arguments)),
    ..ECHO
};

static METHODS: &[Method] = &[
    ECHO,
    PUSH_GET,
    PUSH_SET,
    writing(CORE, "Blob/copy", |call, arguments| Box::pin(blob::copy(call, arguments))),
    writing(BLOB, "Blob/upload", |call, arguments| Box::pin(blob::upload(call, arguments))),
    method(BLOB, "Blob/get", |call, arguments| Box::pin(blob::get(call, arguments))),
    method(BLOB, "Blob/lookup", |call, arguments| Box::pin(blob::lookup(call, arguments))),
    method(QUOTA, "Quota/get", |call, arguments| Box::pin(quota::get(call, arguments))),
    method(QUOTA, "Quota/changes", |call, arguments| Box::pin(quota::changes(call, arguments))),
    method(QUOTA, "Quota/query", |call, arguments| Box::pin(quota::query(call, arguments))),
    method(QUOTA, "Quota/queryChanges", |call, arguments| Box::pin(quota::query_changes(call, arguments))),
    method(MAIL, "Mailbox/get", |call, arguments| Box::pin(mailbox::get(call, arguments))),
    method(MAIL, "Mailbox/changes", |call, arguments| Box::pin(mailbox::changes(call, arguments))),
    method(MAIL, "Mailbox/query", |call, arguments| Box::pin(mailbox::query(call, arguments))),
    method(MAIL, "Mailbox/queryChanges", |call, arguments| Box::pin(mailbox::query_changes(call, arguments))),
    writing(MAIL, "Mailbox/set", |call, arguments| Box::pin(mailbox::set(call, arguments))),
    method(MAIL, "Thread/get", |call, arguments| Box::pin(thread::get(call, arguments))),
    method(MAIL, "Thread/changes", |call, arguments| Box::pin(thread::changes(call, arguments))),
    method(MAIL, "Email/get", |call, arguments| Box::pin(email::get(call, arguments))),
    method(MAIL, "Email/changes", |call, arguments| Box::pin(email::changes(call, arguments))),
    method(MAIL, "Email/query", |call, arguments| Box::pin(email::query(call, arguments))),
    writing(MAIL, "Email/copy", |call, arguments| Box::pin(email::copy(call, arguments))),
    method(MAIL, "Email/parse", |call, arguments| Box::pin(email::parse(call, arguments))),
    method(MAIL, "SearchSnippet/get", |call, arguments| Box::pin(email::snippets(call, arguments))),
    method(MAIL, "Email/queryChanges", |call, arguments| Box::pin(email::query_changes(call, arguments))),
    writing(MAIL, "Email/set", |call, arguments| Box::pin(email::set(call, arguments))),
    writing(MAIL, "Email/import", |call, arguments| Box::pin(email::import(call, arguments))),
    method(SUBMISSION, "Identity/get", |call, arguments| Box::pin(identity::get(call, arguments))),
    method(SUBMISSION, "Identity/changes", |call, arguments| Box::pin(identity::changes(call, arguments))),
    writing(SUBMISSION, "Identity/set", |call, arguments| Box::pin(identity::set(call, arguments))),
    method(VACATION, "VacationResponse/get", |call, arguments| Box::pin(vacation::get(call, arguments))),
    writing(VACATION, "VacationResponse/set", |call, arguments| Box::pin(vacation::set(call, arguments))),
    method(SUBMISSION, "EmailSubmission/query", |call, arguments| {
        Box::pin(submission::query(call, arguments))
    }),
    method(SUBMISSION, "EmailSubmission/queryChanges", |call, arguments| {
        Box::pin(submission::query_changes(call, arguments))
    }),
    method(SUBMISSION, "EmailSubmission/get", |call, arguments| Box::pin(submission::get(call, arguments))),
    method(SUBMISSION, "EmailSubmission/changes", |call, arguments| {
        Box::pin(submission::changes(call, arguments))
    }),
    writing(SUBMISSION, "EmailSubmission/set", |call, arguments| Box::pin(submission::set(call, arguments))),
    writing(MDN, "MDN/send", |call, arguments| Box::pin(mdn::send(call, arguments))),
    method(MDN, "MDN/parse", |call, arguments| Box::pin(mdn::parse(call, arguments))),
    writing(SEALED, "Certificate/issue", |call, arguments| Box::pin(sealed::issue(call, arguments))),
    method(SEALED, "Certificate/lookup", |call, arguments| Box::pin(sealed::lookup(call, arguments))),
    method(SEALED, "Directory/query", |call, arguments| Box::pin(sealed::directory(call, arguments))),
    method(SEALED, "Vault/get", |call, arguments| Box::pin(sealed::vault_get(call, arguments))),
    writing(SEALED, "Vault/set", |call, arguments| Box::pin(sealed::vault_set(call, arguments))),
    method(SEALED, "Enrolment/get", |call, arguments| Box::pin(sealed::enrolment_get(call, arguments))),
    writing(SEALED, "Enrolment/destroy", |call, arguments| {
        Box::pin(sealed::enrolment_destroy(call, arguments))
    }),
];

/// The names of all methods.
pub fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

/// The method of that name.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}
