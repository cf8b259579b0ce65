//! How a message is built, for whoever wants to see it: every layer and every part, in a tree.
//!
//! It explains a status and is never what a status is made from.

use super::report::{Layer, SignerReport};
use crate::{Curve, KeyKind, SignedForm};

/// A layer or a part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The bytes inside, decoded or decrypted; of a multipart, as it stands.
    pub size: usize,
    /// What lies inside, in order.
    pub children: Vec<Node>,
}

/// What a [`Node`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeKind {
    /// EnvelopedData or AuthEnvelopedData.
    Encrypted {
        /// The name of the content cipher.
        cipher: &'static str,
        /// Too weak to be called encryption.
        weak: bool,
        /// How many recipients it names.
        recipients: usize,
    },
    /// SignedData.
    Signed {
        /// Opaque, or `multipart/signed`.
        form: SignedForm,
        /// Who signed, in order; none where it cannot be read.
        signers: Vec<NodeSigner>,
    },
    /// CompressedData.
    Compressed,
    /// A message that a relay sealed as it came in.
    SealedAtDoor,
    /// A MIME part. A message inside a message is one part: it is judged apart.
    Part {
        /// The media type.
        media_type: String,
        /// A cryptographic part outside of the Cryptographic Envelope (RFC 9787 4.5): it counts for nothing.
        errant: bool,
    },
}

/// A signer of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSigner {
    /// The subject of the certificate, empty where there is none.
    pub subject: String,
    /// The kind of the certificate's key.
    pub key: Option<String>,
    /// Why the signature counts as none: [`super::SignerFault::code`].
    pub fault: Option<&'static str>,
}

impl Node {
    /// The layers around what is inside of them, the outermost first.
    pub(super) fn around(inside: Self, layers: &[Layer], signers: &[SignerReport]) -> Self {
        let layers = layers.iter().enumerate().rev();
        layers.fold(inside, |inside, (place, layer)| {
            let own = signers.iter().filter(|signer| signer.layer == place);
            Self::layer(layer, own, inside)
        })
    }

    fn layer<'s>(layer: &Layer, signers: impl Iterator<Item = &'s SignerReport>, inside: Self) -> Self {
        let (kind, size) = match layer {
            Layer::Encrypted { cipher, weak, recipients, size, .. } => {
                let (cipher, weak, recipients) = (cipher.name(), *weak, *recipients);
                (NodeKind::Encrypted { cipher, weak, recipients }, *size)
            }
            Layer::Signed { form, size, .. } => {
                (NodeKind::Signed { form: *form, signers: signers.map(NodeSigner::new).collect() }, *size)
            }
            Layer::Compressed => (NodeKind::Compressed, inside.size),
            Layer::SealedAtDoor => (NodeKind::SealedAtDoor, inside.size),
        };
        Self { kind, size, children: vec![inside] }
    }
}

impl NodeSigner {
    fn new(signer: &SignerReport) -> Self {
        Self {
            subject: signer.subject.clone(),
            key: signer.certificate.as_ref().and_then(|one| key_name(one.key_kind())),
            fault: signer.reason.as_ref().map(super::SignerFault::code),
        }
    }
}

fn key_name(kind: KeyKind) -> Option<String> {
    let name = match kind {
        KeyKind::Rsa { bits } => return Some(format!("RSA {bits}")),
        KeyKind::RsaPss { bits, .. } => return Some(format!("RSA-PSS {bits}")),
        KeyKind::Ec(Curve::P256) => "P-256",
        KeyKind::Ec(Curve::P384) => "P-384",
        KeyKind::Ec(Curve::P521) => "P-521",
        KeyKind::Ed25519 => "Ed25519",
        KeyKind::MlDsa(_) => "ML-DSA",
        KeyKind::Named(name) => name,
        _ => return None,
    };
    Some(name.to_owned())
}
