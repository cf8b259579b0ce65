//! `receipt`: answers a request for one, and `verify --original`: holds one against what was sent.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use smime::{
    DecryptionKey, SignerVerdict, Trust, UnixTime,
    aws_lc::{AwsLc, AwsLcKeyring},
    block_on_ready,
    ess::sign_receipt,
    message::{Address, Kind, Opened, open, receipt_message, same_mailbox},
    verify,
};

use crate::{arguments::ReceiptArguments, files, sealing};

pub fn run(arguments: &ReceiptArguments) -> Result<()> {
    let at = files::now(arguments.at)?;
    let identity = files::identity(&[&arguments.key], &arguments.password_file)?;
    let signer = sealing::signer(&identity)?;
    let anchors = files::certificates(&arguments.trust)?;
    let trust = Trust { timestamp_anchors: anchors.clone(), anchors, ..Trust::default() };
    let bytes = files::received(&arguments.message)?;
    let keys = identity.keys.iter().cloned().map(|(key, certificate)| DecryptionKey { key, certificate });
    let keys: Vec<DecryptionKey> = keys.collect();
    let opened = block_on_ready(open(&AwsLc, &identity.keyring, &keys, &trust, &bytes, at));
    let opened = opened.with_context(|| format!("{} cannot be opened", arguments.message.display()))?;
    let Some(requested) = opened.requested_receipt() else {
        bail!("no signature that counts asks for a receipt");
    };
    let Some(lists) = opened.lists() else {
        bail!("the outermost signature does not count, so that mailing lists may have forbidden receipts");
    };
    let own: Vec<String> = signer.chain.first().map(smime::Certificate::emails).unwrap_or_default();
    if !requested.is_asked_of(&own, lists) {
        bail!("the receipt is asked of others");
    }
    let receipt = block_on_ready(sign_receipt(&AwsLc, &identity.keyring, &signer, requested, at));
    let receipt = receipt.context("the receipt was not signed")?.to_der();
    let from = own.first().context("the certificate names no address")?;
    let message = receipt_message(&receipt, from, &requested.recipients(lists), at)?;
    sealing::write(&arguments.out, &message)
}

/// Whether a receipt proves that `original` was received: `None` for one that does, and otherwise why not.
pub fn fault(opened: &Opened, original: &Path, trust: &Trust, now: UnixTime) -> Result<Option<String>> {
    let (Kind::Receipt(_), [object]) = (&opened.kind, opened.parts.as_slice()) else {
        bail!("the message is no receipt");
    };
    let bytes = files::received(original)?;
    let sent = block_on_ready(open(&AwsLc, &AwsLcKeyring::new(), &[], trust, &bytes, now));
    let sent = sent.with_context(|| format!("{} cannot be opened", original.display()))?;
    let Some(requested) = sent.requested_receipt() else {
        bail!("no signature of {} that counts asks for a receipt", original.display());
    };
    let receipt = block_on_ready(verify(&AwsLc, &object.data, None, trust, now));
    let receipt = receipt.context("the receipt cannot be read")?;
    let headers = &sent.headers;
    Ok(match requested.check(&receipt) {
        Err(fault) => Some(fault.to_string()),
        Ok(holder)
            if ![&headers.to, &headers.cc, &headers.bcc]
                .into_iter()
                .flatten()
                .any(|one| holds(holder, one)) =>
        {
            Some("the receipt is not from anybody whom the message was addressed to".to_owned())
        }
        Ok(_) => None,
    })
}

fn holds(holder: &SignerVerdict, address: &Address) -> bool {
    holder.emails.iter().any(|email| same_mailbox(email, &address.email))
}
