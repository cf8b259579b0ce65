//! Recipients of key encapsulation (RFC 9629), with ML-KEM (RFC 9936).

use const_oid::ObjectIdentifier as Oid;
use zeroize::Zeroizing;

use crate::algorithm::{Identifier, Unusable, name_of};
use crate::asn1::{Malformed, Reader, Tlv, tag, write};
use crate::certificate::{Certificate, ML_KEM_OIDS};
use crate::cms::{self, CertificateId};
use crate::key_agreement::hkdf;
use crate::key_wrap::KeyWrap;
use crate::provider::{Hash, MlKem};

/// id-ori-kem, the kind of OtherRecipientInfo.
const KEM_RECIPIENT: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.13.3");
const HKDF_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.28");
const HKDF_SHA384: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.29");
const HKDF_SHA512: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.30");

/// KEMRecipientInfo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KemRecipient<'a> {
    pub(crate) id: CertificateId<'a>,
    kem: Oid,
    pub(crate) ciphertext: &'a [u8],
    derivation: Oid,
    kek_length: u32,
    user_keying_material: Option<Tlv<'a>>,
    wrap: Oid,
    wrap_identifier: &'a [u8],
    wrapped: &'a [u8],
}

impl<'a> KemRecipient<'a> {
    /// Reads an OtherRecipientInfo; None if it is of another kind.
    pub(crate) fn read(mut other: Reader<'a>) -> Result<Option<Self>, Malformed> {
        if other.oid()? != KEM_RECIPIENT {
            return Ok(None);
        }
        let mut fields = other.sequence()?;
        other.end()?;
        fields.expect(tag::INTEGER)?;
        let id = match fields.optional(tag::context(0))? {
            Some(identifier) => CertificateId::KeyIdentifier(identifier.value),
            None => CertificateId::issuer_and_serial(fields.sequence()?)?,
        };
        let kem = Identifier::read(fields.sequence()?)?.oid;
        let ciphertext = fields.expect(tag::OCTET_STRING)?.value;
        let derivation = Identifier::read(fields.sequence()?)?.oid;
        let kek_length = fields.expect(tag::INTEGER)?.small()?;
        let user_keying_material = fields.optional(tag::constructed(0))?;
        let wrap_identifier = fields.expect(tag::SEQUENCE)?;
        let wrap = Identifier::read(wrap_identifier.reader())?.oid;
        let wrapped = fields.expect(tag::OCTET_STRING)?.value;
        fields.end()?;
        let wrap_identifier = wrap_identifier.der;
        Ok(Some(Self {
            id,
            kem,
            ciphertext,
            derivation,
            kek_length,
            user_keying_material,
            wrap,
            wrap_identifier,
            wrapped,
        }))
    }

    /// How the key is to be had from the shared secret; asked before the private key is used.
    pub(crate) fn scheme(&self) -> Result<Scheme, Unusable> {
        let unsupported = |oid| Unusable::Unsupported(name_of(oid));
        if !ML_KEM_OIDS.iter().any(|(known, _)| *known == self.kem) {
            return Err(unsupported(self.kem));
        }
        let hash = match self.derivation {
            HKDF_SHA256 => Hash::Sha256,
            HKDF_SHA384 => Hash::Sha384,
            HKDF_SHA512 => Hash::Sha512,
            other => return Err(unsupported(other)),
        };
        let wrap = KeyWrap::of(self.wrap).filter(|wrap| *wrap != KeyWrap::TripleDes);
        let wrap = wrap.ok_or_else(|| unsupported(self.wrap))?;
        // RFC 9629 3: the length must be the one that the key wrap takes.
        if usize::try_from(self.kek_length) != Ok(wrap.key_len()) {
            return Err(Unusable::Malformed);
        }
        Ok(Scheme { hash, wrap })
    }

    /// Unwraps the content-encryption key; None if it was not wrapped under this secret.
    pub(crate) fn unwrap(&self, scheme: Scheme, shared: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let material = self.user_keying_material.map(|material| material.der).unwrap_or_default();
        let info = other_info(self.wrap_identifier, self.kek_length, material);
        let mut kek = Zeroizing::new(vec![0; scheme.wrap.key_len()]);
        hkdf(scheme.hash, None, shared, &info, &mut kek)?;
        scheme.wrap.unwrap(&kek, self.wrapped)
    }
}

/// The derivation and the key wrap of a recipient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheme {
    hash: Hash,
    wrap: KeyWrap,
}

/// Writes a recipient: HKDF with SHA-256, which every reader has (RFC 9936 2.2.1), and AES-256 key wrap.
pub(crate) fn recipient_info(
    recipient: &Certificate,
    parameters: MlKem,
    ciphertext: &[u8],
    shared: &[u8],
    key: &[u8],
) -> Option<Vec<u8>> {
    let wrap = KeyWrap::Aes256;
    let wrap_identifier = wrap.identifier();
    let mut kek = Zeroizing::new([0; 32]);
    let kek_length = u32::try_from(kek.len()).ok()?;
    hkdf(Hash::Sha256, None, shared, &other_info(&wrap_identifier, kek_length, &[]), &mut *kek)?;
    let (kem, _) = ML_KEM_OIDS.iter().find(|(_, known)| *known == parameters)?;
    let info = write::sequence(&[
        &write::integer(0),
        &cms::issuer_and_serial(tag::SEQUENCE, recipient),
        &write::algorithm(*kem, &[]),
        &write::octets(ciphertext),
        &write::algorithm(HKDF_SHA256, &[]),
        &write::integer(u64::from(kek_length)),
        &wrap_identifier,
        &write::octets(&wrap.wrap(&*kek, key)?),
    ]);
    Some(write::tlv(tag::constructed(4), &[&write::oid(KEM_RECIPIENT), &info]))
}

/// CMSORIforKEMOtherInfo (RFC 9629 5).
fn other_info(wrap_identifier: &[u8], kek_length: u32, user_keying_material: &[u8]) -> Vec<u8> {
    write::sequence(&[wrap_identifier, &write::integer(u64::from(kek_length)), user_keying_material])
}
