//! ReceiptRequest (RFC 2634 2.7).

use super::names;
use crate::asn1::{self, Malformed, tag, write};

/// ub-receiptsTo.
const MAX_TO: usize = 16;

const ALL_OR_FIRST_TIER: u8 = tag::context(0);
const RECEIPT_LIST: u8 = tag::constructed(1);

/// Asks those who open a message for a signed receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRequest {
    /// Names the content for its sender, and never another one: a receipt repeats it.
    pub content_identifier: Vec<u8>,
    /// Who is asked.
    pub from: ReceiptsFrom,
    /// The addresses that receipts go to, one to 16.
    pub to: Vec<String>,
}

/// Who is asked for a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptsFrom {
    /// Everybody who gets the message.
    All,
    /// Those who get it from its sender, not from a mailing list.
    FirstTier,
    /// These addresses.
    List(Vec<String>),
}

impl ReceiptRequest {
    pub(super) fn from_der(der: &[u8]) -> Result<Self, Malformed> {
        let mut fields = asn1::single(der, tag::SEQUENCE)?.reader();
        let content_identifier = fields.expect(tag::OCTET_STRING)?.value.to_vec();
        let from = fields.next()?;
        let from = match (from.tag, from.value) {
            (ALL_OR_FIRST_TIER, [0]) => ReceiptsFrom::All,
            (ALL_OR_FIRST_TIER, [1]) => ReceiptsFrom::FirstTier,
            (RECEIPT_LIST, _) => ReceiptsFrom::List(names::read(from.reader())?),
            _ => return Err(Malformed),
        };
        let to = fields.expect(tag::SEQUENCE)?;
        fields.end()?;
        let entries = to.reader().all(MAX_TO)?.len();
        if entries == 0 {
            return Err(Malformed);
        }
        Ok(Self { content_identifier, from, to: names::read(to.reader())? })
    }

    /// None if there are no or too many addresses to return receipts to.
    pub(super) fn to_der(&self) -> Option<Vec<u8>> {
        if self.to.is_empty() || self.to.len() > MAX_TO {
            return None;
        }
        let from = match &self.from {
            ReceiptsFrom::All => write::tlv(ALL_OR_FIRST_TIER, &[&[0]]),
            ReceiptsFrom::FirstTier => write::tlv(ALL_OR_FIRST_TIER, &[&[1]]),
            ReceiptsFrom::List(addresses) => names::write(RECEIPT_LIST, addresses),
        };
        let to = names::write(tag::SEQUENCE, &self.to);
        Some(write::sequence(&[&write::octets(&self.content_identifier), &from, &to]))
    }
}
