//! A sealed message under another key: the same content, the same outer header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand_core::CryptoRng;
use smime::{Certificate, ContentEncryption, DecryptError, DecryptionKey, EncryptError, Keyring, Provider};

/// RFC 2045 6.8.
const LINE: usize = 76;

/// Why a message was not sealed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResealError {
    /// It is not in the form that sealed mail has here.
    Form,
    /// It does not open with the keys given.
    Decrypt(DecryptError),
    /// Its encryption is too weak to be called so, which it would no longer show.
    Weak,
    /// It was not encrypted again.
    Encrypt(EncryptError),
}

/// Opens the outermost encryption of a message and seals its content to `recipient` alone.
pub async fn reseal_message(
    provider: &impl Provider,
    keyring: &impl Keyring,
    rng: &mut impl CryptoRng,
    keys: &[DecryptionKey],
    message: &[u8],
    recipient: &Certificate,
) -> Result<Vec<u8>, ResealError> {
    let (header, body) = split(message).ok_or(ResealError::Form)?;
    if !is_base64(header) {
        return Err(ResealError::Form);
    }
    let letters: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let cms = STANDARD.decode(letters).map_err(|_| ResealError::Form)?;
    let opened = smime::decrypt(provider, keyring, keys, cms).await.map_err(ResealError::Decrypt)?;
    if opened.weak {
        return Err(ResealError::Weak);
    }
    // The header names the kind of envelope, which must stay the same.
    let cipher = match opened.cipher.is_authenticated() {
        true => ContentEncryption::Aes256Gcm,
        false => ContentEncryption::Aes256Cbc,
    };
    let recipients = std::slice::from_ref(recipient);
    let cms = smime::encrypt(provider, rng, opened.content.as_slice(), recipients, cipher).await;
    let text = STANDARD.encode(cms.map_err(ResealError::Encrypt)?);
    let mut resealed = Vec::with_capacity(header.len() + text.len() + text.len() / LINE * 2 + 4);
    resealed.extend(header);
    for line in text.as_bytes().chunks(LINE) {
        resealed.extend(line);
        resealed.extend(b"\r\n");
    }
    Ok(resealed)
}

/// The header with the empty line that ends it, and the body.
fn split(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = |separator: &[u8]| {
        message.windows(separator.len()).position(|window| window == separator).map(|at| at + separator.len())
    };
    let end = [end(b"\r\n\r\n"), end(b"\n\n")].into_iter().flatten().min()?;
    message.split_at_checked(end)
}

fn is_base64(header: &[u8]) -> bool {
    let header = String::from_utf8_lossy(header).to_ascii_lowercase();
    let value =
        |line: &str| line.strip_prefix("content-transfer-encoding:").map(|value| value.trim().to_owned());
    header.lines().filter_map(value).eq(["base64".to_owned()])
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;
    use smime::issue::{Issuer, Profile, Usage, issue, self_signed_root};
    use smime::message::{Address, Draft, SealOptions, open, seal};
    use smime::rustcrypto::{MemoryKeyring, RustCrypto};
    use smime::{Certificate, DecryptionKey, KeyId, Trust, UnixTime, block_on_ready};

    use super::{ResealError, reseal_message};

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn rng() -> impl rand_core::CryptoRng {
        UnwrapErr(getrandom::SysRng)
    }

    fn person(keyring: &mut MemoryKeyring, name: &str) -> DecryptionKey {
        let spki = keyring.generate_p256(KeyId::new(name), &mut rng()).unwrap();
        certified(keyring, name, &spki)
    }

    fn certified(keyring: &mut MemoryKeyring, name: &str, spki: &[u8]) -> DecryptionKey {
        let (root, key) = (KeyId::new(format!("{name} root")), KeyId::new(name));
        let root_spki = keyring.generate_p256(root.clone(), &mut rng()).unwrap();
        let (from, to) = (UnixTime(NOW.0 - 1000), UnixTime(NOW.0 + 1000));
        let certificate: Certificate = block_on_ready(async {
            let root_certificate =
                self_signed_root(keyring, &root, &root_spki, "Root", [1; 16], from, to).await.unwrap();
            let issuer = Issuer { key: root, certificate: root_certificate };
            let profile = Profile {
                common_name: name.into(),
                organisation: None,
                emails: vec![format!("{name}@x.example")],
                usage: Usage::Encryption,
                serial: [2; 16],
                not_before: from,
                not_after: to,
            };
            issue(keyring, &issuer, spki, &profile).await.unwrap()
        });
        DecryptionKey { key, certificate }
    }

    async fn sealed_to(keyring: &MemoryKeyring, reader: &DecryptionKey) -> Vec<u8> {
        let draft = Draft {
            from: Address::new("a@x.example"),
            to: vec![Address::new("new@x.example")],
            subject: "印信".into(),
            date: NOW,
            message_id: "1@x.example".into(),
            text: "Hello".into(),
            ..Draft::default()
        };
        let recipients = std::slice::from_ref(&reader.certificate);
        let (options, mut rng) = (SealOptions::default(), rng());
        let sealed = seal(&RustCrypto, keyring, &mut rng, &draft, None, recipients, &options, async |_| None);
        sealed.await.unwrap()
    }

    #[test]
    fn weak_encryption_is_left_to_be_seen() {
        let mut keyring = MemoryKeyring::new();
        let spki = keyring.generate_rsa(KeyId::new("weak"), 1024, &mut rng()).unwrap();
        let (weak, own) = (certified(&mut keyring, "weak", &spki), person(&mut keyring, "own"));
        block_on_ready(async {
            let (sealed, keys) = (sealed_to(&keyring, &weak).await, std::slice::from_ref(&weak));
            let resealed =
                reseal_message(&RustCrypto, &keyring, &mut rng(), keys, &sealed, &own.certificate).await;
            assert_eq!(resealed.err(), Some(ResealError::Weak));
        });
    }

    #[test]
    fn a_resealed_message_opens_with_the_new_key_alone_and_reads_the_same() {
        let mut keyring = MemoryKeyring::new();
        let (old, new) = (person(&mut keyring, "old"), person(&mut keyring, "new"));
        block_on_ready(async {
            let (sealed, mut rng) = (sealed_to(&keyring, &old).await, rng());
            let keys = std::slice::from_ref(&old);
            let resealed = reseal_message(&RustCrypto, &keyring, &mut rng, keys, &sealed, &new.certificate)
                .await
                .unwrap();
            let trust = Trust::default();
            assert!(open(&RustCrypto, &keyring, keys, &trust, &resealed, NOW).await.is_err());
            let keys = std::slice::from_ref(&new);
            let opened = open(&RustCrypto, &keyring, keys, &trust, &resealed, NOW).await.unwrap();
            assert_eq!(opened.headers.subject, "印信");
            let old = [old];
            let again = reseal_message(&RustCrypto, &keyring, &mut rng, &old, &resealed, &new.certificate);
            assert!(matches!(again.await, Err(ResealError::Decrypt(_))));
        });
    }

    #[test]
    fn what_is_not_sealed_is_left_alone() {
        let mut keyring = MemoryKeyring::new();
        let (old, mut rng) = (person(&mut keyring, "old"), rng());
        for message in
            [b"Subject: x\r\n\r\nhello".as_slice(), b"", b"Content-Transfer-Encoding: base64\r\n\r\n*"]
        {
            let keys = std::slice::from_ref(&old);
            let resealed = reseal_message(&RustCrypto, &keyring, &mut rng, keys, message, &old.certificate);
            assert_eq!(block_on_ready(resealed).err(), Some(ResealError::Form));
        }
    }
}
