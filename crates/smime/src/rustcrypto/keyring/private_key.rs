use getrandom::SysRng;
use p256::ecdsa::signature::Signer;
use p256::elliptic_curve::Generate;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rand_core::CryptoRng;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::{Pkcs1v15Encrypt, Pss};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

#[cfg(feature = "post-quantum")]
use super::super::PostQuantumKey;
use super::super::{agree, digest, nist, oaep, public};
use crate::asn1::{single, tag, write};
use crate::certificate::{KeyKind, RSA_PSS_OID, X25519_OID};
use crate::keyring::KeyringError;
use crate::provider::{Curve, Hash, RsaPadding, SignatureAlgorithm};

/// A private key; every kind wipes itself when dropped.
pub(super) enum PrivateKey {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    X25519(x25519_dalek::StaticSecret),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(Box<rsa::PrivateKey>),
    #[cfg(feature = "post-quantum")]
    PostQuantum(Box<PostQuantumKey>),
}

impl PrivateKey {
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyringError> {
        if let Ok(key) = p256::SecretKey::from_pkcs8_der(der) {
            return Ok(Self::P256(key));
        }
        if let Ok(key) = rsa::PrivateKey::from_pkcs8_der(der) {
            return Ok(Self::Rsa(Box::new(key)));
        }
        if let Ok(key) = p384::SecretKey::from_pkcs8_der(der) {
            return Ok(Self::P384(key));
        }
        if let Ok(key) = p521::SecretKey::from_pkcs8_der(der) {
            return Ok(Self::P521(key));
        }
        if let Ok(key) = ed25519_dalek::SigningKey::from_pkcs8_der(der) {
            return Ok(Self::Ed25519(key));
        }
        if let Some(key) = other_from_pkcs8(der) {
            return Ok(key);
        }
        #[cfg(feature = "post-quantum")]
        match PostQuantumKey::from_pkcs8(der) {
            Ok(key) => return Ok(Self::PostQuantum(Box::new(key))),
            Err(KeyringError::Unsupported) => {}
            Err(error) => return Err(error),
        }
        Err(refusal(der))
    }

    pub(super) fn generate(kind: KeyKind, rng: &mut impl CryptoRng) -> Result<Self, KeyringError> {
        Ok(match kind {
            KeyKind::Rsa { bits } => return Self::generate_rsa(rng, bits),
            KeyKind::Ec(Curve::P256) => Self::P256(p256::SecretKey::generate_from_rng(rng)),
            KeyKind::Ec(Curve::P384) => Self::P384(p384::SecretKey::generate_from_rng(rng)),
            KeyKind::Ec(Curve::P521) => Self::P521(p521::SecretKey::generate_from_rng(rng)),
            KeyKind::X25519 => Self::X25519(x25519_dalek::StaticSecret::random_from_rng(rng)),
            KeyKind::Ed25519 => {
                let mut secret = Zeroizing::new([0; 32]);
                rng.fill_bytes(&mut *secret);
                Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&secret))
            }
            #[cfg(feature = "post-quantum")]
            KeyKind::MlDsa(parameters) => {
                Self::PostQuantum(Box::new(PostQuantumKey::generate_ml_dsa(parameters, rng)?))
            }
            #[cfg(feature = "post-quantum")]
            KeyKind::MlKem(parameters) => {
                Self::PostQuantum(Box::new(PostQuantumKey::generate_ml_kem(parameters, rng)?))
            }
            _ => return Err(KeyringError::Unsupported),
        })
    }

    fn generate_rsa(rng: &mut impl CryptoRng, bits: usize) -> Result<Self, KeyringError> {
        let key = rsa::PrivateKey::new(rng, bits).map_err(|_| KeyringError::Unsupported)?;
        Ok(Self::Rsa(Box::new(key)))
    }

    pub(super) fn spki(&self) -> Result<Vec<u8>, KeyringError> {
        let spki = match self {
            Self::P256(key) => key.public_key().to_public_key_der(),
            Self::P384(key) => key.public_key().to_public_key_der(),
            Self::P521(key) => key.public_key().to_public_key_der(),
            Self::Ed25519(key) => key.verifying_key().to_public_key_der(),
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            #[cfg(feature = "post-quantum")]
            Self::PostQuantum(key) => return Ok(key.spki()),
            Self::X25519(key) => {
                let public = x25519_dalek::PublicKey::from(key);
                let identifier = write::algorithm(X25519_OID, &[]);
                return Ok(write::sequence(&[&identifier, &write::bits(public.as_bytes())]));
            }
        };
        Ok(spki.map_err(|_| KeyringError::Failed)?.into_vec())
    }

    pub(super) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let pkcs8 = match self {
            Self::P256(key) => key.to_pkcs8_der(),
            Self::P384(key) => key.to_pkcs8_der(),
            Self::P521(key) => key.to_pkcs8_der(),
            Self::Ed25519(key) => key.to_pkcs8_der(),
            Self::Rsa(key) => key.to_pkcs8_der(),
            #[cfg(feature = "post-quantum")]
            Self::PostQuantum(key) => return Ok(key.pkcs8().clone()),
            Self::X25519(key) => {
                let secret = Zeroizing::new(write::octets(key.as_bytes()));
                let parts: [&[u8]; 3] = [
                    &write::integer(0),
                    &write::algorithm(X25519_OID, &[]),
                    &Zeroizing::new(write::octets(&secret)),
                ];
                return Ok(Zeroizing::new(write::sequence(&parts)));
            }
        };
        Ok(Zeroizing::new(pkcs8.map_err(|_| KeyringError::Failed)?.as_bytes().to_vec()))
    }

    pub(super) fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyringError> {
        match (self, algorithm) {
            (Self::P256(key), SignatureAlgorithm::Ecdsa(Curve::P256, hash)) => {
                nist::p256::sign(key, &digest(hash, message)).ok_or(KeyringError::Failed)
            }
            (Self::P384(key), SignatureAlgorithm::Ecdsa(Curve::P384, hash)) => {
                nist::p384::sign(key, &digest(hash, message)).ok_or(KeyringError::Failed)
            }
            (Self::P521(key), SignatureAlgorithm::Ecdsa(Curve::P521, hash)) => {
                nist::p521::sign(key, &digest(hash, message)).ok_or(KeyringError::Failed)
            }
            (Self::Ed25519(key), SignatureAlgorithm::Ed25519) => Ok(key.sign(message).to_bytes().to_vec()),
            (Self::Rsa(key), algorithm) => sign_rsa(key, algorithm, message),
            #[cfg(feature = "post-quantum")]
            (Self::PostQuantum(key), SignatureAlgorithm::MlDsa(parameters)) => key.sign(parameters, message),
            _ => Err(KeyringError::WrongKind),
        }
    }

    pub(super) fn unwrap_rsa(
        &self,
        padding: RsaPadding<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        match self {
            Self::Rsa(key) => unwrap(key, padding, wrapped),
            _ => Err(KeyringError::WrongKind),
        }
    }

    pub(super) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let _ = ciphertext;
        match self {
            #[cfg(feature = "post-quantum")]
            Self::PostQuantum(key) => key.decapsulate(ciphertext),
            _ => Err(KeyringError::WrongKind),
        }
    }

    pub(super) fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let shared = match self {
            Self::P256(key) => nist::p256::shared(key, peer),
            Self::P384(key) => nist::p384::shared(key, peer),
            Self::P521(key) => nist::p521::shared(key, peer),
            Self::X25519(key) => agree::x25519_shared(key, peer),
            _ => return Err(KeyringError::WrongKind),
        };
        shared.ok_or(KeyringError::Failed)
    }
}

fn unwrap(
    key: &rsa::PrivateKey,
    padding: RsaPadding<'_>,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let unwrapped = match padding {
        RsaPadding::Pkcs1v15 => decrypt_pkcs1v15(key, wrapped),
        RsaPadding::Oaep { hash, mask, label } => oaep::unwrap(key, (hash, mask, label), wrapped),
    };
    unwrapped.map(Zeroizing::new).map_err(|_| KeyringError::Failed)
}

/// Decrypts a PKCS#1 v1.5 content-encryption key under an RSA key in PKCS#8, for keyrings that keep their
/// keys elsewhere and lack this padding; [`MemoryKeyring`](super::MemoryKeyring) would bring every curve.
pub fn unwrap_pkcs1v15(pkcs8: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let key = rsa::PrivateKey::from_pkcs8_der(pkcs8).map_err(|_| KeyringError::Malformed)?;
    decrypt_pkcs1v15(&key, wrapped).map(Zeroizing::new).map_err(|_| KeyringError::Failed)
}

/// The crate rejects implicitly: bad padding gives a synthetic key.
fn decrypt_pkcs1v15(key: &rsa::PrivateKey, wrapped: &[u8]) -> rsa::Result<Vec<u8>> {
    key.decrypt_blinded(&mut SysRng, Pkcs1v15Encrypt, wrapped)
}

fn sign_rsa(
    key: &rsa::PrivateKey,
    algorithm: SignatureAlgorithm,
    message: &[u8],
) -> Result<Vec<u8>, KeyringError> {
    let rng = &mut SysRng;
    let signature = match algorithm {
        SignatureAlgorithm::RsaPkcs1(hash) => {
            key.sign_with_rng(rng, public::pkcs1(hash), &digest(hash, message))
        }
        SignatureAlgorithm::RsaPss { hash, salt_len } => {
            let digest = digest(hash, message);
            match hash {
                Hash::Sha1 => key.sign_with_rng(rng, Pss::<Sha1>::new_with_salt(salt_len), &digest),
                Hash::Sha224 => key.sign_with_rng(rng, Pss::<Sha224>::new_with_salt(salt_len), &digest),
                Hash::Sha256 => key.sign_with_rng(rng, Pss::<Sha256>::new_with_salt(salt_len), &digest),
                Hash::Sha384 => key.sign_with_rng(rng, Pss::<Sha384>::new_with_salt(salt_len), &digest),
                Hash::Sha512 => key.sign_with_rng(rng, Pss::<Sha512>::new_with_salt(salt_len), &digest),
            }
        }
        _ => return Err(KeyringError::WrongKind),
    };
    signature.map_err(|_| KeyringError::Failed)
}

/// Why no key was read: it is of a kind that is not here, or it is broken.
fn refusal(der: &[u8]) -> KeyringError {
    let identifier = || {
        let mut fields = single(der, tag::SEQUENCE).ok()?.reader();
        fields.expect(tag::INTEGER).ok()?;
        fields.expect(tag::SEQUENCE).ok()
    };
    // The identifier is the same as that of the public key.
    let kind =
        identifier().map(|identifier| KeyKind::of(&write::sequence(&[identifier.der, &write::bits(&[])])));
    match kind {
        Some(KeyKind::Named(_)) => KeyringError::Unsupported,
        _ => KeyringError::Malformed,
    }
}

/// The kinds whose crates read no such PKCS#8: X25519, and RSA keys that are bound to RSA-PSS.
fn other_from_pkcs8(der: &[u8]) -> Option<PrivateKey> {
    let mut fields = single(der, tag::SEQUENCE).ok()?.reader();
    fields.expect(tag::INTEGER).ok()?;
    let algorithm = fields.sequence().ok()?.oid().ok()?;
    let key = fields.expect(tag::OCTET_STRING).ok()?.value;
    match algorithm {
        // RFC 8410 7: the key is an OCTET STRING in an OCTET STRING.
        X25519_OID => {
            let octets = single(key, tag::OCTET_STRING).ok()?.value;
            let octets = Zeroizing::new(<[u8; 32]>::try_from(octets).ok()?);
            Some(PrivateKey::X25519(x25519_dalek::StaticSecret::from(*octets)))
        }
        RSA_PSS_OID => {
            let key = rsa::PrivateKey::from_pkcs1_der(key).ok()?;
            Some(PrivateKey::Rsa(Box::new(key)))
        }
        _ => None,
    }
}
