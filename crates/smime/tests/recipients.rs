//! The choice of certificate and algorithms, and whether the programs chosen for can open the result.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use smime::issue::{self, Issuer, Profile, Usage};
use smime::message::{self, Address, Draft, Kind, Opened, SealOptions};
use smime::recipients::{Candidate, Chosen, NoneChosen, Offer, Reads, Unfit, agree, choose, offers};
use smime::rustcrypto::RustCrypto;
use smime::{
    Certificate, ContentEncryption, KeyTransport, PathError, Trust, UnixTime, block_on_ready as ready,
};
use support::{NOW, World, gpgsm, rng};

const DAY: u64 = 86_400;

fn candidate(certificate: &Certificate) -> Candidate {
    Candidate { certificate: certificate.clone(), issuers: Vec::new(), reads: Reads::Unknown }
}

fn choose_of(candidates: &[&Certificate], trust: &Trust) -> Result<Chosen, NoneChosen> {
    let candidates: Vec<Candidate> = candidates.iter().map(|one| candidate(one)).collect();
    ready(choose(&RustCrypto, "Rsa@Example.org", &candidates, trust, NOW))
}

/// What was said of a certificate that was not taken.
fn said<'p>(outcome: &'p Result<Chosen, NoneChosen>, of: &Certificate) -> Option<&'p Unfit> {
    let passed_over = match outcome {
        Ok(chosen) => chosen.passed_over(),
        Err(NoneChosen::Unfit(passed_over)) => passed_over,
        Err(_) => &[],
    };
    passed_over.iter().find(|one| one.certificate == *of).map(|one| &one.reason)
}

/// Has OpenSSL certify the key `name.key` anew, with these extensions, from `days` before [`NOW`].
fn certify(world: &World, file: &str, days: u64, until: u64, extensions: &str) -> Certificate {
    let pkcs8 = world.keyring.pkcs8(&world.root.key).unwrap();
    world.folder.write("ca.p8", pkcs8.as_slice());
    world.folder.openssl("pkey -inform DER -in ca.p8 -out ca.key");
    world.folder.write(&format!("{file}.ext"), extensions);
    world.folder.openssl(&format!("req -new -key rsa.key -subj /CN=Rsa -out {file}.csr"));
    let day = |at: u64| {
        String::from_utf8(world.folder.must("date", &format!("-u -d @{at} +%Y%m%d%H%M%SZ"))).unwrap()
    };
    let (from, to) = (day(NOW.0 - days * DAY), day(NOW.0 + until * DAY - 2 * DAY));
    world.folder.write("ca.conf", CA);
    world.folder.write("index", "");
    world.folder.write("index.attr", "unique_subject = no\n");
    world.folder.openssl(&format!(
        "ca -config ca.conf -batch -notext -rand_serial -in {file}.csr -out {file}.pem -startdate {} -enddate {} -extfile {file}.ext",
        from.trim(),
        to.trim()
    ));
    Certificate::all_from_pem(std::str::from_utf8(&world.folder.read(&format!("{file}.pem"))).unwrap())
        .unwrap()
        .remove(0)
}

const CA: &str = "[ca]\ndefault_ca=a\n[a]\nserial=serial\ndatabase=index\nnew_certs_dir=.\ncertificate=root.pem\n\
    private_key=ca.key\ndefault_md=sha256\ndefault_crl_days=3000\npolicy=p\n[p]\ncommonName=supplied\n";
const BOTH: &str = "keyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=emailProtection\n\
    subjectAltName=email:rsa@example.org\nsubjectKeyIdentifier=hash\n";

#[test]
fn the_newest_certificate_that_stands_up_is_chosen_and_the_others_have_their_reasons() {
    const TEST: &str = "the_newest_certificate_that_stands_up_is_chosen_and_the_others_have_their_reasons";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    world.person("rsa", "rsa", Usage::Encryption);
    let old = certify(&world, "old", 90, 400, BOTH);
    let good = certify(&world, "good", 50, 400, BOTH);
    let expired = certify(&world, "expired", 40, 1, BOTH);
    let signing = certify(&world, "signing", 30, 400, &BOTH.replace(",keyEncipherment", ""));
    let server = certify(&world, "server", 20, 400, &BOTH.replace("emailProtection", "serverAuth"));
    let other = certify(&world, "other", 10, 400, &BOTH.replace("rsa@", "eve@"));
    let stranger = World::new().certify("rsa", good.spki(), Usage::Encryption, NOW.plus(DAY));
    let all = [&old, &expired, &good, &signing, &server, &other, &stranger];
    let outcome = choose_of(&all, &world.trust);
    assert_eq!(outcome.as_ref().unwrap().certificate(), &good);
    assert_eq!(outcome.as_ref().unwrap().path().anchor(), Some(&world.root.certificate));
    assert_eq!(said(&outcome, &old), Some(&Unfit::Older));
    assert!(matches!(said(&outcome, &expired), Some(Unfit::Path(PathError::Expired { .. }))));
    assert_eq!(said(&outcome, &signing), Some(&Unfit::WrongUsage));
    assert_eq!(said(&outcome, &server), Some(&Unfit::WrongUsage));
    assert_eq!(said(&outcome, &other), Some(&Unfit::OtherAddress));
    // Issued before the good one, so it was not looked at.
    assert_eq!(said(&outcome, &stranger), Some(&Unfit::Older));

    let outcome = choose_of(&[&expired, &signing], &world.trust);
    assert_eq!(outcome.as_ref().unwrap_err().reason().map(Unfit::code), Some("wrong-usage"));
    let outcome = choose_of(&[&stranger], &world.trust);
    // Its authority bears the name of the trusted one.
    assert_eq!(outcome.as_ref().unwrap_err().reason().map(Unfit::code), Some("path-bad-signature"));
    let outcome = choose_of(&[&good], &Trust::default());
    assert_eq!(outcome.as_ref().unwrap_err().reason(), Some(&Unfit::Path(PathError::UnknownIssuer)));
    assert_eq!(choose_of(&[&other], &world.trust).unwrap_err(), NoneChosen::Unknown);
}

#[test]
fn a_revoked_certificate_gives_way_to_an_older_one_that_is_not() {
    const TEST: &str = "a_revoked_certificate_gives_way_to_an_older_one_that_is_not";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    world.person("rsa", "rsa", Usage::Encryption);
    let old = certify(&world, "old", 90, 400, BOTH);
    let revoked = certify(&world, "revoked", 50, 400, BOTH);
    let serial = revoked.serial_hex().to_uppercase();
    let entry = format!("R\t270101000000Z\t260531000000Z,keyCompromise\t{serial}\tunknown\t/CN=Rsa\n");
    world.folder.write("index", entry);
    world.folder.openssl(
        "ca -config ca.conf -batch -gencrl -crl_lastupdate 20260531000000Z -crl_nextupdate 20270101000000Z -out crl.pem",
    );
    world.folder.openssl("crl -in crl.pem -outform DER -out crl.der");
    let trust = Trust { crls: vec![world.folder.read("crl.der")], ..world.trust.clone() };
    let outcome = choose_of(&[&revoked, &old], &trust);
    assert_eq!(outcome.as_ref().unwrap().certificate(), &old);
    assert!(matches!(said(&outcome, &revoked), Some(Unfit::Path(PathError::Revoked { .. }))));
    assert!(matches!(choose_of(&[&revoked], &trust), Err(NoneChosen::Unfit(_))));
    // Where revocation has to be ruled out, a person without a list is not written to.
    let strict = Trust { revocation_required: true, ..world.trust.clone() };
    let outcome = choose_of(&[&old], &strict);
    assert_eq!(outcome.unwrap_err().reason().map(Unfit::code), Some("revocation-unknown"));
}

fn opened(world: &World, mail: &[u8]) -> Opened {
    ready(message::open(&RustCrypto, &world.keyring, &[], &world.trust, mail, NOW)).unwrap()
}

/// A CMS object as the whole of a mail from the person.
fn mail(smime_type: &str, cms: &[u8]) -> Vec<u8> {
    let body: Vec<String> =
        STANDARD.encode(cms).as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into()).collect();
    format!(
        "From: rsa@example.org\r\nMIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; \
         smime-type={smime_type}; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        body.join("\r\n")
    )
    .into_bytes()
}

/// The one certificate that a mail offers, chosen.
fn learnt(world: &World, mail: &[u8]) -> Chosen {
    let offers = offers(&opened(world, mail));
    let [Offer { addresses, candidate, .. }] = offers.as_slice() else { panic!("{offers:?}") };
    assert_eq!(addresses, &["rsa@example.org"]);
    ready(choose(&RustCrypto, &addresses[0], std::slice::from_ref(candidate), &world.trust, NOW)).unwrap()
}

fn sealed_to(world: &World, chosen: &[&Chosen]) -> (Vec<u8>, smime::recipients::Agreement) {
    let agreement = agree(chosen.iter().copied());
    let letter = Draft {
        from: Address::new("alice@example.org"),
        to: vec![Address::new("rsa@example.org")],
        date: NOW,
        message_id: "1@example.org".into(),
        text: "Everybody reads this.".into(),
        ..Draft::default()
    };
    let options = SealOptions {
        cipher: agreement.cipher,
        transport: agreement.transport.clone(),
        ..SealOptions::default()
    };
    let recipients: Vec<Certificate> = chosen.iter().map(|one| one.certificate().clone()).collect();
    let (keyring, rng) = (&world.keyring, &mut rng());
    let sealed =
        message::seal(&RustCrypto, keyring, rng, &letter, None, &recipients, &options, async |_: &[u8]| None);
    (ready(sealed).unwrap(), agreement)
}

fn cms_of(mail: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(mail).unwrap();
    STANDARD.decode(text.split_once("\r\n\r\n").unwrap().1.replace("\r\n", "")).unwrap()
}

const PLAIN: &str = "Content-Type: text/plain\r\n\r\nHello\r\n";

#[test]
fn one_letter_to_readers_of_openssl_nss_and_gpgsm_opens_in_each() {
    const TEST: &str = "one_letter_to_readers_of_openssl_nss_and_gpgsm_opens_in_each";
    let programs = ["openssl", "certutil", "pk12util", "cmsutil", "gpgsm", "gpgconf"];
    let Some(mut world) = World::with(&programs, TEST) else { return };
    world.person("rsa", "rsa", Usage::Encryption);
    certify(&world, "both", 50, 400, BOTH);
    let folder = &world.folder;
    folder.write("plain", PLAIN);
    folder.openssl(
        "pkcs12 -export -legacy -inkey rsa.key -in both.pem -name rsa -passout pass:secret -out nss.p12",
    );

    folder.openssl(
        "cms -sign -binary -signer both.pem -inkey rsa.key -in plain -nodetach -outform DER -out openssl.p7m",
    );
    folder.write("empty", "\n");
    folder.must("certutil", "-N -d . --empty-password");
    folder.must("certutil", "-A -d . -n root -t C,C,C -i root.pem");
    folder.must("pk12util", "-i nss.p12 -d . -W secret -k empty");
    folder.must("cmsutil", "-S -d . -N rsa -G -P -i plain -o nss.p7m");
    gpgsm::make_home(folder);
    gpgsm::import(folder, "rsa.key", "both.pem");
    gpgsm::must(folder, "--local-user rsa@example.org --output gpgsm.p7m --sign plain");

    let learnt = ["openssl", "nss", "gpgsm"].map(|program| {
        let chosen = learnt(&world, &mail("signed-data", &folder.read(&format!("{program}.p7m"))));
        assert!(matches!(chosen.reads(), Reads::Announced(_)), "{program} announces what it reads");
        chosen
    });
    let (sealed, agreement) = sealed_to(&world, &learnt.each_ref());
    folder.write("sealed.eml", &sealed);
    folder.write("sealed.p7m", cms_of(&sealed));
    // None of the three announces AuthEnvelopedData, or OAEP with SHA-256.
    assert_eq!(agreement.cipher_for, [0, 1, 2]);
    assert!(!agreement.cipher.is_authenticated() && !agreement.cipher.is_weak());
    assert_eq!(agreement.transport, [KeyTransport::Pkcs1v15; 3]);
    let reads = |output: Vec<u8>| String::from_utf8(output).unwrap().contains("Everybody reads this.");
    assert!(reads(folder.openssl("cms -decrypt -in sealed.eml -inkey rsa.key -recip both.pem")));
    assert!(reads(folder.must("cmsutil", "-D -d . -i sealed.p7m")));
    assert!(reads(gpgsm::must(folder, "--decrypt sealed.p7m")));
    let _ = folder.run("gpgconf", "--homedir g --kill all");
}

#[test]
fn who_is_known_to_read_gcm_and_oaep_gets_them_unless_somebody_among_them_is_not() {
    const TEST: &str = "who_is_known_to_read_gcm_and_oaep_gets_them_unless_somebody_among_them_is_not";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    world.person("rsa", "rsa", Usage::Encryption);
    let both = certify(&world, "both", 50, 400, BOTH);
    let signer = smime::Signer { key: smime::KeyId::new("rsa"), chain: vec![both.clone()], encryption: None };
    let letter = Draft {
        from: Address::new("rsa@example.org"),
        date: NOW,
        message_id: "1@example.org".into(),
        ..Draft::default()
    };
    let signed = message::sign_clear(&RustCrypto, &world.keyring, &letter, &signer, async |_: &[u8]| None);
    let capable = learnt(&world, &ready(signed).unwrap());
    let (sealed, agreement) = sealed_to(&world, &[&capable]);
    assert_eq!(
        (agreement.cipher, agreement.transport),
        (ContentEncryption::Aes256Gcm, vec![KeyTransport::Oaep])
    );
    assert!(agreement.cipher_for.is_empty());
    world.folder.write("sealed.eml", &sealed);
    let plain = world.folder.openssl("cms -decrypt -in sealed.eml -inkey rsa.key -recip both.pem");
    assert!(String::from_utf8(plain).unwrap().contains("Everybody reads this."));

    let unknown = choose_of(&[&both], &world.trust).unwrap();
    let (sealed, agreement) = sealed_to(&world, &[&capable, &unknown]);
    assert_eq!((agreement.cipher, agreement.cipher_for), (ContentEncryption::Aes256Cbc, vec![1]));
    assert_eq!(agreement.transport, [KeyTransport::Oaep, KeyTransport::Pkcs1v15]);
    // Each by their own padding in the same message, as OpenSSL reads it; DER orders the set.
    world.folder.write("mixed.p7m", cms_of(&sealed));
    let printed = world.folder.openssl("cms -cmsout -print -noout -inform DER -in mixed.p7m");
    let printed = String::from_utf8(printed).unwrap();
    let paddings = printed.lines().filter_map(|line| line.trim().strip_prefix("algorithm: rsa"));
    let expected = ["Encryption (1.2.840.113549.1.1.1)", "esOaep (1.2.840.113549.1.1.7)"];
    assert_eq!(paddings.collect::<Vec<_>>(), expected);
    // Known from a directory as well: the better knowledge of the same certificate counts.
    let directory = Candidate { reads: Reads::Everything, ..candidate(&both) };
    let known = [candidate(&both), directory];
    let known = ready(choose(&RustCrypto, "rsa@example.org", &known, &world.trust, NOW)).unwrap();
    assert_eq!(agree([&capable, &known]).cipher, ContentEncryption::Aes256Gcm);
}

#[test]
fn certificates_that_openssl_sends_alone_are_learnt_and_no_letter() {
    const TEST: &str = "certificates_that_openssl_sends_alone_are_learnt_and_no_letter";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let (_, certificate) = world.person("rsa", "rsa", Usage::Encryption);
    world.folder.openssl("crl2pkcs7 -nocrl -certfile rsa.pem -certfile root.pem -outform DER -out certs.p7c");
    let mail = mail("certs-only", &world.folder.read("certs.p7c"));
    let seen = opened(&world, &mail);
    assert_eq!(seen.kind, Kind::Certificates);
    assert_eq!(seen.status, message::Status::Unprotected);
    assert_eq!(seen.certificates.len(), 2);
    assert_eq!(seen.parts.len(), 1);
    let chosen = learnt(&world, &mail);
    assert_eq!((chosen.certificate(), chosen.reads()), (&certificate, &Reads::Unknown));
    // Whoever sends a stranger's certificate teaches nothing that would be used.
    let stranger = Trust::default();
    let offered = offers(&seen).remove(0).candidate;
    let outcome = ready(choose(&RustCrypto, "rsa@example.org", &[offered], &stranger, NOW));
    assert!(matches!(outcome, Err(NoneChosen::Unfit(_))));
}

#[test]
fn an_authority_that_names_an_address_still_leads_to_those_it_certified() {
    const TEST: &str = "an_authority_that_names_an_address_still_leads_to_those_it_certified";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let (key, _) = world.person("rsa", "rsa", Usage::Encryption);
    let authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
        subjectAltName=email:office@example.org\nsubjectKeyIdentifier=hash\n";
    let certificate = certify(&world, "office", 50, 400, authority);
    let (_, bob) = world.person("bob", "rsa", Usage::Encryption);
    let issuer = Issuer { key, certificate };
    let profile = Profile {
        common_name: "Bob".into(),
        organisation: None,
        emails: vec!["bob@example.org".into()],
        usage: Usage::Encryption,
        serial: [7; 16],
        not_before: UnixTime(NOW.0 - DAY),
        not_after: NOW.plus(300 * DAY),
    };
    let bob = ready(issue::issue(&world.keyring, &issuer, bob.spki(), &profile)).unwrap();
    world.folder.write("new.pem", bob.to_pem());
    world
        .folder
        .openssl("crl2pkcs7 -nocrl -certfile new.pem -certfile office.pem -outform DER -out certs.p7c");
    let seen = opened(&world, &mail("certs-only", &world.folder.read("certs.p7c")));
    let offered = offers(&seen).remove(0).candidate;
    let chosen = ready(choose(&RustCrypto, "bob@example.org", &[offered], &world.trust, NOW)).unwrap();
    assert_eq!(chosen.path().certificates().len(), 3);
    assert_eq!(chosen.certificate(), &bob);
}

#[test]
fn a_certificate_that_a_person_made_alone_is_learnt() {
    const TEST: &str = "a_certificate_that_a_person_made_alone_is_learnt";
    let Some(world) = World::with(&["openssl"], TEST) else { return };
    // As OpenSSL makes it by default: with cA TRUE.
    for (key, name) in [("old.key", "old"), ("new.key", "new")] {
        world.folder.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {name}.pem -days 9999 -subj /CN=Rsa \
             -addext subjectAltName=email:rsa@example.org"
        ));
    }
    world.folder.openssl("crl2pkcs7 -nocrl -certfile new.pem -certfile old.pem -outform DER -out certs.p7c");
    let seen = opened(&world, &mail("certs-only", &world.folder.read("certs.p7c")));
    let offers = offers(&seen);
    assert_eq!(offers.len(), 2);
    for Offer { addresses, candidate, .. } in offers {
        let own = &candidate.certificate;
        let trust = Trust { anchors: vec![own.clone()], ..Trust::default() };
        let now = own.not_before().plus(60);
        let alone = std::slice::from_ref(&candidate);
        let chosen = ready(choose(&RustCrypto, &addresses[0], alone, &trust, now)).unwrap();
        assert_eq!(chosen.certificate(), own);
    }
}

#[test]
fn a_signature_that_does_not_count_teaches_nothing() {
    const TEST: &str = "a_signature_that_does_not_count_teaches_nothing";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    world.person("rsa", "rsa", Usage::Encryption);
    certify(&world, "both", 50, 400, BOTH);
    world.folder.write("plain", PLAIN);
    world.folder.openssl(
        "cms -sign -binary -signer both.pem -inkey rsa.key -in plain -nodetach -outform DER -out s.p7m",
    );
    let signed = mail("signed-data", &world.folder.read("s.p7m"));
    assert_eq!(offers(&opened(&world, &signed)).len(), 1);
    let other = String::from_utf8(signed.clone()).unwrap().replace("From: rsa@", "From: eve@");
    assert!(offers(&opened(&world, other.as_bytes())).is_empty());
    let untrusting =
        ready(message::open(&RustCrypto, &world.keyring, &[], &Trust::default(), &signed, UnixTime(NOW.0)));
    assert!(offers(&untrusting.unwrap()).is_empty());
}
