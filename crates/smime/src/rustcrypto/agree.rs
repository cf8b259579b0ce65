//! Elliptic-curve Diffie-Hellman.

use getrandom::SysRng;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_core::UnwrapErr;
use zeroize::Zeroizing;

use crate::provider::{Agreement, Curve, ProviderError};

pub(super) fn ephemeral(curve: Curve, peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
    match curve {
        Curve::P256 => p256_ephemeral(peers),
        _ => Err(ProviderError::Unsupported),
    }
}

fn p256_ephemeral(peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
    let secret = p256::SecretKey::generate_from_rng(&mut UnwrapErr(SysRng));
    let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
    let shared = peers.iter().map(|peer| p256_shared(&secret, peer).ok_or(ProviderError::BadKey));
    Ok(Agreement { public, shared: shared.collect::<Result<_, _>>()? })
}

pub(super) fn p256_shared(secret: &p256::SecretKey, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let peer = p256::PublicKey::from_sec1_bytes(peer).ok()?;
    let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), peer.as_affine());
    Some(Zeroizing::new(shared.raw_secret_bytes().to_vec()))
}
