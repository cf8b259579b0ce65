//! Paths from a certificate to a trust anchor (RFC 5280 6).
//!
//! ```
//! # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
//! # use people::{NOW, People, people};
//! # use smime::rustcrypto::RustCrypto;
//! use smime::path::{Purpose, Query, ocsp_request, validate};
//!
//! # smime::block_on_ready(async {
//! # let People { alice, trust, .. } = people().await?;
//! # let (leaf, root) = (&alice.chain[0], &trust.anchors[0]);
//! let query = Query::new(Purpose::Signing, NOW);
//! let path = validate(&RustCrypto, leaf, &trust.anchors, &[], &[], &query).await?;
//! assert_eq!(path.certificates(), [leaf.clone(), root.clone()]);
//!
//! // Nobody has said yet that it is not revoked: its issuer is to be asked, and the answer given here.
//! let query = Query { revocation_required: true, ..query };
//! assert!(validate(&RustCrypto, leaf, &trust.anchors, &[], &[], &query).await.is_err());
//! let question = ocsp_request(leaf, root).ok_or("the key is malformed")?;
//! # assert!(!question.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod budget;
mod build;
mod check;
mod crl;
mod dsa;
mod lists;
mod names;
mod ocsp;
mod policy;
mod revocation;
mod scope;

use std::collections::HashMap;

use const_oid::ObjectIdentifier;

use crate::certificate::Certificate;
use crate::provider::Provider;
use crate::time::UnixTime;

pub(crate) use budget::Budget;
pub(crate) use build::Candidates;
pub(crate) use check::check_time;
pub(crate) use crl::{Crl, are_understood};
pub use lists::{is_revocation_list, newest_revocation_lists};
pub(crate) use ocsp::{OcspResponse, around_basic, basic_response};
pub use ocsp::{is_ocsp_response, ocsp_request};
pub(crate) use revocation::Revocations;
pub(crate) use scope::CRL_NUMBER;

/// What the certificate at the end of a path is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Signing mail: emailProtection, digitalSignature or nonRepudiation.
    Signing,
    /// Receiving encrypted mail: emailProtection, keyEncipherment or keyAgreement.
    Encryption,
    /// Signing timestamps: a critical timeStamping and nothing else (RFC 3161 2.3).
    Timestamping,
    /// Whatever the certificate allows; nothing may be concluded from it about a message.
    Any,
}

/// The inputs of RFC 5280 6.1.1 that concern policies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Acceptable policies; empty means any.
    pub initial: Vec<ObjectIdentifier>,
    /// The path must be valid for a policy.
    pub require_explicit: bool,
    /// Policy mapping is not allowed.
    pub inhibit_mapping: bool,
    /// anyPolicy is not accepted.
    pub inhibit_any: bool,
}

/// What is asked of a path.
#[derive(Clone, Debug)]
pub struct Query {
    /// The use of the certificate.
    pub purpose: Purpose,
    /// The moment at which every certificate must be valid.
    pub at: UnixTime,
    /// Certificate policies.
    pub policies: Policies,
    /// Whether a certificate must be shown not to be revoked; otherwise revocation lists and OCSP
    /// responses count where they are known.
    pub revocation_required: bool,
}

impl Query {
    /// Asks for a path at a moment, whatever its policies.
    pub fn new(purpose: Purpose, at: UnixTime) -> Self {
        Self { purpose, at, policies: Policies::default(), revocation_required: false }
    }
}

/// A path that was validated. Only [`validate`] makes one, so holding it is the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPath {
    certificates: Vec<Certificate>,
    at: UnixTime,
    weakness: Option<&'static str>,
    revocation_known: bool,
}

impl VerifiedPath {
    /// The certificate first, the trust anchor last.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The trust anchor.
    pub fn anchor(&self) -> Option<&Certificate> {
        self.certificates.last()
    }

    /// The algorithm of a signature on the path that no longer proves anything, if there is one: DSA, which
    /// [`Purpose::Any`] alone admits. Such a path is valid as RFC 5280 has it, and vouches for nothing.
    pub fn weakness(&self) -> Option<&'static str> {
        self.weakness
    }

    /// Whether authorities said of every certificate that it was not revoked; otherwise nobody spoke of
    /// some, which [`Query::revocation_required`] would have refused.
    pub fn is_revocation_known(&self) -> bool {
        self.revocation_known
    }

    /// The moment for which the path holds.
    pub fn at(&self) -> UnixTime {
        self.at
    }
}

/// Why no path is valid. Where several paths were tried, the reason of the most plausible one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// No chain of names leads to a trust anchor.
    #[error("no path to a trust anchor")]
    UnknownIssuer,
    /// A certificate was not yet valid.
    #[error("{subject} is not valid yet")]
    NotYetValid {
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate was no longer valid.
    #[error("{subject} has expired")]
    Expired {
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate was revoked.
    #[error("{subject} is revoked")]
    Revoked {
        /// The certificate's subject.
        subject: String,
    },
    /// No current revocation list says anything about a certificate, and one was asked for.
    #[error("it is not known whether {subject} is revoked")]
    RevocationUnknown {
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate's signature does not belong to its issuer's key.
    #[error("the signature of {subject} is wrong")]
    BadSignature {
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate is signed by an algorithm or key that is too weak.
    #[error("the signature of {subject} is too weak")]
    WeakAlgorithm {
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate is signed by an unknown algorithm.
    #[error("the signature algorithm of {subject} is not supported")]
    UnsupportedAlgorithm {
        /// The certificate's subject.
        subject: String,
    },
    /// A certificate in the middle may not issue certificates.
    #[error("{subject} is no certificate authority")]
    NotAnAuthority {
        /// The certificate's subject.
        subject: String,
    },
    /// More certificates follow than basicConstraints allows.
    #[error("the path below {subject} is too long")]
    PathTooLong {
        /// The subject of the authority that is limited so.
        subject: String,
    },
    /// The certificate may not be used for this purpose.
    #[error("the certificate is not for this purpose")]
    WrongUsage,
    /// A name lies outside of what an authority may name.
    #[error("the name of {subject} is outside its authority's constraints")]
    NameNotPermitted {
        /// The certificate's subject.
        subject: String,
    },
    /// A critical extension is unknown or malformed.
    #[error("{subject} has a critical extension that is not understood")]
    UnknownCriticalExtension {
        /// The certificate's subject.
        subject: String,
    },
    /// No acceptable policy is left.
    #[error("the path is not valid under an acceptable policy")]
    PolicyNotPermitted,
    /// Finding out would have cost too much.
    #[error("too many possible paths")]
    BudgetExceeded,
}

/// Finds a valid path from `leaf` to one of the anchors.
///
/// `revocations` are revocation lists and OCSP responses in DER, in any order; what is neither is passed
/// over. Work is bounded: a hostile message can carry any number of certificates.
pub async fn validate(
    provider: &impl Provider,
    leaf: &Certificate,
    anchors: &[Certificate],
    intermediates: &[Certificate],
    revocations: &[Vec<u8>],
    query: &Query,
) -> Result<VerifiedPath, PathError> {
    let mut known = Revocations::default();
    known.add(revocations.iter().map(Vec::as_slice));
    let candidates = Candidates::new(anchors, intermediates);
    validate_within(provider, leaf, &candidates, &[&known], query, &mut Budget::default()).await
}

/// As [`validate`], sharing its budget with other questions.
pub(crate) async fn validate_within(
    provider: &impl Provider,
    leaf: &Certificate,
    candidates: &Candidates<'_>,
    revocations: &[&Revocations<'_>],
    query: &Query,
    budget: &mut Budget,
) -> Result<VerifiedPath, PathError> {
    let chains = build::chains(leaf, candidates, query.at, budget);
    let mut checker = check::Checker {
        provider,
        candidates,
        revocations,
        query,
        budget,
        seen: HashMap::new(),
        seen_lists: HashMap::new(),
        inherited: HashMap::new(),
        weakness: None,
        unspoken: false,
    };
    let mut first = None;
    let mut exceeded = false;
    for chain in chains.found {
        match checker.check(&chain).await {
            Ok(()) => {
                let certificates = chain.into_iter().cloned().collect();
                let (weakness, revocation_known) = (checker.weakness, !checker.unspoken);
                return Ok(VerifiedPath { certificates, at: query.at, weakness, revocation_known });
            }
            // Others may cost less.
            Err(PathError::BudgetExceeded) => exceeded = true,
            // The most plausible chain was tried first, so its reason tells most.
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(match first {
        // What was not tried might have been good.
        _ if exceeded => PathError::BudgetExceeded,
        Some(error) => error,
        None if chains.incomplete => PathError::BudgetExceeded,
        None => PathError::UnknownIssuer,
    })
}
