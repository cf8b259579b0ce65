//! RFC 9788 in both directions: what is shown, how each field is protected, and what an answer tells.

use smime::message::{Address, Draft, HeaderPolicy, Reference, SealOptions, Status};

use crate::people::{World, letter};

fn outside(message: &[u8]) -> String {
    let text = String::from_utf8(message.to_vec()).unwrap();
    text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ")
}

#[test]
fn fields_say_how_they_are_protected() {
    let world = World::new();
    let opened = world.open(&world.seal(&letter(), Some("alice"), &SealOptions::default()));
    assert_eq!(opened.headers.protection("Subject").code(), "signed-and-encrypted");
    for field in ["From", "To", "Cc", "Date", "Message-ID"] {
        assert_eq!(opened.headers.protection(field).code(), "signed-only", "{field}");
    }
    let draft = world.open(&world.seal(&letter(), None, &SealOptions::default()));
    assert_eq!(draft.headers.protection("Subject").code(), "encrypted-only");
    assert_eq!(draft.headers.protection("To").code(), "unprotected");
}

#[test]
fn fields_added_outside_are_not_shown() {
    let world = World::new();
    let text = String::from_utf8(world.seal(&letter(), Some("alice"), &SealOptions::default())).unwrap();
    let forged = text.replacen("Subject: [...]", "Subject: Pay now\r\nReply-To: mallory@evil.example", 1);
    let opened = world.open(forged.replacen("Cc: ", "Cc: mallory@evil.example, ", 1).as_bytes());
    assert_eq!(opened.status, Status::Confidential);
    assert_eq!(opened.headers.subject, letter().subject);
    assert!(opened.headers.reply_to.is_empty());
    assert_eq!(opened.headers.cc, letter().cc);
    assert_eq!(opened.headers.reply_addresses(), [letter().from]);
}

#[test]
fn the_signature_of_a_sender_does_not_settle_who_the_author_is() {
    let world = World::new();
    let entity = b"From: boss@z.example\r\nSender: alice@a.example\r\nTo: bob@b.example\r\n\
        Content-Type: text/plain; hp=\"clear\"\r\n\r\nText\r\n";
    for (outer, differs) in [("boss@z.example", false), ("mallory@evil.example", true)] {
        let opened = world.open(&world.sign(&format!("From: {outer}\r\n"), entity, "alice"));
        assert_eq!(opened.status, Status::Verified);
        assert_eq!(opened.headers.from[0].email, "alice@a.example");
        assert_eq!(opened.headers.on_behalf_of[0].email, outer);
        assert_eq!(opened.headers.from_mismatch.is_some(), differs, "{outer}");
        assert_eq!(opened.headers.reply_addresses()[0].email, "boss@z.example");
    }
}

#[test]
fn beside_a_seal_stands_the_address_as_the_certificate_spells_it() {
    let mut world = World::new();
    world.add("ceo@xn--80ak6aa92e.com", "ceo");
    // Cyrillic letters that look like "apple".
    let from = "From: ceo <CEO@\u{430}\u{440}\u{440}\u{4cf}\u{435}.com>\r\n";
    let opened = world.open(&world.sign(from, b"Content-Type: text/plain\r\n\r\nText\r\n", "ceo"));
    assert_eq!(opened.status, Status::Verified);
    assert_eq!(opened.headers.from, [Address::named("ceo", "ceo@xn--80ak6aa92e.com")]);
    assert_eq!(opened.headers.reply_addresses()[0].email, "ceo@xn--80ak6aa92e.com");
    // Letters in another case are the same to everybody.
    let from = "From: CEO@xn--80AK6AA92E.com\r\n";
    let opened = world.open(&world.sign(from, b"Content-Type: text/plain\r\n\r\nText\r\n", "ceo"));
    assert_eq!(opened.headers.from[0].email, "CEO@xn--80AK6AA92E.com");
}

#[test]
fn an_author_outside_who_differs_is_shown_only_without_a_signature() {
    let world = World::new();
    let change = |message: Vec<u8>| {
        String::from_utf8(message).unwrap().replacen("alice@a.example", "mallory@evil.example", 1)
    };
    let signed = change(world.seal(&letter(), Some("alice"), &SealOptions::default()));
    let opened = world.open(signed.as_bytes());
    assert_eq!(opened.headers.from, [letter().from]);
    assert!(opened.headers.from_mismatch.is_none());
    let unsigned = change(world.seal(&letter(), None, &SealOptions::default()));
    let opened = world.open(unsigned.as_bytes());
    assert_eq!(opened.headers.from[0].email, "mallory@evil.example");
    let mismatch = opened.headers.from_mismatch.clone().unwrap();
    assert_eq!(
        (mismatch.outer[0].email.as_str(), mismatch.inner[0].email.as_str()),
        ("mallory@evil.example", "alice@a.example")
    );
    // RFC 9788 4.4.4: an answer goes only where the inside says.
    assert_eq!(opened.headers.reply_addresses()[0].email, "alice@a.example");
}

#[test]
fn the_mark_of_encryption_is_no_encryption() {
    let world = World::new();
    let entity = b"From: alice@a.example\r\nSubject: Inner\r\nHP-Outer: Subject: [...]\r\nContent-Type: text/plain; hp=\"cipher\"\r\n\r\nText.\r\n";
    let opened = world.open(&world.sign("From: alice@a.example\r\nSubject: Outer\r\n", entity, "alice"));
    assert_eq!(opened.status, Status::Verified);
    assert_eq!(opened.headers.subject, "Inner");
    assert_eq!(opened.headers.protection("Subject").code(), "signed-only");
}

#[test]
fn marks_of_protection_count_only_at_the_root_of_the_payload() {
    let world = World::new();
    let bare =
        b"From: alice@a.example\r\nSubject: Outer\r\nContent-Type: text/plain; hp=\"clear\"\r\n\r\nText.\r\n";
    assert!(!world.open(bare).headers.protected);
    let below = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nSubject: Inner\r\nContent-Type: text/plain; hp=\"clear\"\r\n\r\nText.\r\n--b--\r\n";
    let opened = world.open(&world.sign("From: alice@a.example\r\nSubject: Outer\r\n", below, "alice"));
    assert_eq!((opened.headers.protected, opened.headers.subject.as_str()), (false, "Outer"));
}

#[test]
fn legacy_display_elements_are_written_and_hidden() {
    let world = World::new();
    let options = SealOptions { legacy_display: true, ..SealOptions::default() };
    let draft = Draft {
        html: Some("<html><body class=\"x\"><p>Hello & <b>bye</b></p></body></html>".to_owned()),
        subject: "A < B & </div> \"C'".to_owned(),
        ..letter()
    };
    let payload = smime::message::compose(
        &draft,
        &smime::message::Protection {
            confidential: Some(HeaderPolicy::Baseline),
            legacy_display: true,
            ..Default::default()
        },
    )
    .unwrap();
    let payload = String::from_utf8(payload).unwrap();
    assert!(
        payload.contains("hp-legacy-display=\"1\"\r\n\r\nSubject: A < B & </div> \"C'\r\n\r\nDear Bob"),
        "{payload}"
    );
    assert!(payload.replace("=\r\n", "").contains("A &lt; B &amp; &lt;/div&gt; &quot;C&apos;"), "{payload}");
    let opened = world.open(&world.seal(&draft, Some("alice"), &options));
    assert!(opened.text().unwrap().starts_with("Dear Bob"));
    assert_eq!(opened.html().unwrap().trim_end(), draft.html.unwrap());
    // The mark means nothing in a message that is not encrypted (RFC 9788 4.5.3.1).
    let entity = b"From: alice@a.example\r\nContent-Type: text/plain; hp=\"clear\"; hp-legacy-display=\"1\"\r\n\r\nShown: yes\r\n\r\nText.\r\n";
    let opened = world.open(&world.sign("From: alice@a.example\r\n", entity, "alice"));
    assert!(opened.text().unwrap().starts_with("Shown: yes"));
}

#[test]
fn an_answer_hides_what_its_original_hid() {
    let world = World::new();
    let shy = SealOptions { header_policy: HeaderPolicy::Shy, ..SealOptions::default() };
    let original = world.open(&world.seal(&letter(), Some("alice"), &shy));
    let answer = Draft {
        from: Address::new("bob@b.example"),
        to: vec![letter().from],
        cc: vec![Address::named("Carol", "carol@c.example"), Address::named("Dave", "dave@d.example")],
        subject: format!("Re: {}", original.headers.subject),
        message_id: "answer-1@b.example".to_owned(),
        in_reply_to: vec!["letter-1@a.example".to_owned()],
        ..letter()
    };
    // Without the reference, baseline shows the names that the original hid.
    assert!(outside(&world.seal(&answer, None, &SealOptions::default())).contains("Carol"));
    let options = SealOptions { reference: Some(original.headers.reference()), ..SealOptions::default() };
    let sealed = world.seal(&answer, Some("bob"), &options);
    let head = outside(&sealed);
    assert!(head.contains("Cc: carol@c.example, Dave <dave@d.example>\r\n"), "{head}");
    assert!(
        head.contains("To: alice@a.example\r\n") && head.contains("In-Reply-To: <letter-1@a.example>"),
        "{head}"
    );
    let opened = world.open(&sealed);
    assert_eq!(opened.headers.cc[0].name.as_deref(), Some("Carol"));
    assert!(opened.headers.protection("Cc").encrypted);
}

#[test]
fn an_answer_does_not_tell_removed_recipients_and_ids() {
    let world = World::new();
    let entity = b"From: alice@a.example\r\nTo: bob@b.example\r\nCc: hidden@h.example\r\nMessage-ID: <secret-id@a.example>\r\nSubject: S\r\n\
HP-Outer: From: alice@a.example\r\nHP-Outer: To: bob@b.example\r\nHP-Outer: Subject: [...]\r\nContent-Type: text/plain; hp=\"cipher\"\r\n\r\nText.\r\n";
    let outer = "From: alice@a.example\r\nTo: bob@b.example\r\nSubject: [...]\r\n";
    let original = world.open(&world.encrypt(outer, &world.sign("", entity, "alice")));
    assert_eq!(original.headers.cc[0].email, "hidden@h.example");
    let answer = Draft {
        from: Address::new("bob@b.example"),
        to: vec![Address::new("alice@a.example"), Address::new("hidden@h.example")],
        cc: vec![Address::new("hidden@h.example")],
        in_reply_to: vec!["secret-id@a.example".to_owned()],
        references: vec!["other@x".to_owned(), "secret-id@a.example".to_owned()],
        ..letter()
    };
    let options = SealOptions { reference: Some(original.headers.reference()), ..SealOptions::default() };
    let sealed = world.seal(&answer, Some("bob"), &options);
    let head = outside(&sealed);
    for secret in ["hidden@h.example", "secret-id", "Cc:"] {
        assert!(!head.contains(secret), "{secret} in {head}");
    }
    assert!(head.contains("References: <other@x>\r\n"), "{head}");
    assert_eq!(world.open(&sealed).headers.references.len(), 2);
    // A draft that was kept so hides the same by itself.
    let kept = world.open(&sealed).headers.reference();
    let again = SealOptions { reference: Some(kept), ..SealOptions::default() };
    assert!(!outside(&world.seal(&answer, Some("bob"), &again)).contains("hidden@h.example"));
    // Where nothing is known of the original, nobody is named outside but the author.
    let unknown = SealOptions { reference: Some(Reference::unknown(&answer)), ..SealOptions::default() };
    let head = outside(&world.seal(&answer, Some("bob"), &unknown));
    for secret in ["To:", "Cc:", "alice@a.example", "References:"] {
        assert!(!head.contains(secret), "{secret} in {head}");
    }
    assert!(head.contains("From: bob@b.example\r\n"), "{head}");
}

#[test]
fn a_message_inside_a_message_is_its_header_only_when_it_is_the_authors() {
    let world = World::new();
    let inner = |from: &str| {
        format!("Content-Type: message/rfc822\r\n\r\nFrom: {from}\r\nSubject: Inner\r\n\r\nText.\r\n")
    };
    let outer = "From: alice@a.example\r\nSubject: [...]\r\n";
    let own =
        world.open(&world.encrypt(outer, &world.sign("", inner("alice@a.example").as_bytes(), "alice")));
    assert_eq!((own.headers.subject.as_str(), own.text().as_deref()), ("Inner", Some("Text.\r\n")));
    assert_eq!(own.headers.protection("Subject").code(), "signed-and-encrypted");
    let forward =
        world.open(&world.encrypt(outer, &world.sign("", inner("carol@c.example").as_bytes(), "alice")));
    assert_eq!((forward.headers.subject.as_str(), forward.text()), ("[...]", None));
    assert_eq!(forward.parts[0].media_type, "message/rfc822");
}

#[test]
fn an_answer_to_a_confidential_message_goes_where_no_carrier_wrote() {
    let world = World::new();
    let entity = b"Content-Type: text/plain\r\n\r\nSecret.\r\n";
    let outer = "From: alice@a.example\r\nReply-To: Alice <mallory@evil.example>\r\nSubject: s\r\n";
    for message in [
        world.encrypt(outer, &world.sign("", entity, "alice")),
        world.sign(outer, entity, "alice"),
        world.encrypt(outer, entity),
    ] {
        let opened = world.open(&message);
        assert!(!opened.headers.protected && opened.headers.reply_to.is_empty());
        assert_eq!(opened.headers.reply_addresses(), [Address::new("alice@a.example")]);
        assert_eq!(opened.headers.recipients_unprotected, opened.status != Status::Verified);
    }
    let behalf = format!("{outer}Sender: mallory@evil.example\r\n").replace("alice@a", "carol@c");
    let opened = world.open(&world.sign(&behalf, entity, "mallory"));
    assert_eq!(opened.headers.reply_addresses()[0].email, "mallory@evil.example");
    let sealed = world.open(&world.seal(&letter(), Some("alice"), &SealOptions::default()));
    assert!(!sealed.headers.recipients_unprotected);
}

#[test]
fn a_file_keeps_what_looks_like_a_legacy_display() {
    let world = World::new();
    let part = "Content-Type: text/plain; hp-legacy-display=\"1\"\r\n";
    let entity = format!(
        "From: alice@a.example\r\nContent-Type: multipart/mixed; boundary=m; hp=\"cipher\"\r\n\r\n--m\r\n{part}\r\nSubject: s\r\n\r\nText\r\n\
         --m\r\n{part}Content-Disposition: attachment\r\n\r\nFirst block\r\n\r\nSecond block\r\n--m--\r\n"
    );
    let opened = world.open(&world.encrypt("From: alice@a.example\r\n", entity.as_bytes()));
    assert_eq!(opened.text().as_deref(), Some("Text"));
    assert_eq!(opened.parts[1].text(), "First block\r\n\r\nSecond block");
}
