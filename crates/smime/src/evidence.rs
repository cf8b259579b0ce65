//! What keeps a signature provable after everything about it has expired.
//!
//! A timestamp proves when it was made; lists and OCSP responses of that time or later prove that no
//! certificate was revoked then. Together they stay true for ever, so they are kept with the message: in
//! the SignedData itself, or beside it as a certs-only message (RFC 8551 3.8).
//!
//! In the SignedData, certificates and lists go where RFC 5652 5.1 has a place for them; OCSP responses
//! go into the unsigned attribute revocation-values (ETSI EN 319 122-1, once RFC 5126), because programs
//! that know PKCS#7 alone refuse a whole message for the place that RFC 5940 gives them. Here they are
//! read in both places, and in certificate-values and the timestamp tokens too.
//!
//! First [`verify`](crate::verify()) without [`Trust::revocation_required`]; [`links`] says which certificates
//! need evidence, [`Certificate::crl_urls`], [`Certificate::ocsp_urls`] and [`crate::path::ocsp_request`] where
//! to get it; [`Evidence::of`] picks what is of use, and [`Evidence::add_to`] puts it into the message. From
//! then on it verifies with [`Trust::revocation_required`], whenever that is.
//!
//! ```
//! # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
//! # use people::{NOW, People, people};
//! # use smime::rustcrypto::RustCrypto;
//! use smime::evidence::{Evidence, links};
//! use smime::path::ocsp_request;
//! use smime::{SignedForm, sign, verify};
//!
//! # smime::block_on_ready(async {
//! # let People { keyring, alice, mut trust, .. } = people().await?;
//! # let content = b"Content-Type: text/plain\r\n\r\nHello\r\n";
//! # let cms = sign(&RustCrypto, &keyring, &alice, content, SignedForm::Opaque, NOW).await?.to_der();
//! let verified = verify(&RustCrypto, &cms, None, &trust, NOW).await?;
//! for (certificate, issuer) in links(&verified) {
//!     let question = ocsp_request(&certificate, &issuer);
//!     // Sent to one of `certificate.ocsp_urls()`, and the answer pushed to `trust.ocsp`; or a list
//!     // fetched from one of `certificate.crl_urls()`, and pushed to `trust.crls`.
//! #   assert!(question.is_some() && trust.ocsp.is_empty());
//! }
//! let evidence = Evidence::of(&verified, &trust);
//! assert_eq!(evidence.certificates, alice.chain);
//! let kept = evidence.add_to(&cms)?;
//! assert!(verify(&RustCrypto, &kept, None, &trust, NOW).await.is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod write;

use std::borrow::Cow;

use crate::asn1::Malformed;
use crate::ber;
use crate::certificate::{Certificate, DistributionPoint};
use crate::cms::signed::{SignedData, Unreadable};
use crate::path::{Crl, OcspResponse, VerifiedPath, around_basic, basic_response};
use crate::verify::{SignerVerdict, Trust, VerifiedCms};

/// Certificates, revocation lists and OCSP responses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Those of the paths, but for the anchors.
    pub certificates: Vec<Certificate>,
    /// Revocation lists in DER.
    pub crls: Vec<Vec<u8>>,
    /// OCSP responses in DER.
    pub ocsp: Vec<Vec<u8>>,
}

/// Why evidence cannot be read, or not be put into a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not a SignedData, or broken, or with nobody's signature to put evidence beside; or the evidence is no DER.
    #[error("not a well-formed SignedData, or broken evidence")]
    Malformed,
    /// Somebody put evidence beside the signature in a form that is only read here.
    #[error("the signature has evidence in another form")]
    OtherForm,
    /// More certificates, lists, responses or unsigned attributes than are read again.
    #[error("the SignedData would hold too much")]
    TooMany,
}

impl From<Malformed> for EvidenceError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<Unreadable> for EvidenceError {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Malformed => Self::Malformed,
            Unreadable::TooMany => Self::TooMany,
        }
    }
}

/// The certificates that revocation evidence is needed for, each with its issuer: those on the paths of
/// the good signers, their timestamp authorities and countersigners.
pub fn links(verified: &VerifiedCms<'_>) -> Vec<(Certificate, Certificate)> {
    let mut links = Vec::new();
    for path in paths(&verified.signers) {
        for pair in path.certificates().windows(2) {
            if let [certificate, issuer] = pair
                && !links.iter().any(|(known, _)| known == certificate)
            {
                links.push((certificate.clone(), issuer.clone()));
            }
        }
    }
    links
}

/// Whether a list or a response is one whole piece of DER: what is not is never put beside a signature, and whoever
/// asks for that ([`crate::SignOptions::evidence`]) signs nothing.
///
/// They come from strangers: one that is broken inside, where nobody has to look for an answer, or has something
/// behind it, would make the whole message unreadable.
pub fn is_der(evidence: &[u8]) -> bool {
    matches!(ber::to_der(evidence), Ok(Cow::Borrowed(der)) if der.len() == evidence.len())
}

/// The same of an OCSP response, which hides what would be put beside the signature in an OCTET STRING.
fn is_whole(response: &[u8]) -> bool {
    is_der(response) && basic_response(response).is_ok_and(is_der)
}

fn paths(signers: &[SignerVerdict]) -> Vec<&VerifiedPath> {
    let mut found = Vec::new();
    for signer in signers {
        let token = signer.timestamp.as_ref().and_then(|timestamp| timestamp.token.as_ref().ok());
        found.extend(signer.verdict.as_ref().ok());
        found.extend(token.map(|token| token.path()));
        found.extend(paths(&signer.countersignatures));
    }
    found
}

impl Evidence {
    /// Picks from `trust` what speaks of the certificates on the paths of the good signers.
    pub fn of(verified: &VerifiedCms<'_>, trust: &Trust) -> Self {
        let links = links(verified);
        let points = links.iter().map(|(one, _)| (one, one.distribution_points())).collect::<Vec<_>>();
        let issues = |crl: &Crl<'_>| points.iter().any(|(one, points)| crl.concerns(one, points));
        let answers = |response: &OcspResponse<'_>| links.iter().any(|(one, _)| response.mentions(one));
        let mut evidence = Self::default();
        for crl in &trust.crls {
            if is_der(crl) && Crl::read(crl).is_ok_and(|crl| issues(&crl)) {
                evidence.crls.push(crl.clone());
            }
        }
        for response in &trust.ocsp {
            if is_whole(response) && OcspResponse::read(response).is_ok_and(|response| answers(&response)) {
                evidence.ocsp.push(response.clone());
            }
        }
        evidence.certificates = links.iter().map(|(certificate, _)| certificate.clone()).collect();
        // An authority may sign its lists with another key than its certificates, or leave them to another.
        for other in &trust.intermediates {
            if points.iter().any(|(one, points)| publishes(other, one, points))
                && !evidence.certificates.contains(other)
            {
                evidence.certificates.push(other.clone());
            }
        }
        evidence
    }

    /// What any SignedData carries: a certs-only message, or one that evidence was added to.
    pub fn from_der(cms: &[u8]) -> Result<Self, EvidenceError> {
        let der = ber::to_der(cms).map_err(|_| EvidenceError::Malformed)?;
        let message = SignedData::read(&der)?;
        let mut evidence = Self { certificates: message.certificates, ..Self::default() };
        for revocation in message.revocations {
            if Crl::read(revocation).is_ok() {
                evidence.crls.push(revocation.to_vec());
            } else if OcspResponse::read(revocation).is_ok() {
                evidence.ocsp.push(revocation.to_vec());
            }
        }
        let signers = message.signers.iter().flatten();
        for unsigned in signers.filter_map(|signer| signer.unsigned_attributes.as_ref()) {
            let values = unsigned.revocation_values();
            evidence.certificates.extend(unsigned.certificate_values());
            evidence.crls.extend(values.lists.iter().map(|list| list.to_vec()));
            evidence.ocsp.extend(values.basic_responses.iter().map(|response| around_basic(response)));
        }
        Ok(evidence)
    }

    fn is_der(&self) -> bool {
        self.crls.iter().all(|list| is_der(list))
            && self.ocsp.iter().all(|response| is_whole(response))
            && self.certificates.iter().all(|certificate| is_der(certificate.der()))
    }
}

impl Trust {
    /// Adds evidence that was kept beside a message.
    pub fn add(&mut self, evidence: Evidence) {
        self.intermediates.extend(evidence.certificates);
        self.crls.extend(evidence.crls);
        self.ocsp.extend(evidence.ocsp);
    }
}

/// Whether lists about the certificate may be signed with that key.
fn publishes(key: &Certificate, certificate: &Certificate, points: &[DistributionPoint]) -> bool {
    let named = |point: &DistributionPoint| point.issuers.iter().any(|name| name == key.subject_name());
    certificate.issuer_name() == key.subject_name() || points.iter().any(named)
}
