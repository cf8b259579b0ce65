//! Both directions with OpenSSL: what it writes is read here, what is written here it reads.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "tests may panic, speak, and be tables"
)]

mod support;

use smime::issue::Usage;
use smime::rustcrypto::RustCrypto;
use smime::timestamp::{self, TimestampAuthority};
use smime::{
    ContentEncryption, Hash, Secret, SignatureAlgorithm, SignedForm, Signer, SignerError,
    block_on_ready as ready, sign,
};
use support::der::{sequence, tlv};
use support::{NOW, World, rng};

const PLAIN: &[u8] = "Content-Type: text/plain; charset=utf-8\r\n\r\nSealed 印信\r\n".as_bytes();
const AT: &str = "-attime 1780272000";

fn decrypt(world: &World, key: &smime::DecryptionKey, cms: &[u8]) -> Result<Vec<u8>, smime::DecryptError> {
    let keys = std::slice::from_ref(key);
    let opened = ready(smime::decrypt(&RustCrypto, &world.keyring, keys, cms))?;
    Ok(opened.content.to_vec())
}

#[test]
fn opens_what_openssl_encrypts_under_a_shared_secret() {
    let Some(world) = World::with(&["openssl"], "opens_what_openssl_encrypts_under_a_shared_secret") else {
        return;
    };
    world.folder.write("plain", PLAIN);
    let key = [0x5a; 32];
    let id = b"\x01\x02\x03";
    for cipher in ["-aes-128-cbc", "-aes-192-cbc", "-aes-256-cbc"] {
        world.folder.openssl(&format!(
            "cms -encrypt -binary -in plain -outform DER -out sealed {cipher} -pwri_password secret \
             -secretkey {} -secretkeyid 010203",
            "5a".repeat(32)
        ));
        let sealed = world.folder.read("sealed");
        for (secret, opens) in [
            (Secret::Password("secret"), true),
            (Secret::Password("wrong"), false),
            (Secret::Key { identifier: id, key: &key }, true),
            (Secret::Key { identifier: id, key: &[0; 32] }, false),
            (Secret::Key { identifier: b"other", key: &key }, false),
        ] {
            let opened = ready(smime::decrypt_with_secret(&RustCrypto, secret, &sealed));
            match opened {
                Ok((content, _)) => assert!(opens && *content == PLAIN, "{cipher}"),
                Err(error) => assert!(!opens, "{cipher}: {error}"),
            }
        }
    }
}

#[test]
fn names_weak_signatures_of_openssl() {
    let Some(mut world) = World::with(&["openssl"], "names_weak_signatures_of_openssl") else { return };
    world.folder.write("plain", PLAIN);
    world.signer("rsa", "rsa");
    world.folder.openssl(
        "cms -sign -binary -nodetach -md sha1 -in plain -outform DER -out signed -signer rsa.pem -inkey rsa.key",
    );
    let signed = world.folder.read("signed");
    let verified = ready(smime::verify(&RustCrypto, &signed, None, &world.trust, NOW)).unwrap();
    assert_eq!(verified.signers[0].verdict, Err(SignerError::WeakAlgorithm("SHA-1")));
    for bits in [512, 1024] {
        world.folder.openssl(&format!(
            "req -x509 -newkey rsa:{bits} -nodes -keyout small.key -out small.pem -subj /CN=Small -days 30"
        ));
        world.folder.openssl(
            "cms -sign -binary -nodetach -in plain -outform DER -out signed -signer small.pem -inkey small.key",
        );
        let signed = world.folder.read("signed");
        let verified = ready(smime::verify(&RustCrypto, &signed, None, &world.trust, NOW)).unwrap();
        let weak = Err(SignerError::WeakAlgorithm("RSA below 2048 bits"));
        assert_eq!(verified.signers[0].verdict, weak, "{bits}");
    }
}

fn timestamp_authority(world: &mut World) -> TimestampAuthority {
    let (key, certificate) = world.person("tsa", "P-256", Usage::TimestampAuthority);
    let chain = vec![certificate, world.root.certificate.clone()];
    TimestampAuthority { signer: Signer { key, chain, encryption: None } }
}

#[test]
fn openssl_verifies_what_is_signed_and_stamped_here() {
    let Some(mut world) = World::with(&["openssl"], "openssl_verifies_what_is_signed_and_stamped_here")
    else {
        return;
    };
    let authority = timestamp_authority(&mut world);
    let spki = world.keyring.generate_p256(smime::KeyId::new("reader"), &mut rng()).unwrap();
    for (name, kind, pss) in [
        ("rsa", "rsa", false),
        ("pss", "rsa", true),
        ("p256", "P-256", false),
        ("p384", "P-384", false),
        ("p521", "P-521", false),
    ] {
        let mut signer = world.signer(name, kind);
        let encryption = world.certify(name, &spki, Usage::Encryption, NOW.plus(86_400));
        signer.encryption = Some(encryption.clone());
        for form in [SignedForm::Opaque, SignedForm::Detached] {
            let keyring = &world.keyring;
            let algorithm = SignatureAlgorithm::RsaPss { hash: Hash::Sha256, salt_len: 32 };
            let options =
                smime::SignOptions { algorithm: pss.then_some(algorithm), ..smime::SignOptions::default() };
            let signed = smime::sign_with(&RustCrypto, keyring, &signer, PLAIN, form, NOW, &options);
            let mut signed = ready(signed).unwrap();
            let imprint = sha256(signed.signature());
            let query = timestamp::request(Hash::Sha256, &imprint, 0xdead_beef_0000_0001);
            let reply = ready(authority.respond(&RustCrypto, keyring, &query, 99, NOW)).unwrap();
            let checked = timestamp::check_response(
                &RustCrypto,
                &reply,
                &imprint,
                0xdead_beef_0000_0001,
                &world.trust,
                NOW,
            );
            let token = ready(checked).unwrap();
            assert_eq!(token.time(), NOW);
            signed.attach_timestamp(token.der()).unwrap();
            let der = signed.to_der();
            world.folder.write("signed", &der);
            world.folder.write("plain", PLAIN);
            world.folder.write("query", &query);
            world.folder.write("reply", &reply);
            let content = if form == SignedForm::Detached { "-content plain" } else { "" };
            let verified = world.folder.openssl(&format!(
                "cms -verify -binary -inform DER -in signed -CAfile root.pem -purpose smimesign {AT} {content}"
            ));
            assert_eq!(verified, PLAIN, "{name} {form:?}");
            world.folder.openssl(&format!("ts -verify -queryfile query -in reply -CAfile root.pem {AT}"));
            world.folder.write("signature", signed.signature());
            world.folder.write("token", token.der());
            world
                .folder
                .openssl(&format!("ts -verify -data signature -token_in -in token -CAfile root.pem {AT}"));
            let detached = (form == SignedForm::Detached).then_some(PLAIN);
            let here = ready(smime::verify(&RustCrypto, &der, detached, &world.trust, NOW)).unwrap();
            assert!(here.signers[0].verdict.is_ok(), "{:?}", here.signers[0].verdict);
            let stamp = here.signers[0].timestamp.as_ref().unwrap().token.as_ref().unwrap();
            assert_eq!(stamp.time(), NOW);
            assert_eq!(here.signers[0].signing_time, Some(NOW));
            assert_eq!(here.signers[0].capabilities.ciphers.first(), Some(&ContentEncryption::Aes256Gcm));
            if !pss {
                assert_eq!(here.signers[0].encryption.as_ref(), Some(&encryption));
            }
        }
    }
}

#[test]
fn accepts_timestamps_of_openssl() {
    let Some(mut world) = World::with(&["openssl"], "accepts_timestamps_of_openssl") else { return };
    timestamp_authority(&mut world);
    world.folder.write("serial", "01\n");
    world.folder.write(
        "ts.cnf",
        "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\nsigner_digest=sha256\ndefault_policy=1.2.3.4\n\
         digests=sha256,sha512\ness_cert_id_alg=sha256\naccuracy=secs:1,millisecs:500\nordering=yes\n",
    );
    let digest = sha256(b"stamped");
    world.folder.write("query", timestamp::request(Hash::Sha256, &digest, 5));
    world.folder.openssl(
        "ts -reply -config ts.cnf -section t -queryfile query -signer tsa.pem -inkey tsa.key -chain root.pem -out reply",
    );
    let reply = world.folder.read("reply");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = smime::UnixTime(now.as_secs());
    let check = |digest: &[u8], nonce, at| {
        ready(timestamp::check_response(&RustCrypto, &reply, digest, nonce, &world.trust, at))
    };
    let token = check(&digest, 5, now).unwrap();
    assert!(token.time().0.abs_diff(now.0) < 60);
    assert_eq!(check(&digest, 6, now), Err(timestamp::TimestampError::NonceMismatch));
    assert_eq!(check(&[0; 32], 5, now), Err(timestamp::TimestampError::ImprintMismatch));
    let early = smime::UnixTime(now.0 - 3600);
    assert_eq!(check(&digest, 5, early), Err(timestamp::TimestampError::InTheFuture));
}

/// A token of OpenSSL over `stamped`, made at NOW, with this version and what comes after the time.
fn token(world: &World, stamped: &[u8], version: u8, after: &[u8]) -> Vec<u8> {
    const SHA256: &[u8] = &[0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    let imprint = sequence(&[SHA256, &tlv(4, &sha256(stamped))]);
    let time = tlv(0x18, b"20260601000000Z");
    world
        .folder
        .write("info", sequence(&[&[2, 1, version, 6, 2, 0x2a, 3], &imprint, &[2, 1, 7], &time, after]));
    world.folder.openssl(
        "cms -sign -cades -binary -nodetach -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -in info \
         -signer tsa.pem -inkey tsa.key -outform DER -out token",
    );
    world.folder.read("token")
}

#[test]
fn a_stamp_counts_as_of_the_later_end_of_its_accuracy() {
    let Some(mut world) = World::with(&["openssl"], "a_stamp_counts_as_of_the_later_end_of_its_accuracy")
    else {
        return;
    };
    const DAY: u64 = 86_400;
    timestamp_authority(&mut world);
    let end = NOW.plus(DAY / 2);
    let mut signer = world.signer("alice", "P-256");
    signer.chain = vec![world.certify("alice", signer.chain[0].spki(), Usage::Signing, end)];
    let signed = sign(&RustCrypto, &world.keyring, &signer, PLAIN, SignedForm::Opaque, NOW);
    let signed = ready(signed).unwrap();
    let within_a_day: &[u8] = &[0x30, 5, 2, 3, 1, 0x51, 0x80];
    for (accuracy, late) in [
        (&[][..], 0),
        (&[0x30, 3, 2, 1, 1], 1),
        (&[0x30, 3, 0x80, 1, 9], 1),
        (&[0x30, 6, 2, 1, 1, 0x81, 1, 9], 2),
        (within_a_day, DAY),
    ] {
        let token = token(&world, signed.signature(), 1, accuracy);
        let checked =
            |now| ready(timestamp::verify_token(&RustCrypto, &token, signed.signature(), &world.trust, now));
        assert_eq!(checked(NOW.plus(DAY)).unwrap().time(), NOW.plus(late), "{accuracy:?}");
        assert_eq!(checked(NOW).unwrap().time(), NOW, "it is here now");
        let mut signed = signed.clone();
        signed.attach_timestamp(&token).unwrap();
        let cms = signed.to_der();
        let verified = ready(smime::verify(&RustCrypto, &cms, None, &world.trust, end.plus(DAY))).unwrap();
        assert_eq!(verified.signers[0].verdict.is_ok(), NOW.plus(late) <= end, "{accuracy:?}");
    }
}

#[test]
fn a_stamp_that_says_what_is_not_known_does_not_count() {
    let Some(mut world) = World::with(&["openssl"], "a_stamp_that_says_what_is_not_known_does_not_count")
    else {
        return;
    };
    timestamp_authority(&mut world);
    let check = |version, after: &[u8]| {
        let token = token(&world, b"stamped", version, after);
        ready(timestamp::verify_token(&RustCrypto, &token, b"stamped", &world.trust, NOW)).map(|_| ())
    };
    let extension = |critical: &[u8]| tlv(0xa1, &sequence(&[&[6, 2, 0x2a, 3], critical, &[4, 2, 5, 0]]));
    let unknown = Err(timestamp::TimestampError::NotUnderstood);
    assert_eq!(check(1, &[]), Ok(()));
    assert_eq!(check(1, &extension(&[])), Ok(()));
    assert_eq!(check(1, &extension(&[1, 1, 0xff])), unknown);
    assert_eq!(check(2, &[]), unknown);
}

#[test]
fn openssl_accepts_the_requests_and_certificates_made_here() {
    let Some(mut world) =
        World::with(&["openssl"], "openssl_accepts_the_requests_and_certificates_made_here")
    else {
        return;
    };
    for (name, kind, usage, purpose) in [
        ("signs", "rsa", Usage::Signing, "smimesign"),
        ("reads", "rsa", Usage::Encryption, "smimeencrypt"),
        ("signs-ec", "P-256", Usage::Signing, "smimesign"),
        ("stamps", "P-256", Usage::TimestampAuthority, "timestampsign"),
    ] {
        let (key, certificate) = world.person(name, kind, usage);
        world
            .folder
            .openssl(&format!("verify -x509_strict -CAfile root.pem -purpose {purpose} {AT} {name}.pem"));
        let address = format!("{name}@example.org");
        let made = smime::request::create(
            &world.keyring,
            &key,
            certificate.spki(),
            &address,
            "Somebody 某人",
            usage,
        );
        let request = ready(made).unwrap();
        world.folder.write("request", &request);
        world.folder.openssl("req -verify -inform DER -in request -noout");
        let read = ready(smime::request::verify(&RustCrypto, &request)).unwrap();
        assert_eq!(read.spki(), certificate.spki());
        assert_eq!(read.emails(), [address]);
        assert_eq!(read.common_name(), Some("Somebody 某人"));
    }
}

#[test]
fn reads_requests_of_openssl() {
    let Some(world) = World::with(&["openssl"], "reads_requests_of_openssl") else { return };
    world.folder.openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out k.key");
    world.folder.openssl(
        "req -new -key k.key -subj /CN=Name/emailAddress=a@b.example -addext subjectAltName=email:c@d.example -outform DER -out request",
    );
    let request = world.folder.read("request");
    let read = ready(smime::request::verify(&RustCrypto, &request)).unwrap();
    assert_eq!(read.emails(), ["c@d.example", "a@b.example"]);
    let mut changed = request.clone();
    let at = changed.len() - 1;
    changed[at] ^= 1;
    assert_eq!(
        ready(smime::request::verify(&RustCrypto, &changed)),
        Err(smime::request::RequestError::BadSignature)
    );
}

fn sha256(data: &[u8]) -> Vec<u8> {
    use smime::Provider;
    ready(RustCrypto.digest(Hash::Sha256, data)).unwrap()
}

/// OpenSSL 3.0 has neither in CMS, so that only the arithmetic is checked against others.
#[test]
fn keys_of_rfc_8410_seal_and_sign() {
    let Some(mut world) = World::with(&["openssl"], "keys_of_rfc_8410_seal_and_sign") else { return };
    let reader = world.reader("x25519", "x25519");
    let recipients = std::slice::from_ref(&reader.certificate);
    let cipher = ContentEncryption::Aes256Gcm;
    let sealed = ready(smime::encrypt(&RustCrypto, &mut rng(), PLAIN, recipients, cipher)).unwrap();
    assert_eq!(decrypt(&world, &reader, &sealed).as_deref(), Ok(PLAIN));
    let signer = world.signer("ed25519", "ed25519");
    let signed = smime::sign(&RustCrypto, &world.keyring, &signer, PLAIN, SignedForm::Opaque, NOW);
    let der = ready(signed).unwrap().to_der();
    let verified = ready(smime::verify(&RustCrypto, &der, None, &world.trust, NOW)).unwrap();
    assert!(verified.signers[0].verdict.is_ok(), "{:?}", verified.signers[0].verdict);
    for name in ["x25519", "ed25519"] {
        world.folder.openssl(&format!("verify -x509_strict -CAfile root.pem {AT} {name}.pem"));
    }
}
