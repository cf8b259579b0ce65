//! `seal`: one message in, one sealed message out.

use std::{fs, io::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use const_oid::ObjectIdentifier;
use smime::{
    Certificate, SignOptions, Signer,
    aws_lc::AwsLc,
    block_on_ready,
    ess::{Classification, ReceiptRequest, ReceiptsFrom, SecurityLabel},
    message::{HeaderPolicy, SealOptions, seal_message},
    recipients::agree_on,
};

use crate::{
    arguments::Seal,
    choosing::{self, SealReport},
    files::{self, Identity},
    report::to_json,
};

pub fn run(arguments: &Seal) -> Result<()> {
    let at = files::now(arguments.at)?;
    if arguments.json && arguments.out == Path::new("-") {
        bail!("the message and the JSON cannot both go to standard output");
    }
    let identity = files::identity(&[&arguments.from], &arguments.password_file)?;
    let signer = signer(&identity)?;
    let recipients = choosing::recipients(arguments, at)?;
    let original = files::message(&arguments.message)?;
    let readers: Vec<_> = recipients.iter().map(|one| (&one.certificate, &one.reads)).collect();
    let mut agreement = agree_on(&readers);
    if let Some(content) = arguments.content {
        agreement.cipher = content.into();
        agreement.cipher_for.clear();
    }
    let options = SealOptions {
        cipher: agreement.cipher,
        transport: agreement.transport.clone(),
        signing: signing(arguments)?,
        header_policy: if arguments.shy { HeaderPolicy::Shy } else { HeaderPolicy::Baseline },
        ..SealOptions::default()
    };
    let report = SealReport::new(&recipients, &agreement);
    let recipients: Vec<Certificate> = recipients.into_iter().map(|one| one.certificate).collect();
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let sealed = block_on_ready(seal_message(
        &AwsLc,
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
    write(&arguments.out, &sealed)?;
    if arguments.json {
        let report = to_json(&report)? + "\n";
        std::io::stdout().write_all(report.as_bytes()).context("standard output cannot be written")?;
    }
    Ok(())
}

/// The label and the request for receipts.
fn signing(arguments: &Seal) -> Result<SignOptions> {
    let label = arguments.label.as_deref().map(|policy| {
        let policy = ObjectIdentifier::new(policy).ok();
        let policy = policy.context("the policy of the label is not an object identifier")?;
        Ok::<_, anyhow::Error>(SecurityLabel {
            policy,
            classification: arguments.classification.map(Classification),
            privacy_mark: arguments.privacy_mark.clone(),
            categories: Vec::new(),
        })
    });
    let mut content_identifier = vec![0; 16];
    getrandom::fill(&mut content_identifier).context("there is no randomness")?;
    let to = arguments.receipt_to.clone();
    let receipt_request =
        (!to.is_empty()).then_some(ReceiptRequest { content_identifier, from: ReceiptsFrom::All, to });
    Ok(SignOptions { label: label.transpose()?, receipt_request, ..SignOptions::default() })
}

/// The signing key and its chain; the encryption certificate goes along for the answer.
pub fn signer(identity: &Identity) -> Result<Signer> {
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

pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        return std::io::stdout().write_all(bytes).context("standard output cannot be written");
    }
    fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}
