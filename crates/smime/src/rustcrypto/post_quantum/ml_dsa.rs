use getrandom::SysRng;
use ml_dsa::{
    EncodedSignature, EncodedVerifyingKey, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65,
    MlDsa87, MlDsaParams, Signature, VerifyingKey,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Forms;
use crate::asn1::Malformed;
use crate::keyring::KeyringError;
use crate::provider::{MlDsa, ProviderError};

/// Checks a signature over a message, made with an empty context, under a public key's octets.
pub fn verify_ml_dsa(
    parameters: MlDsa,
    public: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    match parameters {
        MlDsa::Set44 => verify::<MlDsa44>(public, message, signature),
        MlDsa::Set65 => verify::<MlDsa65>(public, message, signature),
        MlDsa::Set87 => verify::<MlDsa87>(public, message, signature),
    }
}

fn verify<P: MlDsaParams>(public: &[u8], message: &[u8], signature: &[u8]) -> Result<(), ProviderError> {
    let encoded = EncodedVerifyingKey::<P>::try_from(public).map_err(|_| ProviderError::BadKey)?;
    let signature = EncodedSignature::<P>::try_from(signature).map_err(|_| ProviderError::BadSignature)?;
    let signature = Signature::<P>::decode(&signature).ok_or(ProviderError::BadSignature)?;
    let holds = VerifyingKey::<P>::decode(&encoded).verify_with_context(message, &[], &signature);
    if holds { Ok(()) } else { Err(ProviderError::BadSignature) }
}

pub(super) enum SigningKey {
    Set44(Box<ExpandedSigningKey<MlDsa44>>),
    Set65(Box<ExpandedSigningKey<MlDsa65>>),
    Set87(Box<ExpandedSigningKey<MlDsa87>>),
}

impl SigningKey {
    pub(super) fn read(parameters: MlDsa, key: &[u8]) -> Result<Self, KeyringError> {
        let forms = Forms::read(key).map_err(|Malformed| KeyringError::Malformed)?;
        Ok(match parameters {
            MlDsa::Set44 => {
                Self::Set44(Box::new(read::<MlDsa44>(&forms, Ranges { bits: 3, max: 4, vectors: 8 })?))
            }
            MlDsa::Set65 => {
                Self::Set65(Box::new(read::<MlDsa65>(&forms, Ranges { bits: 4, max: 8, vectors: 11 })?))
            }
            MlDsa::Set87 => {
                Self::Set87(Box::new(read::<MlDsa87>(&forms, Ranges { bits: 3, max: 4, vectors: 15 })?))
            }
        })
    }

    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Set44(key) => key.verifying_key().encode().to_vec(),
            Self::Set65(key) => key.verifying_key().encode().to_vec(),
            Self::Set87(key) => key.verifying_key().encode().to_vec(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let rng = &mut SysRng;
        let signature = match self {
            Self::Set44(key) => key.sign_randomized(message, &[], rng).map(|made| made.encode().to_vec()),
            Self::Set65(key) => key.sign_randomized(message, &[], rng).map(|made| made.encode().to_vec()),
            Self::Set87(key) => key.sign_randomized(message, &[], rng).map(|made| made.encode().to_vec()),
        };
        signature.map_err(|_| KeyringError::Failed)
    }
}

/// How the short vectors s1 and s2 lie in an expanded key (FIPS 204 4, algorithm 24).
struct Ranges {
    /// Bits of a coefficient.
    bits: usize,
    /// The largest value that those bits may have.
    max: u8,
    /// Polynomials in both vectors together.
    vectors: usize,
}

fn read<P: MlDsaParams>(forms: &Forms<'_>, ranges: Ranges) -> Result<ExpandedSigningKey<P>, KeyringError> {
    let Some(seed) = forms.seed else {
        let expanded = forms.expanded.ok_or(KeyringError::Malformed)?;
        return from_expanded(expanded, ranges);
    };
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed).map_err(|_| KeyringError::Malformed)?);
    let key = ExpandedSigningKey::<P>::from_seed((&*seed).into());
    // RFC 9881 8: both forms must be of one key.
    #[expect(deprecated, reason = "a file may hold the expanded form too")]
    let computed = Zeroizing::new(key.to_expanded().to_vec());
    let agrees = forms.expanded.is_none_or(|given| bool::from(given.ct_eq(&computed)));
    if agrees { Ok(key) } else { Err(KeyringError::Malformed) }
}

/// The crate checks nothing of an expanded key and panics at coefficients out of range.
fn from_expanded<P: MlDsaParams>(
    expanded: &[u8],
    ranges: Ranges,
) -> Result<ExpandedSigningKey<P>, KeyringError> {
    /// rho, K and tr come before the vectors.
    const BEFORE: usize = 128;
    let encoded = ExpandedSigningKeyBytes::<P>::try_from(expanded).map_err(|_| KeyringError::Malformed)?;
    let length = ranges.vectors * 32 * ranges.bits;
    let short = expanded.get(BEFORE..BEFORE + length).ok_or(KeyringError::Malformed)?;
    if !in_range(short, ranges.bits, ranges.max) {
        return Err(KeyringError::Malformed);
    }
    #[expect(deprecated, reason = "some files hold nothing else")]
    let key = ExpandedSigningKey::<P>::from_expanded(&encoded);
    // The hash of the public key within must be that of the key which follows from the rest: a
    // signature takes it in, and holds only then.
    let probe = key.sign_deterministic(b"consistent", &[]).map_err(|_| KeyringError::Malformed)?;
    if key.verifying_key().verify_with_context(b"consistent", &[], &probe) {
        Ok(key)
    } else {
        Err(KeyringError::Malformed)
    }
}

/// Whether every coefficient, the lowest bit first, is at most `max`; looks at all of them.
fn in_range(packed: &[u8], bits: usize, max: u8) -> bool {
    let mask = (1_u32 << bits) - 1;
    let (mut buffer, mut held, mut too_large) = (0_u32, 0, false);
    for octet in packed {
        buffer |= u32::from(*octet) << held;
        held += 8;
        while held >= bits {
            too_large |= buffer & mask > u32::from(max);
            buffer >>= bits;
            held -= bits;
        }
    }
    !too_large
}
