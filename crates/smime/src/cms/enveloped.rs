//! EnvelopedData (RFC 5652 6) and AuthEnvelopedData (RFC 5083).

use const_oid::ObjectIdentifier as Oid;

use super::{AUTH_ENVELOPED_DATA, CertificateId, ENVELOPED_DATA, content_info};
use crate::algorithm::Identifier;
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{EC_OID, X25519_OID};
use crate::encapsulation::KemRecipient;

/// A message has at most this many recipients here.
const MAX_RECIPIENTS: usize = 1 << 14;

/// id-alg-cek-hkdf-sha256 (RFC 9709 3).
pub(crate) const CEK_HKDF_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.31");

/// Why an EnvelopedData cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Malformed,
    TooMany,
}

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

#[derive(Debug)]
pub(crate) struct Enveloped<'a> {
    pub(crate) recipients: Vec<Recipient<'a>>,
    pub(crate) cipher: Identifier<'a>,
    /// The DER of that identifier, if the key of the content is derived with it (RFC 9709).
    pub(crate) derived_with: Option<&'a [u8]>,
    pub(crate) ciphertext: &'a [u8],
    pub(crate) authentication: Option<Authentication<'a>>,
}

/// What AuthEnvelopedData adds.
#[derive(Debug)]
pub(crate) struct Authentication<'a> {
    /// The contents of authAttrs.
    pub(crate) attributes: Option<&'a [u8]>,
    pub(crate) mac: &'a [u8],
}

#[derive(Debug)]
pub(crate) enum Recipient<'a> {
    KeyTransport {
        id: CertificateId<'a>,
        algorithm: Identifier<'a>,
        wrapped: &'a [u8],
    },
    KeyAgreement(KeyAgreement<'a>),
    /// Under a symmetric key that both sides have.
    KeyEncryptionKey {
        key_identifier: &'a [u8],
        algorithm: Identifier<'a>,
        wrapped: &'a [u8],
    },
    Password(Password<'a>),
    Encapsulation(KemRecipient<'a>),
    /// A kind that this crate does not open.
    Other,
}

#[derive(Debug)]
pub(crate) struct KeyAgreement<'a> {
    pub(crate) originator: Originator<'a>,
    pub(crate) user_keying_material: Option<&'a [u8]>,
    pub(crate) algorithm: Identifier<'a>,
    pub(crate) keys: Vec<(CertificateId<'a>, &'a [u8])>,
}

/// Whose public key the recipients agree with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Originator<'a> {
    /// The sender's ephemeral key on a curve.
    Ephemeral(&'a [u8]),
    /// A key of another kind, such as Diffie-Hellman's (RFC 2631).
    Unsupported(Oid),
    /// The key of a certificate: static on both sides.
    Static,
}

/// PasswordRecipientInfo (RFC 5652 6.2.4).
#[derive(Debug)]
pub(crate) struct Password<'a> {
    pub(crate) derivation: Identifier<'a>,
    pub(crate) encryption: Identifier<'a>,
    pub(crate) wrapped: &'a [u8],
}

const KEY_ENCRYPTION_KEY: u8 = tag::constructed(2);
const PASSWORD: u8 = tag::constructed(3);
const OTHER: u8 = tag::constructed(4);
const KEY_AGREEMENT: u8 = tag::constructed(1);

impl<'a> Enveloped<'a> {
    /// Reads a ContentInfo of enveloped-data or authEnveloped-data in DER.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Unreadable> {
        let (content_type, mut content) = content_info(der)?;
        let authenticated = match content_type {
            ENVELOPED_DATA => false,
            AUTH_ENVELOPED_DATA => true,
            _ => return Err(Unreadable::Malformed),
        };
        let mut fields = content.sequence()?;
        fields.expect(tag::INTEGER)?;
        fields.optional(tag::constructed(0))?;
        let recipients = read_recipients(fields.expect(tag::SET)?.reader())?;
        let (named, ciphertext) = encrypted_content(fields.sequence()?)?;
        let (cipher, derived_with) = match named.parameters {
            Some(inner) if named.oid == CEK_HKDF_SHA256 => {
                (Identifier::read(inner.reader())?, Some(inner.der))
            }
            _ => (named, None),
        };
        let authentication = if authenticated {
            let attributes = fields.optional(tag::constructed(1))?.map(|set| set.value);
            Some(Authentication { attributes, mac: fields.expect(tag::OCTET_STRING)?.value })
        } else {
            None
        };
        // Unprotected attributes: nobody vouches for them, nothing here uses them.
        fields.optional(tag::constructed(if authenticated { 2 } else { 1 }))?;
        fields.end()?;
        Ok(Self { recipients, cipher, derived_with, ciphertext, authentication })
    }
}

fn read_recipients(mut set: Reader<'_>) -> Result<Vec<Recipient<'_>>, Unreadable> {
    let mut recipients = Vec::new();
    while !set.is_empty() {
        if recipients.len() == MAX_RECIPIENTS {
            return Err(Unreadable::TooMany);
        }
        // A recipient that cannot be read must not keep the others from reading.
        recipients.push(recipient(&set.next()?).unwrap_or(Recipient::Other));
    }
    Ok(recipients)
}

fn recipient<'a>(element: &Tlv<'a>) -> Result<Recipient<'a>, Malformed> {
    match element.tag {
        tag::SEQUENCE => key_transport(element.reader()),
        KEY_AGREEMENT => key_agreement(element.reader()).map(Recipient::KeyAgreement),
        KEY_ENCRYPTION_KEY => key_encryption_key(element.reader()),
        PASSWORD => password(element.reader()).map(Recipient::Password),
        OTHER => Ok(KemRecipient::read(element.reader())?.map_or(Recipient::Other, Recipient::Encapsulation)),
        _ => Ok(Recipient::Other),
    }
}

fn key_transport(mut fields: Reader<'_>) -> Result<Recipient<'_>, Malformed> {
    fields.expect(tag::INTEGER)?;
    let id = match fields.optional(tag::context(0))? {
        Some(identifier) => CertificateId::KeyIdentifier(identifier.value),
        None => CertificateId::issuer_and_serial(fields.sequence()?)?,
    };
    let algorithm = Identifier::read(fields.sequence()?)?;
    let wrapped = fields.expect(tag::OCTET_STRING)?.value;
    fields.end()?;
    Ok(Recipient::KeyTransport { id, algorithm, wrapped })
}

fn key_agreement(mut fields: Reader<'_>) -> Result<KeyAgreement<'_>, Malformed> {
    fields.expect(tag::INTEGER)?;
    let originator = originator(fields.expect(tag::constructed(0))?.reader())?;
    let user_keying_material = match fields.optional(tag::constructed(1))? {
        Some(wrapper) => Some(asn1::single(wrapper.value, tag::OCTET_STRING)?.value),
        None => None,
    };
    let algorithm = Identifier::read(fields.sequence()?)?;
    let keys = fields.sequence()?.all(MAX_RECIPIENTS)?;
    fields.end()?;
    let keys = keys.iter().map(recipient_key).collect::<Result<_, _>>()?;
    Ok(KeyAgreement { originator, user_keying_material, algorithm, keys })
}

fn originator(mut choice: Reader<'_>) -> Result<Originator<'_>, Malformed> {
    let Some(key) = choice.optional(tag::constructed(1))? else { return Ok(Originator::Static) };
    choice.end()?;
    let mut fields = key.reader();
    let kind = Identifier::read(fields.sequence()?)?.oid;
    let key = fields.expect(tag::BIT_STRING)?;
    match kind {
        EC_OID | X25519_OID => Ok(Originator::Ephemeral(key.bits()?)),
        other => Ok(Originator::Unsupported(other)),
    }
}

fn recipient_key<'a>(element: &Tlv<'a>) -> Result<(CertificateId<'a>, &'a [u8]), Malformed> {
    let mut fields = element.reader();
    let id = match fields.optional(tag::constructed(0))? {
        Some(identifier) => {
            CertificateId::KeyIdentifier(identifier.reader().expect(tag::OCTET_STRING)?.value)
        }
        None => CertificateId::issuer_and_serial(fields.sequence()?)?,
    };
    let wrapped = fields.expect(tag::OCTET_STRING)?.value;
    fields.end()?;
    Ok((id, wrapped))
}

fn key_encryption_key(mut fields: Reader<'_>) -> Result<Recipient<'_>, Malformed> {
    fields.expect(tag::INTEGER)?;
    let key_identifier = fields.sequence()?.expect(tag::OCTET_STRING)?.value;
    let algorithm = Identifier::read(fields.sequence()?)?;
    let wrapped = fields.expect(tag::OCTET_STRING)?.value;
    fields.end()?;
    Ok(Recipient::KeyEncryptionKey { key_identifier, algorithm, wrapped })
}

fn password(mut fields: Reader<'_>) -> Result<Password<'_>, Malformed> {
    fields.expect(tag::INTEGER)?;
    let derivation = Identifier::read(fields.expect(tag::constructed(0))?.reader())?;
    let encryption = Identifier::read(fields.sequence()?)?;
    let wrapped = fields.expect(tag::OCTET_STRING)?.value;
    fields.end()?;
    Ok(Password { derivation, encryption, wrapped })
}

fn encrypted_content(mut fields: Reader<'_>) -> Result<(Identifier<'_>, &[u8]), Malformed> {
    fields.oid()?;
    let cipher = Identifier::read(fields.sequence()?)?;
    let ciphertext = fields.expect(tag::context(0))?.value;
    fields.end()?;
    Ok((cipher, ciphertext))
}
