//! What mailing lists did to a message (RFC 2634 4).

use super::{LIST_EXPANSION_HISTORY, names};
use crate::asn1::{self, Malformed, Reader, Tlv, tag};
use crate::cms::attributes::Attributes;
use crate::time::UnixTime;

/// ub-ml-expansion-history.
const MAX_EXPANSIONS: usize = 64;

/// A mailing list sent the message on (MLData, RFC 2634 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListExpansion {
    /// When.
    pub at: UnixTime,
    /// What becomes of receipts, if the list decides about it.
    pub policy: Option<ListReceiptPolicy>,
}

/// What a mailing list makes of a request for receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListReceiptPolicy {
    /// There are none.
    NoReceipts,
    /// They go to these addresses alone.
    InsteadOf(Vec<String>),
    /// They go to these addresses too.
    InAdditionTo(Vec<String>),
}

pub(super) fn read(attributes: &Attributes<'_>) -> Vec<ListExpansion> {
    // What cannot be read may have forbidden receipts.
    read_history(attributes).unwrap_or_else(|Malformed| {
        vec![ListExpansion { at: UnixTime(0), policy: Some(ListReceiptPolicy::NoReceipts) }]
    })
}

fn read_history(attributes: &Attributes<'_>) -> Result<Vec<ListExpansion>, Malformed> {
    let Some(value) = attributes.single(LIST_EXPANSION_HISTORY)? else { return Ok(Vec::new()) };
    let expansions = asn1::single(value.der, tag::SEQUENCE)?.reader().all(MAX_EXPANSIONS)?;
    if expansions.is_empty() {
        return Err(Malformed);
    }
    expansions.iter().map(|expansion| read_expansion(expansion.reader())).collect()
}

fn read_expansion(mut fields: Reader<'_>) -> Result<ListExpansion, Malformed> {
    // EntityIdentifier: the certificate of the list, which its own signature shows better.
    fields.next()?;
    let at = UnixTime::from_tlv(&fields.expect(tag::GENERALIZED_TIME)?)?;
    let policy = if fields.is_empty() { None } else { Some(read_policy(&fields.next()?)?) };
    fields.end()?;
    Ok(ListExpansion { at, policy })
}

fn read_policy(policy: &Tlv<'_>) -> Result<ListReceiptPolicy, Malformed> {
    const NONE: u8 = tag::context(0);
    const INSTEAD_OF: u8 = tag::constructed(1);
    const IN_ADDITION_TO: u8 = tag::constructed(2);
    match policy.tag {
        NONE => Ok(ListReceiptPolicy::NoReceipts),
        INSTEAD_OF => names::read(policy.reader()).map(ListReceiptPolicy::InsteadOf),
        IN_ADDITION_TO => names::read(policy.reader()).map(ListReceiptPolicy::InAdditionTo),
        _ => Err(Malformed),
    }
}
