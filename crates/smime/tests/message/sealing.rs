//! What a sealed message shows outside and carries inside.

use smime::{
    ContentEncryption, Hash, Provider, UnixTime, block_on_ready,
    message::{
        Address, Attachment, Disposition, Draft, HeaderPolicy, Layer, SealOptions, Status, open, seal,
        sign_clear,
    },
    rustcrypto::RustCrypto,
    timestamp,
};

use crate::people::{NOW, World, letter};

fn head(message: &[u8]) -> String {
    let text = String::from_utf8(message.to_vec()).expect("a sealed message is 7-bit");
    text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ")
}

#[test]
fn a_sealed_letter_opens_as_it_was_written() {
    let world = World::new();
    for cipher in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
        let options = SealOptions { cipher, ..SealOptions::default() };
        let opened = world.open(&world.seal(&letter(), Some("alice"), &options));
        assert_eq!(opened.status, Status::Confidential, "{:?}", opened.signers);
        assert_eq!(opened.headers.subject, letter().subject);
        assert_eq!(opened.headers.from, [letter().from]);
        assert_eq!(opened.headers.to, letter().to);
        assert_eq!(opened.headers.cc, letter().cc);
        assert_eq!(opened.headers.date, Some(NOW));
        assert_eq!(opened.headers.message_id.as_deref(), Some("letter-1@a.example"));
        assert_eq!(opened.text().unwrap().replace("\r\n", "\n").trim_end(), letter().text.trim_end());
        assert!(opened.signers[0].valid && opened.signers[0].encryption.is_some());
        assert_eq!(opened.signers[0].emails, ["alice@a.example"]);
        assert!(matches!(
            opened.layers.as_slice(),
            [Layer::Encrypted { weak: false, .. }, Layer::Signed { .. }]
        ));
    }
}

#[test]
fn the_outside_shows_no_subject_and_no_bcc() {
    let world = World::new();
    let message = world.seal(&letter(), Some("alice"), &SealOptions::default());
    let head = head(&message);
    assert!(head.contains("Subject: [...]\r\n"), "{head}");
    assert!(head.contains("alice@a.example") && head.contains("carol@c.example"));
    for secret in ["real", "secret", "Bcc", "5Li76aKY"] {
        assert!(!head.contains(secret), "{secret} in {head}");
    }
    let text = String::from_utf8(message).unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 78 && !line.contains(['\r', '\n'])));
}

#[test]
fn the_shy_policy_hides_display_names() {
    let world = World::new();
    let options = SealOptions { header_policy: HeaderPolicy::Shy, ..SealOptions::default() };
    let message = world.seal(&letter(), Some("alice"), &options);
    let head = head(&message);
    assert!(head.contains("From: alice@a.example\r\n") && head.contains("To: bob@b.example\r\n"), "{head}");
    assert!(!head.contains("Carol"));
    let opened = world.open(&message);
    assert_eq!(opened.headers.cc, letter().cc);
    assert!(opened.headers.protection("Cc").encrypted && opened.headers.protection("From").encrypted);
    assert!(!opened.headers.protection("Date").encrypted);
}

#[test]
fn bcc_is_kept_only_where_it_is_asked_for() {
    let world = World::new();
    let sent = world.open(&world.seal(&letter(), Some("alice"), &SealOptions::default()));
    assert!(sent.headers.bcc.is_empty());
    let options = SealOptions { keep_bcc: true, ..SealOptions::default() };
    let message = world.seal(&letter(), None, &options);
    assert!(!head(&message).contains("secret@s.example"));
    let draft = world.open(&message);
    assert_eq!(draft.headers.bcc, letter().bcc);
    assert_eq!(draft.status, Status::EncryptedUnverified);
    assert!(draft.signers.is_empty());
}

#[test]
fn attachments_and_inline_pictures_come_back_byte_for_byte() {
    let world = World::new();
    let all: Vec<u8> = (0..=255).collect();
    let file = |name: &str, media_type: &str, content_id: Option<&str>| Attachment {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content_id: content_id.map(str::to_owned),
        data: all.repeat(40),
    };
    let draft = Draft {
        html: Some("<html><body><p>Hello 你好</p><img src=\"cid:p1@x\"></body></html>".to_owned()),
        attachments: vec![
            file("合同 (final).pdf", "application/pdf", None),
            file("forward.eml", "message/rfc822", None),
            file("picture.png", "image/png", Some("p1@x")),
            file(&("很长的名字".repeat(30) + ".txt"), "not a type", None),
        ],
        ..letter()
    };
    let opened = world.open(&world.seal(&draft, Some("alice"), &SealOptions::default()));
    assert_eq!(opened.status, Status::Confidential);
    assert_eq!(opened.html().unwrap().trim_end(), draft.html.clone().unwrap());
    assert!(opened.text().unwrap().starts_with("Dear Bob"));
    let files: Vec<_> = opened.attachments().collect();
    assert_eq!(files.len(), 4);
    for (part, name) in [(files[0], "picture.png"), (files[1], "合同 (final).pdf"), (files[2], "forward.eml")]
    {
        assert_eq!(part.name.as_deref(), Some(name));
        assert_eq!(part.data, all.repeat(40));
    }
    assert_eq!(files[0].content_id.as_deref(), Some("p1@x"));
    assert_eq!(files[0].disposition, Disposition::Inline);
    assert_eq!(files[3].name.as_deref(), Some(draft.attachments[3].name.as_str()));
    assert_eq!(files[3].media_type, "application/octet-stream");
}

#[test]
fn a_draft_that_would_break_out_of_its_header_is_refused() {
    let world = World::new();
    let draft = Draft { to: vec![Address::new("x@y\r\nBcc: all@example")], ..letter() };
    let recipients = [world.person("bob").encryption.clone()];
    let refused = block_on_ready(smime::message::seal(
        &RustCrypto,
        &world.keyring,
        &mut crate::people::rng(),
        &draft,
        None,
        &recipients,
        &SealOptions::default(),
        async |_: &[u8]| None,
    ));
    assert!(refused.is_err());
    let draft = Draft { subject: "a\r\nBcc: all@example\r\n\r\nbody".to_owned(), ..letter() };
    let opened = world.open(&world.seal(&draft, Some("alice"), &SealOptions::default()));
    assert!(opened.headers.bcc.is_empty());
    assert_eq!(opened.headers.subject, "a  Bcc: all@example    body");
}

#[test]
fn a_clear_letter_is_signed_with_its_header() {
    let world = World::new();
    let signer = world.signer("alice");
    let message =
        block_on_ready(sign_clear(&RustCrypto, &world.keyring, &letter(), &signer, async |_: &[u8]| None))
            .unwrap();
    let opened = world.open(&message);
    assert_eq!(opened.status, Status::Verified);
    assert!(opened.headers.protected);
    assert_eq!(opened.headers.protection("Subject").code(), "signed-only");
    let text = String::from_utf8(message).unwrap();
    assert!(!text.contains("HP-Outer") && !text.contains("Bcc") && text.contains("hp=\"clear\""));
    // Another subject outside changes nothing of what is shown.
    let forged = text.replacen("Subject: =?utf-8?B?", "Subject: Forged =?utf-8?B?", 1);
    assert_ne!(forged, text);
    let opened = world.open(forged.as_bytes());
    assert_eq!((opened.status, opened.headers.subject), (Status::Verified, letter().subject));
}

#[test]
fn a_stamped_signature_outlives_its_certificate() {
    let mut world = World::new();
    let authority = world.authority();
    let (signer, recipients) = (world.signer("alice"), [world.person("bob").encryption.clone()]);
    let options = SealOptions::default();
    let stamp = async |signature: &[u8]| {
        let digest = RustCrypto.digest(Hash::Sha256, signature).await.unwrap();
        let request = timestamp::request(Hash::Sha256, &digest, 7);
        let response = authority.respond(&RustCrypto, &world.keyring, &request, 1, NOW).await.unwrap();
        let token =
            timestamp::check_response(&RustCrypto, &response, &digest, 7, &world.trust(), NOW).await.unwrap();
        Some(token.der().to_vec())
    };
    let sealed = block_on_ready(seal(
        &RustCrypto,
        &world.keyring,
        &mut crate::people::rng(),
        &letter(),
        Some(&signer),
        &recipients,
        &options,
        stamp,
    ))
    .unwrap();
    let bare = world.seal(&letter(), Some("alice"), &options);
    // Two years on Alice's certificate has expired; the authority vouches that it had not when she signed.
    let later = UnixTime(NOW.0 + 2 * 365 * 86_400);
    let at = |message: &[u8]| {
        let keys = world.keys("bob");
        block_on_ready(open(&RustCrypto, &world.keyring, &keys, &world.trust(), message, later)).unwrap()
    };
    let opened = at(&sealed);
    assert_eq!(opened.status, Status::Confidential, "{:?}", opened.signers);
    let stamp = opened.signers[0].timestamp.clone().unwrap();
    let proven = Some(NOW.plus(1));
    assert_eq!((stamp.time, stamp.fault, opened.signers[0].signed_at), (proven, None, proven));
    let opened = at(&bare);
    assert_eq!(opened.status, Status::EncryptedUnverified);
    assert_eq!(opened.signers[0].reason.as_ref().unwrap().code(), "expired");
}

#[test]
fn the_outside_of_a_sealed_message_shows_only_what_carries_it() {
    let world = World::new();
    let original = "From: Alice <alice@a.example>\r\nTo: bob@b.example\r\nSender: alice@a.example\r\n\
        Subject: The canary\r\nDate: Thu, 1 Jan 2026 05:30:00 +0530\r\nMessage-ID: <1@a.example>\r\n\
        Thread-Topic: canary\r\nX-Mailer: canary 1.0\r\nResent-Bcc: canary@c.example\r\nX-Bcc: canary@c.example\r\n\
        Apparently-To: canary@c.example\r\nOrganization: canary\r\nBcc: canary@c.example\r\n\r\nText.\r\n";
    let sealed = block_on_ready(smime::message::seal_message(
        &RustCrypto,
        &world.keyring,
        &mut crate::people::rng(),
        original.as_bytes(),
        Some(&world.signer("alice")),
        NOW,
        &[world.person("bob").encryption.clone()],
        &SealOptions::default(),
        async |_: &[u8]| None,
    ))
    .unwrap();
    let outside = head(&sealed);
    assert!(!outside.to_lowercase().contains("canary"), "{outside}");
    assert!(outside.contains("Date: Thu, 1 Jan 2026 00:00:00 +0000"), "{outside}");
    let opened = world.open(&sealed);
    assert_eq!(opened.status, Status::Confidential);
    assert_eq!(opened.headers.text("X-Mailer").as_deref(), Some("canary 1.0"));
    assert_eq!(opened.headers.protection("Thread-Topic").code(), "signed-and-encrypted");
    for gone in ["Resent-Bcc", "X-Bcc", "Apparently-To", "Bcc"] {
        assert!(opened.headers.field(gone).is_none(), "{gone}");
    }
    assert_eq!(opened.headers.date, Some(NOW));
}
