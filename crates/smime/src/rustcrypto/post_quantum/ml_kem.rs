use getrandom::SysRng;
use ml_kem::kem::{Ciphertext, Key};
use ml_kem::{
    Decapsulate, DecapsulationKey as Private, Encapsulate, EncapsulationKey, ExpandedDecapsulationKey,
    KeyExport, MlKem512, MlKem768, MlKem1024, Seed,
};
use rand_core::UnwrapErr;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Forms;
use crate::asn1::Malformed;
use crate::keyring::KeyringError;
use crate::provider::{Encapsulation, MlKem, ProviderError};

/// What is done with a parameter set: the crate's traits over them cannot be named outside it.
macro_rules! parameter_set {
    ($name:ident, $parameters:ty, rank $rank:literal) => {
        mod $name {
            use super::*;

            pub(super) fn encapsulate(public: &[u8]) -> Result<Encapsulation, ProviderError> {
                let encoded = Key::<EncapsulationKey<$parameters>>::try_from(public);
                let encoded = encoded.map_err(|_| ProviderError::BadKey)?;
                let key =
                    EncapsulationKey::<$parameters>::new(&encoded).map_err(|_| ProviderError::BadKey)?;
                let (ciphertext, shared) = key.encapsulate_with_rng(&mut UnwrapErr(SysRng));
                let shared = Zeroizing::new(shared.to_vec());
                Ok(Encapsulation { ciphertext: ciphertext.to_vec(), shared })
            }

            pub(super) fn read(forms: &Forms<'_>) -> Option<Private<$parameters>> {
                let Some(seed) = forms.seed else { return from_expanded(forms.expanded?) };
                let key = Private::<$parameters>::from_seed(Seed::try_from(seed).ok()?);
                // RFC 9935 8: both forms must be of one key.
                #[expect(deprecated, reason = "a file may hold the expanded form too")]
                let computed = ml_kem::ExpandedKeyEncoding::to_expanded_bytes(&key);
                let agrees = forms.expanded.is_none_or(|given| bool::from(given.ct_eq(&computed)));
                agrees.then_some(key)
            }

            fn from_expanded(expanded: &[u8]) -> Option<Private<$parameters>> {
                let encoded = ExpandedDecapsulationKey::<$parameters>::try_from(expanded).ok()?;
                if !reduced(expanded.get(..384 * $rank)?) {
                    return None;
                }
                // The crate checks the hash of the public key within (FIPS 203 7.3).
                #[expect(deprecated, reason = "some files hold nothing else")]
                let key = Private::<$parameters>::from_expanded(&encoded).ok()?;
                // And the secret must belong to that public key.
                let (ciphertext, shared) =
                    key.encapsulation_key().encapsulate_with_rng(&mut UnwrapErr(SysRng));
                bool::from(key.decapsulate(&ciphertext).ct_eq(&shared)).then_some(key)
            }

            pub(super) fn decapsulate(
                key: &Private<$parameters>,
                ciphertext: &[u8],
            ) -> Option<Zeroizing<Vec<u8>>> {
                let ciphertext = Ciphertext::<$parameters>::try_from(ciphertext).ok()?;
                Some(Zeroizing::new(key.decapsulate(&ciphertext).to_vec()))
            }
        }
    };
}

parameter_set!(set512, MlKem512, rank 2);
parameter_set!(set768, MlKem768, rank 3);
parameter_set!(set1024, MlKem1024, rank 4);

/// Makes a shared secret for the holder of an encapsulation key, given its octets.
pub fn encapsulate(parameters: MlKem, encapsulation_key: &[u8]) -> Result<Encapsulation, ProviderError> {
    match parameters {
        MlKem::Set512 => set512::encapsulate(encapsulation_key),
        MlKem::Set768 => set768::encapsulate(encapsulation_key),
        MlKem::Set1024 => set1024::encapsulate(encapsulation_key),
    }
}

pub(super) enum DecapsulationKey {
    Set512(Private<MlKem512>),
    Set768(Private<MlKem768>),
    Set1024(Private<MlKem1024>),
}

impl DecapsulationKey {
    pub(super) fn read(parameters: MlKem, key: &[u8]) -> Result<Self, KeyringError> {
        let forms = Forms::read(key).map_err(|Malformed| KeyringError::Malformed)?;
        let key = match parameters {
            MlKem::Set512 => set512::read(&forms).map(Self::Set512),
            MlKem::Set768 => set768::read(&forms).map(Self::Set768),
            MlKem::Set1024 => set1024::read(&forms).map(Self::Set1024),
        };
        key.ok_or(KeyringError::Malformed)
    }

    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Set512(key) => key.encapsulation_key().to_bytes().to_vec(),
            Self::Set768(key) => key.encapsulation_key().to_bytes().to_vec(),
            Self::Set1024(key) => key.encapsulation_key().to_bytes().to_vec(),
        }
    }

    pub(super) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let shared = match self {
            Self::Set512(key) => set512::decapsulate(key, ciphertext),
            Self::Set768(key) => set768::decapsulate(key, ciphertext),
            Self::Set1024(key) => set1024::decapsulate(key, ciphertext),
        };
        shared.ok_or(KeyringError::Failed)
    }
}

/// Whether every coefficient of 12 bits is below 3329; looks at all of them.
fn reduced(packed: &[u8]) -> bool {
    const Q: u16 = 3329;
    packed.chunks_exact(3).fold(true, |reduced, chunk| match *chunk {
        [low, middle, high] => {
            let first = u16::from(low) | (u16::from(middle & 0x0f) << 8);
            let second = u16::from(middle >> 4) | (u16::from(high) << 4);
            reduced & (first < Q) & (second < Q)
        }
        _ => false,
    })
}
