//! Key-encryption keys from shared secrets (RFC 5753, RFC 8418).

use ansi_x963_kdf::derive_key_into;
use const_oid::ObjectIdentifier as Oid;
use hkdf::Hkdf;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::algorithm::{Identifier, Unusable, name_of};
use crate::asn1::{Malformed, tag, write};
use crate::key_wrap::KeyWrap;
use crate::provider::{Curve, Hash};

const STANDARD_SHA256: Oid = Oid::new_unwrap("1.3.132.1.11.1");
const HKDF_SHA256: Oid = Oid::new_unwrap("1.2.840.113549.1.9.16.3.19");

/// The schemes of X9.63's derivation. Cofactor agreement differs from standard agreement only on
/// curves with a cofactor, of which there are none here.
const SCHEMES: [(Oid, Hash); 10] = [
    (Oid::new_unwrap("1.3.133.16.840.63.0.2"), Hash::Sha1),
    (Oid::new_unwrap("1.3.132.1.11.0"), Hash::Sha224),
    (STANDARD_SHA256, Hash::Sha256),
    (Oid::new_unwrap("1.3.132.1.11.2"), Hash::Sha384),
    (Oid::new_unwrap("1.3.132.1.11.3"), Hash::Sha512),
    (Oid::new_unwrap("1.3.133.16.840.63.0.3"), Hash::Sha1),
    (Oid::new_unwrap("1.3.132.1.14.0"), Hash::Sha224),
    (Oid::new_unwrap("1.3.132.1.14.1"), Hash::Sha256),
    (Oid::new_unwrap("1.3.132.1.14.2"), Hash::Sha384),
    (Oid::new_unwrap("1.3.132.1.14.3"), Hash::Sha512),
];

/// The schemes of HKDF (RFC 8418 2.2), which X25519 uses beside those of X9.63.
const HKDF_SCHEMES: [(Oid, Hash); 3] = [
    (HKDF_SHA256, Hash::Sha256),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.20"), Hash::Sha384),
    (Oid::new_unwrap("1.2.840.113549.1.9.16.3.21"), Hash::Sha512),
];

/// How a shared secret becomes a key.
#[derive(Clone, Copy, Debug)]
enum Derivation {
    X963(Hash),
    Hkdf(Hash),
}

/// The derivation and the key wrap that a KeyAgreeRecipientInfo names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheme<'a> {
    derivation: Derivation,
    wrap: KeyWrap,
    /// The key wrap's AlgorithmIdentifier as it was sent, which goes into the derivation.
    wrap_identifier: &'a [u8],
}

impl<'a> Scheme<'a> {
    pub(crate) fn of(identifier: &Identifier<'a>) -> Result<Self, Unusable> {
        let unsupported = |oid| Unusable::Unsupported(name_of(oid));
        let find = |table: &[(Oid, Hash)]| {
            table.iter().find(|(oid, _)| *oid == identifier.oid).map(|(_, hash)| *hash)
        };
        let known = find(&SCHEMES).map(Derivation::X963);
        let known = known.or_else(|| find(&HKDF_SCHEMES).map(Derivation::Hkdf));
        let derivation = known.ok_or_else(|| unsupported(identifier.oid))?;
        let parameters = identifier.parameters.ok_or(Malformed)?;
        let wrap = Identifier::read(parameters.reader())?.oid;
        let wrap = KeyWrap::of(wrap).ok_or_else(|| unsupported(wrap))?;
        Ok(Self { derivation, wrap, wrap_identifier: parameters.der })
    }

    /// Derives the key-encryption key.
    fn derive(&self, shared: &[u8], user_keying_material: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        let info = shared_info(self.wrap_identifier, user_keying_material, self.wrap.key_len());
        let mut key = Zeroizing::new(vec![0; self.wrap.key_len()]);
        match self.derivation {
            Derivation::X963(hash) => x963(hash, shared, &info, &mut key)?,
            // RFC 8418 2.2: keying material of the sender is the salt as well.
            Derivation::Hkdf(hash) => hkdf(hash, user_keying_material, shared, &info, &mut key)?,
        }
        Some(key)
    }

    /// Unwraps a content-encryption key; None if it was not wrapped under this secret.
    pub(crate) fn unwrap(
        &self,
        shared: &[u8],
        user_keying_material: Option<&[u8]>,
        wrapped: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let kek = self.derive(shared, user_keying_material)?;
        self.wrap.unwrap(&kek, wrapped)
    }
}

fn x963(hash: Hash, shared: &[u8], info: &[u8], key: &mut [u8]) -> Option<()> {
    match hash {
        Hash::Sha1 => derive_key_into::<Sha1>(shared, info, key),
        Hash::Sha224 => derive_key_into::<Sha224>(shared, info, key),
        Hash::Sha256 => derive_key_into::<Sha256>(shared, info, key),
        Hash::Sha384 => derive_key_into::<Sha384>(shared, info, key),
        Hash::Sha512 => derive_key_into::<Sha512>(shared, info, key),
    }
    .ok()
}

/// HKDF (RFC 5869) with the hashes that CMS names; None for others.
pub(crate) fn hkdf(
    hash: Hash,
    salt: Option<&[u8]>,
    secret: &[u8],
    info: &[u8],
    key: &mut [u8],
) -> Option<()> {
    match hash {
        Hash::Sha1 | Hash::Sha224 => return None,
        Hash::Sha256 => Hkdf::<Sha256>::new(salt, secret).expand(info, key),
        Hash::Sha384 => Hkdf::<Sha384>::new(salt, secret).expand(info, key),
        Hash::Sha512 => Hkdf::<Sha512>::new(salt, secret).expand(info, key),
    }
    .ok()
}

/// Wraps a content-encryption key, with SHA-256 in the derivation; gives the AlgorithmIdentifier, too.
pub(crate) fn wrap(curve: Curve, shared: &[u8], key: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    // RFC 8551 2.3: what every S/MIME 4.0 reader of the curve has.
    let (oid, derivation) = match curve {
        Curve::X25519 => (HKDF_SHA256, Derivation::Hkdf(Hash::Sha256)),
        _ => (STANDARD_SHA256, Derivation::X963(Hash::Sha256)),
    };
    let wrap = KeyWrap::for_key(key.len())?;
    let wrap_identifier = wrap.identifier();
    let scheme = Scheme { derivation, wrap, wrap_identifier: &wrap_identifier };
    let wrapped = wrap.wrap(&scheme.derive(shared, None)?, key)?;
    Some((write::algorithm(oid, &wrap_identifier), wrapped))
}

/// ECC-CMS-SharedInfo (RFC 5753 7.2).
fn shared_info(wrap_identifier: &[u8], user_keying_material: Option<&[u8]>, key_len: usize) -> Vec<u8> {
    let material = user_keying_material
        .map(|material| write::tlv(tag::constructed(0), &[&write::octets(material)]))
        .unwrap_or_default();
    let bits = u32::try_from(key_len * 8).unwrap_or(u32::MAX).to_be_bytes();
    let length = write::tlv(tag::constructed(2), &[&write::octets(&bits)]);
    write::sequence(&[wrap_identifier, &material, &length])
}
