//! Signed receipts (RFC 2634 2.3 to 2.6).

use std::borrow::Cow;

use const_oid::ObjectIdentifier as Oid;

use super::lists::{ListExpansion, ListReceiptPolicy};
use super::request::{ReceiptRequest, ReceiptsFrom};
use super::{MESSAGE_SIGNATURE_DIGEST, RECEIPT_REQUEST, names};
use crate::algorithm::Digest;
use crate::asn1::{self, Malformed, tag, write};
use crate::cms::attributes;
use crate::cms::signed::SignerInfo;
use crate::keyring::Keyring;
use crate::provider::Provider;
use crate::sign::{self, SignError, Signed, Signer};
use crate::time::UnixTime;
use crate::verify::{SignerError, SignerVerdict, VerifiedCms};

/// id-ct-receipt.
pub(crate) const RECEIPT: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.1.1");

/// A receipt that a good signature asks for, and all that is needed to give or to check one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedReceipt {
    request: ReceiptRequest,
    /// The request as it was sent.
    der: Vec<u8>,
    expected: ExpectedReceipt,
}

/// What a sender who does not keep the signature that went out keeps of it, to know receipts for it (RFC 2634 2.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedReceipt {
    receipt: Receipt,
    /// Of the attributes that the signature covers, by its own hash.
    digest: Vec<u8>,
}

/// What a receipt says (RFC 2634 2.8): which content of which sender was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The type of the original content.
    pub content_type: Oid,
    /// What the request named the content.
    pub content_identifier: Vec<u8>,
    /// The signature that asked.
    pub signature: Vec<u8>,
}

/// Why something is no proof that a message was received.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Not a receipt, or not one signer's.
    #[error("not a signed receipt")]
    NotAReceipt,
    /// It is about another message.
    #[error("the receipt is about another message")]
    OtherMessage,
    /// What was received is not what was sent (RFC 2634 2.6 (4)).
    #[error("the receipt is about a message that was changed")]
    DigestMismatch,
    /// Its signature is not good.
    #[error("the receipt's signature is not good: {0}")]
    Signer(SignerError),
}

impl RequestedReceipt {
    /// The request of a signer whose signature holds, if there is a readable one.
    pub(crate) async fn read(provider: &impl Provider, info: &SignerInfo<'_>) -> Option<Self> {
        let attributes = info.signed_attributes.as_ref()?;
        let value = attributes.single(RECEIPT_REQUEST).ok()??;
        let request = ReceiptRequest::from_der(value.der).ok()?;
        let content_type = attributes.single(attributes::CONTENT_TYPE).ok()??.oid().ok()?;
        let by = Digest::of(&info.digest_algorithm).ok()?;
        let digest = by.of_octets(provider, &attributes.signed_octets()).await.ok()?;
        let content_identifier = request.content_identifier.clone();
        let receipt = Receipt { content_type, content_identifier, signature: info.signature.to_vec() };
        Some(Self { request, der: value.der.to_vec(), expected: ExpectedReceipt { receipt, digest } })
    }

    /// What a good receipt says.
    pub fn expected(&self) -> &ExpectedReceipt {
        &self.expected
    }

    /// What was asked.
    pub fn request(&self) -> &ReceiptRequest {
        &self.request
    }

    pub(crate) fn is_same_request(&self, other: &Self) -> bool {
        self.der == other.der
    }

    /// Whether the owner of these addresses is to return a receipt (RFC 2634 2.3).
    ///
    /// `lists` are those of the outermost signature, if that is good, as
    /// [`Opened::lists`](crate::message::Opened::lists) gives them; most messages have none.
    pub fn is_asked_of(&self, addresses: &[String], lists: &[ListExpansion]) -> bool {
        let policy = lists.last().and_then(|last| last.policy.as_ref());
        if policy == Some(&ListReceiptPolicy::NoReceipts) {
            return false;
        }
        match &self.request.from {
            ReceiptsFrom::All => true,
            ReceiptsFrom::FirstTier => lists.is_empty(),
            ReceiptsFrom::List(asked) => {
                asked.iter().any(|asked| addresses.iter().any(|own| names::same(asked, own)))
            }
        }
    }

    /// Whom a receipt goes to (RFC 2634 2.5); `lists` as for [`Self::is_asked_of`].
    pub fn recipients(&self, lists: &[ListExpansion]) -> Vec<String> {
        let mut recipients = self.request.to.clone();
        match lists.last().and_then(|last| last.policy.as_ref()) {
            None => {}
            Some(ListReceiptPolicy::NoReceipts) => recipients.clear(),
            Some(ListReceiptPolicy::InsteadOf(others)) => recipients.clone_from(others),
            Some(ListReceiptPolicy::InAdditionTo(others)) => recipients.extend(others.iter().cloned()),
        }
        recipients
    }

    /// Holds a receipt against the message that was sent, as [`ExpectedReceipt::check`] does.
    pub fn check<'v>(&self, receipt: &'v VerifiedCms<'_>) -> Result<&'v SignerVerdict, ReceiptError> {
        self.expected.check(receipt)
    }
}

impl ExpectedReceipt {
    /// Holds a receipt against what was sent, and gives who signed it (RFC 2634 2.6).
    ///
    /// Who holds it is to be among those who were written to, which the caller knows.
    pub fn check<'v>(&self, receipt: &'v VerifiedCms<'_>) -> Result<&'v SignerVerdict, ReceiptError> {
        let said = receipt.receipt().ok_or(ReceiptError::NotAReceipt)?;
        let [signer] = receipt.signers.as_slice() else { return Err(ReceiptError::NotAReceipt) };
        if said != self.receipt {
            return Err(ReceiptError::OtherMessage);
        }
        signer.verdict.as_ref().map_err(|error| ReceiptError::Signer(error.clone()))?;
        if signer.services.signature_digest.as_ref() == Some(&self.digest) {
            Ok(signer)
        } else {
            Err(ReceiptError::DigestMismatch)
        }
    }

    /// The form in which it is kept: a SEQUENCE of the Receipt and the digest, in DER.
    pub fn to_der(&self) -> Vec<u8> {
        write::sequence(&[&self.receipt.to_der(), &write::octets(&self.digest)])
    }

    /// Reads what [`Self::to_der`] wrote; none for anything else.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let mut fields = asn1::single(der, tag::SEQUENCE).ok()?.reader();
        let receipt = Receipt::from_der(fields.expect(tag::SEQUENCE).ok()?.der).ok()?;
        let digest = fields.expect(tag::OCTET_STRING).ok()?.value.to_vec();
        fields.end().ok()?;
        Some(Self { receipt, digest })
    }
}

impl Receipt {
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
        if fields.expect(tag::INTEGER)?.small()? != 1 {
            return Err(Malformed);
        }
        let content_type = fields.oid()?;
        let content_identifier = fields.expect(tag::OCTET_STRING)?.value.to_vec();
        let signature = fields.expect(tag::OCTET_STRING)?.value.to_vec();
        fields.end()?;
        Ok(Self { content_type, content_identifier, signature })
    }

    fn to_der(&self) -> Vec<u8> {
        write::sequence(&[
            &write::integer(1),
            &write::oid(self.content_type),
            &write::octets(&self.content_identifier),
            &write::octets(&self.signature),
        ])
    }
}

/// Signs that a message was received (RFC 2634 2.4), for `application/pkcs7-mime;
/// smime-type=signed-receipt`.
///
/// Whether to do so is the reader's to say, or a policy's: see [`RequestedReceipt::is_asked_of`].
pub async fn sign_receipt(
    provider: &impl Provider,
    keyring: &impl Keyring,
    signer: &Signer,
    requested: &RequestedReceipt,
    at: UnixTime,
) -> Result<Signed<'static>, SignError> {
    let algorithm = sign::algorithm_of(signer)?;
    let digest = attributes::attribute(MESSAGE_SIGNATURE_DIGEST, &write::octets(&requested.expected.digest));
    let content = Cow::Owned(requested.expected.receipt.to_der());
    sign::sign_as(provider, keyring, signer, algorithm, RECEIPT, content, at, vec![digest]).await
}
