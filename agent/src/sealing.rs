//! `seal`: one message in, one sealed message out.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use smime::{
    Certificate, Signer, UnixTime, block_on_ready,
    message::{HeaderPolicy, SealOptions, seal_message},
    rustcrypto::RustCrypto,
};

use crate::{
    arguments::Seal,
    files::{self, Identity},
};

pub fn run(arguments: &Seal) -> Result<()> {
    let at = files::now(arguments.at)?;
    let identity = files::identity(&[&arguments.from], &arguments.password_file)?;
    let signer = signer(&identity)?;
    let recipients = recipients(&arguments.to, at)?;
    let original = files::message(&arguments.message)?;
    let options = SealOptions {
        cipher: arguments.content.into(),
        header_policy: if arguments.shy { HeaderPolicy::Shy } else { HeaderPolicy::Baseline },
        ..SealOptions::default()
    };
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let sealed = block_on_ready(seal_message(
        &RustCrypto,
        &identity.keyring,
        &mut rng,
        &original,
        Some(&signer),
        at,
        &recipients,
        &options,
        async |_: &[u8]| None,
    ));
    let sealed = sealed.with_context(|| format!("{} was not sealed", arguments.message.display()))?;
    write(&arguments.out, &sealed)
}

/// The signing key and its chain; the encryption certificate goes along for the answer.
fn signer(identity: &Identity) -> Result<Signer> {
    let signing = identity.keys.iter().find(|(_, certificate)| certificate.can_sign());
    let Some((key, certificate)) = signing else {
        bail!("the PKCS#12 file holds no key whose certificate may sign mail");
    };
    let mut encrypting = identity.keys.iter().filter(|(_, certificate)| certificate.can_encrypt());
    let encryption = encrypting.clone().find(|(id, _)| id != key).or_else(|| encrypting.next());
    let leaves: Vec<&Certificate> = identity.keys.iter().map(|(_, certificate)| certificate).collect();
    let issuers =
        identity.certificates.iter().filter(|other| !leaves.iter().any(|leaf| leaf.der() == other.der()));
    let chain = std::iter::once(certificate).chain(issuers).cloned().collect();
    Ok(Signer { key: key.clone(), chain, encryption: encryption.map(|(_, certificate)| certificate.clone()) })
}

/// One certificate of each file: the first that mail can be encrypted to at that time.
fn recipients<P: AsRef<Path>>(paths: &[P], at: UnixTime) -> Result<Vec<Certificate>> {
    let mut recipients = Vec::new();
    for path in paths {
        let mut certificates = files::certificates(&[path])?;
        certificates.retain(Certificate::can_encrypt);
        if certificates.is_empty() {
            bail!("{} holds no certificate that mail can be encrypted to", path.as_ref().display());
        }
        let Some(certificate) = certificates.into_iter().find(|one| one.is_valid_at(at)) else {
            bail!("the certificate in {} has expired or is not valid yet", path.as_ref().display());
        };
        recipients.push(certificate);
    }
    Ok(recipients)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        return std::io::stdout().write_all(bytes).context("standard output cannot be written");
    }
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}
