//! What a SignerInfo digests with (RFC 5652 5.4): a hash, or what is read beside ML-DSA alone.

use super::{Identifier, Unusable, hash_of, name_of};
use crate::provider::{Hash, Provider, ProviderError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Hash(Hash),
    /// 512 bits of SHAKE256 (RFC 8702 3.1), beside ML-DSA alone (RFC 9882 3.3).
    #[cfg(feature = "post-quantum")]
    Shake256,
}

impl Digest {
    pub(crate) fn of(identifier: &Identifier<'_>) -> Result<Self, Unusable> {
        #[cfg(feature = "post-quantum")]
        if identifier.oid == super::names::SHAKE256 {
            return Ok(Self::Shake256);
        }
        let hash = hash_of(identifier.oid);
        hash.map(Self::Hash).ok_or_else(|| Unusable::Unsupported(name_of(identifier.oid)))
    }

    /// The hash; none for what is beside ML-DSA alone.
    pub(crate) const fn hash(self) -> Option<Hash> {
        match self {
            Self::Hash(hash) => Some(hash),
            #[cfg(feature = "post-quantum")]
            Self::Shake256 => None,
        }
    }

    pub(crate) async fn of_octets(
        self,
        provider: &impl Provider,
        octets: &[u8],
    ) -> Result<Vec<u8>, ProviderError> {
        match self {
            Self::Hash(hash) => provider.digest(hash, octets).await,
            #[cfg(feature = "post-quantum")]
            Self::Shake256 => Ok(crate::rustcrypto::shake256(octets)),
        }
    }
}

#[cfg(all(test, feature = "post-quantum"))]
mod tests {
    use super::*;
    use crate::block_on_ready as ready;
    use crate::rustcrypto::RustCrypto;

    /// `openssl dgst -shake256 -xoflen 64` of "abc".
    #[test]
    fn shake256_is_read_as_openssl_makes_it() {
        let identifier = Identifier { oid: super::super::names::SHAKE256, parameters: None };
        let digest = Digest::of(&identifier).unwrap();
        assert_eq!(digest.hash(), None);
        let made = ready(digest.of_octets(&RustCrypto, b"abc")).unwrap();
        let hex = made.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        assert_eq!(
            hex,
            "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739d5a15bef186a5386c75744c0527e1faa9f8726e462a12a4feb06bd8801e751e4"
        );
    }
}
