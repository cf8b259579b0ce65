//! DSA keys, whose parameters may be their issuer's (RFC 3279 2.3.2, RFC 5280 6.1.3 and 6.1.4 (e)).

use const_oid::ObjectIdentifier as Oid;

use crate::asn1::{self, Malformed, tag, write};

const DSA: Oid = Oid::new_unwrap("1.2.840.10040.4.1");

/// A key without parameters, given those of its issuer's key; both are SubjectPublicKeyInfo.
pub(super) fn inherit(spki: &[u8], issuer: &[u8]) -> Option<Vec<u8>> {
    let ((own, key), (inherited, _)) = (read(spki).ok()?, read(issuer).ok()?);
    match (own, inherited) {
        (None, Some(parameters)) => {
            Some(write::sequence(&[&write::sequence(&[&write::oid(DSA), parameters]), key]))
        }
        _ => None,
    }
}

/// The parameters and the BIT STRING of a DSA key.
fn read(spki: &[u8]) -> Result<(Option<&[u8]>, &[u8]), Malformed> {
    let mut fields = asn1::single(spki, tag::SEQUENCE)?.reader();
    let mut algorithm = fields.sequence()?;
    if algorithm.oid()? != DSA {
        return Err(Malformed);
    }
    let parameters = algorithm.optional(tag::SEQUENCE)?.map(|parameters| parameters.der);
    Ok((parameters, fields.expect(tag::BIT_STRING)?.der))
}
