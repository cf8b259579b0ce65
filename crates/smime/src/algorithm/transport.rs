//! The paddings of key transport under RSA (RFC 3370 4.2.1, RFC 4055 4).

use const_oid::ObjectIdentifier as Oid;

use super::{Identifier, MGF1, Unusable, explicit_hash, hash_oid, mgf1_hash, name_of};
use crate::asn1::{self, Malformed, tag, write};
use crate::certificate::RSA_OID;
use crate::provider::{Hash, RsaPadding};

pub(crate) const RSA_OAEP: Oid = Oid::new_unwrap("1.2.840.113549.1.1.7");
const P_SPECIFIED: Oid = Oid::new_unwrap("1.2.840.113549.1.1.9");

/// The padding that a KeyTransRecipientInfo names.
pub(crate) fn rsa_padding<'a>(identifier: &Identifier<'a>) -> Result<RsaPadding<'a>, Unusable> {
    if identifier.oid == RSA_OID {
        return Ok(RsaPadding::Pkcs1v15);
    }
    if identifier.oid != RSA_OAEP {
        return Err(Unusable::Unsupported(name_of(identifier.oid)));
    }
    let (mut hash, mut mask, mut label) = (Hash::Sha1, Hash::Sha1, [].as_slice());
    if let Some(parameters) = identifier.parameters.filter(|parameters| parameters.tag != tag::NULL) {
        let mut fields = asn1::single(parameters.der, tag::SEQUENCE)?.reader();
        if let Some(field) = fields.optional(tag::constructed(0))? {
            hash = explicit_hash(field.reader())?;
        }
        if let Some(field) = fields.optional(tag::constructed(1))? {
            mask = mgf1_hash(field.reader())?;
        }
        if let Some(field) = fields.optional(tag::constructed(2))? {
            let source = Identifier::read(field.reader().sequence()?)?;
            if source.oid != P_SPECIFIED {
                return Err(Unusable::Unsupported(name_of(source.oid)));
            }
            let specified = source.parameters.filter(|label| label.tag == tag::OCTET_STRING);
            label = specified.ok_or(Malformed)?.value;
        }
        fields.end()?;
    }
    Ok(RsaPadding::Oaep { hash, mask, label })
}

/// The AlgorithmIdentifier of a padding (RFC 4055 4.1).
pub(crate) fn rsa_padding_identifier(padding: RsaPadding<'_>) -> Vec<u8> {
    match padding {
        RsaPadding::Pkcs1v15 => write::algorithm(RSA_OID, &write::null()),
        RsaPadding::Oaep { hash, mask, label } => {
            let with_null = |hash| write::algorithm(hash_oid(hash), &write::null());
            let source = || write::algorithm(P_SPECIFIED, &write::tlv(tag::OCTET_STRING, &[label]));
            // DER leaves out what is the default.
            let source =
                if label.is_empty() { Vec::new() } else { write::tlv(tag::constructed(2), &[&source()]) };
            let parameters = write::sequence(&[
                &write::tlv(tag::constructed(0), &[&with_null(hash)]),
                &write::tlv(tag::constructed(1), &[&write::algorithm(MGF1, &with_null(mask))]),
                &source,
            ]);
            write::algorithm(RSA_OAEP, &parameters)
        }
    }
}
