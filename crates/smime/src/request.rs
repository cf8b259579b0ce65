//! Certificate requests (PKCS#10, RFC 2986).
//!
//! ```
//! # #[allow(dead_code)] mod people { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/people.rs")); }
//! # use people::{NOW, People, people};
//! # use smime::rustcrypto::RustCrypto;
//! use smime::issue::{Usage, issue};
//! use smime::request;
//! # use people::profile;
//!
//! # smime::block_on_ready(async {
//! # let People { keyring, alice, root, .. } = people().await?;
//! # let (key, spki) = (&alice.key, alice.chain[0].spki());
//! let asked = request::create(&keyring, key, spki, "alice@a.example", "Alice", Usage::Signing).await?;
//!
//! // The authority's side: that the key is hers is proven, and that the address is remains to be found out.
//! let asked = request::verify(&RustCrypto, &asked).await?;
//! assert_eq!(asked.emails(), ["alice@a.example"]);
//! let certificate = issue(&keyring, &root, asked.spki(), &profile(Usage::Signing, 9)).await?;
//! assert_eq!(certificate.emails(), asked.emails());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

use const_oid::ObjectIdentifier as Oid;

use crate::algorithm::{self, Identifier, Unusable};
use crate::asn1::{self, Malformed, Reader, Tlv, tag, write};
use crate::certificate::{COMMON_NAME, EMAIL_ADDRESS, KeyKind, email_of, name_attribute, oid};
use crate::issue::{Usage, extension, name};
use crate::keyring::{KeyId, Keyring, KeyringError};
use crate::provider::Provider;

/// Why a request was not made, or is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not the DER of a certificate request.
    #[error("the certificate request is malformed")]
    Malformed,
    /// The key is of a kind that cannot sign its own request here.
    #[error("the key cannot sign a request")]
    UnsupportedKey,
    /// The key or its signature is too weak to be certified.
    #[error("the key or its signature is too weak")]
    TooWeak,
    /// The request is not signed by the key it names.
    #[error("the request does not prove possession of its key")]
    BadSignature,
    /// The private key failed.
    #[error("signing failed: {0}")]
    Key(#[from] KeyringError),
}

impl From<Malformed> for RequestError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

const EXTENSION_REQUEST: Oid = Oid::new_unwrap("1.2.840.113549.1.9.14");
/// A request has at most this many attributes, extensions and names here.
const MAX_PARTS: usize = 64;

/// A request whose sender was shown to hold the private key. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    spki: Vec<u8>,
    emails: Vec<String>,
    common_name: Option<String>,
}

impl CertificateRequest {
    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The addresses asked for; nothing about them is proven.
    pub fn emails(&self) -> &[String] {
        &self.emails
    }

    /// The name asked for; nothing about it is proven.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }
}

/// Makes a request for an address, signed by the key whose SubjectPublicKeyInfo is `spki`.
pub async fn create(
    keyring: &impl Keyring,
    key: &KeyId,
    spki: &[u8],
    address: &str,
    common_name: &str,
    usage: Usage,
) -> Result<Vec<u8>, RequestError> {
    let kind = KeyKind::of(spki);
    let algorithm = algorithm::for_key(kind).ok_or(RequestError::UnsupportedKey)?;
    let extensions = write::sequence(&[
        &extension::key_usage(usage, kind).ok_or(RequestError::UnsupportedKey)?,
        &extension::extended_key_usage(usage),
        &extension::subject_alt_name(&[address.to_owned()]),
    ]);
    let attribute = write::sequence(&[&write::oid(EXTENSION_REQUEST), &write::tlv(tag::SET, &[&extensions])]);
    let info = write::sequence(&[
        &write::integer(0),
        &name(None, common_name),
        spki,
        &write::tlv(tag::constructed(0), &[&attribute]),
    ]);
    let signature = keyring.sign(key, algorithm, &info).await?;
    let identifier = algorithm::signature_identifier(algorithm);
    Ok(write::sequence(&[&info, &identifier, &write::bits(&signature)]))
}

/// Checks that the request is signed by the key it names.
pub async fn verify(provider: &impl Provider, der: &[u8]) -> Result<CertificateRequest, RequestError> {
    let mut outer = asn1::single(der, tag::SEQUENCE)?.reader();
    let info = outer.expect(tag::SEQUENCE)?;
    let identifier = Identifier::read(outer.sequence()?)?;
    let signature = outer.expect(tag::BIT_STRING)?.bits()?;
    outer.end()?;
    let mut fields = info.reader();
    fields.expect(tag::INTEGER)?;
    let subject = fields.expect(tag::SEQUENCE)?.der;
    let spki = fields.expect(tag::SEQUENCE)?.der;
    let algorithm =
        algorithm::signature(&identifier, None, KeyKind::of(spki)).map_err(|error| match error {
            Unusable::Malformed => RequestError::Malformed,
            Unusable::Unsupported(_) => RequestError::UnsupportedKey,
        })?;
    if algorithm::weakness(algorithm, KeyKind::of(spki)).is_some() {
        return Err(RequestError::TooWeak);
    }
    let checked = provider.verify(spki, algorithm, info.der, signature).await;
    checked.map_err(|_| RequestError::BadSignature)?;
    let mut emails = match fields.optional(tag::constructed(0))? {
        Some(attributes) => requested_emails(attributes.reader())?,
        None => Vec::new(),
    };
    emails.extend(name_attribute(subject, EMAIL_ADDRESS));
    emails.dedup();
    let common_name = name_attribute(subject, COMMON_NAME).pop();
    Ok(CertificateRequest { spki: spki.to_vec(), emails, common_name })
}

fn requested_emails(attributes: Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut emails = Vec::new();
    for attribute in attributes.all(MAX_PARTS)? {
        let mut fields = attribute.reader();
        if fields.oid()? != EXTENSION_REQUEST {
            continue;
        }
        let extensions = asn1::single(fields.expect(tag::SET)?.value, tag::SEQUENCE)?;
        for extension in extensions.reader().all(MAX_PARTS)? {
            emails.extend(alternative_emails(&extension)?);
        }
    }
    Ok(emails)
}

fn alternative_emails(extension: &Tlv<'_>) -> Result<Vec<String>, Malformed> {
    let mut fields = extension.reader();
    if fields.oid()? != oid::SUBJECT_ALT_NAME {
        return Ok(Vec::new());
    }
    fields.optional(tag::BOOLEAN)?;
    let names = asn1::single(fields.expect(tag::OCTET_STRING)?.value, tag::SEQUENCE)?;
    let emails = names.reader().all(MAX_PARTS)?.iter().map(email_of).collect::<Result<Vec<_>, _>>()?;
    Ok(emails.into_iter().flatten().collect())
}
