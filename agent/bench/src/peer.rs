use anyhow::{Context, Result};
use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::symm;
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use smime::rustcrypto::MemoryKeyring;
use smime::{Certificate, DecryptionKey, Signer, Trust};

use crate::people::Cipher;

/// One who signs and reads with OpenSSL.
pub struct Peer {
    signing: PKey<Private>,
    signer: X509,
    reading: PKey<Private>,
    reader: X509,
    recipients: Stack<X509>,
    roots: X509Store,
}

impl Peer {
    pub fn new(
        keyring: &MemoryKeyring,
        signer: &Signer,
        reader: &DecryptionKey,
        trust: &Trust,
    ) -> Result<Self> {
        let key = |id| -> Result<PKey<Private>> { Ok(PKey::private_key_from_der(&keyring.pkcs8(id)?)?) };
        let mut roots = X509StoreBuilder::new()?;
        for anchor in &trust.anchors {
            roots.add_cert(parsed(anchor)?)?;
        }
        let mut recipients = Stack::new()?;
        recipients.push(parsed(&reader.certificate)?)?;
        Ok(Self {
            signing: key(&signer.key)?,
            signer: parsed(signer.chain.first().context("a signer has a certificate")?)?,
            reading: key(&reader.key)?,
            reader: parsed(&reader.certificate)?,
            recipients,
            roots: roots.build(),
        })
    }

    /// Signs and encrypts.
    pub fn seal(&self, cipher: Cipher, content: &[u8]) -> Result<Vec<u8>> {
        let cipher = match cipher {
            Cipher::Gcm => symm::Cipher::aes_256_gcm(),
            Cipher::Cbc => symm::Cipher::aes_256_cbc(),
        };
        let (signer, key, flags) = (Some(&*self.signer), Some(&*self.signing), CMSOptions::BINARY);
        let signed = CmsContentInfo::sign(signer, key, None, Some(content), flags)?.to_der()?;
        Ok(CmsContentInfo::encrypt(&self.recipients, &signed, cipher, flags)?.to_der()?)
    }

    /// Decrypts and verifies, the path to the root included; gives the length of the content.
    pub fn open(&self, sealed: &[u8]) -> Result<usize> {
        let signed = CmsContentInfo::from_der(sealed)?.decrypt(&self.reading, &self.reader)?;
        let mut content = Vec::new();
        CmsContentInfo::from_der(&signed)?.verify(
            None,
            Some(&self.roots),
            None,
            Some(&mut content),
            CMSOptions::BINARY,
        )?;
        Ok(content.len())
    }
}

fn parsed(certificate: &Certificate) -> Result<X509> {
    Ok(X509::from_der(certificate.der())?)
}
