//! Where an authority publishes which part of its revocation lists (RFC 5280 4.2.1.13 and 5.2.5).

use super::{Certificate, name, oid};
use crate::asn1::{self, Malformed, Reader, Tlv, tag, write};

/// More points, and more names of one, than anybody would look at.
const MAX_PLACES: usize = 32;

const FULL_NAME: u8 = tag::constructed(0);
const DIRECTORY_NAME: u8 = tag::constructed(4);

/// Reasons for a revocation: the bits of ReasonFlags, the first of which is the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    pub(crate) const NONE: Self = Self(0);
    /// keyCompromise to aACompromise.
    pub(crate) const ALL: Self = Self(0x7f80);

    pub(crate) fn read(flags: &Tlv<'_>) -> Result<Self, Malformed> {
        match flags.value {
            [0..8, bits @ ..] => {
                let octet = |at| u16::from(bits.get(at).copied().unwrap_or_default());
                Ok(Self(octet(0) << 8 | octet(1)).and(Self::ALL))
            }
            _ => Err(Malformed),
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One point, with its names in a form in which equal names are equal.
pub(crate) struct DistributionPoint {
    /// As in [`point_names`].
    pub(crate) names: Vec<Vec<u8>>,
    pub(crate) reasons: Reasons,
    /// Who publishes there for the certificate's issuer, in the form of [`Certificate::issuer_name`].
    pub(crate) issuers: Vec<Vec<u8>>,
}

impl Certificate {
    /// The points that the certificate names; of one that cannot be read, none counts.
    pub(crate) fn distribution_points(&self) -> Vec<DistributionPoint> {
        self.read_points().unwrap_or_default()
    }

    fn read_points(&self) -> Result<Vec<DistributionPoint>, Malformed> {
        let Some(der) = self.extension(oid::CRL_DISTRIBUTION_POINTS) else { return Ok(Vec::new()) };
        let points = asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_PLACES)?;
        points.iter().map(|point| self.read_point(point.reader())).collect()
    }

    fn read_point(&self, mut fields: Reader<'_>) -> Result<DistributionPoint, Malformed> {
        let point = fields.optional(tag::constructed(0))?;
        let reasons = fields.optional(tag::context(1))?;
        let issuers = fields.optional(tag::constructed(2))?.map(|names| directory_names(names.reader()));
        fields.end()?;
        let issuers = issuers.transpose()?.unwrap_or_default();
        let publisher = issuers.first().map_or_else(|| self.issuer_name(), Vec::as_slice);
        let names = point.map(|point| point_names(point.value, publisher)).transpose()?.unwrap_or_default();
        let reasons = reasons.map_or(Ok(Reasons::ALL), |flags| Reasons::read(&flags))?;
        Ok(DistributionPoint { names, reasons, issuers })
    }
}

/// The names of a DistributionPointName, one that is relative to its publisher in full: each a GeneralName,
/// of which a distinguished name is in the form of [`Certificate::issuer_name`].
pub(crate) fn point_names(name: &[u8], publisher: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
    let mut fields = Reader::new(name);
    let choice = fields.next()?;
    fields.end()?;
    if choice.tag == FULL_NAME {
        return Ok(choice.reader().all(MAX_PLACES)?.iter().map(general_name).collect());
    }
    let relative = write::sequence(&[&write::tlv(tag::SET, &[choice.value])]);
    Ok(vec![directory(&[publisher, &name::try_normalized(&relative)?].concat())])
}

/// A distinguished name, in the form of [`Certificate::issuer_name`], as [`point_names`] gives it.
pub(crate) fn directory(name: &[u8]) -> Vec<u8> {
    write::tlv(DIRECTORY_NAME, &[name])
}

fn general_name(name: &Tlv<'_>) -> Vec<u8> {
    if name.tag == DIRECTORY_NAME { directory(&name::normalized(name.value)) } else { name.der.to_vec() }
}

/// The distinguished names among GeneralNames, in the form of [`Certificate::issuer_name`].
pub(crate) fn directory_names(names: Reader<'_>) -> Result<Vec<Vec<u8>>, Malformed> {
    let names = names.all(MAX_PLACES)?;
    let distinguished = names.iter().filter(|name| name.tag == DIRECTORY_NAME);
    Ok(distinguished.map(|name| name::normalized(name.value)).collect())
}
