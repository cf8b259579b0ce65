//! Certificate revocation lists (RFC 5280 5 and 6.3).

use const_oid::ObjectIdentifier as Oid;

use super::Purpose;
use crate::algorithm::{self, Identifier};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::certificate::{Certificate, normalized_name};
use crate::provider::{Hash, Provider};
use crate::time::UnixTime;

const MAX_EXTENSIONS: usize = 32;

pub(crate) const CRL_NUMBER: Oid = Oid::new_unwrap("2.5.29.20");
const REASON: Oid = Oid::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: Oid = Oid::new_unwrap("2.5.29.24");
const ISSUING_DISTRIBUTION_POINT: Oid = Oid::new_unwrap("2.5.29.28");
const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.35");

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

/// The certificates of which absence from a list says something. To be on it counts in any case.
#[derive(Clone, Copy)]
enum Scope<'a> {
    All,
    /// issuingDistributionPoint (RFC 5280 5.2.5).
    Part {
        users: bool,
        authorities: bool,
        point: Option<&'a [u8]>,
    },
    /// None: it has a critical extension that is not understood (RFC 5280 5.2), which the lists of
    /// changes (delta), of other issuers (indirect) and of some reasons are among.
    Nothing,
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
        let scope = match fields.optional(tag::constructed(0))? {
            Some(wrapper) => Scope::read(asn1::single(wrapper.value, tag::SEQUENCE)?.reader())?,
            None => Scope::All,
        };
        fields.end()?;
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

    /// Whether absence from the list proves that a certificate was good at the moment: a list in force
    /// then does, and so does a later one, made while the certificate still had to be on it.
    pub(super) fn proves_at(&self, at: UnixTime, certificate: &Certificate) -> bool {
        let in_force = self.this_update <= at && self.next_update.is_some_and(|next| at <= next);
        let later = at < self.this_update && self.this_update <= certificate.not_after();
        (in_force || later) && self.scope.covers(certificate)
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

    /// What the list says of the certificate with this serial number.
    pub(super) fn revocation(&self, serial: &[u8]) -> Result<Option<Revocation>, Malformed> {
        let (mut entries, mut lifted) = (self.revoked, None);
        while !entries.is_empty() {
            let mut entry = entries.sequence()?;
            if entry.expect(tag::INTEGER)?.value == serial {
                let revocation = Revocation::of_list(entry)?;
                if !revocation.is_lifted {
                    return Ok(Some(revocation));
                }
                lifted = Some(revocation);
            }
        }
        Ok(lifted)
    }
}

impl<'a> Scope<'a> {
    fn read(extensions: Reader<'a>) -> Result<Self, Malformed> {
        let mut scope = Self::All;
        for extension in extensions.all(MAX_EXTENSIONS)? {
            let (oid, critical, value) = read_extension(&extension)?;
            match oid {
                CRL_NUMBER | AUTHORITY_KEY_IDENTIFIER => {}
                ISSUING_DISTRIBUTION_POINT if matches!(scope, Self::All) => scope = Self::of_point(value)?,
                _ if critical => scope = Self::Nothing,
                _ => {}
            }
        }
        Ok(scope)
    }

    /// From IssuingDistributionPoint.
    fn of_point(der: &'a [u8]) -> Result<Self, Malformed> {
        const POINT: u8 = tag::constructed(0);
        const ONLY_USERS: u8 = tag::context(1);
        const ONLY_AUTHORITIES: u8 = tag::context(2);
        let (mut users, mut authorities, mut point) = (true, true, None);
        for field in asn1::single(der, tag::SEQUENCE)?.reader().all(6)? {
            let is_set = field.value != [0];
            match field.tag {
                POINT => point = Some(field.value),
                ONLY_USERS => authorities &= !is_set,
                ONLY_AUTHORITIES => users &= !is_set,
                // Some reasons, other issuers' certificates, attribute certificates.
                _ if is_set => return Ok(Self::Nothing),
                _ => {}
            }
        }
        Ok(Self::Part { users, authorities, point })
    }

    fn covers(self, certificate: &Certificate) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Part { users, authorities, point } => {
                let is_authority = certificate.basic_constraints().ok().flatten().unwrap_or_default().ca;
                let of_kind = if is_authority { authorities } else { users };
                of_kind && point.is_none_or(|point| certificate.has_distribution_point(point))
            }
        }
    }
}

/// What a list or a response says of a revoked certificate.
pub(super) struct Revocation {
    since: UnixTime,
    /// Whether it is said that the key stayed with its owner.
    is_benign: bool,
    /// Whether the certificate was taken off hold, or expired (RFC 5280 5.3.1): no revocation any more.
    pub(super) is_lifted: bool,
}

impl Revocation {
    pub(super) const fn since(since: UnixTime) -> Self {
        Self { since, is_benign: false, is_lifted: false }
    }

    /// From what follows the serial number (RFC 5280 5.3).
    fn of_list(mut entry: Reader<'_>) -> Result<Self, Malformed> {
        let mut revocation = Self::since(UnixTime::from_tlv(&entry.next()?)?);
        let Some(extensions) = entry.optional(tag::SEQUENCE)? else { return Ok(revocation) };
        for extension in extensions.reader().all(MAX_EXTENSIONS)? {
            let (oid, critical, value) = read_extension(&extension)?;
            // An entry that is not understood may mean anything, so it is taken at its worst.
            if !revocation.extend(oid, value)? && critical {
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
        // removeFromCRL.
        self.is_lifted = matches!(reason, [8]);
        Ok(())
    }

    /// Whether a signature made at `at` is lost. What a stolen key signs can carry any date, so for
    /// a timestamp authority only a benign reason saves what is older (RFC 3161 4).
    pub(super) fn counts_at(&self, at: UnixTime, purpose: Purpose) -> bool {
        self.since <= at || (purpose == Purpose::Timestamping && !self.is_benign)
    }
}

/// The type of an extension, whether it is critical, and its value.
pub(super) fn read_extension<'a>(extension: &Tlv<'a>) -> Result<(Oid, bool, &'a [u8]), Malformed> {
    let mut fields = extension.reader();
    let oid = fields.oid()?;
    let critical = fields.optional(tag::BOOLEAN)?.map_or(Ok(false), |critical| critical.boolean())?;
    Ok((oid, critical, fields.expect(tag::OCTET_STRING)?.value))
}
