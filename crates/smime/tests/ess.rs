//! Labels and receipts (RFC 2634), in both directions with OpenSSL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::ess::{
    Classification, ContentHint, LabelError, ListExpansion, ListReceiptPolicy, ReceiptError, ReceiptRequest,
    ReceiptsFrom, SecurityCategory, SecurityLabel, sign_receipt,
};
use smime::rustcrypto::RustCrypto;
use smime::{
    SignError, SignOptions, SignedForm, Signer, UnixTime, VerifiedCms, block_on_ready as ready, sign_with,
    verify,
};
use support::der::{split, tlv};
use support::{NOW, World};

const PLAIN: &[u8] = b"Content-Type: text/plain\r\n\r\nRead this\r\n";

fn signed(world: &World, signer: &Signer, options: &SignOptions) -> Result<Vec<u8>, SignError> {
    let form = SignedForm::Opaque;
    let signed = sign_with(&RustCrypto, &world.keyring, signer, PLAIN, form, NOW, options);
    ready(signed).map(|signed| signed.to_der())
}

fn verified<'a>(world: &World, cms: &'a [u8]) -> VerifiedCms<'a> {
    ready(verify(&RustCrypto, cms, None, &world.trust, NOW)).unwrap()
}

fn label() -> SecurityLabel {
    SecurityLabel {
        policy: "1.2.3.4.5.6.7.8".parse().unwrap(),
        classification: Some(Classification::SECRET),
        privacy_mark: Some("仅限本处".into()),
        categories: vec![SecurityCategory {
            kind: "1.2.3.9".parse().unwrap(),
            value: vec![12, 2, 0x68, 0x69],
        }],
    }
}

fn asking(from: ReceiptsFrom) -> SignOptions {
    let to = vec!["alice@example.org".into(), "office@example.org".into()];
    let request = ReceiptRequest { content_identifier: b"17@example.org".to_vec(), from, to };
    SignOptions { receipt_request: Some(request), ..SignOptions::default() }
}

#[test]
fn a_label_is_read_as_it_was_written() {
    let Some(mut world) = World::with(&["openssl"], "a_label_is_read_as_it_was_written") else { return };
    let alice = world.signer("alice", "P-256");
    let hint = ContentHint {
        description: Some("印".into()),
        content_type: "1.2.840.113549.1.7.1".parse().unwrap(),
    };
    let options =
        SignOptions { label: Some(label()), content_hint: Some(hint.clone()), ..SignOptions::default() };
    let cms = signed(&world, &alice, &options).unwrap();
    let found = verified(&world, &cms);
    assert_eq!(found.label(), Ok(Some(&label())));
    assert_eq!(found.signers[0].services.content_hint, Some(hint));
    // OpenSSL reads the structure, and holds the signature good.
    world.folder.write("cms", &cms);
    world.folder.openssl("cms -verify -inform DER -in cms -CAfile root.pem -out plain -purpose any");
    let printed = world.folder.openssl("cms -cmsout -print -inform DER -in cms -noout");
    let printed = String::from_utf8_lossy(&printed);
    let (_, printed) = printed.split_once("id-smime-aa-securityLabel").unwrap();
    for field in
        ["INTEGER           :04", "OBJECT            :1.2.3.4.5.6.7.8", "UTF8STRING", "UTF8STRING        :hi"]
    {
        assert!(printed.contains(field), "{field} is not in {printed}");
    }
}

#[test]
fn a_label_of_a_signature_that_is_not_good_is_not_believed() {
    let Some(mut world) =
        World::with(&["openssl"], "a_label_of_a_signature_that_is_not_good_is_not_believed")
    else {
        return;
    };
    let alice = world.signer("alice", "P-256");
    let options = SignOptions { label: Some(label()), ..asking(ReceiptsFrom::All) };
    let cms = signed(&world, &alice, &options).unwrap();
    let late = NOW.plus(9999 * 86_400);
    let found = ready(verify(&RustCrypto, &cms, None, &world.trust, late)).unwrap();
    assert!(found.signers[0].verdict.is_err());
    assert_eq!(found.label(), Ok(None));
    assert!(found.requested_receipt().is_none());
    // The classification turned down by one: nothing is left of signature and label.
    let mut lowered = cms;
    let at = lowered.windows(4).position(|part| part == [2, 1, 4, 6]).unwrap();
    lowered[at + 2] = 3;
    let found = verified(&world, &lowered);
    assert!(found.signers[0].verdict.is_err());
    assert_eq!(found.label(), Ok(None));
}

#[test]
fn labels_beyond_the_bounds_are_not_written() {
    let Some(mut world) = World::with(&["openssl"], "labels_beyond_the_bounds_are_not_written") else {
        return;
    };
    let alice = world.signer("alice", "P-256");
    let refused = |label| {
        let options = SignOptions { label: Some(label), ..SignOptions::default() };
        signed(&world, &alice, &options).unwrap_err()
    };
    let category = |value: &[u8]| SecurityCategory { kind: label().policy, value: value.to_vec() };
    for wrong in [
        SecurityLabel { classification: Some(Classification(257)), ..label() },
        SecurityLabel { privacy_mark: Some(String::new()), ..label() },
        SecurityLabel { categories: vec![category(&[12, 9])], ..label() },
        SecurityLabel { categories: vec![category(&[5, 0]); 65], ..label() },
    ] {
        assert_eq!(refused(wrong), SignError::Label(LabelError::Malformed));
    }
}

#[test]
fn openssl_returns_the_receipt_that_is_asked_for_here() {
    let Some(mut world) = World::with(&["openssl"], "openssl_returns_the_receipt_that_is_asked_for_here")
    else {
        return;
    };
    let alice = world.signer("alice", "P-256");
    world.signer("bob", "rsa");
    for from in
        [ReceiptsFrom::All, ReceiptsFrom::FirstTier, ReceiptsFrom::List(vec!["bob@example.org".into()])]
    {
        let cms = signed(&world, &alice, &asking(from.clone())).unwrap();
        world.folder.write("cms", &cms);
        let sent = verified(&world, &cms);
        let requested = sent.requested_receipt().unwrap();
        assert_eq!(requested.request().from, from);
        let printed = world.folder.run(
            "openssl",
            "cms -verify -receipt_request_print -inform DER -in cms -CAfile root.pem -purpose any",
        );
        assert!(printed.status.success());
        let printed = String::from_utf8_lossy(&printed.stderr);
        assert!(printed.contains("alice@example.org") && printed.contains("office@example.org"), "{printed}");
        world.folder.openssl(
            "cms -sign_receipt -inform DER -in cms -signer bob.pem -inkey bob.key -outform DER -out receipt",
        );
        let receipt = world.folder.read("receipt");
        let receipt = verified(&world, &receipt);
        assert_eq!(receipt.receipt().unwrap().content_identifier, b"17@example.org");
        assert_eq!(requested.check(&receipt).unwrap().emails, ["bob@example.org"]);
        // The same text, signed and asked for once more, is another message.
        let again = SignOptions { label: Some(label()), ..asking(from) };
        let again = signed(&world, &alice, &again).unwrap();
        let again = verified(&world, &again);
        let outcome = again.requested_receipt().unwrap().check(&receipt).map(|signer| signer.emails.clone());
        assert_eq!(outcome, Err(ReceiptError::OtherMessage));
    }
}

#[test]
fn openssl_believes_the_receipt_that_is_signed_here() {
    let Some(mut world) = World::with(&["openssl"], "openssl_believes_the_receipt_that_is_signed_here")
    else {
        return;
    };
    world.folder.write("plain", PLAIN);
    world.signer("alice", "rsa");
    let bob = world.signer("bob", "P-256");
    let bobs = ["bob@example.org".to_owned()];
    for (options, asked) in [
        ("-receipt_request_all", true),
        ("-receipt_request_first", true),
        ("-receipt_request_from bob@example.org", true),
        ("-receipt_request_from carol@example.org", false),
    ] {
        world.folder.openssl(&format!(
            "cms -sign -binary -nodetach -in plain -signer alice.pem -inkey alice.key -outform DER -out cms \
             -receipt_request_to alice@example.org {options}"
        ));
        let cms = world.folder.read("cms");
        let received = verified(&world, &cms);
        let requested = received.requested_receipt().unwrap();
        assert_eq!(requested.is_asked_of(&bobs, &[]), asked, "{options}");
        assert_eq!(requested.recipients(&[]), ["alice@example.org"]);
        let receipt =
            ready(sign_receipt(&RustCrypto, &world.keyring, &bob, requested, NOW)).unwrap().to_der();
        world.folder.write("receipt", &receipt);
        world.folder.openssl(
            "cms -verify_receipt receipt -rctform DER -inform DER -in cms -CAfile root.pem -purpose any",
        );
        assert!(requested.check(&verified(&world, &receipt)).is_ok());
        // Another message of hers: neither program takes the receipt for one of that.
        world.folder.openssl(
            "cms -sign -binary -nodetach -in plain -signer alice.pem -inkey alice.key -outform DER -out other \
             -receipt_request_to alice@example.org -receipt_request_all",
        );
        let output = world.folder.run(
            "openssl",
            "cms -verify_receipt receipt -rctform DER -inform DER -in other -CAfile root.pem -purpose any",
        );
        assert!(!output.status.success());
        let other = world.folder.read("other");
        let other = verified(&world, &other);
        let outcome = other.requested_receipt().unwrap().check(&verified(&world, &receipt)).map(|_| ());
        assert_eq!(outcome, Err(ReceiptError::OtherMessage));
    }
}

#[test]
fn a_receipt_is_no_message_and_a_message_no_receipt() {
    let Some(mut world) = World::with(&["openssl"], "a_receipt_is_no_message_and_a_message_no_receipt")
    else {
        return;
    };
    let (alice, bob) = (world.signer("alice", "P-256"), world.signer("bob", "P-256"));
    let cms = signed(&world, &alice, &asking(ReceiptsFrom::All)).unwrap();
    let sent = verified(&world, &cms);
    let requested = sent.requested_receipt().unwrap();
    assert_eq!(requested.check(&sent).map(|_| ()), Err(ReceiptError::NotAReceipt));
    let receipt = ready(sign_receipt(&RustCrypto, &world.keyring, &bob, requested, NOW)).unwrap().to_der();
    let late = ready(verify(&RustCrypto, &receipt, None, &world.trust, NOW.plus(9999 * 86_400))).unwrap();
    assert!(matches!(requested.check(&late), Err(ReceiptError::Signer(_))));
    assert_eq!(late.content_type.to_string(), "1.2.840.113549.1.9.16.1.1");
}

#[test]
fn a_receipt_that_asks_for_a_receipt_gets_none() {
    let Some(mut world) = World::with(&["openssl"], "a_receipt_that_asks_for_a_receipt_gets_none") else {
        return;
    };
    let alice = world.signer("alice", "P-256");
    let cms = signed(&world, &alice, &asking(ReceiptsFrom::All)).unwrap();
    let asked = verified(&world, &cms).requested_receipt().cloned().unwrap();
    let receipt = ready(sign_receipt(&RustCrypto, &world.keyring, &alice, &asked, NOW)).unwrap().to_der();
    world.folder.write("receipt.content", verified(&world, &receipt).content);
    for (kind, asks) in [("1.2.840.113549.1.9.16.1.1", false), ("1.2.840.113549.1.7.1", true)] {
        world.folder.openssl(&format!(
            "cms -sign -econtent_type {kind} -receipt_request_all -receipt_request_to alice@example.org \
             -binary -nodetach -in receipt.content -signer alice.pem -inkey alice.key -outform DER -out asking"
        ));
        let asking = world.folder.read("asking");
        let found = verified(&world, &asking);
        assert!(found.signers[0].verdict.is_ok());
        assert_eq!(found.requested_receipt().is_some(), asks);
    }
}

#[test]
fn mailing_lists_decide_about_receipts() {
    let Some(mut world) = World::with(&["openssl"], "mailing_lists_decide_about_receipts") else { return };
    let alice = world.signer("alice", "P-256");
    let list = |policy| [ListExpansion { at: UnixTime(NOW.0 - 60), policy }];
    let others = || vec!["list@example.org".to_owned()];
    let (all, first) = (ReceiptsFrom::All, ReceiptsFrom::FirstTier);
    let to = ["alice@example.org", "office@example.org"];
    for (from, policy, asked, recipients) in [
        (&all, None, true, &to[..]),
        (&first, None, false, &to[..]),
        (&all, Some(ListReceiptPolicy::NoReceipts), false, &[]),
        (&all, Some(ListReceiptPolicy::InsteadOf(others())), true, &["list@example.org"]),
        (
            &all,
            Some(ListReceiptPolicy::InAdditionTo(others())),
            true,
            &["alice@example.org", "office@example.org", "list@example.org"],
        ),
    ] {
        let cms = signed(&world, &alice, &asking(from.clone())).unwrap();
        let sent = verified(&world, &cms);
        let requested = sent.requested_receipt().unwrap();
        let lists = list(policy.clone());
        assert_eq!(requested.is_asked_of(&[], &lists), asked, "{from:?} {policy:?}");
        assert_eq!(requested.recipients(&lists), recipients, "{from:?} {policy:?}");
    }
}

#[test]
fn a_receipt_for_a_message_that_was_changed_on_its_way_proves_nothing() {
    let Some(mut world) =
        World::with(&["openssl"], "a_receipt_for_a_message_that_was_changed_on_its_way_proves_nothing")
    else {
        return;
    };
    let alice = world.signer("alice", "P-256");
    world.signer("bob", "rsa");
    let options = SignOptions { label: Some(label()), ..asking(ReceiptsFrom::All) };
    let cms = signed(&world, &alice, &options).unwrap();
    let sent = verified(&world, &cms);
    // The label is lowered, the signature left as it is; OpenSSL gives receipts without looking at it.
    let mut changed = cms.clone();
    let at = changed.windows(4).position(|part| part == [2, 1, 4, 6]).unwrap();
    changed[at + 2] = 3;
    world.folder.write("cms", &changed);
    world.folder.openssl(
        "cms -sign_receipt -inform DER -in cms -signer bob.pem -inkey bob.key -outform DER -out receipt",
    );
    let receipt = world.folder.read("receipt");
    let receipt = verified(&world, &receipt);
    assert!(receipt.signers[0].verdict.is_ok());
    let outcome = sent.requested_receipt().unwrap().check(&receipt).map(|_| ());
    assert_eq!(outcome, Err(ReceiptError::DigestMismatch));
}

/// The SignedData with the certificates and signers of another one too, whose content is the same.
fn joined(one: &[u8], other: &[u8]) -> Vec<u8> {
    // Version, digest algorithms, content, certificates, signers.
    let fields = |cms| {
        let mut rest = split(split(split(split(cms).0).1).0).0;
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let (contents, after) = split(rest);
            fields.push((rest[0], contents, &rest[..rest.len() - after.len()]));
            rest = after;
        }
        fields
    };
    let (ours, theirs) = (fields(one), fields(other));
    let set = |at: usize| tlv(ours[at].0, &[ours[at].1, theirs[at].1].concat());
    let signed = tlv(0x30, &[ours[0].2, ours[1].2, ours[2].2, &set(3), &set(4)].concat());
    let content_type = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    tlv(0x30, &[&content_type[..], &tlv(0xa0, &signed)].concat())
}

#[test]
fn signers_that_disagree_leave_no_label_and_no_receipt() {
    let Some(mut world) = World::with(&["openssl"], "signers_that_disagree_leave_no_label_and_no_receipt")
    else {
        return;
    };
    let (alice, bob) = (world.signer("alice", "P-256"), world.signer("bob", "P-256"));
    let higher = SecurityLabel { classification: Some(Classification::TOP_SECRET), ..label() };
    let labelled = |label: Option<SecurityLabel>| SignOptions { label, ..asking(ReceiptsFrom::All) };
    let one = signed(&world, &alice, &labelled(Some(label()))).unwrap();
    for (other, expected) in [
        (labelled(Some(label())), Ok(Some(label()))),
        (labelled(None), Ok(Some(label()))),
        (labelled(Some(higher)), Err(LabelError::Conflict)),
    ] {
        let both = joined(&one, &signed(&world, &bob, &other).unwrap());
        let found = verified(&world, &both);
        assert!(found.signers.len() == 2 && found.signers.iter().all(|signer| signer.verdict.is_ok()));
        assert_eq!(found.label().map(Option::<&SecurityLabel>::cloned), expected);
        assert!(found.requested_receipt().is_some());
    }
    let other = signed(&world, &bob, &asking(ReceiptsFrom::FirstTier)).unwrap();
    let both = joined(&one, &other);
    let found = verified(&world, &both);
    assert!(found.signers.iter().all(|signer| signer.services.requested_receipt.is_some()));
    assert!(found.requested_receipt().is_none());
}
