//! Changed, cut and hostile input: never a panic, never a wrong verdict, never endless work.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests may panic and speak"
)]

mod support;

use smime::issue::{self, Usage};
use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::RustCrypto;
use smime::timestamp::{self, TimestampAuthority};
use smime::{
    ContentEncryption, DecryptError, Hash, KeyId, PathError, Provider, SignedForm, Signer, UnixTime,
    block_on_ready as ready,
};
use support::counting::{Counting, LIMIT};
use support::{NOW, World, rng};

const PLAIN: &[u8] = b"Content-Type: text/plain\r\n\r\nSealed\r\n";

/// Every octet changed in several ways, and every beginning of the input.
fn each_change(input: &[u8], mut check: impl FnMut(&[u8])) {
    for at in 0..input.len() {
        let mut changed = input.to_vec();
        for mask in [0x01, 0x20, 0x80, 0xff] {
            changed[at] = input[at] ^ mask;
            check(&changed);
        }
        check(&input[..at]);
    }
}

#[test]
fn no_change_opens_a_sealed_message_to_something_else() {
    let Some(mut world) = World::with(&["openssl"], "no_change_opens_a_sealed_message_to_something_else")
    else {
        return;
    };
    for (name, kind) in [("p256", "P-256"), ("rsa", "rsa")] {
        let reader = world.reader(name, kind);
        let keys = std::slice::from_ref(&reader);
        let recipients = std::slice::from_ref(&reader.certificate);
        for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
            let sealed = ready(smime::encrypt(&RustCrypto, &mut rng(), PLAIN, recipients, cipher)).unwrap();
            let mut opened = 0;
            each_change(&sealed, |changed| {
                match ready(smime::decrypt(&RustCrypto, &world.keyring, keys, changed)) {
                    // Some octets carry nothing: versions, the curve beside the point.
                    Ok(decrypted) if cipher.is_authenticated() => {
                        assert_eq!(*decrypted.content, PLAIN);
                        opened += 1;
                    }
                    // CBC cannot tell; that is what the signature within is for.
                    Ok(decrypted) => assert_eq!(decrypted.cipher, cipher),
                    Err(
                        DecryptError::Malformed
                        | DecryptError::NotARecipient
                        | DecryptError::Unsupported(_)
                        | DecryptError::Failed,
                    ) => {}
                    Err(error) => panic!("{error}"),
                }
            });
            println!("{name} {cipher:?}: {} octets, {opened} harmless changes", sealed.len());
        }
    }
}

#[test]
fn no_change_leaves_a_signature_good_over_something_else() {
    let Some(mut world) = World::with(&["openssl"], "no_change_leaves_a_signature_good_over_something_else")
    else {
        return;
    };
    let (key, certificate) = world.person("tsa", "P-256", Usage::TimestampAuthority);
    let authority = TimestampAuthority { signer: Signer { key, chain: vec![certificate], encryption: None } };
    let signer = world.signer("p256", "P-256");
    let mut signed =
        ready(smime::sign(&RustCrypto, &world.keyring, &signer, PLAIN, SignedForm::Opaque, NOW)).unwrap();
    let digest = ready(RustCrypto.digest(Hash::Sha256, signed.signature())).unwrap();
    let query = timestamp::request(Hash::Sha256, &digest, 1);
    let reply = ready(authority.respond(&RustCrypto, &world.keyring, &query, 1, NOW)).unwrap();
    let token = timestamp::check_response(&RustCrypto, &reply, &digest, 1, &world.trust, NOW);
    signed.attach_timestamp(ready(token).unwrap().der()).unwrap();
    let der = signed.to_der();
    let (mut good, mut stamped) = (0, 0);
    each_change(&der, |changed| {
        let Ok(verified) = ready(smime::verify(&RustCrypto, changed, None, &world.trust, NOW)) else {
            return;
        };
        for verdict in &verified.signers {
            if verdict.verdict.is_ok() {
                assert_eq!(verified.content, PLAIN);
                assert_eq!(verdict.certificate.as_ref(), signer.chain.first());
                assert_eq!(verdict.signing_time, Some(NOW));
                good += 1;
            }
            if let Some(Ok(token)) = verdict.timestamp.as_ref().map(|stamp| &stamp.token) {
                assert_eq!(token.time(), NOW);
                stamped += 1;
            }
        }
    });
    println!("{} octets: {good} harmless changes, {stamped} to the timestamp", der.len());
}

#[test]
fn no_change_makes_certificates_requests_and_stamps_panic() {
    let Some(mut world) = World::with(&["openssl"], "no_change_makes_certificates_requests_and_stamps_panic")
    else {
        return;
    };
    let (key, certificate) = world.person("p256", "P-256", Usage::Signing);
    let anchors = &world.trust.anchors;
    let query = Query::new(Purpose::Signing, NOW);
    each_change(certificate.der(), |changed| {
        if let Ok(changed) = smime::Certificate::from_der(changed) {
            let path = validate(&RustCrypto, &changed, anchors, &[], &[], &query);
            assert!(changed == certificate || ready(path).is_err());
            let _ = (changed.emails(), changed.subject(), changed.can_sign(), changed.can_encrypt());
        }
    });
    let spki = certificate.spki();
    let request = smime::request::create(&world.keyring, &key, spki, "a@example.org", "A", Usage::Signing);
    each_change(&ready(request).unwrap(), |changed| {
        assert!(ready(smime::request::verify(&RustCrypto, changed)).is_err());
    });
    let stamp = timestamp::request(Hash::Sha256, &[1; 32], 7);
    each_change(&stamp, |changed| {
        let _ = timestamp::parse_request(changed);
    });
}

#[test]
fn a_bag_of_circles_costs_little() {
    let Some(mut world) = World::with(&["openssl"], "a_bag_of_circles_costs_little") else { return };
    // Sixty authorities of one name and different keys, all able to have issued one another.
    let mut issuers = Vec::new();
    for number in 0..60_u8 {
        let key = KeyId::new(format!("circle-{number}"));
        let spki = world.keyring.generate_p256(key.clone(), &mut rng()).unwrap();
        let root = issue::self_signed_root(
            &world.keyring,
            &key,
            &spki,
            "Circle",
            [number; 16],
            UnixTime(NOW.0 - 1000),
            NOW.plus(1000),
        );
        issuers.push(ready(root).unwrap());
    }
    world.root = issue::Issuer { key: KeyId::new("circle-0"), certificate: issuers[0].clone() };
    let (_, leaf) = world.person("victim", "P-256", Usage::Signing);
    let query = Query::new(Purpose::Signing, NOW);
    let counting = Counting::default();
    let outcome = ready(validate(&counting, &leaf, &world.trust.anchors, &issuers, &[], &query));
    println!("a bag of circles: {} counted, {} checks", counting.spent.get(), counting.checks.get());
    assert!(matches!(outcome, Err(PathError::BudgetExceeded | PathError::UnknownIssuer)), "{outcome:?}");
    // Without a budget it would take hours.
    assert!(counting.spent.get() <= LIMIT, "{}", counting.spent.get());
    // With the root among the anchors, the way is found among all of them.
    let anchors = &issuers[..1];
    let path = ready(validate(&RustCrypto, &leaf, anchors, &issuers, &[], &query)).unwrap();
    assert_eq!(path.certificates().len(), 2);
}

#[test]
fn validity_is_judged_at_the_time_of_the_stamp() {
    let Some(mut world) = World::with(&["openssl"], "validity_is_judged_at_the_time_of_the_stamp") else {
        return;
    };
    let (key, certificate) = world.person("tsa", "P-256", Usage::TimestampAuthority);
    let authority = TimestampAuthority { signer: Signer { key, chain: vec![certificate], encryption: None } };
    let key = KeyId::new("brief");
    let spki = world.keyring.generate_p256(key.clone(), &mut rng()).unwrap();
    let expires = NOW.plus(3600);
    let chain = vec![world.certify("brief", &spki, Usage::Signing, expires)];
    let signer = Signer { key, chain, encryption: None };
    let later = NOW.plus(7200);
    for (stamped_at, is_good) in [(Some(NOW), true), (Some(later), false), (None, false)] {
        let mut signed =
            ready(smime::sign(&RustCrypto, &world.keyring, &signer, PLAIN, SignedForm::Opaque, NOW)).unwrap();
        if let Some(at) = stamped_at {
            let digest = ready(RustCrypto.digest(Hash::Sha256, signed.signature())).unwrap();
            let query = timestamp::request(Hash::Sha256, &digest, 1);
            let reply = ready(authority.respond(&RustCrypto, &world.keyring, &query, 1, at)).unwrap();
            let token = timestamp::check_response(&RustCrypto, &reply, &digest, 1, &world.trust, later);
            signed.attach_timestamp(ready(token).unwrap().der()).unwrap();
        }
        let der = signed.to_der();
        let verified = ready(smime::verify(&RustCrypto, &der, None, &world.trust, later)).unwrap();
        let verdict = &verified.signers[0].verdict;
        assert_eq!(verdict.is_ok(), is_good, "{stamped_at:?}: {verdict:?}");
        if !is_good {
            assert!(matches!(verdict, Err(smime::SignerError::Path(PathError::Expired { .. }))));
        }
        // Before the end of the certificate it is good in any case.
        let verified = ready(smime::verify(&RustCrypto, &der, None, &world.trust, NOW)).unwrap();
        assert!(verified.signers[0].verdict.is_ok() || stamped_at == Some(later));
    }
}
