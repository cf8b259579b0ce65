//! Who signed, and what ties him to the message (RFC 8550 3).

use std::collections::HashSet;

use super::{
    address::{Address, same_mailbox},
    field::without_controls,
    headers::Headers,
    layers::Signature,
    report::{Role, SignerFault, SignerReport, TimestampReport},
};
use crate::path::VerifiedPath;
use crate::{Certificate, SignerVerdict};

/// More authors than this are nobody: each is compared with every address of a certificate, which may be thousands.
const MAX_AUTHORS: usize = 16;

/// The report on one signature; `innermost_encryption` is the place of that layer, if there is one.
pub(crate) fn report(
    signature: &Signature,
    headers: &Headers,
    innermost_encryption: Option<usize>,
) -> SignerReport {
    let verdict = match &signature.verdict {
        Ok(verdict) => verdict,
        Err(error) => return SignerReport::unreadable(*error, signature.layer),
    };
    let outside = innermost_encryption.is_some_and(|encryption| signature.layer < encryption);
    let role = match &verdict.verdict {
        Err(error) => Err(SignerFault::Signature(error.clone())),
        Ok(_) if outside => Err(SignerFault::OutsideEncryption),
        Ok(_) => role(verdict, headers),
    };
    let timestamp = verdict.timestamp.as_ref().map(TimestampReport::new);
    let stamped = timestamp.as_ref().and_then(|stamp| stamp.time);
    let certificate = verdict.certificate.clone();
    SignerReport {
        emails: verdict.emails.clone(),
        subject: certificate.as_ref().map(|one| without_controls(&one.subject())).unwrap_or_default(),
        name: certificate
            .as_ref()
            .and_then(Certificate::common_name)
            .map(|name| without_controls(&name))
            .filter(|name| !name.is_empty()),
        issuer: certificate.as_ref().map(|one| without_controls(&one.issuer())).unwrap_or_default(),
        revocation_known: verdict.verdict.as_ref().is_ok_and(VerifiedPath::is_revocation_known),
        valid: role.is_ok(),
        role: role.as_ref().ok().copied(),
        reason: role.err(),
        signed_at: stamped.or(verdict.signing_time),
        timestamp,
        certificate,
        encryption: verdict.encryption.clone(),
        capabilities: verdict.capabilities.clone(),
        layer: signature.layer,
        services: verdict.services.clone(),
    }
}

/// What ties the signer's certificate to the message (RFC 8550 3).
fn role(verdict: &SignerVerdict, headers: &Headers) -> Result<Role, SignerFault> {
    let told = (1..=MAX_AUTHORS).contains(&headers.from.len());
    if !told || headers.count("From") != 1 || headers.count("Sender") > 1 {
        return Err(SignerFault::FromAmbiguous);
    }
    let is_signers =
        |address: &Address| verdict.emails.iter().any(|email| same_mailbox(email, &address.email));
    // A common name is no address: whoever has a certificate without one could sign for anybody.
    if verdict.emails.is_empty() {
        return Err(SignerFault::NoAddress);
    }
    match headers.sender.as_ref().is_some_and(is_signers) {
        _ if headers.from.iter().all(is_signers) => Ok(Role::Author),
        true => Ok(Role::Sender),
        false => Err(SignerFault::FromMismatch),
    }
}

/// Shows beside a valid signature nothing but what its certificate proves.
///
/// RFC 8550 3 accepts the Sender's signature too: then the reader is shown who signed, and the author
/// that the message claims only apart from it. A display name that the certificate does not bear gives
/// way to the one that it bears, and U-labels, which may look like anybody's, to its A-labels.
pub(super) fn show_signer(headers: &mut Headers, signers: &[SignerReport]) {
    let signs = |role| signers.iter().find(|signer| signer.role == Some(role));
    let signer = match (signs(Role::Author), signs(Role::Sender)) {
        (Some(author), _) => author,
        (None, Some(sender)) => {
            let stand_in = headers.sender.clone().into_iter().collect();
            headers.on_behalf_of = std::mem::replace(&mut headers.from, stand_in);
            sender
        }
        (None, None) => return,
    };
    for address in &mut headers.from {
        address.name = address.name.take().and_then(|name| proven_name(name, signer));
        let certified = signer.emails.iter().find(|email| same_mailbox(email, &address.email));
        if let Some(email) = certified.filter(|email| !email.eq_ignore_ascii_case(&address.email)) {
            address.email.clone_from(email);
        }
    }
}

fn proven_name(claimed: String, signer: &SignerReport) -> Option<String> {
    let organisation = signer.certificate.as_ref().and_then(Certificate::organisation).unwrap_or_default();
    let certified = format!("{} {organisation}", signer.name.as_deref().unwrap_or_default());
    // A set: whoever is certified under a long name could otherwise make every look at a letter long.
    let certified: HashSet<String> = words(&certified).collect();
    if words(&claimed).all(|word| certified.contains(&word)) && words(&claimed).next().is_some() {
        return Some(claimed);
    }
    // An address where a name should be would be taken for the address.
    signer.name.clone().filter(|name| !name.contains('@'))
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase)
}

impl SignerReport {
    fn unreadable(error: crate::VerifyError, layer: usize) -> Self {
        Self {
            emails: Vec::new(),
            subject: String::new(),
            name: None,
            issuer: String::new(),
            valid: false,
            reason: Some(SignerFault::Unreadable(error)),
            signed_at: None,
            timestamp: None,
            certificate: None,
            encryption: None,
            capabilities: crate::recipients::Capabilities::default(),
            role: None,
            revocation_known: false,
            layer,
            services: crate::ess::Services::default(),
        }
    }
}
