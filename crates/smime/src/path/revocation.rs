//! Whether the certificates of a path are revoked (RFC 5280 6.3).

use super::PathError;
use super::check::Checker;
use crate::asn1::Malformed;
use crate::certificate::{Certificate, KeyUsage};
use crate::provider::Provider;

impl<P: Provider> Checker<'_, P> {
    /// `above` is the part of the path that was validated, the anchor first.
    pub(super) async fn check_revocation(
        &mut self,
        certificate: &Certificate,
        above: &[&Certificate],
    ) -> Result<(), PathError> {
        if self.crls.is_empty() && !self.query.revocation_required {
            return Ok(());
        }
        let subject = || certificate.subject();
        match self.status(certificate, above).await? {
            Status::Good => Ok(()),
            Status::Unknown if !self.query.revocation_required => Ok(()),
            Status::Unknown => Err(PathError::RevocationUnknown { subject: subject() }),
            Status::Revoked => Err(PathError::Revoked { subject: subject() }),
        }
    }

    /// By the lists of the certificate's issuer, signed with whichever key of that name the path
    /// vouches for: authorities change keys, and keep keys for lists alone (RFC 5280 6.3.3 (f)).
    async fn status(
        &mut self,
        certificate: &Certificate,
        above: &[&Certificate],
    ) -> Result<Status, PathError> {
        let issuer = certificate.issuer_name();
        let mut status = Status::Unknown;
        for signer in above.iter().rev().filter(|signer| signer.subject_name() == issuer) {
            status = status.max(self.status_by(certificate, signer).await?);
        }
        if status != Status::Unknown {
            return Ok(status);
        }
        for signer in self.candidates.named(issuer) {
            if !above.contains(&signer) && self.may_sign_lists(signer, above).await? {
                status = status.max(self.status_by(certificate, signer).await?);
            }
        }
        Ok(status)
    }

    /// Whether the path vouches for a certificate beside it, which is not revoked itself.
    async fn may_sign_lists(
        &mut self,
        signer: &Certificate,
        above: &[&Certificate],
    ) -> Result<bool, PathError> {
        if self.check_time(signer).is_err() {
            return Ok(false);
        }
        for issuer in above.iter().rev().filter(|one| one.subject_name() == signer.issuer_name()) {
            if self.check_signed(signer, issuer).await.is_err() {
                continue;
            }
            let mut status = self.status_by(signer, issuer).await?;
            if status == Status::Unknown && signer.is_self_issued() {
                // After a change of keys nobody but the new one signs lists, its own included.
                status = self.status_by(signer, signer).await?;
            }
            return Ok(match status {
                Status::Good => true,
                Status::Unknown => !self.query.revocation_required,
                Status::Revoked => false,
            });
        }
        Ok(false)
    }

    /// By the lists of the certificate's issuer that `signer` signed.
    async fn status_by(
        &mut self,
        certificate: &Certificate,
        signer: &Certificate,
    ) -> Result<Status, PathError> {
        let mut status = Status::Unknown;
        if !signer.allows_usage(KeyUsage::CRL_SIGN) {
            return Ok(status);
        }
        for crl in self.crls.iter().filter(|crl| crl.is_of(certificate.issuer_name())) {
            self.budget.spend(signer)?;
            if !crl.is_signed_by(self.provider, signer).await {
                continue;
            }
            match crl.revocation(certificate.serial()) {
                Err(Malformed) => return Ok(Status::Revoked),
                Ok(Some(revocation)) if revocation.counts_at(self.query.at, self.query.purpose) => {
                    return Ok(Status::Revoked);
                }
                // On the list, but since later than the moment: it was good at the moment.
                Ok(_) => {}
            }
            if crl.proves_at(self.query.at, certificate.not_after()) {
                status = Status::Good;
            }
        }
        Ok(status)
    }
}

/// In the order of what outweighs what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Unknown,
    Good,
    Revoked,
}
