//! Labels, receipts and layers of whole messages, with OpenSSL on the other side.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod support;

use smime::ess::{Classification, ReceiptRequest, ReceiptsFrom, SecurityLabel};
use smime::issue::Usage;
use smime::message::{self, Address, Draft, Kind, Node, NodeKind, Opened, SealOptions, Status};
use smime::rustcrypto::RustCrypto;
use smime::{
    Certificate, Curve, Hash, Keyring, SignOptions, SignatureAlgorithm, Signer, block_on_ready as ready,
    verify,
};
use support::der::{sequence, tlv};
use support::signed::{attribute, id_aa, signed};
use support::{NOW, World, rng};

fn letter(from: &str) -> Draft {
    Draft {
        from: Address::new(from),
        to: vec![Address::new("bob@example.org")],
        subject: "Minutes".into(),
        date: NOW,
        message_id: "17@example.org".into(),
        text: "As agreed.".into(),
        ..Draft::default()
    }
}

fn sealed(world: &World, signer: &Signer, to: &Certificate, signing: SignOptions) -> Vec<u8> {
    let options = SealOptions { signing, ..SealOptions::default() };
    let (letter, rng) = (letter("alice@example.org"), &mut rng());
    let recipients = std::slice::from_ref(to);
    ready(message::seal(
        &RustCrypto,
        &world.keyring,
        rng,
        &letter,
        Some(signer),
        recipients,
        &options,
        async |_: &[u8]| None,
    ))
    .unwrap()
}

fn opened(world: &World, keys: &[smime::DecryptionKey], mail: &[u8]) -> Opened {
    ready(message::open(&RustCrypto, &world.keyring, keys, &world.trust, mail, NOW)).unwrap()
}

/// The tree on one line: layers and media types, errant ones with a question mark.
fn drawn(node: &Node) -> String {
    let name = match &node.kind {
        NodeKind::Encrypted { cipher, recipients, .. } => format!("{cipher}/{recipients}"),
        NodeKind::Signed { signers, .. } => {
            let signers: Vec<&str> = signers.iter().map(|one| one.fault.unwrap_or("good")).collect();
            format!("signed/{}", signers.join("+"))
        }
        NodeKind::Part { media_type, errant } => {
            format!("{media_type}{}", if *errant { "?" } else { "" })
        }
        other => format!("{other:?}"),
    };
    let children: Vec<String> = node.children.iter().map(drawn).collect();
    if children.is_empty() { name } else { format!("{name}({})", children.join(" ")) }
}

#[test]
fn a_label_and_a_request_come_out_of_a_sealed_letter_and_only_under_a_signature_that_counts() {
    const TEST: &str =
        "a_label_and_a_request_come_out_of_a_sealed_letter_and_only_under_a_signature_that_counts";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let (alice, bob) = (world.signer("alice", "P-256"), world.reader("bob", "P-256"));
    let label = SecurityLabel {
        policy: "1.2.156.1".parse().unwrap(),
        classification: Some(Classification::SECRET),
        privacy_mark: Some("秘密".into()),
        categories: Vec::new(),
    };
    let to = vec!["alice@example.org".into()];
    let request = ReceiptRequest { content_identifier: b"17".to_vec(), from: ReceiptsFrom::All, to };
    let signing = SignOptions {
        label: Some(label.clone()),
        receipt_request: Some(request.clone()),
        ..SignOptions::default()
    };
    let keys = std::slice::from_ref(&bob);
    let seen = opened(&world, keys, &sealed(&world, &alice, &bob.certificate, signing.clone()));
    assert_eq!(seen.status, Status::Confidential);
    assert_eq!(seen.label(), Ok(Some(&label)));
    assert_eq!(seen.requested_receipt().map(|requested| requested.request()), Some(&request));
    assert_eq!(drawn(&seen.tree), "AES-256-GCM/1(signed/good(text/plain))");
    // Signed by somebody else than the author: nobody's label.
    let mallory = world.signer("mallory", "P-256");
    let seen = opened(&world, keys, &sealed(&world, &mallory, &bob.certificate, signing));
    assert_eq!(seen.status, Status::EncryptedUnverified);
    assert_eq!((seen.label(), seen.requested_receipt()), (Ok(None), None));
    assert_eq!(drawn(&seen.tree), "AES-256-GCM/1(signed/from-mismatch(text/plain))");
}

#[test]
fn a_receipt_that_openssl_gives_is_told_from_a_letter_and_proves_what_it_is_about() {
    const TEST: &str = "a_receipt_that_openssl_gives_is_told_from_a_letter_and_proves_what_it_is_about";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let alice = world.signer("alice", "P-256");
    world.person("bob", "P-256", Usage::Signing);
    let folder = &world.folder;
    folder.write("letter", "Content-Type: text/plain\r\n\r\nAs agreed.\r\n");
    let asks = "-receipt_request_all -receipt_request_to alice@example.org";
    folder.openssl(&format!(
        "cms -sign -signer alice.pem -inkey alice.key -in letter -from alice@example.org -subject Minutes {asks} -out asking.eml"
    ));
    let asking = folder.read("asking.eml");
    let sent = opened(&world, &[], &asking);
    let requested = sent.requested_receipt().unwrap();
    folder.openssl("cms -sign_receipt -in asking.eml -signer bob.pem -inkey bob.key -out receipt.eml");
    let receipt = [b"From: bob@example.org\r\n".as_slice(), &folder.read("receipt.eml")].concat();
    let seen = opened(&world, &[], &receipt);
    let Kind::Receipt(said) = &seen.kind else { panic!("{:?}", seen.kind) };
    assert_eq!(said.content_identifier, requested.request().content_identifier);
    assert_eq!(seen.status, Status::Verified, "{:?}", seen.signers);
    assert!(!seen.headers.protected && seen.text().is_none());
    let cms = ready(verify(&RustCrypto, &seen.parts[0].data, None, &world.trust, NOW)).unwrap();
    assert!(requested.check(&cms).is_ok());

    // A header beside the object is nobody's, whatever marks it bears.
    let text = String::from_utf8(receipt).unwrap();
    let marked = text.replace("application/pkcs7-mime;", "application/pkcs7-mime; hp=\"clear\";");
    assert_ne!(marked, text);
    assert!(!opened(&world, &[], marked.as_bytes()).headers.protected);
    assert_eq!(alice.chain.len(), 1);
}

#[test]
fn a_triple_wrapped_letter_opens_and_its_inner_signature_counts_alone() {
    const TEST: &str = "a_triple_wrapped_letter_opens_and_its_inner_signature_counts_alone";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let bob = world.reader("bob", "P-256");
    world.person("alice", "rsa", Usage::Signing);
    world.person("list", "rsa", Usage::Signing);
    let folder = &world.folder;
    folder.write("letter", "Content-Type: text/plain\r\n\r\nAs agreed.\r\n");
    folder.openssl("cms -sign -signer alice.pem -inkey alice.key -in letter -out inner");
    let kari = "-keyopt ecdh_kdf_md:sha256";
    folder.openssl(&format!("cms -encrypt -aes-256-cbc -in inner -out middle -recip bob.pem {kari}"));
    folder.openssl("cms -sign -signer list.pem -inkey list.key -nodetach -in middle -from alice@example.org -out outer.eml");
    let seen = opened(&world, &[bob], &folder.read("outer.eml"));
    assert_eq!(seen.status, Status::Confidential);
    let tree = "signed/outside-encryption(AES-256-CBC/1(signed/good(text/plain)))";
    assert_eq!(drawn(&seen.tree), tree);
    assert_eq!(seen.text().as_deref().map(str::trim_end), Some("As agreed."));
}

/// Sent on by a list that wants no receipts (RFC 2634 4.4), as no program that is at hand does it.
fn sent_on(world: &World, list: &Signer, content: &[u8]) -> Vec<u8> {
    let no_receipts = sequence(&[&tlv(4, &[7]), &tlv(0x18, b"20260531120000Z"), &[0x80, 0]]);
    let history = attribute(&id_aa(3), &[&sequence(&[&no_receipts])]);
    let certificate = list.chain[0].der();
    let cms = signed(content, certificate, vec![history], |attributes| {
        let algorithm = SignatureAlgorithm::Ecdsa(Curve::P256, Hash::Sha256);
        ready(world.keyring.sign(&list.key, algorithm, attributes)).unwrap()
    });
    let header = "From: alice@example.org\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\
        Content-Transfer-Encoding: binary\r\n\r\n";
    [header.as_bytes(), &cms].concat()
}

#[test]
fn a_list_that_signed_outermost_decides_about_receipts() {
    const TEST: &str = "a_list_that_signed_outermost_decides_about_receipts";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let keys = [world.reader("bob", "P-256")];
    world.person("alice", "rsa", Usage::Signing);
    let list = world.signer("list", "P-256");
    let folder = &world.folder;
    folder.write("letter", "Content-Type: text/plain\r\n\r\nAs agreed.\r\n");
    let asks = "-receipt_request_all -receipt_request_to alice@example.org";
    folder.openssl(&format!("cms -sign -signer alice.pem -inkey alice.key -in letter {asks} -out inner"));
    let kari = "-keyopt ecdh_kdf_md:sha256";
    folder.openssl(&format!("cms -encrypt -aes-256-cbc -in inner -out middle -recip bob.pem {kari}"));
    let middle = folder.read("middle");
    let direct = opened(&world, &keys, &[b"From: alice@example.org\r\n".as_slice(), &middle].concat());
    assert!(direct.requested_receipt().is_some());
    assert_eq!(direct.lists(), Some([].as_slice()));

    let mail = sent_on(&world, &list, &middle);
    let seen = opened(&world, &keys, &mail);
    assert_eq!(drawn(&seen.tree), "signed/outside-encryption(AES-256-CBC/1(signed/good(text/plain)))");
    let (requested, lists) = (seen.requested_receipt().unwrap(), seen.lists().unwrap());
    assert_eq!(lists.len(), 1);
    assert!(!requested.is_asked_of(&["bob@example.org".into()], lists));
    assert!(requested.recipients(lists).is_empty());
    // Whose signature does not hold may have had its say taken out.
    let mut broken = mail;
    *broken.last_mut().unwrap() ^= 1;
    let seen = opened(&world, &keys, &broken);
    assert!(seen.requested_receipt().is_some());
    assert_eq!(seen.lists(), None);
}

#[test]
fn an_encrypted_part_below_the_payload_is_errant_and_stays_shut() {
    const TEST: &str = "an_encrypted_part_below_the_payload_is_errant_and_stays_shut";
    let Some(mut world) = World::with(&["openssl"], TEST) else { return };
    let (alice, bob) = (world.signer("alice", "P-256"), world.reader("bob", "P-256"));
    let inner = sealed(&world, &alice, &bob.certificate, SignOptions::default());
    let inner = String::from_utf8(inner).unwrap();
    let (_, inner) = inner.split_once("MIME-Version: 1.0\r\n").unwrap();
    let mail = format!(
        "From: alice@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\
         Look:\r\n--b\r\n{inner}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n{inner}\r\n--b--\r\n"
    );
    let keys = [bob];
    let seen = opened(&world, &keys, mail.as_bytes());
    assert_eq!(seen.status, Status::Unprotected);
    assert!(seen.layers.is_empty() && seen.signers.is_empty());
    let tree = "multipart/mixed(text/plain application/pkcs7-mime? message/rfc822)";
    assert_eq!(drawn(&seen.tree), tree);
    assert!(!seen.parts.iter().any(|part| part.text().contains("As agreed")));
    // The message inside is judged apart.
    let forwarded = &seen.parts[2].data;
    assert_eq!(opened(&world, &keys, forwarded).text().as_deref().map(str::trim_end), Some("As agreed."));
}
