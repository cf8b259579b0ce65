//! RSAES-OAEP with any pair of hashes: writers often name one and leave the other at its default.

use getrandom::SysRng;
use rsa::{Oaep, PrivateKey, PublicKey, Result};
use sha1::Sha1;
use sha2::digest::FixedOutputReset;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::provider::Hash;

pub(super) fn wrap(public: &PublicKey, label: Hash, mgf: Hash, key: &[u8]) -> Result<Vec<u8>> {
    with_hashes(label, mgf, &Wrap { public, key })
}

pub(super) fn unwrap(private: &PrivateKey, label: Hash, mgf: Hash, wrapped: &[u8]) -> Result<Vec<u8>> {
    with_hashes(label, mgf, &Unwrap { private, wrapped })
}

/// What is done once the hashes are types.
trait Operation {
    fn run<D, M>(&self, padding: Oaep<D, M>) -> Result<Vec<u8>>
    where
        D: Digest + FixedOutputReset,
        M: Digest + FixedOutputReset;
}

struct Wrap<'a> {
    public: &'a PublicKey,
    key: &'a [u8],
}

impl Operation for Wrap<'_> {
    fn run<D, M>(&self, padding: Oaep<D, M>) -> Result<Vec<u8>>
    where
        D: Digest + FixedOutputReset,
        M: Digest + FixedOutputReset,
    {
        self.public.encrypt(&mut SysRng, padding, self.key)
    }
}

struct Unwrap<'a> {
    private: &'a PrivateKey,
    wrapped: &'a [u8],
}

impl Operation for Unwrap<'_> {
    fn run<D, M>(&self, padding: Oaep<D, M>) -> Result<Vec<u8>>
    where
        D: Digest + FixedOutputReset,
        M: Digest + FixedOutputReset,
    {
        self.private.decrypt_blinded(&mut SysRng, padding, self.wrapped)
    }
}

fn with_hashes(label: Hash, mgf: Hash, operation: &impl Operation) -> Result<Vec<u8>> {
    match label {
        Hash::Sha1 => with_mgf::<Sha1>(mgf, operation),
        Hash::Sha224 => with_mgf::<Sha224>(mgf, operation),
        Hash::Sha256 => with_mgf::<Sha256>(mgf, operation),
        Hash::Sha384 => with_mgf::<Sha384>(mgf, operation),
        Hash::Sha512 => with_mgf::<Sha512>(mgf, operation),
    }
}

fn with_mgf<D: Digest + FixedOutputReset>(mgf: Hash, operation: &impl Operation) -> Result<Vec<u8>> {
    match mgf {
        Hash::Sha1 => operation.run(Oaep::<D, Sha1>::new_with_mgf_hash()),
        Hash::Sha224 => operation.run(Oaep::<D, Sha224>::new_with_mgf_hash()),
        Hash::Sha256 => operation.run(Oaep::<D, Sha256>::new_with_mgf_hash()),
        Hash::Sha384 => operation.run(Oaep::<D, Sha384>::new_with_mgf_hash()),
        Hash::Sha512 => operation.run(Oaep::<D, Sha512>::new_with_mgf_hash()),
    }
}
