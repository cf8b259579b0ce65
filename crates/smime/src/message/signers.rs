//! Who signed, and what ties him to the message (RFC 8550 3).

use super::{
    address::{Address, same_mailbox},
    headers::Headers,
    layers::Signature,
    report::{Role, SignerFault, SignerReport, TimestampReport},
};
use crate::{Certificate, SignerVerdict};

/// The report on one signature; `innermost_encryption` is the place of that layer, if there is one.
pub(crate) fn report(
    signature: &Signature,
    headers: &Headers,
    innermost_encryption: Option<usize>,
) -> SignerReport {
    let verdict = match &signature.verdict {
        Ok(verdict) => verdict,
        Err(error) => return SignerReport::unreadable(*error),
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
        subject: certificate.as_ref().map(Certificate::subject).unwrap_or_default(),
        name: certificate.as_ref().and_then(Certificate::common_name),
        issuer: certificate.as_ref().map(Certificate::issuer).unwrap_or_default(),
        valid: role.is_ok(),
        role: role.as_ref().ok().copied(),
        reason: role.err(),
        signed_at: stamped.or(verdict.signing_time),
        timestamp,
        certificate,
        encryption: verdict.encryption.clone(),
        capabilities: verdict.capabilities.clone(),
    }
}

/// What ties the signer's certificate to the message (RFC 8550 3).
fn role(verdict: &SignerVerdict, headers: &Headers) -> Result<Role, SignerFault> {
    if headers.from.is_empty() || headers.count("From") != 1 || headers.count("Sender") > 1 {
        return Err(SignerFault::FromAmbiguous);
    }
    let is_signers =
        |address: &Address| verdict.emails.iter().any(|email| same_mailbox(email, &address.email));
    if verdict.emails.is_empty() {
        let named = verdict.certificate.as_ref().is_some_and(|certificate| !certificate.subject().is_empty());
        return if named { Ok(Role::Named) } else { Err(SignerFault::NoAddress) };
    }
    match headers.sender.as_ref().is_some_and(is_signers) {
        _ if headers.from.iter().all(is_signers) => Ok(Role::Author),
        true => Ok(Role::Sender),
        false => Err(SignerFault::FromMismatch),
    }
}

impl SignerReport {
    fn unreadable(error: crate::VerifyError) -> Self {
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
            capabilities: Vec::new(),
            role: None,
        }
    }
}
