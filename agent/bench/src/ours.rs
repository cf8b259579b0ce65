use std::rc::Rc;

use anyhow::{Result, ensure};
use rand_core::UnwrapErr;
use smime::aws_lc::{AwsLc, AwsLcKeyring};
use smime::{
    ContentEncryption, DecryptionKey, SignedForm, Signer, Trust, block_on_ready, decrypt, encrypt, sign,
    verify,
};

use crate::people::{Cipher, now};

/// One who signs and reads with `smime`.
pub struct Ours {
    pub keyring: Rc<AwsLcKeyring>,
    pub signer: Signer,
    pub reader: DecryptionKey,
    pub trust: Trust,
}

impl Ours {
    /// Signs and encrypts.
    pub fn seal(&self, cipher: Cipher, content: &[u8]) -> Result<Vec<u8>> {
        let cipher = match cipher {
            Cipher::Gcm => ContentEncryption::Aes256Gcm,
            Cipher::Cbc => ContentEncryption::Aes256Cbc,
        };
        let mut rng = UnwrapErr(getrandom::SysRng);
        let recipients = std::slice::from_ref(&self.reader.certificate);
        block_on_ready(async {
            let form = SignedForm::Opaque;
            let signed =
                sign(&AwsLc, &*self.keyring, &self.signer, content, form, now()).await?.to_der();
            Ok(encrypt(&AwsLc, &mut rng, &signed, recipients, cipher).await?)
        })
    }

    /// Decrypts and verifies, the path to the root included; gives the length of the content.
    pub fn open(&self, sealed: &[u8]) -> Result<usize> {
        let keys = std::slice::from_ref(&self.reader);
        block_on_ready(async {
            let opened = decrypt(&AwsLc, &*self.keyring, keys, sealed).await?;
            let verified = verify(&AwsLc, &opened.content, None, &self.trust, now()).await?;
            ensure!(verified.signers.iter().all(|signer| signer.verdict.is_ok()), "not verified");
            Ok(verified.content.len())
        })
    }
}
