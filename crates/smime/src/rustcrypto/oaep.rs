//! RSAES-OAEP with any pair of hashes and any label: writers often name one hash and leave the other at its default.

use getrandom::SysRng;
use rsa::{Oaep, PrivateKey, PublicKey, Result};
use sha1::Sha1;
use sha2::digest::FixedOutputReset;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::provider::Hash;

/// The hash of the label, that of MGF1, and the label.
pub(super) type Parameters<'a> = (Hash, Hash, &'a [u8]);

pub(super) fn wrap(public: &PublicKey, with: Parameters<'_>, key: &[u8]) -> Result<Vec<u8>> {
    with_hashes(with, &Wrap { public, key })
}

pub(super) fn unwrap(private: &PrivateKey, with: Parameters<'_>, wrapped: &[u8]) -> Result<Vec<u8>> {
    with_hashes(with, &Unwrap { private, wrapped })
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

fn with_hashes((hash, mask, label): Parameters<'_>, operation: &impl Operation) -> Result<Vec<u8>> {
    match hash {
        Hash::Sha1 => with_mask::<Sha1>(mask, label, operation),
        Hash::Sha224 => with_mask::<Sha224>(mask, label, operation),
        Hash::Sha256 => with_mask::<Sha256>(mask, label, operation),
        Hash::Sha384 => with_mask::<Sha384>(mask, label, operation),
        Hash::Sha512 => with_mask::<Sha512>(mask, label, operation),
    }
}

fn with_mask<D>(mask: Hash, label: &[u8], operation: &impl Operation) -> Result<Vec<u8>>
where
    D: Digest + FixedOutputReset,
{
    match mask {
        Hash::Sha1 => operation.run(Oaep::<D, Sha1>::new_with_mgf_hash_and_label(label)),
        Hash::Sha224 => operation.run(Oaep::<D, Sha224>::new_with_mgf_hash_and_label(label)),
        Hash::Sha256 => operation.run(Oaep::<D, Sha256>::new_with_mgf_hash_and_label(label)),
        Hash::Sha384 => operation.run(Oaep::<D, Sha384>::new_with_mgf_hash_and_label(label)),
        Hash::Sha512 => operation.run(Oaep::<D, Sha512>::new_with_mgf_hash_and_label(label)),
    }
}
