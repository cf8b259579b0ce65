//! One chain, from the anchor down (RFC 5280 6.1).

use std::collections::HashMap;

use super::dsa;
use super::names::{Forbidden, NameConstraints};
use super::policy::{PolicyState, Refused};
use super::revocation::Revocations;
use super::{Budget, Candidates, PathError, Purpose, Query};
use crate::algorithm::{self, Identifier, Unusable};
use crate::asn1::{Malformed, Reader};
use crate::certificate::{Certificate, KeyUsage, oid};
use crate::provider::{Hash, Provider, ProviderError};
use crate::time::UnixTime;

/// What may be critical. Key identifiers never are (RFC 5280 4.2.1.1 and 4.2.1.2).
const UNDERSTOOD: [const_oid::ObjectIdentifier; 12] = [
    oid::KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::ISSUER_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::EXTENDED_KEY_USAGE,
    oid::INHIBIT_ANY_POLICY,
    oid::OCSP_NO_CHECK,
];

/// Checks chains; remembers what signatures it saw, since chains share their upper ends.
pub(super) struct Checker<'a, P> {
    pub(super) provider: &'a P,
    pub(super) candidates: &'a Candidates<'a>,
    pub(super) revocations: &'a [&'a Revocations<'a>],
    pub(super) query: &'a Query,
    pub(super) budget: &'a mut Budget,
    pub(super) seen: HashMap<(usize, usize), Result<(), PathError>>,
    pub(super) seen_lists: HashMap<(usize, usize), bool>,
    /// DSA keys with the parameters that they have from above, in the chain at hand.
    pub(super) inherited: HashMap<usize, Vec<u8>>,
    /// A weak algorithm in the chain at hand.
    pub(super) weakness: Option<&'static str>,
    /// Nobody said of some certificate in the chain at hand that it is not revoked.
    pub(super) unspoken: bool,
}

impl<P: Provider> Checker<'_, P> {
    /// The chain has the leaf first and the anchor last.
    pub(super) async fn check(&mut self, chain: &[&Certificate]) -> Result<(), PathError> {
        let Some((anchor, below)) = chain.split_last() else { return Err(PathError::UnknownIssuer) };
        self.inherited.clear();
        self.weakness = None;
        self.unspoken = false;
        let mut names = NameConstraints::default();
        let mut policies = PolicyState::new(&self.query.policies, below.len());
        let mut max_length = below.len();
        check_time(anchor, self.query.at)?;
        if !below.is_empty() {
            check_extensions(anchor)?;
            constrain(anchor, &mut names, &mut max_length, true)?;
        }
        let mut above = vec![*anchor];
        let mut issuer = *anchor;
        for (depth, certificate) in below.iter().enumerate().rev() {
            let is_last = depth == 0;
            check_time(certificate, self.query.at)?;
            self.check_signed(certificate, issuer).await?;
            let key = dsa::inherit(certificate.spki(), self.key_of(issuer));
            self.inherited.extend(key.map(|key| (certificate.identity(), key)));
            self.check_revocation(certificate, &above).await?;
            // Its names, policies and extensions are read.
            self.budget.read(certificate.der().len())?;
            if is_last || !certificate.is_self_issued() {
                self.budget.compare(names.comparisons(certificate))?;
                names
                    .allow(certificate)
                    .map_err(|Forbidden| PathError::NameNotPermitted { subject: certificate.subject() })?;
            }
            let refused = |refused| policy_error(refused, certificate);
            policies.process(certificate, is_last).map_err(refused)?;
            self.budget.compare(policies.take_comparisons())?;
            check_extensions(certificate)?;
            if !is_last {
                policies.prepare(certificate).map_err(refused)?;
                constrain(certificate, &mut names, &mut max_length, false)?;
                check_authority_purpose(certificate, self.query.purpose)?;
            }
            above.push(certificate);
            issuer = certificate;
        }
        if let Some(leaf) = below.first() {
            check_claims(leaf)?;
            policies.finish(leaf).map_err(|refused| policy_error(refused, leaf))?;
        }
        check_purpose(issuer, self.query.purpose)
    }

    pub(super) async fn check_signed(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<(), PathError> {
        if let Some(hash) = dsa_hash(certificate) {
            return self.check_dsa(certificate, issuer, hash).await;
        }
        let pair = (certificate.identity(), issuer.identity());
        if let Some(known) = self.seen.get(&pair) {
            return known.clone();
        }
        self.budget.spend(issuer, certificate.der().len())?;
        let outcome = signed_by(self.provider, certificate, issuer).await;
        self.seen.insert(pair, outcome.clone());
        outcome
    }

    /// DSA is too weak to prove anything about a message; a path for no purpose is told to be weak.
    async fn check_dsa(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        hash: Hash,
    ) -> Result<(), PathError> {
        let subject = || certificate.subject();
        let signed = (certificate.tbs(), certificate.signature());
        match self.verify_dsa(issuer, hash, signed).await? {
            Ok(()) => Ok(()),
            Err(ProviderError::Unsupported) => Err(PathError::UnsupportedAlgorithm { subject: subject() }),
            Err(_) => Err(PathError::BadSignature { subject: subject() }),
        }
    }

    /// Checks a DSA signature over a certificate or a list.
    pub(super) async fn verify_dsa(
        &mut self,
        issuer: &Certificate,
        hash: Hash,
        (message, signature): (&[u8], &[u8]),
    ) -> Result<Result<(), ProviderError>, PathError> {
        if self.query.purpose != Purpose::Any {
            return Ok(Err(ProviderError::Unsupported));
        }
        self.budget.spend_dsa(message.len())?;
        self.weakness = Some("DSA");
        Ok(self.provider.verify_dsa(self.key_of(issuer), hash, message, signature).await)
    }

    fn key_of<'c>(&'c self, certificate: &'c Certificate) -> &'c [u8] {
        self.inherited.get(&certificate.identity()).map_or_else(|| certificate.spki(), Vec::as_slice)
    }
}

pub(crate) fn check_time(certificate: &Certificate, at: UnixTime) -> Result<(), PathError> {
    if at < certificate.not_before() {
        return Err(PathError::NotYetValid { subject: certificate.subject() });
    }
    if at > certificate.not_after() {
        return Err(PathError::Expired { subject: certificate.subject() });
    }
    Ok(())
}

fn dsa_hash(certificate: &Certificate) -> Option<Hash> {
    let identifier = Reader::new(certificate.algorithm()).sequence().and_then(Identifier::read).ok()?;
    algorithm::dsa_hash(identifier.oid)
}

async fn signed_by(
    provider: &impl Provider,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<(), PathError> {
    let subject = || certificate.subject();
    let bad = || PathError::BadSignature { subject: subject() };
    let unsupported = || PathError::UnsupportedAlgorithm { subject: subject() };
    let key = issuer.key_kind();
    let mut identifier = Reader::new(certificate.algorithm());
    let identifier = identifier.sequence().and_then(Identifier::read).map_err(|Malformed| bad())?;
    let algorithm = algorithm::signature(&identifier, None, key).map_err(|error| match error {
        Unusable::Malformed => bad(),
        Unusable::Unsupported(_) => unsupported(),
    })?;
    if algorithm::weakness(algorithm, key).is_some() {
        return Err(PathError::WeakAlgorithm { subject: subject() });
    }
    let outcome = provider.verify(issuer.spki(), algorithm, certificate.tbs(), certificate.signature()).await;
    outcome.map_err(|error| match error {
        ProviderError::Unsupported => unsupported(),
        _ => bad(),
    })
}

/// RFC 5280 6.1.4 (g) and (k) to (n): what an authority hands down.
fn constrain(
    authority: &Certificate,
    names: &mut NameConstraints,
    max_length: &mut usize,
    is_anchor: bool,
) -> Result<(), PathError> {
    let not_an_authority = || PathError::NotAnAuthority { subject: authority.subject() };
    let not_understood = || PathError::UnknownCriticalExtension { subject: authority.subject() };
    // RFC 5280 4.1.2.6: an authority has a name, and one that can be read is not its own normal form.
    let name = authority.subject_name();
    if name.is_empty() || name == authority.subject_der() {
        return Err(not_an_authority());
    }
    names.narrow(authority).map_err(|Malformed| not_understood())?;
    let constraints = authority.basic_constraints().map_err(|Malformed| not_understood())?;
    // Roots of version 1 cannot say that they are authorities; being an anchor says it for them.
    let is_old_root = is_anchor && authority.version() == 0;
    if !is_old_root && !constraints.unwrap_or_default().ca {
        return Err(not_an_authority());
    }
    if !authority.allows_usage(KeyUsage::KEY_CERT_SIGN) {
        return Err(not_an_authority());
    }
    if !is_anchor && !authority.is_self_issued() {
        let subject = || authority.subject();
        *max_length =
            max_length.checked_sub(1).ok_or_else(|| PathError::PathTooLong { subject: subject() })?;
    }
    if let Some(limit) = constraints.and_then(|constraints| constraints.path_len) {
        *max_length = (*max_length).min(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(())
}

pub(super) fn check_extensions(certificate: &Certificate) -> Result<(), PathError> {
    let understood = certificate.critical_extensions().all(|critical| UNDERSTOOD.contains(&critical));
    // Names, usages and purposes that cannot be read must not count as none.
    let readable = certificate.alternative_names().is_ok()
        && certificate.key_usage().is_ok()
        && certificate.extended_key_usage().is_ok()
        && certificate.basic_constraints().is_ok();
    if understood && readable {
        return Ok(());
    }
    Err(PathError::UnknownCriticalExtension { subject: certificate.subject() })
}

/// What only authorities may have, nobody else can claim (RFC 5280 4.2.1.9 and 4.2.1.10).
fn check_claims(leaf: &Certificate) -> Result<(), PathError> {
    let is_authority = leaf.basic_constraints().ok().flatten().unwrap_or_default().ca;
    let signs = matches!(leaf.key_usage(), Ok(Some(usage)) if usage.allows_any(KeyUsage::KEY_CERT_SIGN));
    let constrains = leaf.extension(oid::NAME_CONSTRAINTS).is_some();
    if is_authority || !(signs || constrains) {
        return Ok(());
    }
    Err(PathError::NotAnAuthority { subject: leaf.subject() })
}

/// An authority that is limited to other purposes vouches for none of these.
fn check_authority_purpose(authority: &Certificate, purpose: Purpose) -> Result<(), PathError> {
    let allowed = match purpose {
        Purpose::Signing | Purpose::Encryption => authority.allows_purpose(oid::EMAIL_PROTECTION),
        Purpose::Timestamping => authority.allows_purpose(oid::TIME_STAMPING),
        Purpose::Any => true,
    };
    if allowed { Ok(()) } else { Err(PathError::WrongUsage) }
}

fn check_purpose(leaf: &Certificate, purpose: Purpose) -> Result<(), PathError> {
    if purpose != Purpose::Any && algorithm::is_weak_key(leaf.key_kind()) {
        return Err(PathError::WeakAlgorithm { subject: leaf.subject() });
    }
    let allowed = match purpose {
        Purpose::Signing => leaf.can_sign(),
        Purpose::Encryption => leaf.can_encrypt(),
        Purpose::Timestamping => is_timestamp_authority(leaf),
        Purpose::Any => true,
    };
    if allowed { Ok(()) } else { Err(PathError::WrongUsage) }
}

/// RFC 3161 2.3: a critical extendedKeyUsage with this purpose alone.
fn is_timestamp_authority(leaf: &Certificate) -> bool {
    let critical = leaf.critical_extensions().any(|critical| critical == oid::EXTENDED_KEY_USAGE);
    let alone = leaf.extended_key_usage() == Ok(Some(vec![oid::TIME_STAMPING]));
    critical && alone && leaf.allows_usage(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION)
}

fn policy_error(refused: Refused, certificate: &Certificate) -> PathError {
    match refused {
        Refused::Malformed => PathError::UnknownCriticalExtension { subject: certificate.subject() },
        Refused::NoPolicy => PathError::PolicyNotPermitted,
    }
}
