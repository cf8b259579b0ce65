use jmap::CoreCapability;

use crate::store::Uploads;

/// The limits that the session announces and the relay enforces (RFC 8620 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of an upload.
    pub max_size_upload: usize,
    /// Uploads of one account at once.
    pub max_concurrent_upload: usize,
    /// Octets of a request.
    pub max_size_request: usize,
    /// Requests of one account at once.
    pub max_concurrent_requests: usize,
    /// Method calls of a request.
    pub max_calls_in_request: usize,
    /// Objects of a `/get`.
    pub max_objects_in_get: usize,
    /// Objects of a `/set`.
    pub max_objects_in_set: usize,
}

/// The greatest `Vault/set` blob in octets.
pub const MAX_VAULT: usize = 256 * 1024;
/// The greatest `sealedSummary` in octets.
pub const MAX_SUMMARY: usize = 4 * 1024;
/// How text is compared (RFC 4790 9.2).
pub const COLLATION: &str = "i;ascii-casemap";
/// The greatest number of comparators of a `/query`.
pub const MOST_COMPARATORS: usize = 8;
/// The greatest number of octets that a filter compares each email's texts with, of which a comparison itself
/// counts for 16: what a search costs grows with it.
pub const MOST_SOUGHT: usize = 4096;
/// How many uploads may wait to be referred to, and together how many of the largest. Each upload sums up those that do.
const IDLE_UPLOADS: (i64, usize) = (2_000, 16);
/// How many of the largest uploads an account makes within an hour: what makes room for them stays on the disk as long.
const UPLOADS_AN_HOUR: usize = 64;
/// The part of the largest for which a smaller upload counts: its row is some work as well.
const LEAST_UPLOAD: usize = 1024;
/// The greatest number of ids in a page of a `/query`.
pub const MAX_PAGE: i64 = 1000;

/// For how long a submission may wait before it goes out, in milliseconds.
pub const MAX_DELAY: i64 = 30 * 24 * 60 * 60 * 1000;

impl Limits {
    /// Limits that let a message of that size through.
    pub fn for_messages_of(max_size_upload: usize) -> Self {
        Self {
            max_size_upload,
            max_concurrent_upload: 4,
            max_size_request: 10 * 1024 * 1024,
            max_concurrent_requests: 8,
            max_calls_in_request: 32,
            max_objects_in_get: 1000,
            max_objects_in_set: 1000,
        }
    }

    /// Which uploads of an account may wait to be referred to.
    pub fn idle_uploads(&self) -> Uploads {
        let (count, largest) = IDLE_UPLOADS;
        let octets = i64::try_from(self.max_size_upload.saturating_mul(largest)).unwrap_or(i64::MAX);
        Uploads { count, octets }
    }

    /// Octets that an account uploads within an hour.
    pub fn uploaded_an_hour(&self) -> usize {
        self.max_size_upload.saturating_mul(UPLOADS_AN_HOUR)
    }

    /// For how many octets an upload of so many counts.
    pub fn counted(&self, octets: usize) -> usize {
        octets.max(self.max_size_upload / LEAST_UPLOAD)
    }

    /// Octets of the longest thing that a client sends at once.
    pub fn largest(&self) -> usize {
        self.max_size_upload.max(self.max_size_request)
    }

    /// The limits as the session announces them.
    pub fn capability(&self) -> CoreCapability {
        let wide = |limit: usize| u64::try_from(limit).unwrap_or(u64::MAX);
        CoreCapability {
            max_size_upload: wide(self.max_size_upload),
            max_concurrent_upload: wide(self.max_concurrent_upload),
            max_size_request: wide(self.max_size_request),
            max_concurrent_requests: wide(self.max_concurrent_requests),
            max_calls_in_request: wide(self.max_calls_in_request),
            max_objects_in_get: wide(self.max_objects_in_get),
            max_objects_in_set: wide(self.max_objects_in_set),
            collation_algorithms: vec![COLLATION.into()],
        }
    }
}
