//! Where an authority says what it revoked (RFC 5280 4.2.1.13 and 4.2.2.1).

use const_oid::ObjectIdentifier as Oid;

use super::{Certificate, oid};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};

const OCSP: Oid = Oid::new_unwrap("1.3.6.1.5.5.7.48.1");
/// More places than anybody would look at.
const MAX_PLACES: usize = 32;

const URI: u8 = tag::context(6);

impl Certificate {
    /// The addresses at which revocation lists about the certificate are to be found.
    ///
    /// They come from the certificate: whoever fetches them decides which schemes and hosts are allowed.
    pub fn crl_urls(&self) -> Vec<String> {
        let names = self.distribution_points().into_iter().flat_map(|point| point.names);
        names.filter_map(|name| url(&Reader::new(&name).next().ok()?)).collect()
    }

    /// The addresses of responders that answer OCSP requests about the certificate; as [`Self::crl_urls`].
    pub fn ocsp_urls(&self) -> Vec<String> {
        self.responders().unwrap_or_default()
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

fn url(name: &Tlv<'_>) -> Option<String> {
    let text = std::str::from_utf8(name.value).ok().filter(|text| text.is_ascii())?;
    (name.tag == URI).then(|| text.to_owned())
}
