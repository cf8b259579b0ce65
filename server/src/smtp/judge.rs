//! Who sent a message, as far as its domain tells: SPF (RFC 7208), DKIM (RFC 6376), ARC (RFC 8617) and DMARC (RFC 7489).

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{
    ArcOutput, AuthenticatedMessage, AuthenticationResults, DkimOutput, DkimResult, DmarcOutput, DmarcResult,
    DnsError, Error, MessageAuthenticator, SpfOutput, SpfResult,
};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::address;
use crate::config::Config;
use crate::delivery::off_thread;
use crate::{name_service, outer, parts};

/// How long all questions about one message may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long SPF may take (RFC 7208 4.6.4), and DKIM, and ARC. The sender chooses these servers: slow ones must
/// not keep the domain of the author from being asked.
const EACH: Duration = Duration::from_secs(15);
/// How many answers of the name service are remembered.
const REMEMBERED: u64 = 4096;
/// More signatures than this are not looked at: each costs a hash of the message and a question.
const MOST_SIGNATURES: usize = 16;
/// Nor are longer ones, or those of more fields: each is looked for among those before it and among all of the message.
const LONGEST_SIGNATURE: usize = 8 * 1024;
const MOST_SIGNED: usize = 200;
/// Domains of authors that are asked; a letter of more is nobody's own.
const MOST_DOMAINS: usize = 8;

/// Asks the domains of senders.
pub struct Judge {
    authenticator: MessageAuthenticator,
    trusted_sealers: Vec<String>,
}

/// From where a message came.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The client.
    pub peer: IpAddr,
    /// What it calls itself.
    pub hello: String,
    /// The return path.
    pub mail_from: String,
    /// This host, as whose findings they are recorded.
    pub own: String,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The value of an Authentication-Results field (RFC 8601), folded.
    pub results: String,
    /// What the domain of the author asks for.
    pub wish: Wish,
    /// Whether the domain of the author vouches for him.
    pub is_proved: bool,
    /// Whether the return path is proved to be the sender's own.
    pub is_answerable: bool,
    /// Whether the domain of the return path denies it, or the author's denies him and nothing confirms it.
    pub is_denied: bool,
}

impl Judgement {
    fn none(own: &str) -> Self {
        let results = format!("{own}; none");
        Self { results, wish: Wish::Nothing, is_proved: false, is_answerable: false, is_denied: false }
    }
}

/// What a domain wants done with mail in its name that is not its own; what is stricter comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Nothing, or the mail is its own.
    Nothing,
    /// To treat it with suspicion.
    Quarantine,
    /// Nobody knows yet: what would tell whether the mail is its own did not come in time.
    Later,
    /// To refuse it.
    Reject,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("trusted_sealers", &self.trusted_sealers).finish_non_exhaustive()
    }
}

impl Judge {
    /// With the configured name servers or those of the system; none where there are none.
    pub fn open(config: &Config) -> Option<Self> {
        let mut builder = name_service::resolver(&config.dns_servers)?;
        builder.options_mut().cache_size = REMEMBERED;
        let authenticator = MessageAuthenticator(builder.build().ok()?);
        Some(Self { authenticator, trusted_sealers: config.inbound.trusted_sealers.clone() })
    }

    /// Judges a message as it came.
    pub async fn judge(self: &Arc<Self>, origin: Origin, message: Arc<Vec<u8>>) -> Judgement {
        let (judge, handle, own) = (Arc::clone(self), Handle::current(), origin.own.clone());
        // Hashing a large message must not hold up the others.
        let work = move || handle.block_on(timeout(PATIENCE, judge.look(&origin, &message)));
        match off_thread(work).await {
            Ok(Ok(judgement)) => judgement,
            Ok(Err(_)) | Err(_) => Judgement { wish: Wish::Later, ..Judgement::none(&own) },
        }
    }

    async fn look(&self, origin: &Origin, message: &[u8]) -> Judgement {
        let Origin { peer, hello, mail_from, own } = origin;
        let bounded = outer::without(message, most_signatures());
        let message = bounded.as_deref().unwrap_or(message);
        let Some(parsed) = AuthenticatedMessage::parse(message) else {
            return Judgement::none(own);
        };
        // First of them is the author whom the page shows.
        let authors = outer::authors(message);
        let from = authors.first().map(|author| author.to_lowercase()).unwrap_or_default();
        // Some readers leave the spaces of the old form of an address in it.
        let plain = |domain: &str| domain.to_lowercase().split_whitespace().collect();
        let domains: BTreeSet<String> =
            authors.iter().filter_map(|author| Some(plain(author.rsplit_once('@')?.1))).collect();
        if domains.len() > MOST_DOMAINS {
            return Judgement { wish: Wish::Reject, ..Judgement::none(own) };
        }
        let domain = address::domain(mail_from).unwrap_or(hello);
        let asked = SpfParameters::verify_mail_from(*peer, hello, own, mail_from);
        let spf = timeout(EACH, self.authenticator.verify_spf(asked)).await;
        let dkim = timeout(EACH, self.authenticator.verify_dkim(&parsed)).await;
        let arc = timeout(EACH, self.authenticator.verify_arc(&parsed)).await;
        let is_late = spf.is_err() || dkim.is_err() || arc.is_err();
        let spf = spf.unwrap_or_else(|_| SpfOutput::new(domain.to_owned()).with_result(SpfResult::TempError));
        let dkim = dkim.unwrap_or_else(|_| vec![DkimOutput::temp_err(late())]);
        let arc = arc.unwrap_or_else(|_| ArcOutput::default().with_result(DkimResult::TempError(late())));
        // RFC 7489 6.6.1: of several domains, also where only some readers see the other, the strictest counts.
        let (mut dmarc, mut asked) = (DmarcOutput::default(), parsed.clone());
        for (place, author) in domains.iter().enumerate() {
            asked.from = vec![format!("x@{author}")];
            let found = DmarcParameters::new(&asked, &dkim, domain, &spf);
            let found = self.authenticator.verify_dmarc(found).await;
            if place == 0
                || (wish(&found, is_late), !passes(&found)) > (wish(&dmarc, is_late), !passes(&dmarc))
            {
                dmarc = found;
            }
        }
        let is_proved = domains.len() == 1 && passes(&dmarc);
        let mut results = AuthenticationResults::new(own)
            .with_spf_mailfrom_result(&spf, *peer, mail_from, hello)
            .with_dkim_results(&dkim, &from)
            .with_arc_result(&arc, *peer);
        // A failure without what came too late is no finding.
        if passes(&dmarc) || !is_late {
            results = results.with_dmarc_result(&dmarc);
        }
        let mut results = results.to_string();
        let mut wish = wish(&dmarc, is_late);
        if wish != Wish::Nothing && self.is_vouched_for(&arc) {
            wish = Wish::Nothing;
            // Said as in reports to the domain (RFC 7489, Appendix C), so that no reader takes it for denied.
            results.push_str(" policy.override=trusted_forwarder");
        }
        let same = address::domain(&from).is_some_and(|author| author.eq_ignore_ascii_case(domain));
        let is_answerable = spf.result() == SpfResult::Pass || (is_proved && same);
        let is_forged = !is_late && matches!(dmarc.result(), DmarcResult::Fail(_));
        let is_denied = (spf.result() == SpfResult::Fail || is_forged) && !is_answerable;
        let is_denied = is_denied && !self.is_vouched_for(&arc);
        Judgement { results, wish, is_proved, is_answerable, is_denied }
    }

    /// Whether somebody whom the operator trusts passed the message on, and it is as he sealed it.
    fn is_vouched_for(&self, arc: &ArcOutput<'_>) -> bool {
        let sealer = arc.sets().last().map(|set| &set.seal.header.d);
        let trusted = |known: &String| sealer.is_some_and(|sealer| sealer.eq_ignore_ascii_case(known));
        *arc.result() == DkimResult::Pass && self.trusted_sealers.iter().any(trusted)
    }
}

fn late() -> Error {
    Error::Dns(DnsError::Resolver("no answer in time".to_owned()))
}

fn passes(dmarc: &DmarcOutput) -> bool {
    matches!(dmarc.result(), DmarcResult::Pass)
}

fn wish(dmarc: &DmarcOutput, is_late: bool) -> Wish {
    match (dmarc.result(), dmarc.policy()) {
        (DmarcResult::Fail(_), Policy::Reject | Policy::Quarantine) if is_late => Wish::Later,
        (DmarcResult::TempError(_), Policy::Reject | Policy::Quarantine) => Wish::Later,
        (DmarcResult::Fail(_), Policy::Reject) => Wish::Reject,
        (DmarcResult::Fail(_), Policy::Quarantine) => Wish::Quarantine,
        _ => Wish::Nothing,
    }
}

/// Tells which signature fields are too many, or too much.
fn most_signatures() -> impl FnMut(&[u8]) -> bool {
    let mut seen = 0;
    move |field| {
        let name = parts::name(field);
        let signs = matches!(name.as_deref(), Some(b"dkim-signature" | b"arc-message-signature"));
        seen += usize::from(signs);
        let signed = field.iter().filter(|byte| **byte == b':').count();
        signs && (seen > MOST_SIGNATURES || field.len() > LONGEST_SIGNATURE || signed > MOST_SIGNED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_that_are_many_or_name_countless_fields_are_not_looked_at() {
        let named = format!("DKIM-Signature: v=1; h={}; b=x\r\n", "a:".repeat(1_000));
        let spaced = named.replace("DKIM-S", ": DKIM -S");
        let long = format!("ARC-Message-Signature: i=1; h=from; b={}\r\n", "x".repeat(10_000));
        let fine = "DKIM-Signature: v=1; h=from:to:subject; b=x\r\n";
        for (field, dropped) in [(&*named, true), (&*spaced, true), (&*long, true), (fine, false)] {
            assert_eq!(most_signatures()(field.as_bytes()), dropped, "{field}");
        }
        let mut drops = most_signatures();
        let kept = (0..100).filter(|_| !drops(fine.as_bytes())).count();
        assert_eq!(kept, MOST_SIGNATURES);
        assert!(!drops(format!("Received: {named}").as_bytes()));
    }
}
