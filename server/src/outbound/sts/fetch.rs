use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Means, Policy, PolicyError, parse_policy};
use crate::outbound::reach::is_public;
use crate::outbound::reason::{Reason, Trouble};

/// RFC 8461 3.3 suggests a minute.
const PATIENCE: Duration = Duration::from_secs(30);
/// And 64 kilobytes.
const LARGEST: usize = 64 * 1024;

/// Why a policy was not got.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Its server has no address that may be spoken to.
    #[error("the policy server cannot be spoken to: {0}")]
    Address(Reason),
    /// The connection or its TLS failed.
    #[error("the connection failed: {0}")]
    Connection(#[from] std::io::Error),
    /// The server did not speak HTTP.
    #[error("the policy server did not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// It answered something else; redirects are not followed (RFC 8461 3.3).
    #[error("the policy server answered {0}")]
    Status(StatusCode),
    /// The answer is not plain text, or too large.
    #[error("the answer is not plain text, or too large")]
    Body,
    /// It took too long.
    #[error("the policy server took too long")]
    Late,
    /// The text is no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl From<Trouble> for FetchError {
    fn from(trouble: Trouble) -> Self {
        Self::Address(trouble.reason)
    }
}

/// Gets the policy of a domain, as it is written and as it is meant.
pub async fn fetch(means: Means<'_>, domain: &str) -> Result<(String, Policy), FetchError> {
    let text = tokio::time::timeout(PATIENCE, get(means, domain)).await.map_err(|_| FetchError::Late)??;
    let policy = parse_policy(&text)?;
    Ok((text, policy))
}

async fn get(means: Means<'_>, domain: &str) -> Result<String, FetchError> {
    let host = format!("mta-sts.{domain}");
    let found = means.dns.addresses(&host, false).await?.found;
    let reachable = found.into_iter().filter(|address| !means.only_public || is_public(*address));
    let addresses: Vec<SocketAddr> = reachable.map(|address| SocketAddr::new(address, means.port)).collect();
    if addresses.is_empty() {
        return Err(FetchError::Address(Reason::Private));
    }
    let name = ServerName::try_from(host.clone()).map_err(|_| FetchError::Address(Reason::Address))?;
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    let stream = means.trust.https().connect(name, stream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let answer = async {
        let request =
            Request::get("/.well-known/mta-sts.txt").header(header::HOST, &host).body(Body::empty());
        let response = sender.send_request(request.map_err(|_| FetchError::Body)?).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain")) {
            return Err(FetchError::Body);
        }
        to_bytes(Body::new(response.into_body()), LARGEST).await.map_err(|_| FetchError::Body)
    };
    let body = answer.await;
    driver.abort();
    String::from_utf8(body?.to_vec()).map_err(|_| FetchError::Body)
}
