//! The crate's verbs on top of the arithmetic.

use super::{Key, NOW, World};
use crate::certificate::Certificate;
use crate::decrypt::{DecryptError, DecryptionKey, decrypt};
use crate::encrypt::{KeyTransport, encrypt, encrypt_with};
use crate::issue::Usage;
use crate::keyring::Keyring;
use crate::provider::{ContentEncryption, Hash, Provider};
use crate::recipients::{self, Candidate, Reads, Unfit};
use crate::request;
use crate::sign::{SignedForm, Signer, sign};
use crate::time::UnixTime;
use crate::timestamp::{self, TimestampAuthority};
use crate::verify::{SignerError, verify};

const CONTENT: &[u8] = "Content-Type: text/plain\r\n\r\n印信\r\n".as_bytes();

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// A request proves possession of its key, and a changed one does not.
pub async fn certifies_and_proves_possession<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let cases = [(&world.signing, Usage::Signing), (&world.encryption, Usage::Encryption)];
    for (Key { id, spki, .. }, usage) in cases {
        let made = request::create(&world.keyring, id, spki, "a@example.org", "甲", usage).await;
        let mut der = made.expect("a request is made");
        let read = request::verify(world.provider, &der).await.expect("the request proves possession");
        assert_eq!((read.spki(), read.common_name()), (*spki, Some("甲")));
        assert_eq!(read.emails(), ["a@example.org"]);
        der.iter_mut().rev().take(1).for_each(|octet| *octet ^= 1);
        assert!(request::verify(world.provider, &der).await.is_err());
    }
}

/// Signed, sealed, opened and verified, with every signer, reader and cipher.
pub async fn seals_and_opens<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let post_quantum = world.provider.encapsulates();
    let ml_dsa = post_quantum.then_some((&world.ml_dsa, 9));
    for (signing, serial) in [(&world.signing, 2), (&world.rsa, 3)].into_iter().chain(ml_dsa) {
        let chain = vec![world.certify(signing, Usage::Signing, serial).await];
        let signer = Signer { key: signing.id.clone(), chain, encryption: None };
        let signed = sign(world.provider, &world.keyring, &signer, CONTENT, SignedForm::Opaque, NOW).await;
        let signed = signed.expect("signs").to_der();
        let agreeing = world.agreeing.iter().map(|(_, key)| key).zip(10..);
        let ml_kem = post_quantum.then_some((&world.ml_kem, 13));
        let readers = [(&world.encryption, 4), (&world.rsa, 5)].into_iter().chain(agreeing).chain(ml_kem);
        for (reading, serial) in readers {
            let certificate = world.certify(reading, Usage::Encryption, serial).await;
            let keys = [DecryptionKey { key: reading.id.clone(), certificate: certificate.clone() }];
            for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
                let recipients = std::slice::from_ref(&certificate);
                let sealed = encrypt(world.provider, &mut rng(), &signed, recipients, cipher).await;
                let sealed = sealed.expect("encrypts");
                let opened = decrypt(world.provider, &world.keyring, &keys, &sealed).await;
                let opened = opened.expect("decrypts");
                assert_eq!(opened.cipher, cipher);
                let verified = verify(world.provider, &opened.content, None, &world.trust(), NOW).await;
                let verified = verified.expect("a SignedData");
                assert_eq!(verified.content, CONTENT);
                assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok()));
                assert_eq!(verified.signers.len(), 1);
            }
        }
    }
}

/// A signature gets a timestamp that holds for it and for no other.
pub async fn stamps_and_checks<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let certificate = world.certify(&world.rsa, Usage::TimestampAuthority, 6).await;
    let key = world.rsa.id.clone();
    let authority = TimestampAuthority { signer: Signer { key, chain: vec![certificate], encryption: None } };
    let chain = vec![world.certify(&world.signing, Usage::Signing, 7).await];
    let signer = Signer { key: world.signing.id.clone(), chain, encryption: None };
    let signed = sign(world.provider, &world.keyring, &signer, CONTENT, SignedForm::Detached, NOW).await;
    let mut signed = signed.expect("signs");
    let digest = world.provider.digest(Hash::Sha256, signed.signature()).await.expect("a digest");
    let query = timestamp::request(Hash::Sha256, &digest, 42);
    let reply = authority.respond(world.provider, &world.keyring, &query, 1, NOW).await.expect("answers");
    let trust = world.trust();
    let token = timestamp::check_response(world.provider, &reply, &digest, 42, &trust, NOW).await;
    let token = token.expect("the timestamp is good");
    let foreign = timestamp::verify_token(world.provider, token.der(), b"other", &trust, NOW).await;
    assert_eq!(foreign, Err(timestamp::TimestampError::ImprintMismatch));
    signed.attach_timestamp(token.der()).expect("a token");
    let der = signed.to_der();
    // After the certificates' end the timestamp still says when the signature was made.
    let later = NOW.plus(1_000_000);
    let verified = verify(world.provider, &der, Some(CONTENT), &trust, later).await.expect("a SignedData");
    assert!(verified.signers.iter().all(|signer| signer.verdict.is_ok() && signer.timestamp.is_some()));
    let changed = verify(world.provider, &der, Some(b"other"), &trust, later).await.expect("a SignedData");
    assert!(changed.signers.iter().all(|signer| signer.verdict == Err(SignerError::DigestMismatch)));
}

/// Of two certificates of one person the newer has an ML-KEM key: it is written to where that is possible.
pub async fn writes_to_no_key_that_it_cannot_encrypt_to<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let older = world.certify(&world.encryption, Usage::Encryption, 20).await;
    let newer = world.certify_from(&world.ml_kem, Usage::Encryption, 21, UnixTime(NOW.0 - 400)).await;
    let candidate = |certificate: &Certificate| Candidate {
        certificate: certificate.clone(),
        issuers: Vec::new(),
        reads: Reads::Unknown,
    };
    let candidates = [candidate(&older), candidate(&newer)];
    let trust = world.trust();
    let chosen = recipients::choose(world.provider, "somebody@example.org", &candidates, &trust, NOW).await;
    let chosen = chosen.expect("one of them");
    let [passed_over] = chosen.passed_over() else { panic!("{:?}", chosen.passed_over()) };
    if world.provider.encapsulates() {
        assert_eq!((chosen.certificate(), &passed_over.reason), (&newer, &Unfit::Older));
    } else {
        assert_eq!((chosen.certificate(), &passed_over.reason), (&older, &Unfit::Unsupported));
    }
    let recipients = std::slice::from_ref(chosen.certificate());
    let sealed = encrypt(world.provider, &mut rng(), CONTENT, recipients, ContentEncryption::Aes256Gcm).await;
    assert!(sealed.is_ok(), "{sealed:?}");
}

/// Whatever is wrong with a wrapped key or a ciphertext, the answer is the same.
pub async fn hides_why_decryption_fails<P: Provider, K: Keyring>(world: &World<'_, P, K>) {
    let certificate = world.certify(&world.rsa, Usage::Encryption, 8).await;
    let recipients = std::slice::from_ref(&certificate);
    let keys = [DecryptionKey { key: world.rsa.id.clone(), certificate: certificate.clone() }];
    for transport in [KeyTransport::Oaep, KeyTransport::Pkcs1v15] {
        let (rng, cipher) = (&mut rng(), ContentEncryption::Aes256Gcm);
        let sealed = encrypt_with(world.provider, rng, CONTENT, recipients, cipher, &[transport]).await;
        let sealed = sealed.expect("encrypts");
        // In the wrapped key (256 octets, some 100 from the end), in the tag, in the ciphertext.
        for at in [sealed.len() - 200, sealed.len() - 1, sealed.len() - 30] {
            let mut changed = sealed.clone();
            changed.iter_mut().skip(at).take(1).for_each(|octet| *octet ^= 1);
            let opened = decrypt(world.provider, &world.keyring, &keys, &changed).await;
            assert_eq!(opened.err(), Some(DecryptError::Failed), "{transport:?} octet {at}");
        }
    }
}
