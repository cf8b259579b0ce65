//! Of which certificates a revocation list speaks (RFC 5280 5.2).

use const_oid::ObjectIdentifier as Oid;

use super::crl::read_extension;
use crate::asn1::{self, Malformed, Reader, tag};
use crate::certificate::{Certificate, DistributionPoint, Reasons, directory, point_names};

const MAX_EXTENSIONS: usize = 32;

pub(crate) const CRL_NUMBER: Oid = Oid::new_unwrap("2.5.29.20");
const DELTA_CRL_INDICATOR: Oid = Oid::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: Oid = Oid::new_unwrap("2.5.29.28");
const AUTHORITY_KEY_IDENTIFIER: Oid = Oid::new_unwrap("2.5.29.35");

/// The certificates of which absence from a list says something. To be on it counts in any case.
pub(super) struct Scope<'a> {
    users: bool,
    authorities: bool,
    /// The names of its distribution point, as [`point_names`] gives them.
    names: Option<Vec<Vec<u8>>>,
    reasons: Reasons,
    /// Whether it lists certificates of other issuers, too.
    pub(super) is_indirect: bool,
    /// issuingDistributionPoint as it stands: a list and its changes have the same.
    point: Option<&'a [u8]>,
    number: Option<&'a [u8]>,
    /// The number of the list that it tells the changes of: then absence says nothing.
    base: Option<&'a [u8]>,
}

impl<'a> Scope<'a> {
    /// From the extensions of a list of that issuer, if it has any.
    pub(super) fn read(extensions: Option<Reader<'a>>, issuer: &[u8]) -> Result<Self, Malformed> {
        let mut scope = Self {
            users: true,
            authorities: true,
            names: None,
            reasons: Reasons::ALL,
            is_indirect: false,
            point: None,
            number: None,
            base: None,
        };
        for extension in extensions.unwrap_or(Reader::new(&[])).all(MAX_EXTENSIONS)? {
            let (oid, critical, value) = read_extension(&extension)?;
            match oid {
                AUTHORITY_KEY_IDENTIFIER => {}
                CRL_NUMBER => scope.number = Some(asn1::single(value, tag::INTEGER)?.value),
                DELTA_CRL_INDICATOR => scope.base = Some(asn1::single(value, tag::INTEGER)?.value),
                ISSUING_DISTRIBUTION_POINT if scope.point.is_none() => scope.narrow(value, issuer)?,
                // RFC 5280 5.2: then it says nothing of what is not on it.
                _ if critical => scope.reasons = Reasons::NONE,
                _ => {}
            }
        }
        Ok(scope)
    }

    /// By IssuingDistributionPoint (RFC 5280 5.2.5).
    fn narrow(&mut self, der: &'a [u8], issuer: &[u8]) -> Result<(), Malformed> {
        const POINT: u8 = tag::constructed(0);
        const ONLY_USERS: u8 = tag::context(1);
        const ONLY_AUTHORITIES: u8 = tag::context(2);
        const ONLY_SOME_REASONS: u8 = tag::context(3);
        const INDIRECT: u8 = tag::context(4);
        self.point = Some(der);
        for field in asn1::single(der, tag::SEQUENCE)?.reader().all(6)? {
            let is_set = field.value != [0];
            match field.tag {
                POINT => self.names = Some(point_names(field.value, issuer)?),
                ONLY_USERS => self.authorities &= !is_set,
                ONLY_AUTHORITIES => self.users &= !is_set,
                ONLY_SOME_REASONS => self.reasons = self.reasons.and(Reasons::read(&field)?),
                INDIRECT => self.is_indirect = is_set,
                // Attribute certificates, or what is not known yet.
                _ if is_set => self.reasons = Reasons::NONE,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether both lists of an issuer are about the same certificates, and this one tells the changes that the other
    /// does, or all; what is not understood counts, too.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let tells_all = self.base.is_none() || self.base == other.base;
        tells_all && self.point == other.point && self.reasons == other.reasons
    }

    /// The reasons for which the certificate would be on the list of `publisher` if it were revoked: those of
    /// the points where both meet (RFC 5280 6.3.3 (b) to (d)).
    pub(super) fn reasons_for(
        &self,
        certificate: &Certificate,
        points: &[DistributionPoint],
        publisher: &[u8],
    ) -> Reasons {
        let is_authority = certificate.basic_constraints().ok().flatten().unwrap_or_default().ca;
        if self.base.is_some() || !(if is_authority { self.authorities } else { self.users }) {
            return Reasons::NONE;
        }
        let issuer = certificate.issuer_name();
        let is_issuers = publisher == issuer;
        let meets = |names: &[Vec<u8>]| {
            self.names.as_ref().is_none_or(|own| own.iter().any(|name| names.contains(name)))
        };
        // What no point speaks of may be in a list at the issuer's own name.
        let mut covered =
            if is_issuers && meets(&[directory(issuer)]) { Reasons::ALL } else { Reasons::NONE };
        for point in points {
            let publishes = match point.issuers.as_slice() {
                [] => is_issuers,
                issuers => self.is_indirect && issuers.iter().any(|name| name == publisher),
            };
            let at_publisher = || point.issuers.iter().map(|name| directory(name)).collect::<Vec<_>>();
            let at_point = match point.names.as_slice() {
                [] => meets(&at_publisher()),
                names => meets(names),
            };
            if publishes && at_point {
                covered = covered.or(point.reasons);
            }
        }
        covered.and(self.reasons)
    }

    /// Whether it tells what changed since `list`, of the same scope, was made (RFC 5280 6.3.3 (c)).
    pub(super) fn changes(&self, list: &Self) -> bool {
        let (Some(base), Some(number), Some(of)) = (self.base, self.number, list.number) else {
            return false;
        };
        self.point == list.point && !exceeds(base, of) && exceeds(number, of)
    }
}

/// Of two numbers as DER writes them, none of which is negative.
fn exceeds(one: &[u8], other: &[u8]) -> bool {
    (one.len(), one) > (other.len(), other)
}
