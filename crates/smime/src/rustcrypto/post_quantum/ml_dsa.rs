use getrandom::SysRng;
use ml_dsa::{
    EncodedSignature, EncodedVerifyingKey, ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44, MlDsa65,
    MlDsa87, MlDsaParams, Signature, VerifyingKey,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Forms;
use super::rounding::{self, Shape};
use crate::asn1::Malformed;
use crate::certificate::{KeyKind, key_octets};
use crate::keyring::KeyringError;
use crate::provider::{MlDsa, ProviderError};

/// Checks a signature over a message, made with an empty context, with a SubjectPublicKeyInfo.
pub fn verify_ml_dsa(
    spki: &[u8],
    parameters: MlDsa,
    message: &[u8],
    signature: &[u8],
) -> Result<(), ProviderError> {
    let public = key_octets(spki).map_err(|Malformed| ProviderError::BadKey)?;
    // The octets alone do not tell what they are a key of.
    if KeyKind::of(spki) != KeyKind::MlDsa(parameters) {
        return Err(ProviderError::BadKey);
    }
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
            MlDsa::Set44 => Self::Set44(Box::new(read::<MlDsa44>(&forms, Shape { k: 4, l: 4, eta: 2 })?)),
            MlDsa::Set65 => Self::Set65(Box::new(read::<MlDsa65>(&forms, Shape { k: 6, l: 5, eta: 4 })?)),
            MlDsa::Set87 => Self::Set87(Box::new(read::<MlDsa87>(&forms, Shape { k: 8, l: 7, eta: 2 })?)),
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

fn read<P: MlDsaParams>(forms: &Forms<'_>, shape: Shape) -> Result<ExpandedSigningKey<P>, KeyringError> {
    let Some(seed) = forms.seed else {
        let expanded = forms.expanded.ok_or(KeyringError::Malformed)?;
        return from_expanded(expanded, shape);
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
    shape: Shape,
) -> Result<ExpandedSigningKey<P>, KeyringError> {
    let encoded = ExpandedSigningKeyBytes::<P>::try_from(expanded).map_err(|_| KeyringError::Malformed)?;
    if rounding::is_consistent(expanded, shape) != Some(true) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;

    #[expect(deprecated, reason = "the form under test")]
    fn expanded<P: MlDsaParams>() -> Vec<u8> {
        ExpandedSigningKey::<P>::from_seed(&[7; 32].into()).to_expanded().to_vec()
    }

    #[test]
    fn an_expanded_key_is_read_only_as_it_was_made() {
        for (parameters, key) in [
            (MlDsa::Set44, expanded::<MlDsa44>()),
            (MlDsa::Set65, expanded::<MlDsa65>()),
            (MlDsa::Set87, expanded::<MlDsa87>()),
        ] {
            let read = |key: &[u8]| SigningKey::read(parameters, &write::octets(key)).is_ok();
            assert!(read(&key), "{parameters:?}");
            // In rho, in the hash of the public key, in s1, in s2 and in t0.
            let (middle, last) = (key.len() / 3, key.len() - 1);
            for at in [0, 64, 130, middle, last] {
                let mut changed = key.clone();
                changed[at] ^= 1;
                assert!(!read(&changed), "{parameters:?} octet {at}");
            }
            assert!(!read(&key[..last]));
        }
    }
}
