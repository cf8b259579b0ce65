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

use std::borrow::Cow;

use crate::asn1::{Malformed, Reader, Tlv, tag, write};
use crate::ber;
use crate::certificate::{Certificate, DistributionPoint};
use crate::cms::attributes::{self, MAX_ATTRIBUTES, MAX_VALUES, REVOCATION_VALUES};
use crate::cms::signed::{MAX_CERTIFICATES, MAX_SIGNERS, OCSP_RESPONSE, SignedData, SignerInfo, Unreadable};
use crate::cms::{DATA, SIGNED_DATA, content_info, content_info_header};
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

    /// Adds it to a SignedData. None of it is signed, so the signatures stay what they are.
    pub fn add_to(&self, cms: &[u8]) -> Result<Vec<u8>, EvidenceError> {
        let der = ber::to_der(cms).map_err(|_| EvidenceError::Malformed)?;
        let (content_type, mut content) = content_info(&der)?;
        if content_type != SIGNED_DATA || !self.is_der() {
            return Err(EvidenceError::Malformed);
        }
        let mut fields = content.sequence()?;
        let version = fields.expect(tag::INTEGER)?;
        let algorithms = fields.expect(tag::SET)?;
        let encapsulated = fields.expect(tag::SEQUENCE)?;
        let certificates = with_new(fields.optional(tag::constructed(0))?, self.certificate_choices())?;
        let revocations = with_new(fields.optional(tag::constructed(1))?, self.crls.clone())?;
        let signers = fields.expect(tag::SET)?.reader().all(MAX_SIGNERS);
        fields.end()?;
        let signers = signers.map_err(|Malformed| EvidenceError::TooMany)?;
        let [first, others @ ..] = signers.as_slice() else { return Err(EvidenceError::Malformed) };
        let first = self.with_responses(first)?;
        let others = others.iter().map(|signer| signer.der);
        let signers = [first.as_slice()].into_iter().chain(others).collect::<Vec<_>>();
        let before = [version.der, algorithms.der, encapsulated.der];
        Ok(signed_data(&before, certificates, revocations, &write::tlv(tag::SET, &signers)))
    }

    /// A SignerInfo whose revocation-values have the OCSP responses too.
    fn with_responses(&self, signer: &Tlv<'_>) -> Result<Vec<u8>, EvidenceError> {
        if self.ocsp.is_empty() {
            return Ok(signer.der.to_vec());
        }
        let info = SignerInfo::read(signer)?;
        let mut responses = self.basic_responses();
        if let Some(unsigned) = &info.unsigned_attributes {
            let known = unsigned.revocation_values();
            if !known.lists.is_empty() {
                return Err(EvidenceError::OtherForm);
            }
            responses.extend(known.basic_responses.iter().map(|response| response.to_vec()));
        }
        responses.sort();
        responses.dedup();
        if responses.len() > MAX_VALUES {
            return Err(EvidenceError::TooMany);
        }
        let mut signed = Vec::new();
        let mut attributes = vec![attributes::revocation_values(&responses)];
        for field in signer.reader().all(8)? {
            if field.tag != tag::constructed(1) {
                signed.extend_from_slice(field.der);
                continue;
            }
            // Of too many none is read: a timestamp among them would no longer count.
            let others = field.reader().all(MAX_ATTRIBUTES).map_err(|Malformed| EvidenceError::TooMany)?;
            if info.unsigned_attributes.is_none() {
                return Err(EvidenceError::Malformed);
            }
            for attribute in others {
                if attribute.reader().oid()? != REVOCATION_VALUES {
                    attributes.push(attribute.der.to_vec());
                }
            }
        }
        if attributes.len() > MAX_ATTRIBUTES {
            return Err(EvidenceError::TooMany);
        }
        Ok(write::sequence(&[&signed, &write::set_of(tag::constructed(1), attributes)]))
    }

    /// A certs-only message: a SignedData that nobody signed and that has no content.
    pub fn to_der(&self) -> Vec<u8> {
        let (certificates, revocations) = (self.certificate_choices(), self.revocation_choices());
        // RFC 5652 5.1: revocation information of another format makes it version 5.
        let version = write::integer(if self.ocsp.is_empty() { 1 } else { 5 });
        let nobody = write::tlv(tag::SET, &[]);
        let encapsulated = write::sequence(&[&write::oid(DATA)]);
        signed_data(&[&version, &nobody, &encapsulated], certificates, revocations, &nobody)
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

    /// Whether it can be put beside a signature that has none yet, and is read again.
    pub(crate) fn is_writable(&self) -> bool {
        let most = [(&self.crls, MAX_CERTIFICATES), (&self.ocsp, MAX_VALUES)];
        let fits = most.iter().all(|(list, most)| list.len() <= *most);
        // Signers have chains of their own.
        fits && self.certificates.len() <= MAX_CERTIFICATES / 2 && self.is_der()
    }

    fn is_der(&self) -> bool {
        self.crls.iter().all(|list| is_der(list))
            && self.ocsp.iter().all(|response| is_whole(response))
            && self.certificates.iter().all(|certificate| is_der(certificate.der()))
    }

    fn certificate_choices(&self) -> Vec<Vec<u8>> {
        self.certificates.iter().map(|certificate| certificate.der().to_vec()).collect()
    }

    fn basic_responses(&self) -> Vec<Vec<u8>> {
        self.ocsp.iter().filter_map(|response| basic_response(response).ok()).map(<[u8]>::to_vec).collect()
    }

    /// revocation-values, if there are OCSP responses.
    pub(crate) fn ocsp_attribute(&self) -> Option<Vec<u8>> {
        let responses = self.basic_responses();
        (!responses.is_empty()).then(|| attributes::revocation_values(&responses))
    }

    /// RevocationInfoChoices, OCSP responses in the format of RFC 5940.
    fn revocation_choices(&self) -> Vec<Vec<u8>> {
        let other =
            |response: &Vec<u8>| write::tlv(tag::constructed(1), &[&write::oid(OCSP_RESPONSE), response]);
        self.crls.iter().cloned().chain(self.ocsp.iter().map(other)).collect()
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

/// The elements of a set, if there is one, and those of the new ones that are not in it yet.
fn with_new(set: Option<Tlv<'_>>, new: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, EvidenceError> {
    let known = set.map_or(Reader::new(&[]), |set| set.reader()).all(MAX_CERTIFICATES);
    let known = known.map_err(|Malformed| EvidenceError::TooMany)?;
    let mut elements = known.iter().map(|element| element.der.to_vec()).collect::<Vec<_>>();
    for element in new {
        Reader::new(&element).next()?;
        if !elements.contains(&element) {
            elements.push(element);
        }
    }
    if elements.len() > MAX_CERTIFICATES { Err(EvidenceError::TooMany) } else { Ok(elements) }
}

fn signed_data(
    before: &[&[u8]],
    certificates: Vec<Vec<u8>>,
    revocations: Vec<Vec<u8>>,
    signers: &[u8],
) -> Vec<u8> {
    let optional = |number, elements: Vec<Vec<u8>>| match elements.as_slice() {
        [] => Vec::new(),
        _ => write::set_of(tag::constructed(number), elements),
    };
    let (certificates, revocations) = (optional(0, certificates), optional(1, revocations));
    let parts = [before, &[certificates.as_slice(), &revocations, signers]].concat();
    let sequence = write::sequence(&parts);
    let mut der = content_info_header(SIGNED_DATA, sequence.len());
    der.extend(sequence);
    der
}
