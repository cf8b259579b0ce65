//! Random letters and options, and what must be the same when a letter is opened.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;
use smime::message::{Address, Attachment, Draft, HeaderPolicy, Headers, SealOptions};
use smime::{KeyTransport, Signer};

use crate::CIPHERS;
use crate::support::NOW;
use crate::tree::Tree;

/// A message around a tree, from the signer where there is one.
pub fn around(signer: Option<&Signer>, tree: &Tree) -> Vec<u8> {
    let from = signer.map_or_else(|| "nobody@n.example".to_owned(), address_of);
    let mut message = format!("From: {from}\r\nSubject: S\r\nMIME-Version: 1.0\r\n").into_bytes();
    tree.write(&mut message);
    message
}

/// The address of a signer's certificate.
pub fn address_of(signer: &Signer) -> String {
    signer.chain[0].emails().remove(0)
}

/// Ciphers, paddings, and what the outside hides.
pub fn options() -> impl Strategy<Value = SealOptions> {
    let policy = select(vec![HeaderPolicy::Baseline, HeaderPolicy::Shy]);
    let transport = select(vec![KeyTransport::Oaep, KeyTransport::Pkcs1v15]);
    (select(&CIPHERS), transport, policy, any::<bool>()).prop_map(
        |(cipher, transport, header_policy, keep_bcc)| SealOptions {
            cipher,
            transport: vec![transport],
            header_policy,
            keep_bcc,
            ..SealOptions::default()
        },
    )
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[!-~]{1,12}",
        "[\u{4e00}-\u{9fff}]{1,8}",
        "[äöü€\u{1f600}-\u{1f640}]{1,4}",
        "=\\?utf-8\\?q\\?x\\?="
    ];
    vec(word, 0..8).prop_map(|words| words.join(" "))
}

fn address(at: &'static str) -> impl Strategy<Value = Address> {
    (words(), "[a-z][a-z0-9.+_-]{0,8}[a-z]").prop_filter_map("two dots are no atom", move |(name, local)| {
        let email = format!("{local}@{at}");
        (!local.contains("..")).then(|| Address { name: Some(name).filter(|name| !name.is_empty()), email })
    })
}

fn attachment() -> impl Strategy<Value = Attachment> {
    (words(), vec(any::<u8>(), 0..300)).prop_map(|(name, data)| Attachment {
        name: format!("file {name}").trim().to_owned(),
        media_type: "application/octet-stream".into(),
        content_id: None,
        data,
    })
}

/// Letters with every field.
pub fn drafts() -> impl Strategy<Value = Draft> {
    let people =
        (vec(address("t.example"), 0..4), vec(address("c.example"), 0..3), vec(address("b.example"), 0..2));
    let ids = vec("[a-z0-9]{1,20}@i\\.example", 0..12);
    let text = vec("[ -~\u{4e00}-\u{4e20}]{0,90}", 0..6).prop_map(|lines| lines.join("\n"));
    let html = proptest::option::of("<p>[a-z\u{4e00}-\u{4e20} ]{1,200}</p>");
    (address("x"), people, words(), ids, text, html, vec(attachment(), 0..3)).prop_map(
        |(from, (to, cc, bcc), subject, references, text, html, attachments)| Draft {
            from,
            to,
            cc,
            bcc,
            subject,
            date: NOW,
            message_id: "letter@i.example".into(),
            in_reply_to: references.last().cloned().into_iter().collect(),
            references,
            text,
            html,
            attachments,
        },
    )
}

/// Lines as any SMTP server takes them (RFC 5321 4.5.3.1.6).
pub fn fits_the_wire(message: &[u8]) -> bool {
    let text = std::str::from_utf8(message).unwrap_or("\0");
    text.is_ascii() && text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n', '\0']))
}

/// Whether the outside shows a hidden recipient.
pub fn shows(message: &[u8], draft: &Draft) -> bool {
    let text = String::from_utf8_lossy(message);
    text.contains("b.example") && !draft.bcc.is_empty()
}

/// One line end, and none at the end.
pub fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

/// All that a reader is shown of the header is what the author wrote.
pub fn same_header(opened: &Headers, draft: &Draft, options: &SealOptions) -> Result<(), TestCaseError> {
    prop_assert!(opened.protected);
    prop_assert_eq!(&opened.subject, &draft.subject);
    prop_assert_eq!(&opened.to, &draft.to);
    prop_assert_eq!(&opened.cc, &draft.cc);
    let bcc = if options.keep_bcc { draft.bcc.clone() } else { Vec::new() };
    prop_assert_eq!(&opened.bcc, &bcc);
    prop_assert_eq!(&opened.from[0].email, &draft.from.email);
    prop_assert_eq!(opened.date, Some(draft.date));
    prop_assert_eq!(opened.message_id.as_ref(), Some(&draft.message_id));
    prop_assert_eq!(&opened.in_reply_to, &draft.in_reply_to);
    prop_assert_eq!(&opened.references, &draft.references);
    Ok(())
}
