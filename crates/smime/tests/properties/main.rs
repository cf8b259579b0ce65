//! Properties that hold for every message: shrunk to the smallest that breaks them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod kinds;
mod mail;
mod tree;

#[path = "../support/mod.rs"]
mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use smime::message::{Status, open, seal, seal_message};
use smime::rustcrypto::RustCrypto;
use smime::{
    Certificate, ContentEncryption, DecryptionKey, KeyTransport, SignedForm, block_on_ready as ready,
};

use kinds::{READERS, SIGNERS, people};
use support::{NOW, rng};

const CIPHERS: [ContentEncryption; 2] = [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc];

/// Few enough for every run of the tests; `PROPTEST_CASES` asks for more.
fn cases(few: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(few), failure_persistence: None, ..ProptestConfig::default() }
}

fn certificates(readers: &[&DecryptionKey]) -> Vec<Certificate> {
    readers.iter().map(|reader| reader.certificate.clone()).collect()
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_content_opens_to_the_same_octets_for_every_recipient(
        content in vec(any::<u8>(), 0..3000),
        readers in subsequence(&READERS, 1..=READERS.len()),
        cipher in select(&CIPHERS),
        transport in vec(select(&[KeyTransport::Oaep, KeyTransport::Pkcs1v15]), 0..=READERS.len()),
    ) {
        let Some(people) = people("any_content_opens_to_the_same_octets_for_every_recipient") else { return Ok(()) };
        let readers: Vec<&DecryptionKey> = readers.iter().map(|kind| people.reader(kind)).collect();
        let recipients = certificates(&readers);
        let mut rng = rng();
        let encrypted = smime::encrypt_with(&RustCrypto, &mut rng, &content, &recipients, cipher, &transport);
        let sealed = ready(encrypted).unwrap();
        for reader in readers {
            let keys = std::slice::from_ref(reader);
            let opened = ready(smime::decrypt(&RustCrypto, &people.keyring, keys, &sealed)).unwrap();
            prop_assert_eq!(&*opened.content, &content);
            prop_assert_eq!(opened.cipher, cipher);
        }
    }

    #[test]
    fn any_content_is_verified_as_the_signer_signed_it(
        content in vec(any::<u8>(), 0..3000),
        signer in select(&SIGNERS),
        opaque in any::<bool>(),
        at in -1000_i64..1000,
    ) {
        let Some(people) = people("any_content_is_verified_as_the_signer_signed_it") else { return Ok(()) };
        let signer = people.signer(signer);
        let form = if opaque { SignedForm::Opaque } else { SignedForm::Detached };
        let at = smime::UnixTime(NOW.0.saturating_add_signed(at));
        let cms = ready(smime::sign(&RustCrypto, &people.keyring, signer, &content, form, at)).unwrap().to_der();
        let detached = (!opaque).then_some(&*content);
        let verified = ready(smime::verify(&RustCrypto, &cms, detached, &people.trust, NOW)).unwrap();
        prop_assert_eq!(&*verified.content, &content);
        prop_assert_eq!(verified.signers.len(), 1);
        prop_assert!(verified.signers[0].verdict.is_ok(), "{:?}", verified.signers[0].verdict);
        prop_assert_eq!(verified.signers[0].signing_time, Some(at));
        prop_assert_eq!(verified.signers[0].certificate.as_ref(), signer.chain.first());
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn any_tree_of_parts_opens_to_its_leaves(
        tree in tree::trees(),
        reader in select(&READERS),
        signer in proptest::option::of(select(&SIGNERS)),
        options in mail::options(),
    ) {
        let Some(people) = people("any_tree_of_parts_opens_to_its_leaves") else { return Ok(()) };
        let (reader, signer) = (people.reader(reader), signer.map(|kind| people.signer(kind)));
        let message = mail::around(signer, &tree);
        let (keys, recipients) = (std::slice::from_ref(reader), [reader.certificate.clone()]);
        let sealed = ready(seal_message(
            &RustCrypto, &people.keyring, &mut rng(), &message, signer, NOW, &recipients, &options,
            async |_: &[u8]| None,
        )).unwrap();
        let opened = ready(open(&RustCrypto, &people.keyring, keys, &people.trust, &sealed, NOW)).unwrap();
        let expected = if signer.is_some() { Status::Confidential } else { Status::EncryptedUnverified };
        prop_assert_eq!(opened.status, expected, "{:?}", opened.signers);
        let leaves: Vec<_> = opened
            .parts
            .iter()
            .map(|part| (part.media_type.clone(), part.name.clone(), part.data.clone()))
            .collect();
        prop_assert_eq!(leaves, tree.leaves());
    }

    #[test]
    fn any_letter_opens_with_the_header_it_was_sealed_with(
        draft in mail::drafts(),
        reader in select(&READERS),
        signer in select(&SIGNERS),
        options in mail::options(),
    ) {
        let Some(people) = people("any_letter_opens_with_the_header_it_was_sealed_with") else { return Ok(()) };
        let (reader, signer) = (people.reader(reader), people.signer(signer));
        let mut draft = draft;
        draft.from.email = mail::address_of(signer);
        let (keys, recipients) = (std::slice::from_ref(reader), [reader.certificate.clone()]);
        let sealed = ready(seal(
            &RustCrypto, &people.keyring, &mut rng(), &draft, Some(signer), &recipients, &options,
            async |_: &[u8]| None,
        )).unwrap();
        prop_assert!(mail::fits_the_wire(&sealed));
        prop_assert!(!mail::shows(&sealed, &draft), "the outside tells a secret");
        let opened = ready(open(&RustCrypto, &people.keyring, keys, &people.trust, &sealed, NOW)).unwrap();
        prop_assert_eq!(opened.status, Status::Confidential, "{:?}", opened.signers);
        mail::same_header(&opened.headers, &draft, &options)?;
        prop_assert_eq!(mail::unix(&opened.text().unwrap_or_default()), mail::unix(&draft.text));
        prop_assert_eq!(
            opened.html().map(|html| mail::unix(&html)),
            draft.html.as_deref().map(mail::unix)
        );
        let files: Vec<_> = opened.attachments().map(|part| (part.name.clone(), part.data.clone())).collect();
        let sent: Vec<_> =
            draft.attachments.iter().map(|file| (Some(file.name.clone()), file.data.clone())).collect();
        prop_assert_eq!(files, sent);
    }
}
