//! Enhanced Security Services (RFC 2634): security labels and signed receipts.
//!
//! A label or a request for a receipt goes into a signature by [`crate::SignOptions`]. What a good signature
//! says comes out as the [`Services`] of its [`crate::SignerVerdict`]; [`crate::VerifiedCms::label`] and
//! [`crate::VerifiedCms::requested_receipt`] make one answer of those of several signers.
//!
//! ```
//! # use smime::ess::{Classification, ReceiptRequest, ReceiptsFrom, SecurityLabel, sign_receipt};
//! # use smime::{Keyring, SignError, SignOptions, Signer, Trust, UnixTime, VerifyError, verify};
//! # use smime::rustcrypto::RustCrypto;
//! // Sent: an office's secret, opened against receipt.
//! let options = SignOptions {
//!     label: Some(SecurityLabel {
//!         policy: "1.2.156.1".parse().expect("an identifier"),
//!         classification: Some(Classification::SECRET),
//!         privacy_mark: Some("秘密".into()),
//!         categories: Vec::new(),
//!     }),
//!     receipt_request: Some(ReceiptRequest {
//!         content_identifier: b"17@a.example".to_vec(),
//!         from: ReceiptsFrom::All,
//!         to: vec!["alice@a.example".into()],
//!     }),
//!     ..SignOptions::default()
//! };
//! # async fn received(keyring: &impl Keyring, bob: &Signer, trust: &Trust, now: UnixTime, cms: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! // Received: only what a good signature says is there.
//! let verified = verify(&RustCrypto, cms, None, trust, now).await?;
//! let label = verified.label()?;
//! if let Some(requested) = verified.requested_receipt()
//!     && requested.is_asked_of(&["bob@b.example".into()], &[])
//! {
//!     let receipt = sign_receipt(&RustCrypto, keyring, bob, requested, now).await?.to_der();
//!     // Returned: the sender verifies the receipt, and holds it against what was sent.
//!     let receipt = verify(&RustCrypto, &receipt, None, trust, now).await?;
//!     assert!(requested.check(&receipt).is_ok());
//! }
//! # Ok(()) }
//! ```

mod label;
mod lists;
mod names;
mod receipt;
mod request;

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, tag, write};
use crate::cms::attributes::{self, Attributes};

pub use label::{Classification, LabelError, SecurityCategory, SecurityLabel};
pub use lists::{ListExpansion, ListReceiptPolicy};
pub use receipt::{ExpectedReceipt, Receipt, ReceiptError, RequestedReceipt, sign_receipt};
pub use request::{ReceiptRequest, ReceiptsFrom};

pub(crate) use receipt::RECEIPT;

const RECEIPT_REQUEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.1");
const SECURITY_LABEL: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.2");
const LIST_EXPANSION_HISTORY: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.3");
const CONTENT_HINT: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.4");
const MESSAGE_SIGNATURE_DIGEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.5");
const CONTENT_IDENTIFIER: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.7");
const EQUIVALENT_LABELS: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.2.9");

/// Equivalent labels are at most as many here.
const MAX_EQUIVALENT_LABELS: usize = 16;

/// What the content of a layer is (RFC 2634 2.9), for who cannot look inside yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentHint {
    /// In the sender's words.
    pub description: Option<String>,
    /// The type of the innermost content, id-ct-receipt for a receipt.
    pub content_type: Oid,
}

/// The ESS attributes of one signer; empty unless the signature is good (RFC 2634 2.3 and 3.1.2).
#[derive(Clone, Debug)]
pub struct Services {
    /// The label; an unreadable one is not the same as none.
    pub label: Result<Option<SecurityLabel>, LabelError>,
    /// The same label in the words of other policies (RFC 2634 3.4).
    pub equivalent_labels: Vec<SecurityLabel>,
    /// A receipt is asked for.
    pub requested_receipt: Option<RequestedReceipt>,
    /// The mailing lists that the message went through, the last one last (RFC 2634 4.4).
    pub lists: Vec<ListExpansion>,
    /// What the content is.
    pub content_hint: Option<ContentHint>,
    /// The name that the sender gave to the content (RFC 2634 2.7).
    pub content_identifier: Option<Vec<u8>>,
    /// In a receipt, the digest of the attributes that the original signature covers (RFC 2634 2.4 (5)).
    pub(crate) signature_digest: Option<Vec<u8>>,
}

impl Default for Services {
    fn default() -> Self {
        Self {
            label: Ok(None),
            equivalent_labels: Vec::new(),
            requested_receipt: None,
            lists: Vec::new(),
            content_hint: None,
            content_identifier: None,
            signature_digest: None,
        }
    }
}

impl Services {
    /// All but the request for a receipt, of a signature that was found good.
    pub(crate) fn read(attributes: &Attributes<'_>) -> Self {
        let octets =
            |oid| attributes.single(oid).ok().flatten().filter(|value| value.tag == tag::OCTET_STRING);
        Self {
            label: read_label(attributes),
            equivalent_labels: read_equivalent(attributes).unwrap_or_default(),
            requested_receipt: None,
            lists: lists::read(attributes),
            content_hint: read_hint(attributes).ok().flatten(),
            content_identifier: octets(CONTENT_IDENTIFIER).map(|value| value.value.to_vec()),
            signature_digest: octets(MESSAGE_SIGNATURE_DIGEST).map(|value| value.value.to_vec()),
        }
    }
}

fn read_label(attributes: &Attributes<'_>) -> Result<Option<SecurityLabel>, LabelError> {
    let value = attributes.single(SECURITY_LABEL).map_err(|Malformed| LabelError::Malformed)?;
    value.map(|value| SecurityLabel::from_der(value.der)).transpose()
}

fn read_equivalent(attributes: &Attributes<'_>) -> Result<Vec<SecurityLabel>, Malformed> {
    let Some(value) = attributes.single(EQUIVALENT_LABELS)? else { return Ok(Vec::new()) };
    let labels = asn1::single(value.der, tag::SEQUENCE)?.reader().all(MAX_EQUIVALENT_LABELS)?;
    labels.iter().map(|label| SecurityLabel::from_der(label.der).map_err(|_| Malformed)).collect()
}

fn read_hint(attributes: &Attributes<'_>) -> Result<Option<ContentHint>, Malformed> {
    let Some(value) = attributes.single(CONTENT_HINT)? else { return Ok(None) };
    let mut fields = asn1::single(value.der, tag::SEQUENCE)?.reader();
    let description = fields.optional(tag::UTF8_STRING)?.and_then(|text| crate::certificate::text(&text));
    let content_type = fields.oid()?;
    fields.end()?;
    Ok(Some(ContentHint { description, content_type }))
}

pub(crate) fn label_attribute(label: &SecurityLabel) -> Result<Vec<u8>, LabelError> {
    Ok(attributes::attribute(SECURITY_LABEL, &label.to_der()?))
}

pub(crate) fn hint_attribute(hint: &ContentHint) -> Vec<u8> {
    let description = hint.description.as_deref().map(write::utf8).unwrap_or_default();
    let value = write::sequence(&[&description, &write::oid(hint.content_type)]);
    attributes::attribute(CONTENT_HINT, &value)
}

/// None if the request names nobody, or more than 16, to return receipts to (RFC 2634 2.7).
pub(crate) fn request_attribute(request: &ReceiptRequest) -> Option<Vec<u8>> {
    Some(attributes::attribute(RECEIPT_REQUEST, &request.to_der()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ESSSecurityLabel of the example in RFC 4134 4.10.
    const LABEL: &[u8] = b"\x31\x5c\x02\x01\x01\x06\x07\x2a\x03\x04\x05\x06\x07\x08\
        \x13\x1bTHIS IS A PRIVACY MARK TEST\x31\x31\x30\x2f\x80\x08\x2a\x03\x04\x05\x06\x07\x86\x78\
        \xa1\x23\x13\x21THIS IS A TEST SECURITY-CATEGORY.";

    #[test]
    fn the_label_of_rfc_4134_is_read_and_written() {
        let label = SecurityLabel::from_der(LABEL).unwrap();
        assert_eq!(label.policy.to_string(), "1.2.3.4.5.6.7.8");
        assert_eq!(label.classification, Some(Classification::UNCLASSIFIED));
        assert_eq!(label.privacy_mark.as_deref(), Some("THIS IS A PRIVACY MARK TEST"));
        assert_eq!(label.categories[0].kind.to_string(), "1.2.3.4.5.6.7.888");
        // The same, but for the type of the mark's string.
        let mut expected = LABEL.to_vec();
        expected[14] = tag::UTF8_STRING;
        assert_eq!(label.to_der(), Ok(expected));
    }

    #[test]
    fn a_label_that_is_cut_or_says_something_twice_is_malformed() {
        for end in 0..LABEL.len() {
            assert_eq!(SecurityLabel::from_der(&LABEL[..end]), Err(LabelError::Malformed), "{end}");
        }
        let policy = write::oid(SECURITY_LABEL);
        for fields in [
            vec![write::integer(1)],
            vec![policy.clone(), policy.clone()],
            vec![policy.clone(), write::integer(257)],
            vec![policy.clone(), write::null()],
            vec![policy, write::tlv(tag::SET, &[])],
        ] {
            let label = write::set_of(tag::SET, fields);
            assert_eq!(SecurityLabel::from_der(&label), Err(LabelError::Malformed), "{label:02x?}");
        }
    }

    fn attributes(oid: Oid, value: &[u8]) -> Services {
        let set = write::tlv(tag::constructed(0), &[&attributes::attribute(oid, value)]);
        let set = asn1::single(&set, tag::constructed(0)).unwrap();
        Services::read(&Attributes::read(&set).unwrap())
    }

    #[test]
    fn an_unreadable_label_is_not_the_same_as_none() {
        assert_eq!(attributes(SECURITY_LABEL, LABEL).label.map(|label| label.is_some()), Ok(true));
        assert_eq!(attributes(SECURITY_LABEL, &[5, 0]).label, Err(LabelError::Malformed));
        assert_eq!(
            attributes(EQUIVALENT_LABELS, &write::sequence(&[LABEL, LABEL])).equivalent_labels.len(),
            2
        );
    }

    #[test]
    fn a_list_history_that_cannot_be_read_forbids_receipts() {
        // As in RFC 4134 4.10: a key identifier, a time, and names that are no addresses.
        let name = write::tlv(tag::constructed(4), &[&write::sequence(&[])]);
        let names =
            write::sequence(&[&write::tlv(tag::constructed(1), &[&write::sequence(&[&name, &name])])]);
        let names = asn1::single(&names, tag::SEQUENCE).unwrap().value.to_vec();
        let expansion = |policy: &[u8]| {
            let time = write::tlv(tag::GENERALIZED_TIME, &[b"19990311104433Z"]);
            write::sequence(&[&write::sequence(&[&write::octets(b"5738299"), &time, policy])])
        };
        let read = |policy: &[u8]| attributes(LIST_EXPANSION_HISTORY, &expansion(policy)).lists;
        assert_eq!(read(&names)[0].policy, Some(ListReceiptPolicy::InsteadOf(Vec::new())));
        assert_eq!(read(&[])[0].policy, None);
        assert_eq!(read(&[0x80, 0])[0].policy, Some(ListReceiptPolicy::NoReceipts));
        assert_eq!(read(&write::null())[0].policy, Some(ListReceiptPolicy::NoReceipts));
    }
}
