//! Mail addresses as GeneralNames.

use crate::asn1::{self, Malformed, Reader, tag, write};
use crate::certificate::email_of;
use crate::issue::extension::mail_name;

/// A list has at most this many entries, and an entry this many names, here.
const MAX_NAMES: usize = 256;

/// The mail addresses in a SEQUENCE OF GeneralNames; names of another form reach nobody by mail.
pub(super) fn read(list: Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut addresses = Vec::new();
    for names in list.all(MAX_NAMES)? {
        for name in asn1::single(names.der, tag::SEQUENCE)?.reader().all(MAX_NAMES)? {
            addresses.extend(email_of(&name)?);
            if addresses.len() > MAX_NAMES {
                return Err(Malformed);
            }
        }
    }
    Ok(addresses)
}

/// A list of GeneralNames under a tag, one address each.
pub(super) fn write(tag: u8, addresses: &[String]) -> Vec<u8> {
    let names = addresses.iter().map(|address| write::sequence(&[&mail_name(address)]));
    write::tlv(tag, &[&names.collect::<Vec<_>>().concat()])
}

/// Whether two addresses are the same mailbox, as far as anybody but its owner can tell.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
