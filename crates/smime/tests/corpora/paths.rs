//! Path validation: NIST PKITS and x509-limbo.

use std::path::Path;

use serde_json::Value;
use smime::path::{Purpose, Query, validate};
use smime::rustcrypto::RustCrypto;
use smime::{Certificate, CertificateError, Trust, UnixTime, VerifiedPath, block_on_ready};

use crate::support::Folder;
use crate::support::corpus::{Tally, folder, installed};

/// 2020-01-01, within the validity of every PKITS certificate.
const PKITS_TIME: UnixTime = UnixTime(1_577_836_800);

fn certificate(path: &Path) -> Result<Certificate, CertificateError> {
    Certificate::from_der(&std::fs::read(path).unwrap())
}

/// Messages that NIST calls valid and that are refused here. As paths they are valid, and said to be weak.
const PKITS_ARGUED: [(&str, &str); 2] =
    [("valid_dsa_signatures_test4", DSA), ("valid_dsa_parameter_inheritance_test5", DSA)];

const DSA: &str =
    "valid as a path (4.1); RFC 8551 2.2 has no DSA any more and B.1 no SHA-1, so the message is called weak";

/// Whether a verdict is the expected one; `Err` says what was found instead.
fn as_expected<T>(outcome: &Result<T, String>, valid: bool) -> Result<(), String> {
    match outcome {
        Ok(_) if !valid => Err("valid".to_owned()),
        Err(found) if valid => Err(found.clone()),
        _ => Ok(()),
    }
}

fn names(case: &Value, field: &str) -> Vec<String> {
    let list = case[field].as_array().cloned().unwrap_or_default();
    list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

fn pkits(folder: &Path, case: &Value, parameters: &Value) -> Result<VerifiedPath, String> {
    let read = |name: &str| certificate(&folder.join("certs").join(name));
    let root = [read("TrustAnchorRootCertificate.crt").unwrap()];
    let leaf = read(case["cert"].as_str().unwrap()).map_err(|error| error.to_string())?;
    // Two certificates have signatures that are not even BIT STRINGs of whole octets.
    let others = names(case, "other_certs").iter().filter_map(|name| read(name).ok()).collect::<Vec<_>>();
    let mut crls = names(case, "crls");
    crls.push("TrustAnchorRootCRL.crl".into());
    let crls =
        crls.iter().map(|name| std::fs::read(folder.join("crls").join(name)).unwrap()).collect::<Vec<_>>();
    let mut query = Query::new(Purpose::Any, PKITS_TIME);
    query.revocation_required = true;
    let initial = parameters["user_initial_policy_set"].as_array().cloned().unwrap_or_default();
    query.policies.initial = initial.iter().map(|oid| oid.as_str().unwrap().parse().unwrap()).collect();
    query.policies.require_explicit = parameters["initial_explicit_policy"] == true;
    let path = validate(&RustCrypto, &leaf, &root, &others, &crls, &query);
    block_on_ready(path).map_err(|error| error.to_string())
}

#[test]
fn pkits_paths_are_judged_as_nist_says() {
    let Some(folder) = folder("pkits-4.1-4.8", "pkits_paths_are_judged_as_nist_says") else { return };
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("pkits.json")).unwrap()).unwrap();
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let mut tally = Tally::new("PKITS 4.1 to 4.8, as paths", &[]);
    for line in table.lines().skip(1) {
        let fields = line.split('\t').collect::<Vec<_>>();
        let (name, parameters, expected) = (fields[1], fields[5], fields[6]);
        let case = cases.iter().find(|case| case["name"] == name).unwrap();
        let outcome = pkits(&folder, case, &serde_json::from_str(parameters).unwrap());
        if let Ok(path) = &outcome {
            let is_weak = PKITS_ARGUED.iter().any(|(weak, _)| *weak == name);
            assert_eq!(path.weakness(), is_weak.then_some("DSA"), "{name}");
        }
        tally.judge(name, as_expected(&outcome, expected == "VALID"));
    }
    tally.finish(111);
}

/// The content and the signature of a multipart/signed message, whose boundary PKITS writes plainly.
fn signed_parts(message: &str) -> (Vec<u8>, Vec<u8>) {
    let (_, rest) = message.split_once("boundary=\"").unwrap();
    let (boundary, _) = rest.split_once('"').unwrap();
    let delimiter = format!("--{boundary}");
    let parts = message.split(&delimiter).collect::<Vec<_>>();
    let content = parts[parts.len() - 3].trim_start_matches(['\r', '\n']);
    let content = content.strip_suffix('\n').unwrap().replace('\r', "").replace('\n', "\r\n");
    let content = content.strip_suffix('\r').unwrap_or(&content).to_owned();
    let signature = parts[parts.len() - 2].replace('\r', "");
    let (_, signature) = signature.split_once("\n\n").unwrap();
    let scratch = Folder::new();
    scratch.write("signature", signature);
    (content.into_bytes(), scratch.openssl("base64 -d -in signature"))
}

#[test]
fn pkits_messages_are_trusted_as_nist_says() {
    if !installed(&["openssl"], "pkits_messages_are_trusted_as_nist_says") {
        return;
    }
    let Some(folder) = folder("pkits-4.1-4.8", "pkits_messages_are_trusted_as_nist_says") else { return };
    let cases: Vec<Value> =
        serde_json::from_slice(&std::fs::read(folder.join("pkits.json")).unwrap()).unwrap();
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let root = certificate(&folder.join("certs/TrustAnchorRootCertificate.crt")).unwrap();
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let mut tally = Tally::new("PKITS 4.1 to 4.8, as signatures of messages", &PKITS_ARGUED);
    for line in table.lines().skip(1) {
        let fields = line.split('\t').collect::<Vec<_>>();
        let (name, files, parameters, expected) = (fields[1], fields[4], fields[5], fields[6]);
        let own = |file: &&str| plain(file) == format!("signed{}.eml", plain(name));
        // A reader of mail asks for no policy; and some tests have no message.
        let Some(file) = files.split(',').find(own).filter(|_| parameters == "{}") else { continue };
        let message = String::from_utf8(std::fs::read(folder.join("smime").join(file)).unwrap()).unwrap();
        let (content, cms) = signed_parts(&message);
        let case = cases.iter().find(|case| case["name"] == name).unwrap();
        let mut crls = names(case, "crls");
        crls.push("TrustAnchorRootCRL.crl".into());
        let trust = Trust {
            anchors: vec![root.clone()],
            crls: crls.iter().map(|name| std::fs::read(folder.join("crls").join(name)).unwrap()).collect(),
            revocation_required: true,
            ..Trust::default()
        };
        let verified = block_on_ready(smime::verify(&RustCrypto, &cms, Some(&content), &trust, PKITS_TIME));
        let verdict = match &verified {
            Ok(verified) => verified.signers[0].verdict.as_ref().map(|_| ()).map_err(ToString::to_string),
            Err(error) => Err(error.to_string()),
        };
        let cut_right = verdict != Err("the content does not match its digest".into());
        assert!(cut_right, "{file}");
        tally.judge(name, as_expected(&verdict, expected == "VALID"));
    }
    tally.finish(88);
}

/// Cases of which limbo wants more than RFC 5280 asks of the reader of a certificate: what 4.1 and 4.2 lay upon
/// authorities is not among the steps of 6.1. `openssl verify` takes all of these paths, too.
const LIMBO_ARGUED: [(&str, &str); 15] = [
    ("pathlen::max-chain-depth-0-exhausted", DEPTH),
    ("pathlen::max-chain-depth-1-exhausted", DEPTH),
    ("rfc5280::aki::leaf-missing-aki", KEY_IDENTIFIERS),
    ("rfc5280::aki::intermediate-missing-aki", KEY_IDENTIFIERS),
    ("rfc5280::aki::cross-signed-root-missing-aki", KEY_IDENTIFIERS),
    ("rfc5280::ski::root-missing-ski", KEY_IDENTIFIERS),
    ("rfc5280::ski::intermediate-missing-ski", KEY_IDENTIFIERS),
    (
        "rfc5280::eku::ee-wrong-eku",
        "4.2.1.12: the case asks for a TLS server, which is no purpose of mail; the test asks for any",
    ),
    (
        "rfc5280::nc::permitted-dns-match-noncritical",
        "4.2.1.10 has authorities mark them critical; 6.1.4 (g) applies them either way",
    ),
    (
        "rfc5280::san::noncritical-with-empty-subject",
        "4.2.1.6 has authorities mark it critical; the name is read either way",
    ),
    (
        "rfc5280::serial::too-long",
        "4.1.2.2: users MUST be able to handle up to 20 octets, and are not told to refuse more",
    ),
    ("rfc5280::serial::zero", "4.1.2.2: users SHOULD be prepared to gracefully handle it"),
    ("rfc5280::serial::negative", "4.1.2.2: users SHOULD be prepared to gracefully handle it"),
    (
        "rfc5280::root-non-critical-basic-constraints",
        "4.2.1.9 has authorities mark them critical; 6.1.4 (k) applies them either way",
    ),
    (
        "rfc5280::ee-empty-issuer",
        "6.1.1 (d): of an anchor name and key count; its issuer is empty here, the leaf's is not",
    ),
];

const DEPTH: &str = "6.1.1 has no such input: the limit is limbo's own";
const KEY_IDENTIFIERS: &str =
    "4.2.1.1 and 4.2.1.2 have authorities write them, to find paths by; 6.1 needs none";

#[test]
fn limbo_paths_are_judged_as_rfc_5280_says() {
    let Some(folder) = folder("x509-limbo-2023", "limbo_paths_are_judged_as_rfc_5280_says") else { return };
    let corpus: Value = serde_json::from_slice(&std::fs::read(folder.join("limbo.json")).unwrap()).unwrap();
    let mut tally = Tally::new("x509-limbo (rfc5280, pathlen)", &LIMBO_ARGUED);
    let cases = corpus["testcases"].as_array().unwrap();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let outcome = limbo(case);
        let expected = case["expected_result"] == "SUCCESS";
        tally.judge(id, as_expected(&outcome, expected));
    }
    tally.finish(82);
}

fn limbo(case: &Value) -> Result<usize, String> {
    let pem = |field: &str| {
        let texts = names(case, field).concat();
        Certificate::all_from_pem(&texts).map_err(|error| format!("{field}: {error}"))
    };
    let anchors = pem("trusted_certs")?;
    let intermediates = pem("untrusted_intermediates")?;
    let leaf = Certificate::from_pem(case["peer_certificate"].as_str().unwrap())
        .map_err(|error| format!("leaf: {error}"))?;
    let at = case["validation_time"].as_str().map_or(1_767_225_600, rfc3339);
    let query = Query::new(Purpose::Any, UnixTime(at));
    let path = validate(&RustCrypto, &leaf, &anchors, &intermediates, &[], &query);
    block_on_ready(path).map(|path| path.certificates().len()).map_err(|error| error.to_string())
}

/// `YYYY-MM-DDThh:mm:ss` and whatever follows, by way of days since 1970.
fn rfc3339(text: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    (days * 86_400 + number(11..13) * 3600 + number(14..16) * 60 + number(17..19)) as u64
}
