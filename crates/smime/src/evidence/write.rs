//! Putting evidence into a SignedData, or into one of its own.

use super::{Evidence, EvidenceError};
use crate::asn1::{Malformed, Reader, Tlv, tag, write};
use crate::ber;
use crate::cms::attributes::{self, MAX_ATTRIBUTES, MAX_VALUES, REVOCATION_VALUES};
use crate::cms::signed::{MAX_CERTIFICATES, MAX_SIGNERS, OCSP_RESPONSE, SignerInfo};
use crate::cms::{DATA, SIGNED_DATA, content_info, content_info_header};
use crate::path::basic_response;

impl Evidence {
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

    /// Whether it can be put beside a signature that has none yet, and is read again.
    pub(crate) fn is_writable(&self) -> bool {
        let most = [(&self.crls, MAX_CERTIFICATES), (&self.ocsp, MAX_VALUES)];
        let fits = most.iter().all(|(list, most)| list.len() <= *most);
        // Signers have chains of their own.
        fits && self.certificates.len() <= MAX_CERTIFICATES / 2 && self.is_der()
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
