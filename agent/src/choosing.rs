//! `seal`: whom a message is sealed to, under which certificates, and why.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use smime::{
    Certificate, KeyTransport, PathError, Trust, UnixTime,
    aws_lc::{AwsLc, AwsLcKeyring},
    block_on_ready,
    message::open,
    recipients::{Agreement, Candidate, NoneChosen, Offer, PassedOver, Reads, Unfit, choose, offers},
};

use crate::{arguments::Seal, files};

/// A recipient's certificate, and what is known of the programs that hold its key.
pub struct Recipient {
    pub certificate: Certificate,
    pub reads: Reads,
    passed_over: Vec<PassedOver>,
}

/// One certificate for each `--to`.
///
/// With `--trust` the one that the engine chooses, and otherwise the first of the file that mail can be
/// encrypted to at that time: whoever names it answers for it, and for its owner's program.
pub fn recipients(arguments: &Seal, at: UnixTime) -> Result<Vec<Recipient>> {
    if arguments.trust.is_empty() {
        return arguments.to.iter().map(|path| named(path, at)).collect();
    }
    let trust = Trust {
        anchors: files::certificates(&arguments.trust)?,
        crls: files::revocation_lists(&arguments.crl)?,
        revocation_required: !arguments.crl.is_empty(),
        ..Trust::default()
    };
    let known = known(&arguments.known, &trust, at)?;
    arguments.to.iter().map(|to| chosen(to, &known, &trust, at)).collect()
}

fn named(path: &Path, at: UnixTime) -> Result<Recipient> {
    let mut certificates = files::certificates(&[path])?;
    certificates.retain(Certificate::can_encrypt);
    if certificates.is_empty() {
        bail!("{} holds no certificate that mail can be encrypted to", path.display());
    }
    let Some(certificate) = certificates.into_iter().find(|one| one.is_valid_at(at)) else {
        bail!("the certificate in {} has expired or is not valid yet", path.display());
    };
    Ok(Recipient { certificate, reads: Reads::Everything, passed_over: Vec::new() })
}

/// What the messages tell of their senders.
fn known<P: AsRef<Path>>(messages: &[P], trust: &Trust, at: UnixTime) -> Result<Vec<Offer>> {
    let mut known = Vec::new();
    for path in messages {
        let path = path.as_ref();
        let bytes = files::message(path)?;
        let opened = block_on_ready(open(&AwsLc, &AwsLcKeyring::new(), &[], trust, &bytes, at));
        let opened = opened.with_context(|| format!("{} cannot be opened", path.display()))?;
        known.extend(offers(&opened).into_iter().filter(|offer| is_somebodys(offer, trust, at)));
    }
    Ok(known)
}

/// Whether a root vouches, or did until it expired or was revoked. Anybody makes certificates for any address:
/// kept, those would be in the way of the true one, as no more than a few of an address are checked.
fn is_somebodys(offer: &Offer, trust: &Trust, at: UnixTime) -> bool {
    let alone = std::slice::from_ref(&offer.candidate);
    let vouched = |address: &String| match block_on_ready(choose(&AwsLc, address, alone, trust, at)) {
        Ok(_) => true,
        Err(none) => matches!(none.reason(), Some(Unfit::Path(PathError::Revoked { .. }))),
    };
    !offer.candidate.certificate.is_valid_at(at) || offer.addresses.iter().any(vouched)
}

fn chosen(to: &Path, known: &[Offer], trust: &Trust, at: UnixTime) -> Result<Recipient> {
    let text = to.to_string_lossy();
    let is_address = text.contains('@') && !to.exists();
    let certificates = if is_address { Vec::new() } else { files::certificates(&[to])? };
    let address = match certificates.iter().find_map(|one| one.emails().into_iter().next()) {
        Some(address) => address,
        None if is_address => text.into_owned(),
        None => bail!("{} holds no certificate that names an address", to.display()),
    };
    let fits = |offer: &&Offer| offer.addresses.iter().any(|one| smime::message::same_mailbox(one, &address));
    let (mut candidates, mut last, mut reads) = (Vec::new(), None, Reads::Unknown);
    for offer in known.iter().filter(fits) {
        if let Some((when, said)) = offer.heard(last, at) {
            (last, reads) = (Some(when), Reads::Announced(said.clone()));
        }
        candidates.push(offer.candidate.clone());
    }
    candidates.extend(certificates.iter().map(|certificate| Candidate {
        certificate: certificate.clone(),
        issuers: certificates.clone(),
        reads: Reads::Unknown,
    }));
    candidates.iter_mut().for_each(|candidate| candidate.reads.clone_from(&reads));
    match block_on_ready(choose(&AwsLc, &address, &candidates, trust, at)) {
        Ok(chosen) => Ok(Recipient {
            certificate: chosen.certificate().clone(),
            reads: chosen.reads().clone(),
            passed_over: chosen.passed_over().to_vec(),
        }),
        Err(none) => bail!("{address}: {}", explained(&none)),
    }
}

fn explained(none: &NoneChosen) -> String {
    match none.reason() {
        Some(reason) => format!("{none}: {reason}"),
        None => none.to_string(),
    }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SealReport {
    content: &'static str,
    content_for: Vec<String>,
    recipients: Vec<RecipientReport>,
    /// What the sender had better know.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecipientReport {
    emails: Vec<String>,
    #[serde(flatten)]
    certificate: Named,
    reads: &'static str,
    key_transport: Option<&'static str>,
    passed_over: Vec<PassedOverReport>,
}

#[derive(Debug, Serialize)]
struct Named {
    subject: String,
    issuer: String,
    serial: String,
}

#[derive(Debug, Serialize)]
struct PassedOverReport {
    #[serde(flatten)]
    certificate: Named,
    reason: &'static str,
}

impl SealReport {
    pub fn new(recipients: &[Recipient], agreement: &Agreement) -> Self {
        let those = |places: &[usize]| {
            let those = places.iter().filter_map(|place| recipients.get(*place));
            those.map(|one| one.certificate.subject()).collect()
        };
        Self {
            content: agreement.cipher.name(),
            content_for: those(&agreement.cipher_for),
            recipients: recipients
                .iter()
                .zip(&agreement.transport)
                .map(|(one, transport)| RecipientReport::new(one, *transport))
                .collect(),
            note: note(recipients),
        }
    }
}

/// Programs on NSS before it learnt key agreement refuse a message in which anybody is given the key by it.
fn note(recipients: &[Recipient]) -> Option<String> {
    let (rsa, others): (Vec<_>, Vec<_>) = recipients.iter().partition(|one| is_rsa(&one.certificate));
    let names: Vec<String> = rsa.iter().map(|one| one.certificate.subject()).collect();
    let mixed = !rsa.is_empty() && !others.is_empty();
    mixed.then(|| {
        let names = names.join("; ");
        format!("programs on NSS 3.87.1 and before do not open this, since some have no RSA key: seal apart to {names}")
    })
}

fn is_rsa(certificate: &Certificate) -> bool {
    matches!(certificate.key_kind(), smime::KeyKind::Rsa { .. })
}

impl RecipientReport {
    fn new(recipient: &Recipient, transport: KeyTransport) -> Self {
        let rsa = is_rsa(&recipient.certificate);
        let passed_over = recipient.passed_over.iter().map(|one| PassedOverReport {
            certificate: Named::new(&one.certificate),
            reason: one.reason.code(),
        });
        Self {
            emails: recipient.certificate.emails(),
            certificate: Named::new(&recipient.certificate),
            key_transport: rsa.then_some(match transport {
                KeyTransport::Oaep => "RSAES-OAEP",
                KeyTransport::Pkcs1v15 => "RSAES-PKCS1-v1_5",
            }),
            reads: match recipient.reads {
                Reads::Unknown => "unknown",
                Reads::Announced(_) => "announced",
                Reads::Everything => "everything",
            },
            passed_over: passed_over.collect(),
        }
    }
}

impl Named {
    fn new(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject(),
            issuer: certificate.issuer(),
            serial: certificate.serial_hex(),
        }
    }
}
