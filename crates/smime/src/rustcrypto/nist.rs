//! The NIST curves: one crate each, all of one shape.

use std::fmt::Debug;

use ::p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use ::p256::elliptic_curve::Generate;
use ::p256::elliptic_curve::sec1::ToSec1Point;
use getrandom::SysRng;
use pkcs8::DecodePublicKey;
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use crate::provider::{Agreement, ProviderError};

/// What is done with a curve.
macro_rules! curve {
    ($name:ident) => {
        pub(super) mod $name {
            use super::*;
            use ::$name::ecdsa::{DerSignature, Signature, SigningKey, VerifyingKey};
            use ::$name::{PublicKey, SecretKey};

            pub(in super::super) fn verify(
                spki: &[u8],
                prehash: &[u8],
                signature: &[u8],
            ) -> Result<(), ProviderError> {
                let key = PublicKey::from_public_key_der(spki).map_err(|_| ProviderError::BadKey)?;
                let signature = Signature::from_der(signature).map_err(bad_signature)?;
                VerifyingKey::from(key).verify_prehash(prehash, &signature).map_err(bad_signature)
            }

            pub(in super::super) fn sign(key: &SecretKey, prehash: &[u8]) -> Option<Vec<u8>> {
                let signature: DerSignature = SigningKey::from(key).sign_prehash(prehash).ok()?;
                Some(signature.as_bytes().to_vec())
            }

            pub(in super::super) fn ephemeral(peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
                let secret = SecretKey::generate_from_rng(&mut UnwrapErr(SysRng));
                let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
                let shared = peers.iter().map(|peer| shared(&secret, peer).ok_or(ProviderError::BadKey));
                Ok(Agreement { public, shared: shared.collect::<Result<_, _>>()? })
            }

            pub(in super::super) fn shared(secret: &SecretKey, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
                let peer = PublicKey::from_sec1_bytes(peer).ok()?;
                let shared = ::$name::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
                Some(Zeroizing::new(shared.raw_secret_bytes().to_vec()))
            }
        }
    };
}

curve!(p256);
curve!(p384);
curve!(p521);

fn bad_signature(_: impl Debug) -> ProviderError {
    ProviderError::BadSignature
}
