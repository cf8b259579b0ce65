//! Which revocation lists to judge by.

use super::crl::Crl;
use crate::certificate::{Certificate, KeyUsage};
use crate::provider::Provider;
use crate::time::UnixTime;

/// Whether the DER is that of a certificate revocation list: [`validate`](super::validate) passes over one that is
/// not.
pub fn is_revocation_list(der: &[u8]) -> bool {
    Crl::read(der).is_ok()
}

/// The lists to judge by from now on, of those that were judged by so far (`known`) and those `fetched` since, all
/// in DER (RFC 5280 5).
///
/// Whoever hands out lists can hand out an old one, from before a revocation, and that is in force yet. A known
/// list is therefore kept until there is one of its issuer, key and scope that is no older; to count as the newer
/// one, or to be kept, a list must be signed by one of the `authorities`, which the caller believes. One that is
/// dated ahead of `now` counts as unsigned, or it would keep all others away until then. What cannot be read is left
/// out. Those fetched come first.
pub async fn newest_revocation_lists<'a>(
    provider: &impl Provider,
    authorities: &'a [Certificate],
    known: &'a [Vec<u8>],
    fetched: &'a [Vec<u8>],
    now: UnixTime,
) -> Vec<&'a [u8]> {
    let mut newest: Vec<List<'a>> = Vec::new();
    for (der, is_fetched) in fetched.iter().map(|der| (der, true)).chain(known.iter().map(|der| (der, false)))
    {
        let Ok(crl) = Crl::read(der) else { continue };
        let key = if crl.is_ahead_of(now) { None } else { proven_by(provider, authorities, &crl).await };
        let list = List { der, crl, key };
        if (is_fetched || key.is_some()) && !newest.iter().any(|other| other.replaces(&list)) {
            newest.retain(|other| !list.replaces(other));
            newest.push(list);
        }
    }
    newest.into_iter().map(|list| list.der).collect()
}

struct List<'a> {
    der: &'a [u8],
    crl: Crl<'a>,
    /// The public key that proved it.
    key: Option<&'a [u8]>,
}

impl List<'_> {
    fn replaces(&self, other: &Self) -> bool {
        // An authority with two keys under one name may list apart what each of them signed.
        self.key.is_some() && self.key == other.key && self.crl.is_no_older_than(&other.crl)
    }
}

async fn proven_by<'a>(
    provider: &impl Provider,
    authorities: &'a [Certificate],
    crl: &Crl<'_>,
) -> Option<&'a [u8]> {
    for authority in authorities {
        let may = crl.is_of(authority.subject_name()) && authority.allows_usage(KeyUsage::CRL_SIGN);
        if may && crl.is_signed_by(provider, authority).await {
            return Some(authority.spki());
        }
    }
    None
}
