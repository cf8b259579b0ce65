//! CompressedData (RFC 3274), read within a bound.

use const_oid::ObjectIdentifier;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::{
    asn1::{Malformed, Reader, single, tag},
    ber,
    cms::DATA,
};

const COMPRESSED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.9");
const ZLIB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.3.8");

/// Content beyond this is not unpacked: it would be a bomb rather than a letter.
const MAX_CONTENT: usize = 128 << 20;
/// DEFLATE cannot do better than 1032 to 1, and mail is far from that.
const MAX_RATIO: usize = 200;

/// The content of a CompressedData, or `None` for anything else and for what is broken or too large.
pub(crate) fn content(cms: &[u8]) -> Option<Vec<u8>> {
    let der = ber::to_der(cms).ok()?;
    let packed = packed(&der).ok()??;
    let limit = packed.len().saturating_mul(MAX_RATIO).saturating_add(1 << 16).min(MAX_CONTENT);
    decompress_to_vec_zlib_with_limit(packed, limit).ok()
}

fn packed(der: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut info = single(der, tag::SEQUENCE)?.reader();
    if info.oid()? != COMPRESSED_DATA {
        return Ok(None);
    }
    let content = info.expect(tag::constructed(0))?;
    let mut data: Reader<'_> = single(content.value, tag::SEQUENCE)?.reader();
    data.expect(tag::INTEGER)?;
    let algorithm = data.sequence()?.oid()?;
    let mut encapsulated = data.sequence()?;
    let content_type = encapsulated.oid()?;
    if algorithm != ZLIB || content_type != DATA {
        return Ok(None);
    }
    let octets = encapsulated.expect(tag::constructed(0))?;
    Ok(Some(single(octets.value, tag::OCTET_STRING)?.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::write;
    use miniz_oxide::deflate::compress_to_vec_zlib;

    fn compressed(data: &[u8]) -> Vec<u8> {
        let octets = write::octets(&compress_to_vec_zlib(data, 6));
        let encapsulated =
            write::sequence(&[&write::oid(DATA), &write::tlv(tag::constructed(0), &[&octets])]);
        let data = write::sequence(&[&write::integer(0), &write::algorithm(ZLIB, &[]), &encapsulated]);
        write::sequence(&[&write::oid(COMPRESSED_DATA), &write::tlv(tag::constructed(0), &[&data])])
    }

    #[test]
    fn compressed_content_is_unpacked() {
        let text = b"Content-Type: text/plain\r\n\r\nHello.\r\n".repeat(100);
        assert_eq!(content(&compressed(&text)).unwrap(), text);
    }

    #[test]
    fn a_bomb_and_a_broken_object_are_not() {
        assert_eq!(content(&compressed(&vec![0; 64 << 20])), None);
        let whole = compressed(b"Hello, hello, hello.");
        for length in 0..whole.len() {
            assert_eq!(content(&whole[..length]), None);
        }
    }
}
