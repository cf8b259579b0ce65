//! ML-DSA (FIPS 204) and ML-KEM (FIPS 203).

mod ml_dsa;
mod ml_kem;
mod rounding;

use const_oid::ObjectIdentifier as Oid;
use rand_core::CryptoRng;
use shake::Shake256;
use shake::digest::ExtendableOutput as _;
use zeroize::Zeroizing;

use crate::algorithm::Identifier;
use crate::asn1::{self, Malformed, tag, write};
use crate::certificate::{ML_DSA_OIDS, ML_KEM_OIDS};
use crate::keyring::KeyringError;
use crate::provider::{MlDsa, MlKem};

pub use ml_dsa::verify_ml_dsa;
pub use ml_kem::encapsulate;

/// 512 bits of SHAKE256, as CMS digests with it (RFC 8702 3.1).
pub(crate) fn shake256(data: &[u8]) -> Vec<u8> {
    let mut digest = [0; 64];
    Shake256::digest_xof(data, &mut digest);
    digest.to_vec()
}

/// A private key of ML-DSA or ML-KEM, as it came in PKCS#8 (RFC 9881 6, RFC 9935 6): a seed, an expanded
/// key, or both.
///
/// For keyrings that keep their keys elsewhere; [`MemoryKeyring`](super::MemoryKeyring) uses it too.
pub struct PostQuantumKey {
    kind: Kind,
    pkcs8: Zeroizing<Vec<u8>>,
    public: Vec<u8>,
}

enum Kind {
    Signing(MlDsa, ml_dsa::SigningKey),
    Decapsulation(MlKem, ml_kem::DecapsulationKey),
}

impl PostQuantumKey {
    /// Reads PKCS#8. Forms that disagree, and expanded keys that are not consistent in themselves, are
    /// refused.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyringError> {
        let (identifier, key) = private_key(der).map_err(|Malformed| KeyringError::Malformed)?;
        let algorithm = identifier.oid;
        let dsa = ML_DSA_OIDS.iter().find(|(oid, _)| *oid == algorithm);
        let kem = ML_KEM_OIDS.iter().find(|(oid, _)| *oid == algorithm);
        // RFC 9881 2, RFC 9935 3: the parameters must be absent.
        if (dsa.is_some() || kem.is_some()) && identifier.parameters.is_some() {
            return Err(KeyringError::Malformed);
        }
        let kind = match (dsa, kem) {
            (Some((_, parameters)), _) => {
                Kind::Signing(*parameters, ml_dsa::SigningKey::read(*parameters, key)?)
            }
            (_, Some((_, parameters))) => {
                Kind::Decapsulation(*parameters, ml_kem::DecapsulationKey::read(*parameters, key)?)
            }
            _ => return Err(KeyringError::Unsupported),
        };
        Ok(Self::new(kind, Zeroizing::new(der.to_vec())))
    }

    /// Makes an ML-DSA key.
    pub fn generate_ml_dsa(parameters: MlDsa, rng: &mut impl CryptoRng) -> Result<Self, KeyringError> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self::from_pkcs8(&seed_to_pkcs8(&ML_DSA_OIDS, parameters, &*seed)?)
    }

    /// Makes an ML-KEM key.
    pub fn generate_ml_kem(parameters: MlKem, rng: &mut impl CryptoRng) -> Result<Self, KeyringError> {
        let mut seed = Zeroizing::new([0; 64]);
        rng.fill_bytes(&mut *seed);
        Self::from_pkcs8(&seed_to_pkcs8(&ML_KEM_OIDS, parameters, &*seed)?)
    }

    fn new(kind: Kind, pkcs8: Zeroizing<Vec<u8>>) -> Self {
        let public = match &kind {
            Kind::Signing(_, key) => key.public(),
            Kind::Decapsulation(_, key) => key.public(),
        };
        Self { kind, pkcs8, public }
    }

    /// The PKCS#8 that it came in.
    pub fn pkcs8(&self) -> &Zeroizing<Vec<u8>> {
        &self.pkcs8
    }

    /// The SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        let oid = match self.kind {
            Kind::Signing(parameters, _) => oid_of(&ML_DSA_OIDS, parameters),
            Kind::Decapsulation(parameters, _) => oid_of(&ML_KEM_OIDS, parameters),
        };
        let identifier = oid.map(|oid| write::algorithm(oid, &[])).unwrap_or_default();
        write::sequence(&[&identifier, &write::bits(&self.public)])
    }

    /// Signs a message, with an empty context and fresh randomness (FIPS 204 3.4).
    pub fn sign(&self, parameters: MlDsa, message: &[u8]) -> Result<Vec<u8>, KeyringError> {
        match &self.kind {
            Kind::Signing(own, key) if *own == parameters => key.sign(message),
            _ => Err(KeyringError::WrongKind),
        }
    }

    /// The shared secret of a ciphertext; one that was made for another key gives another secret.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        match &self.kind {
            Kind::Decapsulation(_, key) => key.decapsulate(ciphertext),
            Kind::Signing(..) => Err(KeyringError::WrongKind),
        }
    }
}

fn oid_of<P: Copy + PartialEq>(table: &[(Oid, P)], parameters: P) -> Option<Oid> {
    table.iter().find(|(_, known)| *known == parameters).map(|(oid, _)| *oid)
}

/// The algorithm and the privateKey octets of a PrivateKeyInfo (RFC 5958 2).
fn private_key(der: &[u8]) -> Result<(Identifier<'_>, &[u8]), Malformed> {
    let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
    fields.expect(tag::INTEGER)?;
    let identifier = Identifier::read(fields.sequence()?)?;
    Ok((identifier, fields.expect(tag::OCTET_STRING)?.value))
}

fn seed_to_pkcs8<P: Copy + PartialEq>(
    table: &[(Oid, P)],
    parameters: P,
    seed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let oid = oid_of(table, parameters).ok_or(KeyringError::Unsupported)?;
    let choice = Zeroizing::new(write::tlv(tag::context(0), &[seed]));
    let octets = Zeroizing::new(write::octets(&choice));
    let parts: [&[u8]; 3] = [&write::integer(0), &write::algorithm(oid, &[]), &octets];
    Ok(Zeroizing::new(write::sequence(&parts)))
}

/// The forms of a private key that were found; at least one.
struct Forms<'a> {
    seed: Option<&'a [u8]>,
    expanded: Option<&'a [u8]>,
}

impl<'a> Forms<'a> {
    fn read(key: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = asn1::Reader::new(key);
        let form = reader.next()?;
        reader.end()?;
        match form.tag {
            tag::OCTET_STRING => Ok(Self { seed: None, expanded: Some(form.value) }),
            tag::SEQUENCE => {
                let mut both = form.reader();
                let seed = both.expect(tag::OCTET_STRING)?.value;
                let expanded = both.expect(tag::OCTET_STRING)?.value;
                both.end()?;
                Ok(Self { seed: Some(seed), expanded: Some(expanded) })
            }
            seed if seed == tag::context(0) => Ok(Self { seed: Some(form.value), expanded: None }),
            _ => Err(Malformed),
        }
    }
}
