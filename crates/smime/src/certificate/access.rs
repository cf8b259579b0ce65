//! Where an authority says what it revoked (RFC 5280 4.2.1.13 and 4.2.2.1).

use const_oid::ObjectIdentifier as Oid;

use super::{Certificate, oid};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};

const OCSP: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1");
/// More places than anybody would look at.
const MAX_PLACES: usize = 32;

const FULL_NAME: u8 = tag::constructed(0);
const URI: u8 = tag::context(6);

impl Certificate {
    /// The addresses at which revocation lists about the certificate are to be found.
    ///
    /// They come from the certificate: whoever fetches them decides which schemes and hosts are allowed.
    pub fn crl_urls(&self) -> Vec<String> {
        let names = self.distribution_points().unwrap_or_default().into_iter().flatten();
        names.filter_map(|name| url(&name)).collect()
    }

    /// The addresses of responders that answer OCSP requests about the certificate; as [`Self::crl_urls`].
    pub fn ocsp_urls(&self) -> Vec<String> {
        self.responders().unwrap_or_default()
    }

    /// Whether the names of a list's distribution point, a DistributionPointName, are among the
    /// certificate's (RFC 5280 6.3.3 (b) (2) (i)).
    pub(crate) fn has_distribution_point(&self, point: &[u8]) -> bool {
        let (Ok(own), Ok(names)) = (self.distribution_points(), full_names(Reader::new(point))) else {
            return false;
        };
        own.iter().flatten().any(|one| names.iter().any(|other| one.der == other.der))
    }

    /// The full names of each distribution point.
    fn distribution_points(&self) -> Result<Vec<Vec<Tlv<'_>>>, Malformed> {
        let Some(der) = self.extension(oid::CRL_DISTRIBUTION_POINTS) else { return Ok(Vec::new()) };
        let points = asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_PLACES)?;
        let mut all = Vec::with_capacity(points.len());
        for point in points {
            let mut fields = asn1::single(point.der, tag::SEQUENCE)?.reader();
            let name = fields.optional(tag::constructed(0))?;
            all.extend(name.map(|name| full_names(Reader::new(name.value))).transpose()?);
        }
        Ok(all)
    }

    fn responders(&self) -> Result<Vec<String>, Malformed> {
        let Some(der) = self.extension(oid::AUTHORITY_INFO_ACCESS) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for description in asn1::single(der, tag::SEQUENCE)?.reader().all(MAX_PLACES)? {
            let mut fields = asn1::single(description.der, tag::SEQUENCE)?.reader();
            if fields.oid()? == OCSP {
                found.extend(url(&fields.next()?));
            }
        }
        Ok(found)
    }
}

/// The names of a DistributionPointName; one that is relative to the issuer has none.
fn full_names(mut name: Reader<'_>) -> Result<Vec<Tlv<'_>>, Malformed> {
    match name.optional(FULL_NAME)? {
        Some(names) => names.reader().all(MAX_PLACES),
        None => Ok(Vec::new()),
    }
}

fn url(name: &Tlv<'_>) -> Option<String> {
    let text = std::str::from_utf8(name.value).ok().filter(|text| text.is_ascii())?;
    (name.tag == URI).then(|| text.to_owned())
}
