//! Elliptic-curve Diffie-Hellman.

use getrandom::SysRng;
use rand_core::UnwrapErr;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::nist;
use crate::provider::{Agreement, Curve, ProviderError};

pub(super) fn ephemeral(curve: Curve, peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
    match curve {
        Curve::P256 => nist::p256::ephemeral(peers),
        Curve::P384 => nist::p384::ephemeral(peers),
        Curve::P521 => nist::p521::ephemeral(peers),
        Curve::X25519 => x25519_ephemeral(peers),
    }
}

fn x25519_ephemeral(peers: &[&[u8]]) -> Result<Agreement, ProviderError> {
    let secret = StaticSecret::random_from_rng(&mut UnwrapErr(SysRng));
    let public = PublicKey::from(&secret).to_bytes().to_vec();
    let shared = peers.iter().map(|peer| x25519_shared(&secret, peer).ok_or(ProviderError::BadKey));
    Ok(Agreement { public, shared: shared.collect::<Result<_, _>>()? })
}

pub(super) fn x25519_shared(secret: &StaticSecret, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let peer = PublicKey::from(<[u8; 32]>::try_from(peer).ok()?);
    let shared = secret.diffie_hellman(&peer);
    // RFC 8418 2: an all-zero secret comes from a point of small order and protects nothing.
    shared.was_contributory().then(|| Zeroizing::new(shared.as_bytes().to_vec()))
}
