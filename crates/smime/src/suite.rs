//! The tests that every [`Provider`] and [`Keyring`] must pass; they panic where one does not.
//!
//! They run natively on [`crate::rustcrypto`], and in a browser on its own implementations.

mod primitives;
mod reading;
mod verbs;

use crate::certificate::Certificate;
use crate::issue::{self, Issuer, Profile, Usage};
use crate::keyring::{KeyId, Keyring};
use crate::provider::{Curve, Provider};
use crate::time::UnixTime;
use crate::verify::Trust;

pub use primitives::{
    agrees_on_secrets, digests_as_everybody_does, encrypts_and_detects_changes,
    leaves_no_plaintext_after_a_wrong_padding, opens_gcm_with_shorter_tags, pads_as_pkcs1_does,
    says_whether_it_encapsulates, signs_and_detects_changes, wraps_and_unwraps_under_rsa,
};
pub use reading::{holds_pss_keys_to_their_parameters, reads_old_ciphers, verifies_what_openssl_signed};
pub use verbs::{
    certifies_and_proves_possession, hides_why_decryption_fails, seals_and_opens, stamps_and_checks,
    writes_to_no_key_that_it_cannot_encrypt_to,
};

/// The moment of every test.
const NOW: UnixTime = UnixTime(1_780_272_000);

/// Makes a keyring that holds the given keys (PKCS#8).
#[allow(async_fn_in_trait, reason = "WebCrypto's futures are not Send, and native ones need no bound")]
pub trait KeyringFactory {
    /// The keyring under test.
    type Keyring: Keyring;

    /// A keyring with these keys. A key may be asked to sign, to decrypt and to agree.
    async fn keyring(&self, keys: &[(KeyId, &[u8])]) -> Self::Keyring;
}

/// Runs all of it.
pub async fn run(provider: &impl Provider, factory: &impl KeyringFactory) {
    let world = World::new(provider, factory).await;
    digests_as_everybody_does(&world).await;
    encrypts_and_detects_changes(&world).await;
    leaves_no_plaintext_after_a_wrong_padding(&world).await;
    opens_gcm_with_shorter_tags(&world).await;
    says_whether_it_encapsulates(&world).await;
    signs_and_detects_changes(&world).await;
    wraps_and_unwraps_under_rsa(&world).await;
    pads_as_pkcs1_does(&world).await;
    agrees_on_secrets(&world).await;
    verifies_what_openssl_signed(&world).await;
    holds_pss_keys_to_their_parameters(&world).await;
    reads_old_ciphers(&world).await;
    certifies_and_proves_possession(&world).await;
    seals_and_opens(&world).await;
    stamps_and_checks(&world).await;
    hides_why_decryption_fails(&world).await;
    writes_to_no_key_that_it_cannot_encrypt_to(&world).await;
}

/// A key of the suite: its public part, and a certificate where it has one.
struct Key {
    id: KeyId,
    pkcs8: &'static [u8],
    spki: &'static [u8],
    /// In the keyring only where the provider has these algorithms.
    post_quantum: bool,
}

macro_rules! key {
    ($name:literal) => {
        key!($name, post_quantum: false)
    };
    ($name:literal, post_quantum: $post_quantum:literal) => {
        Key {
            id: KeyId::new($name),
            pkcs8: include_bytes!(concat!("suite/keys/", $name, ".p8")),
            spki: include_bytes!(concat!("suite/keys/", $name, ".spki")),
            post_quantum: $post_quantum,
        }
    };
}

fn keys() -> [Key; 8] {
    [
        key!("p256-signing"),
        key!("p256-encryption"),
        key!("rsa-2048"),
        key!("p384"),
        key!("p521"),
        key!("x25519"),
        key!("ml-dsa-44", post_quantum: true),
        key!("ml-kem-512", post_quantum: true),
    ]
}

/// The implementations under test, with keys and an authority that certifies them.
pub struct World<'a, P, K> {
    provider: &'a P,
    keyring: K,
    root: Certificate,
    signing: Key,
    encryption: Key,
    rsa: Key,
    /// Keys that only agree, each with its curve.
    agreeing: [(Curve, Key); 3],
    ml_dsa: Key,
    ml_kem: Key,
}

impl<'a, P: Provider, K: Keyring> World<'a, P, K> {
    /// Loads the suite's keys and makes its root.
    pub async fn new(provider: &'a P, factory: &impl KeyringFactory<Keyring = K>) -> Self {
        let keys = keys();
        let known = keys.iter().filter(|key| provider.encapsulates() || !key.post_quantum);
        let loaded = known.map(|key| (key.id.clone(), key.pkcs8)).collect::<Vec<_>>();
        let keyring = factory.keyring(&loaded).await;
        let [signing, encryption, rsa, p384, p521, x25519, ml_dsa, ml_kem] = keys;
        let agreeing = [(Curve::P384, p384), (Curve::P521, p521), (Curve::X25519, x25519)];
        let (from, to) = (UnixTime(NOW.0 - 1000), NOW.plus(1000));
        let root = issue::self_signed_root(&keyring, &signing.id, signing.spki, "Suite", [1; 16], from, to);
        let root = root.await.expect("a root is made");
        Self { provider, keyring, root, signing, encryption, rsa, agreeing, ml_dsa, ml_kem }
    }

    fn trust(&self) -> Trust {
        Trust {
            anchors: vec![self.root.clone()],
            timestamp_anchors: vec![self.root.clone()],
            ..Trust::default()
        }
    }

    async fn certify(&self, key: &Key, usage: Usage, serial: u8) -> Certificate {
        self.certify_from(key, usage, serial, UnixTime(NOW.0 - 500)).await
    }

    async fn certify_from(&self, key: &Key, usage: Usage, serial: u8, from: UnixTime) -> Certificate {
        let issuer = Issuer { key: self.signing.id.clone(), certificate: self.root.clone() };
        let profile = Profile {
            common_name: "Somebody".into(),
            organisation: None,
            emails: vec!["somebody@example.org".into()],
            usage,
            serial: [serial; 16],
            not_before: from,
            not_after: NOW.plus(500),
        };
        let issued = issue::issue(&self.keyring, &issuer, key.spki, &profile).await;
        issued.expect("a certificate is issued")
    }
}
