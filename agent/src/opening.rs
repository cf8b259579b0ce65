//! `open` and `verify`: what a message is worth, and what is in it.

use std::{io::Write as _, path::Path};

use anyhow::{Context as _, Result};
use smime::{
    DecryptionKey, Trust,
    aws_lc::{AwsLc, AwsLcKeyring},
    block_on_ready,
    message::{OpenError, Opened},
};

use crate::{
    arguments::{Open, Trusting, Verify},
    files, receipts,
    report::{Report, to_json},
    save,
};

pub fn open(arguments: &Open) -> Result<()> {
    let (keyring, keys) = match (arguments.key.as_slice(), &arguments.password_file) {
        ([], _) | (_, None) => (AwsLcKeyring::new(), Vec::new()),
        (paths, Some(password_file)) => {
            let identity = files::identity(paths, password_file)?;
            let keys = identity.keys.into_iter().map(|(key, certificate)| DecryptionKey { key, certificate });
            (identity.keyring, keys.collect())
        }
    };
    show(&keyring, &keys, &arguments.trusting, &arguments.message, None)
}

pub fn verify(arguments: &Verify) -> Result<()> {
    let original = arguments.original.as_deref();
    show(&AwsLcKeyring::new(), &[], &arguments.trusting, &arguments.message, original)
}

fn show(
    keyring: &AwsLcKeyring,
    keys: &[DecryptionKey],
    trusting: &Trusting,
    message: &Path,
    original: Option<&Path>,
) -> Result<()> {
    let (trust, now) = (trust(trusting)?, files::now(trusting.at)?);
    let bytes = files::received(message)?;
    let opened: Result<Opened, OpenError> =
        block_on_ready(smime::message::open(&AwsLc, keyring, keys, &trust, &bytes, now));
    let opened = opened.with_context(|| format!("{} cannot be opened", message.display()))?;
    let saved = trusting.out.as_ref().map(|folder| save::parts(folder, &opened.parts)).transpose()?;
    let mut report = Report::new(&opened, saved.as_deref());
    if let Some(original) = original {
        report.judge_receipt(receipts::fault(&opened, original, &trust, now)?);
    }
    let mut output = if trusting.json { to_json(&report)? } else { report.as_text() };
    output.push('\n');
    std::io::stdout().write_all(output.as_bytes()).context("standard output cannot be written")
}

fn trust(trusting: &Trusting) -> Result<Trust> {
    let anchors = files::certificates(&trusting.trust)?;
    let mut timestamp_anchors = files::certificates(&trusting.trust_timestamps)?;
    timestamp_anchors.extend(anchors.iter().cloned());
    Ok(Trust {
        anchors,
        timestamp_anchors,
        intermediates: files::certificates(&trusting.untrusted)?,
        crls: files::revocation_lists(&trusting.crl)?,
        ocsp: files::ocsp_responses(&trusting.ocsp)?,
        revocation_required: !trusting.crl.is_empty() || !trusting.ocsp.is_empty(),
    })
}
