use serde::{Deserialize, Serialize};

/// A request-level failure as RFC 7807 problem details (RFC 8620 3.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that says what went wrong.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// Words for a developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// With `urn:ietf:params:jmap:error:limit`: the limit's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

/// The request-level errors of RFC 8620 3.6.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestErrorType {
    /// `using` names a capability that is not there.
    UnknownCapability,
    /// The body is not I-JSON or not sent as `application/json`.
    NotJson,
    /// The body is JSON but not a Request object.
    NotRequest,
    /// A limit of the core capability was exceeded.
    Limit(LimitKind),
}

/// The limits of the core capability (RFC 8620 2) that a whole request can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitKind {
    /// `maxSizeRequest`
    SizeRequest,
    /// `maxSizeUpload`
    SizeUpload,
    /// `maxCallsInRequest`
    CallsInRequest,
    /// `maxConcurrentRequests`
    ConcurrentRequests,
    /// `maxConcurrentUpload`
    ConcurrentUpload,
}

impl LimitKind {
    /// The limit's name in the core capability.
    pub fn name(self) -> &'static str {
        match self {
            Self::SizeRequest => "maxSizeRequest",
            Self::SizeUpload => "maxSizeUpload",
            Self::CallsInRequest => "maxCallsInRequest",
            Self::ConcurrentRequests => "maxConcurrentRequests",
            Self::ConcurrentUpload => "maxConcurrentUpload",
        }
    }
}

impl RequestErrorType {
    /// The problem document that goes over the wire.
    pub fn problem(self, detail: &str) -> Problem {
        let (kind, limit) = match self {
            Self::UnknownCapability => ("unknownCapability", None),
            Self::NotJson => ("notJSON", None),
            Self::NotRequest => ("notRequest", None),
            Self::Limit(limit) => ("limit", Some(limit.name().to_owned())),
        };
        let status = match self {
            Self::Limit(LimitKind::SizeRequest | LimitKind::SizeUpload) => 413,
            Self::Limit(LimitKind::ConcurrentRequests | LimitKind::ConcurrentUpload) => 429,
            _ => 400,
        };
        Problem {
            kind: format!("urn:ietf:params:jmap:error:{kind}"),
            status,
            detail: Some(detail.into()),
            limit,
        }
    }
}

/// A method-level error (RFC 8620 3.6.2): the arguments of an `error` invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodError {
    /// What went wrong.
    #[serde(rename = "type")]
    pub kind: MethodErrorType,
    /// Words for a developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl MethodError {
    /// An error with words for the developer who reads the log.
    pub fn new(kind: MethodErrorType, description: impl Into<String>) -> Self {
        Self { kind, description: Some(description.into()) }
    }
}

impl From<MethodErrorType> for MethodError {
    fn from(kind: MethodErrorType) -> Self {
        Self { kind, description: None }
    }
}

/// The method-level error types of RFC 8620 and RFC 8621.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8620 3.6.2, 5 and RFC 8621")]
pub enum MethodErrorType {
    ServerUnavailable,
    ServerFail,
    ServerPartialFail,
    UnknownMethod,
    InvalidArguments,
    InvalidResultReference,
    Forbidden,
    AccountNotFound,
    AccountNotSupportedByMethod,
    AccountReadOnly,
    FromAccountNotFound,
    UnknownDataType,
    RequestTooLarge,
    CannotCalculateChanges,
    StateMismatch,
    AnchorNotFound,
    UnsupportedSort,
    UnsupportedFilter,
    TooManyChanges,
    /// A type this version does not know; clients treat it as `serverFail`.
    #[serde(other)]
    Unknown,
}

/// Why one object of a `/set` or `/import` was not changed (RFC 8620 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetError {
    /// What went wrong.
    #[serde(rename = "type")]
    pub kind: SetErrorType,
    /// Words for a developer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// With `invalidProperties` and `invalidEmail`: which ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Vec<String>>,
    /// With `invalidRecipients`: which addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_recipients: Option<Vec<String>>,
    /// With `blobNotFound`: which blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_found: Option<Vec<String>>,
    /// With `alreadyExists`: the object that is there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing_id: Option<String>,
    /// With `tooLarge`: the greatest allowed size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// With `tooManyRecipients`: how many are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_recipients: Option<u64>,
}

impl SetError {
    /// An error with words for the developer who reads the log.
    pub fn new(kind: SetErrorType, description: impl Into<String>) -> Self {
        Self { description: Some(description.into()), ..Self::from(kind) }
    }

    /// `invalidProperties` with the names of the properties.
    pub fn invalid_properties<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let properties = Some(names.into_iter().map(Into::into).collect());
        Self { properties, ..Self::from(SetErrorType::InvalidProperties) }
    }
}

impl From<SetErrorType> for SetError {
    fn from(kind: SetErrorType) -> Self {
        Self {
            kind,
            description: None,
            properties: None,
            invalid_recipients: None,
            not_found: None,
            existing_id: None,
            max_size: None,
            max_recipients: None,
        }
    }
}

/// The set error types of RFC 8620 5.3, RFC 8621 and RFC 9007 2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is defined by its name in RFC 8620 5.3, RFC 8621 or RFC 9007 2.1")]
pub enum SetErrorType {
    Forbidden,
    OverQuota,
    TooLarge,
    RateLimit,
    NotFound,
    InvalidPatch,
    WillDestroy,
    InvalidProperties,
    Singleton,
    AlreadyExists,
    MailboxHasChild,
    MailboxHasEmail,
    BlobNotFound,
    TooManyKeywords,
    TooManyMailboxes,
    InvalidEmail,
    TooManyRecipients,
    NoRecipients,
    InvalidRecipients,
    ForbiddenMailFrom,
    ForbiddenFrom,
    ForbiddenToSend,
    CannotUnsend,
    MdnAlreadySent,
    /// A type this version does not know.
    #[serde(other)]
    Unknown,
}
