//! What OCSP responses say (RFC 6960).

use super::super::check::{Checker, check_extensions};
use super::super::ocsp::{Entry, EntryStatus, OcspResponse};
use super::super::{PathError, Purpose};
use super::{Moment, Status};
use crate::certificate::{Certificate, KeyUsage, oid};
use crate::provider::Provider;
use crate::time::UnixTime;

impl<P: Provider> Checker<'_, P> {
    /// By the responses of the certificate's issuer, or of whom it lets answer (RFC 6960 4.2.2.2).
    pub(super) async fn status_by_responses(
        &mut self,
        certificate: &Certificate,
        above: &[&Certificate],
    ) -> Result<Status, PathError> {
        let Some(issuer) = above.last() else { return Ok(Status::Unknown) };
        let mut status = Status::Unknown;
        let known = self.revocations;
        for response in known.iter().flat_map(|known| &known.responses) {
            self.budget.read(response.len() + certificate.der().len() + issuer.der().len())?;
            let Some(entry) = response.entry(self.provider, certificate, issuer).await else { continue };
            if !self.is_answered(response, entry, issuer, above).await? {
                continue;
            }
            let (at, purpose) = (self.query.at, self.query.purpose);
            match &entry.status {
                EntryStatus::Revoked(revocation) if revocation.counts_at(at, purpose) => {
                    return Ok(Status::Revoked);
                }
                EntryStatus::Good | EntryStatus::Revoked(_)
                    if entry.proves_at(at, certificate.not_after()) =>
                {
                    status = Status::Good;
                }
                _ => {}
            }
        }
        Ok(status)
    }

    /// Whether the response is signed by the issuer, or by one whom it lets answer in its name.
    async fn is_answered(
        &mut self,
        response: &OcspResponse<'_>,
        entry: &Entry<'_>,
        issuer: &Certificate,
        above: &[&Certificate],
    ) -> Result<bool, PathError> {
        let said = [response.produced_at(), entry.this_update];
        for responder in response.responders(issuer) {
            let is_issuer = responder == issuer;
            if !is_issuer && !self.may_answer(responder, issuer, above, said).await? {
                continue;
            }
            self.budget.spend(responder, response.len())?;
            if response.is_signed_by(self.provider, responder).await {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A delegated responder has its certificate from the same issuer, for this and (RFC 6960
    /// 4.2.2.2) named; it is judged at the time of the response, which may be later than the moment. What it says
    /// ends with its certificate: a key that was lost after that would write any time and any validity.
    async fn may_answer(
        &mut self,
        responder: &Certificate,
        issuer: &Certificate,
        above: &[&Certificate],
        [at, this_update]: [UnixTime; 2],
    ) -> Result<bool, PathError> {
        let purposes = responder.extended_key_usage().ok().flatten().unwrap_or_default();
        let is_meant = purposes.contains(&oid::OCSP_SIGNING)
            && responder.allows_usage(KeyUsage::DIGITAL_SIGNATURE)
            && responder.is_valid_at(at)
            && responder.is_valid_at(this_update)
            && self.query.at <= responder.not_after()
            && responder.issuer_name() == issuer.subject_name()
            && check_extensions(responder).is_ok();
        if !is_meant || self.check_signed(responder, issuer).await.is_err() {
            return Ok(false);
        }
        // Without nocheck by lists alone: responses about responders would have no end. What a stolen
        // responder's key signs can carry any date, as with timestamps.
        if responder.extension(oid::OCSP_NO_CHECK).is_some() {
            return Ok(true);
        }
        let moment = Moment { at, purpose: Purpose::Timestamping };
        Ok(match self.status(responder, above, moment).await? {
            Status::Good => true,
            Status::Unknown => !self.query.revocation_required,
            Status::Revoked => false,
        })
    }
}
