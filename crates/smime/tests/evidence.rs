//! A signature with its evidence beside it stays what it was, after everything about it has expired.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use sha2::Digest;
use smime::evidence::{Evidence, EvidenceError, links};
use smime::issue::{Issuer, Usage};
use smime::path::{is_ocsp_response, is_revocation_list, ocsp_request};
use smime::rustcrypto::RustCrypto;
use smime::timestamp::{self, TimestampAuthority, TimestampError};
use smime::{
    Certificate, Hash, PathError, SignedForm, Signer, SignerError, SignerVerdict, Trust, UnixTime,
    VerifiedCms, block_on_ready as ready, sign, verify,
};
use support::{NOW, World, der};

const DAY: u64 = 86_400;
/// Every certificate has expired by then.
const LONG_AFTER: UnixTime = UnixTime(NOW.0 + 20_000 * DAY);

struct Case {
    world: World,
    office: Issuer,
    alice: Issuer,
    authority: TimestampAuthority,
    /// Roots, and nothing else.
    trust: Trust,
}

impl Case {
    /// root > office > alice, and clock > tsa.
    fn new(test: &str) -> Option<Self> {
        let mut world = World::with(&["openssl"], test)?;
        let (root, clock) = (world.authority("root"), world.authority("clock"));
        let office = world.below(&root, "office", Usage::CertificateAuthority, NOW.plus(3000 * DAY));
        let alice = world.below(&office, "alice", Usage::Signing, NOW.plus(1000 * DAY));
        let tsa = world.below(&clock, "tsa", Usage::TimestampAuthority, NOW.plus(2000 * DAY));
        let signer = Signer { key: tsa.key, chain: vec![tsa.certificate], encryption: None };
        let trust = Trust {
            anchors: vec![root.certificate],
            timestamp_anchors: vec![clock.certificate],
            revocation_required: true,
            ..Trust::default()
        };
        Some(Self { world, office, alice, authority: TimestampAuthority { signer }, trust })
    }

    /// Signed by alice, whose issuer is not in the message.
    fn signed(&self, stamped: bool) -> Vec<u8> {
        let keyring = &self.world.keyring;
        let chain = vec![self.alice.certificate.clone()];
        let signer = Signer { key: self.alice.key.clone(), chain, encryption: None };
        let signed = sign(&RustCrypto, keyring, &signer, b"for ever", SignedForm::Opaque, NOW);
        let mut signed = ready(signed).unwrap();
        if stamped {
            let digest = sha2::Sha256::digest(signed.signature()).to_vec();
            let request = timestamp::request(Hash::Sha256, &digest, 5);
            let response = ready(self.authority.respond(&RustCrypto, keyring, &request, 1, NOW)).unwrap();
            let trust = Trust { revocation_required: false, ..self.trust.clone() };
            let token = timestamp::check_response(&RustCrypto, &response, &digest, 5, &trust, NOW);
            signed.attach_timestamp(ready(token).unwrap().der()).unwrap();
        }
        signed.to_der()
    }

    /// Gathered as a reader would: OCSP about alice and her office, a list about the timestamp authority.
    fn gather(&self, cms: &[u8]) -> Evidence {
        let mut trust = Trust { revocation_required: false, ..self.trust.clone() };
        trust.intermediates.push(self.office.certificate.clone());
        let verified = ready(verify(&RustCrypto, cms, None, &trust, NOW)).unwrap();
        let links = links(&verified);
        assert_eq!(links.len(), 3);
        let all = links.iter().map(|(certificate, _)| (certificate, None)).collect::<Vec<_>>();
        self.world.index(&all);
        for (certificate, issuer) in &links {
            let name = issuer.common_name().unwrap();
            if name == "clock" {
                trust.crls.push(self.world.list(&name, ""));
            } else {
                let request = ocsp_request(certificate, issuer).unwrap();
                trust.ocsp.push(self.world.answer(&request, &name, &name, ""));
            }
        }
        // What speaks of nobody here is not kept.
        let alien = self.world.list("root", "");
        trust.crls.push(alien[..alien.len() - 1].to_vec());
        Evidence::of(&verified, &trust)
    }

    fn judge(&self, cms: &[u8]) -> SignerVerdict {
        self.judge_with(cms, &self.trust)
    }

    fn judge_with(&self, cms: &[u8], trust: &Trust) -> SignerVerdict {
        let verified: VerifiedCms<'_> = ready(verify(&RustCrypto, cms, None, trust, LONG_AFTER)).unwrap();
        assert_eq!(&*verified.content, b"for ever");
        verified.signers[0].clone()
    }
}

fn without<T: Clone>(list: &[T], at: usize) -> Vec<T> {
    let mut list = list.to_vec();
    list.remove(at);
    list
}

fn path_error(verdict: &SignerVerdict) -> &PathError {
    match &verdict.verdict {
        Err(SignerError::Path(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signature_with_its_evidence_is_good_long_after_everything_expired() {
    let Some(case) = Case::new("a_signature_with_its_evidence_is_good_long_after_everything_expired") else {
        return;
    };
    let cms = case.signed(true);
    let evidence = case.gather(&cms);
    assert_eq!((evidence.certificates.len(), evidence.crls.len(), evidence.ocsp.len()), (3, 1, 2));
    let kept = evidence.add_to(&cms).unwrap();
    let verdict = case.judge(&kept);
    assert!(verdict.verdict.is_ok(), "{:?}", verdict.verdict);
    assert_eq!(verdict.timestamp.unwrap().token.unwrap().time(), NOW.plus(1));
    assert_eq!(Evidence::from_der(&kept).unwrap().ocsp.len(), 2);
    // Added again, it changes nothing.
    assert_eq!(evidence.add_to(&kept).unwrap(), kept);
    // OpenSSL reads the message with what was added.
    case.world.folder.write("kept", &kept);
    let content = case
        .world
        .folder
        .openssl("cms -verify -inform DER -in kept -CAfile root.pem -attime 1780272000 -purpose any -binary");
    assert_eq!(content, b"for ever");
    // So do programs that know PKCS#7 alone.
    let content = case.world.folder.openssl(
        "smime -verify -inform DER -in kept -CAfile root.pem -attime 1780272000 -purpose any -binary",
    );
    assert_eq!(content, b"for ever");
}

#[test]
fn without_any_piece_of_the_evidence_it_is_not() {
    let Some(case) = Case::new("without_any_piece_of_the_evidence_it_is_not") else { return };
    let (stamped, bare) = (case.signed(true), case.signed(false));
    let all = case.gather(&stamped);
    let judge = |cms: &[u8], evidence: &Evidence| case.judge(&evidence.add_to(cms).unwrap());
    assert!(judge(&stamped, &all).verdict.is_ok());
    let subject = |certificate: &Certificate| certificate.subject();
    // Without the timestamp.
    let verdict = judge(&bare, &all);
    assert!(matches!(path_error(&verdict), PathError::Expired { .. }));
    // Without what tells that alice, or her office, was not revoked.
    for at in 0..2 {
        let verdict = judge(&stamped, &Evidence { ocsp: without(&all.ocsp, at), ..all.clone() });
        let unknown = [&case.office, &case.alice].map(|one| subject(&one.certificate));
        assert!(
            matches!(path_error(&verdict), PathError::RevocationUnknown { subject } if unknown.contains(subject))
        );
    }
    // Without what tells that the timestamp authority was not, the time is not proven.
    let verdict = judge(&stamped, &Evidence { crls: Vec::new(), ..all.clone() });
    assert!(matches!(path_error(&verdict), PathError::Expired { .. }));
    let token = verdict.timestamp.unwrap().token;
    assert!(matches!(token, Err(TimestampError::Path(PathError::RevocationUnknown { .. }))));
    // Without the certificate of her office.
    let office = all.certificates.iter().position(|one| *one == case.office.certificate).unwrap();
    let verdict = judge(&stamped, &Evidence { certificates: without(&all.certificates, office), ..all });
    assert_eq!(*path_error(&verdict), PathError::UnknownIssuer);
}

#[test]
fn evidence_is_kept_beside_the_message_too() {
    let Some(case) = Case::new("evidence_is_kept_beside_the_message_too") else { return };
    let cms = case.signed(true);
    let evidence = case.gather(&cms);
    let beside = evidence.to_der();
    // A certs-only message: OpenSSL reads it, and nobody signed it.
    case.world.folder.write("beside", &beside);
    let listed = case.world.folder.openssl("cms -cmsout -print -noout -inform DER -in beside");
    let listed = String::from_utf8(listed).unwrap();
    assert!(
        ["CN=alice", "CN=office", "CN=tsa", "d.crl", "d.other"].iter().all(|name| listed.contains(name)),
        "{listed}"
    );
    let lists = Evidence { ocsp: Vec::new(), ..evidence.clone() };
    case.world.folder.write("lists", lists.to_der());
    case.world.folder.openssl("pkcs7 -inform DER -in lists -print_certs -noout");
    let verified = ready(verify(&RustCrypto, &beside, None, &case.trust, NOW)).unwrap();
    assert!(verified.signers.is_empty() && verified.content.is_empty());
    assert_eq!(verified.certificates.len(), 3);
    // Read back, it serves as if it stood in the message.
    let mut trust = case.trust.clone();
    assert!(case.judge_with(&cms, &trust).verdict.is_err());
    trust.add(Evidence::from_der(&beside).unwrap());
    assert!(case.judge_with(&cms, &trust).verdict.is_ok());
    assert_eq!(Evidence::from_der(b"not a message"), Err(EvidenceError::Malformed));
}

#[test]
fn evidence_that_is_broken_inside_is_not_put_beside_a_signature() {
    let Some(case) = Case::new("evidence_that_is_broken_inside_is_not_put_beside_a_signature") else {
        return;
    };
    let cms = case.signed(true);
    let mut evidence = case.gather(&cms);
    assert!(evidence.add_to(&cms).is_ok());
    // The type of a common name, which the name is compared without.
    let break_in = |der: &mut Vec<u8>| {
        let name = der.windows(5).rposition(|octets| octets == [6, 3, 0x55, 4, 3]).unwrap();
        der[name] = 0xfb;
    };
    let whole = evidence.clone();
    break_in(&mut evidence.crls[0]);
    assert!(is_revocation_list(&evidence.crls[0]));
    assert_eq!(evidence.add_to(&cms), Err(EvidenceError::Malformed));
    let mut evidence = whole.clone();
    break_in(&mut evidence.ocsp[0]);
    assert!(is_ocsp_response(&evidence.ocsp[0]));
    assert_eq!(evidence.add_to(&cms), Err(EvidenceError::Malformed));
    // Or with something behind it, where it would not end a SET.
    let mut evidence = whole.clone();
    evidence.crls[0].push(0xff);
    assert_eq!(evidence.add_to(&cms), Err(EvidenceError::Malformed));
    let mut evidence = whole;
    evidence.ocsp[0].push(0xff);
    assert_eq!(evidence.add_to(&cms), Err(EvidenceError::Malformed));
    evidence.ocsp[0].pop();
    evidence.ocsp[0] = with_a_tail(&evidence.ocsp[0]);
    assert_eq!(evidence.add_to(&cms), Err(EvidenceError::Malformed));
}

/// An OCSP response that has an octet behind its BasicOCSPResponse.
fn with_a_tail(response: &[u8]) -> Vec<u8> {
    let (contents, _) = der::split(response);
    let wrapper = &contents[3..];
    let (bytes, _) = der::split(wrapper);
    let (fields, _) = der::split(bytes);
    let octets = der::split(fields).1;
    let oid = &fields[..fields.len() - octets.len()];
    let octets = der::tlv(4, &[der::split(octets).0, &[0xff]].concat());
    let bytes = der::sequence(&[oid, &octets]);
    der::sequence(&[&contents[..3], &der::tlv(wrapper[0], &bytes)])
}

/// With so many attributes more beside the only signature, which end the message.
fn with_beside(cms: &[u8], number: usize) -> Vec<u8> {
    fn append(der: &[u8], depth: usize, more: &[u8]) -> Vec<u8> {
        let (contents, _) = der::split(der);
        if depth == 0 {
            return der::tlv(der[0], &[contents, more].concat());
        }
        let (mut rest, mut last) = (contents, contents);
        while !rest.is_empty() {
            last = rest;
            rest = der::split(rest).1;
        }
        let before = &contents[..contents.len() - last.len()];
        der::tlv(der[0], &[before, &append(last, depth - 1, more)].concat())
    }
    let junk = |at: usize| {
        let oid = der::tlv(6, &[0x2a, 3, u8::try_from(at).unwrap()]);
        der::sequence(&[&oid, &der::tlv(0x31, &[5, 0])])
    };
    // ContentInfo, [0], SignedData, signerInfos, SignerInfo, unsignedAttrs.
    append(cms, 5, &(0..number).map(junk).collect::<Vec<_>>().concat())
}

#[test]
fn evidence_that_would_not_be_read_again_is_not_put_beside_a_signature() {
    let Some(case) = Case::new("evidence_that_would_not_be_read_again_is_not_put_beside_a_signature") else {
        return;
    };
    let cms = case.signed(true);
    let evidence = case.gather(&cms);
    let full = evidence.add_to(&with_beside(&cms, 62)).unwrap();
    assert!(case.judge(&full).verdict.is_ok());
    // With its timestamp they are 64, as many as are read, and more than that.
    let crowded = with_beside(&cms, 63);
    assert!(case.judge(&crowded).timestamp.is_some());
    assert_eq!(evidence.add_to(&crowded), Err(EvidenceError::TooMany));
    assert_eq!(evidence.add_to(&with_beside(&cms, 64)), Err(EvidenceError::TooMany));
}

#[test]
fn a_revocation_after_the_proven_time_takes_nothing_away() {
    let Some(case) = Case::new("a_revocation_after_the_proven_time_takes_nothing_away") else { return };
    let cms = case.signed(true);
    let evidence = case.gather(&cms);
    let (alice, office) = (&case.alice.certificate, &case.office.certificate);
    // 2026-06-01 is when it was stamped.
    for (since, is_good) in [("260531000000Z,keyCompromise", false), ("260602000000Z,keyCompromise", true)] {
        case.world.index(&[(alice, Some(since))]);
        let request = ocsp_request(alice, office).unwrap();
        let answer = case.world.answer(&request, "office", "office", "");
        let mut later = evidence.clone();
        later.ocsp.push(answer);
        let verdict = case.judge(&later.add_to(&cms).unwrap());
        assert_eq!(verdict.verdict.is_ok(), is_good, "{since} {:?}", verdict.verdict);
        let list = case.world.list("office", "");
        let later = Evidence { crls: [evidence.crls.clone(), vec![list]].concat(), ..evidence.clone() };
        let verdict = case.judge(&later.add_to(&cms).unwrap());
        assert_eq!(verdict.verdict.is_ok(), is_good, "{since} {:?}", verdict.verdict);
    }
}
