//! How a message is built, and what its author's signature says beside the text, in the page's terms.

use smime::ess::LabelError;
use smime::message::{self, Opened};

use crate::protocol::{Label, Node, NodeKind};

/// The layers and parts. Signers are named by their places in [`Opened::signers`], which are in the order of
/// the layers.
pub fn tree(opened: &Opened) -> Node {
    node(&opened.tree, &mut 0)
}

fn node(from: &message::Node, signer: &mut u32) -> Node {
    let kind = match &from.kind {
        message::NodeKind::Encrypted { cipher, weak, recipients } => NodeKind::Encrypted {
            cipher: (*cipher).to_owned(),
            weak: *weak,
            recipients: u32::try_from(*recipients).unwrap_or(u32::MAX),
        },
        message::NodeKind::Signed { form, signers } => {
            let first = *signer;
            *signer = signer.saturating_add(u32::try_from(signers.len()).unwrap_or(u32::MAX));
            let detached = *form == smime::SignedForm::Detached;
            NodeKind::Signed { detached, signers: (first..*signer).collect() }
        }
        message::NodeKind::Compressed => NodeKind::Compressed,
        message::NodeKind::SealedAtDoor => NodeKind::SealedAtDoor,
        message::NodeKind::Part { media_type, errant } => {
            NodeKind::Part { media_type: media_type.clone(), errant: *errant }
        }
        // A kind that is not known here would be one that nothing is said about.
        _ => NodeKind::default(),
    };
    let size = u64::try_from(from.size).unwrap_or(u64::MAX);
    Node { kind, size, children: from.children.iter().map(|child| node(child, signer)).collect() }
}

/// The security label.
pub fn label(opened: &Opened) -> Label {
    match opened.label() {
        Ok(None) => Label::None,
        Ok(Some(label)) => Label::Marked {
            policy: label.policy.to_string(),
            classification: label.classification.map(|classification| classification.0),
            privacy_mark: label.privacy_mark.clone(),
            categories: label.categories.iter().map(|category| category.kind.to_string()).collect(),
        },
        Err(LabelError::Conflict) => Label::Conflict,
        Err(_) => Label::Unreadable,
    }
}

/// The kinds of the signers' keys, in the order of [`Opened::signers`].
pub fn keys(opened: &Opened) -> Vec<Option<String>> {
    fn gather(node: &message::Node, found: &mut Vec<Option<String>>) {
        if let message::NodeKind::Signed { signers, .. } = &node.kind {
            found.extend(signers.iter().map(|signer| signer.key.clone()));
        }
        node.children.iter().for_each(|child| gather(child, found));
    }
    let mut found = Vec::new();
    gather(&opened.tree, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;
    use smime::ess::{Classification, SecurityLabel};
    use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
    use smime::message::{Address, Draft, SealOptions, open, seal};
    use smime::rustcrypto::{MemoryKeyring, RustCrypto};
    use smime::{DecryptionKey, KeyId, SignOptions, Signer, Trust, UnixTime, block_on_ready as ready};

    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    /// A letter from Alice to herself, opened.
    fn letter(label: SecurityLabel) -> Opened {
        let (mut keyring, mut rng) = (MemoryKeyring::new(), UnwrapErr(getrandom::SysRng));
        let (from, to) = (UnixTime(NOW.0 - 1000), UnixTime(NOW.0 + 1000));
        let [root, signing, reading] = ["root", "signing", "reading"].map(KeyId::new);
        let spki = keyring.generate_p256(root.clone(), &mut rng).unwrap();
        let certificate = ready(self_signed_root(&keyring, &root, &spki, "Root", [1; 16], from, to)).unwrap();
        let issuer = Issuer { key: root, certificate };
        let mut certify = |key: &KeyId, usage, serial| {
            let spki = keyring.generate_p256(key.clone(), &mut rng).unwrap();
            let profile = Profile {
                common_name: "Alice".into(),
                organisation: None,
                emails: vec!["alice@x.example".into()],
                usage,
                serial: [serial; 16],
                not_before: from,
                not_after: to,
            };
            ready(issue(&keyring, &issuer, &spki, &profile)).unwrap()
        };
        let signer = certify(&signing, Usage::Signing, 2);
        let certificate = certify(&reading, Usage::Encryption, 3);
        let signer = Signer { key: signing, chain: vec![signer], encryption: None };
        let alice = || Address::new("alice@x.example");
        let draft =
            Draft { from: alice(), to: vec![alice()], date: NOW, text: "Hello".into(), ..Draft::default() };
        let signing = SignOptions { label: Some(label), ..SignOptions::default() };
        let options = SealOptions { signing, ..SealOptions::default() };
        let own = [certificate.clone()];
        let mut rng = UnwrapErr(getrandom::SysRng);
        let none = async |_: &[u8]| None;
        let sealed = seal(&RustCrypto, &keyring, &mut rng, &draft, Some(&signer), &own, &options, none);
        let keys = [DecryptionKey { key: reading, certificate }];
        let trust = Trust { anchors: vec![issuer.certificate.clone()], ..Trust::default() };
        ready(open(&RustCrypto, &keyring, &keys, &trust, &ready(sealed).unwrap(), NOW)).unwrap()
    }

    #[test]
    fn layers_and_label_are_told_as_they_are() {
        let opened = letter(SecurityLabel {
            policy: "1.2.3".parse().unwrap(),
            classification: Some(Classification::SECRET),
            privacy_mark: Some("仅限本处".into()),
            categories: Vec::new(),
        });
        let Label::Marked { policy, classification, privacy_mark, .. } = label(&opened) else {
            panic!("no label")
        };
        assert_eq!((policy.as_str(), classification), ("1.2.3", Some(4)));
        assert_eq!(privacy_mark.as_deref(), Some("仅限本处"));
        let tree = tree(&opened);
        assert!(matches!(&tree.kind, NodeKind::Encrypted { cipher, .. } if cipher == "AES-256-GCM"));
        assert_eq!(tree.children[0].kind, NodeKind::Signed { detached: true, signers: vec![0] });
        assert_eq!(keys(&opened), [Some("P-256".to_owned())]);
        let text = NodeKind::Part { media_type: "text/plain".into(), errant: false };
        assert_eq!(tree.children[0].children[0].kind, text);
    }
}
