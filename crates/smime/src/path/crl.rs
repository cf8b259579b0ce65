//! Certificate revocation lists (RFC 5280 5 and 6.3).

use const_oid::ObjectIdentifier as Oid;

use super::Purpose;
use super::scope::Scope;
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{Certificate, DistributionPoint, Reasons, directory_names, normalized_name};
use crate::provider::{Hash, Provider};
use crate::time::UnixTime;

const MAX_EXTENSIONS: usize = 32;
/// In seconds.
const SKEW: u64 = 15 * 60;

const REASON: Oid = Oid::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: Oid = Oid::new_unwrap("2.5.29.24");
const CERTIFICATE_ISSUER: Oid = Oid::new_unwrap("2.5.29.29");

/// A list, read in place.
pub(crate) struct Crl<'a> {
    tbs: &'a [u8],
    algorithm: Identifier<'a>,
    signature: &'a [u8],
    issuer: Vec<u8>,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    revoked: Reader<'a>,
    scope: Scope<'a>,
}

impl<'a> Crl<'a> {
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = asn1::single(der, tag::SEQUENCE)?.reader();
        let tbs = outer.expect(tag::SEQUENCE)?;
        let algorithm = outer.expect(tag::SEQUENCE)?;
        let signature = outer.expect(tag::BIT_STRING)?.bits()?;
        outer.end()?;
        let mut fields = tbs.reader();
        fields.optional(tag::INTEGER)?;
        if fields.expect(tag::SEQUENCE)?.der != algorithm.der {
            return Err(Malformed);
        }
        let issuer = normalized_name(fields.expect(tag::SEQUENCE)?.der);
        let this_update = UnixTime::from_tlv(&fields.next()?)?;
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => Some(UnixTime::from_tlv(&fields.next()?)?),
            _ => None,
        };
        let revoked = fields.optional(tag::SEQUENCE)?.map_or(Reader::new(&[]), |list| list.reader());
        let extensions = fields.optional(tag::constructed(0))?;
        fields.end()?;
        let extensions = extensions.map(|wrapper| asn1::single(wrapper.value, tag::SEQUENCE)).transpose()?;
        let scope = Scope::read(extensions.map(|list| list.reader()), &issuer)?;
        let algorithm = Identifier::read(algorithm.reader())?;
        Ok(Self { tbs: tbs.der, algorithm, signature, issuer, this_update, next_update, revoked, scope })
    }

    /// Tells lists apart for as long as they are read.
    pub(super) fn identity(&self) -> usize {
        self.tbs.as_ptr() as usize
    }

    /// In octets.
    pub(super) fn len(&self) -> usize {
        self.tbs.len()
    }

    /// `issuer` is in the form of [`Certificate::issuer_name`].
    pub(crate) fn is_of(&self, issuer: &[u8]) -> bool {
        self.issuer == issuer
    }

    /// Whether the certificate, with these distribution points, may be on it: its issuer made it, or leaves its
    /// lists to whoever did.
    pub(crate) fn concerns(&self, certificate: &Certificate, points: &[DistributionPoint]) -> bool {
        let is_left_to = |point: &DistributionPoint| point.issuers.contains(&self.issuer);
        self.is_of(certificate.issuer_name()) || (self.scope.is_indirect && points.iter().any(is_left_to))
    }

    /// Whether it was made later than now, by more than clocks differ.
    pub(super) fn is_ahead_of(&self, now: UnixTime) -> bool {
        self.this_update > now.plus(SKEW)
    }

    /// Whether it tells all that the other one does, as of the same time or later: of the same issuer and scope.
    pub(super) fn is_no_older_than(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.scope.covers(&other.scope)
            && self.this_update >= other.this_update
    }

    /// The reasons for which absence from the list proves that a certificate was not revoked at the moment: a
    /// list in force then does, and so does a later one, made while the certificate still had to be on it.
    pub(super) fn proves_at(
        &self,
        at: UnixTime,
        certificate: &Certificate,
        points: &[DistributionPoint],
    ) -> Reasons {
        let in_force = self.this_update <= at && self.next_update.is_some_and(|next| at <= next);
        let later = at < self.this_update && self.this_update <= certificate.not_after();
        if in_force || later {
            self.scope.reasons_for(certificate, points, &self.issuer)
        } else {
            Reasons::NONE
        }
    }

    /// Whether the changes that it tells took the certificate off the hold that `list` put it on
    /// (RFC 5280 6.3.3 (i) to (k)).
    pub(super) fn lifts(&self, list: &Self, certificate: &Certificate, at: UnixTime) -> bool {
        let is_lifted = |revocation: Revocation| revocation.is_lifted && revocation.since <= at;
        self.this_update <= at
            && self.issuer == list.issuer
            && self.scope.changes(&list.scope)
            && self.revocation(certificate).is_ok_and(|found| found.is_some_and(is_lifted))
    }

    pub(super) fn dsa_hash(&self) -> Option<Hash> {
        algorithm::dsa_hash(self.algorithm.oid)
    }

    /// What is signed, and the signature.
    pub(super) fn signed(&self) -> (&'a [u8], &'a [u8]) {
        (self.tbs, self.signature)
    }

    pub(super) async fn is_signed_by(&self, provider: &impl Provider, authority: &Certificate) -> bool {
        let key = authority.key_kind();
        let Ok(algorithm) = algorithm::signature(&self.algorithm, None, key) else { return false };
        algorithm::weakness(algorithm, key).is_none()
            && provider.verify(authority.spki(), algorithm, self.tbs, self.signature).await.is_ok()
    }

    /// What the list says of the certificate.
    pub(super) fn revocation(&self, certificate: &Certificate) -> Result<Option<Revocation>, Unreadable> {
        let (mut entries, mut lifted) = (self.revoked, None);
        let (mut is_issuers, is_indirect) = (self.is_of(certificate.issuer_name()), self.scope.is_indirect);
        while !entries.is_empty() {
            let mut entry = entries.sequence()?;
            let is_own = entry.expect(tag::INTEGER)?.value == certificate.serial();
            if !is_own && !is_indirect {
                continue;
            }
            match issuer_of_entry(entry) {
                // RFC 5280 5.3.3: those that follow are the same issuer's.
                Ok(Some(issuer)) if is_indirect => is_issuers = issuer == certificate.issuer_name(),
                Ok(None) => {}
                Err(Malformed) if !is_own => return Err(Unreadable::Issuer),
                Ok(Some(_)) | Err(Malformed) => return Err(Unreadable::Entry),
            }
            if !is_own || !is_issuers {
                continue;
            }
            let revocation = Revocation::of_list(entry)?;
            if !revocation.is_lifted {
                return Ok(Some(revocation));
            }
            lifted = Some(revocation);
        }
        Ok(lifted)
    }
}

/// Why a list does not tell whether a certificate is on it.
pub(super) enum Unreadable {
    /// What may be its entry is not understood, so it is taken at its worst.
    Entry,
    /// Whose certificates the entries are cannot be told, so the list cannot be used (RFC 5280 5.3).
    Issuer,
}

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Entry
    }
}

/// Whose certificate an entry is about, from what follows the serial number, if it says so (RFC 5280 5.3.3).
fn issuer_of_entry(mut entry: Reader<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    entry.next()?;
    let Some(extensions) = entry.optional(tag::SEQUENCE)? else { return Ok(None) };
    for extension in extensions.reader().all(MAX_EXTENSIONS)? {
        let (oid, _, value) = read_extension(&extension)?;
        if oid == CERTIFICATE_ISSUER {
            let names = directory_names(asn1::single(value, tag::SEQUENCE)?.reader())?;
            return names.into_iter().next().map(Some).ok_or(Malformed);
        }
    }
    Ok(None)
}

/// What a list or a response says of a revoked certificate.
pub(super) struct Revocation {
    since: UnixTime,
    /// Whether it is said that the key stayed with its owner.
    is_benign: bool,
    /// Whether it may be taken back.
    pub(super) is_hold: bool,
    /// Whether the certificate was taken off hold, or expired (RFC 5280 5.3.1): no revocation any more.
    pub(super) is_lifted: bool,
}

impl Revocation {
    pub(super) const fn since(since: UnixTime) -> Self {
        Self { since, is_benign: false, is_hold: false, is_lifted: false }
    }

    /// From what follows the serial number (RFC 5280 5.3); whose certificate it is about is read before.
    fn of_list(mut entry: Reader<'_>) -> Result<Self, Malformed> {
        let mut revocation = Self::since(UnixTime::from_tlv(&entry.next()?)?);
        let Some(extensions) = entry.optional(tag::SEQUENCE)? else { return Ok(revocation) };
        for extension in extensions.reader().all(MAX_EXTENSIONS)? {
            let (oid, critical, value) = read_extension(&extension)?;
            // An entry that is not understood may mean anything.
            if oid != CERTIFICATE_ISSUER && !revocation.extend(oid, value)? && critical {
                return Err(Malformed);
            }
        }
        Ok(revocation)
    }

    /// Takes an extension of the entry into account; false if it is not one of those that count.
    pub(super) fn extend(&mut self, oid: Oid, value: &[u8]) -> Result<bool, Malformed> {
        match oid {
            REASON => self.set_reason(value)?,
            INVALIDITY_DATE => {
                let date = UnixTime::from_tlv(&Reader::new(value).next()?)?;
                self.since = self.since.min(date);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// From the DER of a CRLReason.
    pub(super) fn set_reason(&mut self, der: &[u8]) -> Result<(), Malformed> {
        let reason = asn1::single(der, tag::ENUMERATED)?.value;
        // unspecified, affiliationChanged, superseded, cessationOfOperation.
        self.is_benign = matches!(reason, [0 | 3 | 4 | 5]);
        // certificateHold, removeFromCRL.
        self.is_hold = matches!(reason, [6]);
        self.is_lifted = matches!(reason, [8]);
        Ok(())
    }

    /// Whether a signature made at `at` is lost. What a stolen key signs can carry any date, so for
    /// a timestamp authority only a benign reason saves what is older (RFC 3161 4).
    pub(super) fn counts_at(&self, at: UnixTime, purpose: Purpose) -> bool {
        self.since <= at || (purpose == Purpose::Timestamping && !self.is_benign)
    }
}

/// Whether none of them is critical, but of those types.
pub(crate) fn are_understood(extensions: Reader<'_>, known: &[Oid]) -> Result<bool, Malformed> {
    let mut understood = true;
    for extension in extensions.all(MAX_EXTENSIONS)? {
        let (oid, critical, _) = read_extension(&extension)?;
        understood &= !critical || known.contains(&oid);
    }
    Ok(understood)
}

/// The type of an extension, whether it is critical, and its value.
pub(super) fn read_extension<'a>(extension: &Tlv<'a>) -> Result<(Oid, bool, &'a [u8]), Malformed> {
    let mut fields = extension.reader();
    let oid = fields.oid()?;
    let critical = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
    Ok((oid, critical, fields.expect(tag::OCTET_STRING)?.value))
}
