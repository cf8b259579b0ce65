use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::{Resolver, TokioResolver};
use tokio::sync::OnceCell;

/// How many exchangers of a domain are tried.
const MOST: usize = 5;

static RESOLVER: OnceCell<TokioResolver> = OnceCell::const_new();

/// Why a domain has no exchanger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MxError {
    /// RFC 7505: the domain takes no mail.
    #[error("the domain takes no mail")]
    NullMx,
    /// The domain does not exist.
    #[error("the domain does not exist")]
    NoDomain,
    /// The question could not be answered now.
    #[error("the name service failed: {0}")]
    Lookup(NetError),
}

/// The hosts to try for a domain, best first (RFC 5321 5.1).
pub async fn exchangers(domain: &str) -> Result<Vec<String>, MxError> {
    let resolver = RESOLVER
        .get_or_try_init(|| async { Resolver::builder_tokio()?.build() })
        .await
        .map_err(MxError::Lookup)?;
    let name = format!("{}.", domain.trim_end_matches('.'));
    let answer = match resolver.mx_lookup(name).await {
        Ok(answer) => answer,
        Err(error) if error.is_nx_domain() => return Err(MxError::NoDomain),
        // Without MX records the domain itself is the host.
        Err(error) if error.is_no_records_found() => return Ok(vec![domain.to_owned()]),
        Err(error) => return Err(MxError::Lookup(error)),
    };
    let mut found: Vec<(u16, String)> = Vec::new();
    for record in answer.answers() {
        if let RData::MX(mx) = &record.data {
            found.push((mx.preference, mx.exchange.to_string().trim_end_matches('.').to_owned()));
        }
    }
    if found.iter().any(|(_, host)| host.is_empty()) {
        return Err(MxError::NullMx);
    }
    found.sort();
    Ok(found.into_iter().take(MOST).map(|(_, host)| host).collect())
}
