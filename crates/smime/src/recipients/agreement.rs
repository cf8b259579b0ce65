//! The algorithms that all recipients read (RFC 8551 2.7).

use super::{Chosen, Reads};
use crate::certificate::{Certificate, KeyKind};
use crate::encrypt::KeyTransport;
use crate::provider::ContentEncryption;

/// What is written, the best first: authenticated before not, then the longer key.
const WRITTEN: [ContentEncryption; 4] = [
    ContentEncryption::Aes256Gcm,
    ContentEncryption::Aes128Gcm,
    ContentEncryption::Aes256Cbc,
    ContentEncryption::Aes128Cbc,
];

/// How a message is encrypted so that all of its recipients can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The content cipher.
    pub cipher: ContentEncryption,
    /// Those for whose sake it is no better one, by their place among the recipients.
    pub cipher_for: Vec<usize>,
    /// How each recipient is given the key, by their place, if theirs is an RSA key.
    pub transport: Vec<KeyTransport>,
}

/// The best algorithms that all the recipients read.
///
/// Of a program of which nothing is known AES-256-CBC is expected and no AuthEnvelopedData: some in wide
/// use do not have it (against RFC 8551 2.7.1.2, which would have it tried), and the signature inside
/// tells an altered message. AES-128-CBC is left for those that announce neither: all of S/MIME 3.2 must
/// read it (RFC 5751 2.7). Nothing weaker is written, whatever somebody announces. Each RSA recipient who is
/// known to read RSAES-OAEP is given the key in it, whatever the others read.
pub fn agree<'c>(recipients: impl IntoIterator<Item = &'c Chosen>) -> Agreement {
    let recipients = recipients.into_iter().map(|chosen| (chosen.certificate(), chosen.reads()));
    agree_on(&recipients.collect::<Vec<_>>())
}

/// As [`agree`], for certificates that the caller judged.
pub fn agree_on(recipients: &[(&Certificate, &Reads)]) -> Agreement {
    let all_read = |cipher: &&ContentEncryption| recipients.iter().all(|(_, reads)| reads.cipher(**cipher));
    let cipher = WRITTEN.iter().find(all_read).copied().unwrap_or(ContentEncryption::Aes128Cbc);
    let better = WRITTEN.split(|written| *written == cipher).next().unwrap_or_default();
    let no_better = |reads: &Reads| better.iter().any(|better| !reads.cipher(*better));
    let cipher_for = recipients.iter().enumerate().filter(|(_, (_, reads))| no_better(reads));
    let transport = recipients
        .iter()
        .map(|(_, reads)| if reads.oaep() { KeyTransport::Oaep } else { KeyTransport::Pkcs1v15 });
    Agreement {
        cipher,
        cipher_for: cipher_for.map(|(place, _)| place).collect(),
        transport: transport.collect(),
    }
}

impl Chosen {
    /// Whether they can be expected to open a message only where nobody is given its key by key agreement.
    ///
    /// A RecipientInfo that a program does not know should not keep it from its own (RFC 5652 6.2 lets new kinds
    /// come), yet programs on NSS before it learnt key agreement (3.87.1 has not) refuse the whole message.
    pub fn by_transport_alone(&self) -> bool {
        self.reads != Reads::Everything && matches!(self.certificate.key_kind(), KeyKind::Rsa { .. })
    }
}

impl Reads {
    /// Whether a message in this cipher can be expected to be read.
    pub fn cipher(&self, cipher: ContentEncryption) -> bool {
        match self {
            Self::Everything => WRITTEN.contains(&cipher),
            Self::Announced(announced) if announced.ciphers.contains(&cipher) => true,
            Self::Announced(announced) if !announced.ciphers.is_empty() => {
                cipher == ContentEncryption::Aes128Cbc
            }
            Self::Announced(_) | Self::Unknown => {
                matches!(cipher, ContentEncryption::Aes256Cbc | ContentEncryption::Aes128Cbc)
            }
        }
    }

    /// Whether RSAES-OAEP with SHA-256 can be expected to be read.
    pub fn oaep(&self) -> bool {
        match self {
            Self::Everything => true,
            Self::Announced(announced) => announced.oaep,
            Self::Unknown => false,
        }
    }
}
