//! Whether the certificates of a path are revoked (RFC 5280 6.3, RFC 6960).

mod responses;

use super::check::{Checker, check_time};
use super::crl::{Crl, Unreadable};
use super::ocsp::OcspResponse;
use super::{PathError, Purpose};
use crate::asn1::Malformed;
use crate::certificate::{Certificate, DistributionPoint, KeyUsage, Reasons};
use crate::cms::attributes::RevocationValues;
use crate::provider::Provider;
use crate::time::UnixTime;

/// What authorities said about revocations, read in place.
#[derive(Default)]
pub(crate) struct Revocations<'a> {
    pub(super) crls: Vec<Crl<'a>>,
    pub(super) responses: Vec<OcspResponse<'a>>,
}

impl<'a> Revocations<'a> {
    /// Adds lists and OCSP responses; what is neither says nothing about anybody.
    pub(crate) fn add(&mut self, evidence: impl IntoIterator<Item = &'a [u8]>) {
        for der in evidence {
            match Crl::read(der) {
                Ok(crl) => self.crls.push(crl),
                Err(Malformed) => self.responses.extend(OcspResponse::read(der)),
            }
        }
    }

    /// Adds what stands among the unsigned attributes of a signature.
    pub(crate) fn add_values(&mut self, values: &RevocationValues<'a>) {
        self.crls.extend(values.lists.iter().filter_map(|der| Crl::read(der).ok()));
        let responses = values.basic_responses.iter();
        self.responses.extend(responses.filter_map(|der| OcspResponse::read_basic(der).ok()));
    }

    fn is_empty(&self) -> bool {
        self.crls.is_empty() && self.responses.is_empty()
    }
}

impl<P: Provider> Checker<'_, P> {
    /// `above` is the part of the path that was validated, the anchor first.
    pub(super) async fn check_revocation(
        &mut self,
        certificate: &Certificate,
        above: &[&Certificate],
    ) -> Result<(), PathError> {
        if self.revocations.iter().all(|known| known.is_empty()) && !self.query.revocation_required {
            self.unspoken = true;
            return Ok(());
        }
        let subject = || certificate.subject();
        let moment = Moment { at: self.query.at, purpose: self.query.purpose };
        let by_lists = self.status(certificate, above, moment).await?;
        match by_lists.max(self.status_by_responses(certificate, above).await?) {
            Status::Good => Ok(()),
            Status::Unknown if !self.query.revocation_required => {
                self.unspoken = true;
                Ok(())
            }
            Status::Unknown => Err(PathError::RevocationUnknown { subject: subject() }),
            Status::Revoked => Err(PathError::Revoked { subject: subject() }),
        }
    }

    /// By the lists of the certificate's issuer, and of whom its points name, signed with whichever key of that
    /// name the path vouches for: authorities change keys, and keep keys for lists alone (RFC 5280 6.3.3 (f)).
    async fn status(
        &mut self,
        certificate: &Certificate,
        above: &[&Certificate],
        moment: Moment,
    ) -> Result<Status, PathError> {
        if self.revocations.iter().all(|known| known.crls.is_empty()) {
            return Ok(Status::Unknown);
        }
        let points = certificate.distribution_points();
        let others = points.iter().flat_map(|point| point.issuers.iter().map(Vec::as_slice));
        let publishers = std::iter::once(certificate.issuer_name()).chain(others).collect::<Vec<_>>();
        self.budget.compare(publishers.len() * above.len())?;
        let mut said = Said::default();
        for publisher in &publishers {
            for signer in above.iter().rev().filter(|signer| signer.subject_name() == *publisher) {
                said.add(self.said_by(certificate, signer, moment).await?);
            }
        }
        if said.status() != Status::Unknown {
            return Ok(said.status());
        }
        for publisher in &publishers {
            for signer in self.candidates.named(publisher) {
                if !above.contains(&signer) && self.may_sign_lists(signer, above, moment).await? {
                    said.add(self.said_by(certificate, signer, moment).await?);
                }
            }
        }
        Ok(said.status())
    }

    /// Whether the path vouches for a certificate beside it, which is not revoked itself.
    async fn may_sign_lists(
        &mut self,
        signer: &Certificate,
        above: &[&Certificate],
        moment: Moment,
    ) -> Result<bool, PathError> {
        if check_time(signer, self.query.at).is_err() {
            return Ok(false);
        }
        for issuer in above.iter().rev().filter(|one| one.subject_name() == signer.issuer_name()) {
            if self.check_signed(signer, issuer).await.is_err() {
                continue;
            }
            let mut said = self.said_by(signer, issuer, moment).await?;
            if said.status() == Status::Unknown && speaks_of_itself(signer) {
                said.add(self.said_by(signer, signer, moment).await?);
            }
            return Ok(match said.status() {
                Status::Good => true,
                Status::Unknown => !self.query.revocation_required,
                Status::Revoked => false,
            });
        }
        Ok(false)
    }

    /// By the lists that `signer` signed.
    async fn said_by(
        &mut self,
        certificate: &Certificate,
        signer: &Certificate,
        moment: Moment,
    ) -> Result<Said, PathError> {
        let mut said = Said::default();
        if !signer.allows_usage(KeyUsage::CRL_SIGN) {
            return Ok(said);
        }
        let known = self.revocations;
        let lists = known.iter().flat_map(|known| &known.crls);
        self.budget.compare(lists.clone().count())?;
        self.budget.read(certificate.der().len())?;
        let points = certificate.distribution_points();
        for crl in lists.filter(|crl| crl.is_of(signer.subject_name()) && crl.concerns(certificate, &points))
        {
            if !self.is_signed_list(crl, signer).await? {
                continue;
            }
            self.budget.read(crl.len())?;
            match crl.revocation(certificate) {
                Err(Unreadable::Entry) => return Ok(Said::REVOKED),
                Err(Unreadable::Issuer) => continue,
                // Only a delta may say so, and what it does not prove by itself a base list may.
                Ok(Some(revocation)) if revocation.is_lifted => continue,
                Ok(Some(revocation)) if revocation.counts_at(moment.at, moment.purpose) => {
                    if !revocation.is_hold || !self.is_lifted(crl, certificate, signer, moment.at).await? {
                        return Ok(Said::REVOKED);
                    }
                }
                // On the list, but since later than the moment: it was good at the moment.
                Ok(_) => {}
            }
            said.absent_for = said.absent_for.or(crl.proves_at(moment.at, certificate, &points));
        }
        Ok(said)
    }

    /// Whether a later list of changes takes the certificate off the hold that a list put it on.
    async fn is_lifted(
        &mut self,
        list: &Crl<'_>,
        certificate: &Certificate,
        signer: &Certificate,
        at: UnixTime,
    ) -> Result<bool, PathError> {
        let known = self.revocations;
        for delta in known.iter().flat_map(|known| &known.crls) {
            self.budget.read(delta.len())?;
            if delta.lifts(list, certificate, at) && self.is_signed_list(delta, signer).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Remembers the answer: a list is asked about several certificates.
    async fn is_signed_list(&mut self, crl: &Crl<'_>, signer: &Certificate) -> Result<bool, PathError> {
        let pair = (crl.identity(), signer.identity());
        if let Some(known) = self.seen_lists.get(&pair) {
            return Ok(*known);
        }
        if let Some(hash) = crl.dsa_hash() {
            return Ok(self.verify_dsa(signer, hash, crl.signed()).await?.is_ok());
        }
        self.budget.spend(signer, crl.len())?;
        let is_signed = crl.is_signed_by(self.provider, signer).await;
        self.seen_lists.insert(pair, is_signed);
        Ok(is_signed)
    }
}

/// When a certificate had to be good, and for what.
#[derive(Clone, Copy)]
struct Moment {
    at: UnixTime,
    purpose: Purpose,
}

/// Whether nobody else signs lists that it would be on: after a change of keys (RFC 5280 6.3.3 (f)), and where
/// its issuer leaves its lists to it.
fn speaks_of_itself(signer: &Certificate) -> bool {
    let own = |point: &DistributionPoint| point.issuers.iter().any(|name| name == signer.subject_name());
    signer.is_self_issued() || signer.distribution_points().iter().any(own)
}

/// What lists say, taken together.
#[derive(Clone, Copy, Default)]
struct Said {
    revoked: bool,
    /// The reasons for which a list would name the certificate, and does not.
    absent_for: Reasons,
}

impl Said {
    const REVOKED: Self = Self { revoked: true, absent_for: Reasons::NONE };

    fn add(&mut self, other: Self) {
        self.revoked |= other.revoked;
        self.absent_for = self.absent_for.or(other.absent_for);
    }

    /// Lists of some reasons prove together what a list of all proves (RFC 5280 6.3.3).
    fn status(self) -> Status {
        match self {
            Self { revoked: true, .. } => Status::Revoked,
            Self { absent_for: Reasons::ALL, .. } => Status::Good,
            _ => Status::Unknown,
        }
    }
}

/// In the order of what outweighs what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    Unknown,
    Good,
    Revoked,
}
