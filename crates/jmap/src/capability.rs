/// RFC 8620 1.4: requests, back references, push.
pub const CORE: &str = "urn:ietf:params:jmap:core";
/// RFC 8621 1.3.1: mailboxes, threads and emails.
pub const MAIL: &str = "urn:ietf:params:jmap:mail";
/// RFC 8621 1.3.2: identities and submission.
pub const SUBMISSION: &str = "urn:ietf:params:jmap:submission";
/// RFC 8621 1.3.3: the answer while its owner is away.
pub const VACATION: &str = "urn:ietf:params:jmap:vacationresponse";
/// RFC 9007: notifications of what became of a message.
pub const MDN: &str = "urn:ietf:params:jmap:mdn";
/// RFC 8887: requests and push over one socket.
pub const WEBSOCKET: &str = "urn:ietf:params:jmap:websocket";
/// RFC 9404: pieces of blobs.
pub const BLOB: &str = "urn:ietf:params:jmap:blob";
/// RFC 9425: how much an account may keep.
pub const QUOTA: &str = "urn:ietf:params:jmap:quota";
/// RFC 9749: the key that push subscriptions are bound to.
pub const VAPID: &str = "urn:ietf:params:jmap:webpush-vapid";
/// What JMAP lacks for sealed mail: certificates, the directory, the vault, enrolment keys.
pub const SEALED: &str = "https://sealpost.dev/ns/jmap/sealed";
