use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::outbound::{Unreachable, addresses};

/// How long one push may take: push services answer within a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a push service keeps what it cannot deliver yet, in seconds (RFC 8030 5.2).
const TTL: &str = "86400";

/// Why a push service did not take a push.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// The URL is none of HTTPS.
    #[error("the URL is none of HTTPS")]
    Url,
    /// The client's keys are none, or the message is too long.
    #[error("the message cannot be encrypted")]
    Keys,
    /// The host is not to be spoken to.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(#[from] std::io::Error),
    /// The service did not speak HTTP.
    #[error("the service did not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// It took too long.
    #[error("the service took too long")]
    Late,
    /// The subscription is not there any more.
    #[error("the subscription is gone")]
    Gone,
    /// Another refusal.
    #[error("the service answered {0}")]
    Refused(StatusCode),
}

/// TLS that judges certificates.
pub struct Tls(TlsConnector);

impl Tls {
    /// Trusts the public roots and `anchors` (DER).
    pub fn new(anchors: Vec<Vec<u8>>) -> Self {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        roots.add_parsable_certificates(anchors.into_iter().map(CertificateDer::from));
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self(TlsConnector::from(Arc::new(config)))
    }
}

/// Where pushes go.
pub struct Endpoint {
    host: String,
    port: u16,
    path: String,
}

impl Endpoint {
    /// Reads a URL of HTTPS.
    pub fn read(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        if uri.scheme_str() != Some("https") {
            return None;
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Some(Self { host, port: authority.port_u16().unwrap_or(443), path })
    }

    /// The origin, as tokens name it (RFC 8292 2).
    pub fn origin(&self) -> String {
        format!("https://{}", self.authority())
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 443 { host } else { format!("{host}:{}", self.port) }
    }
}

/// One push.
pub struct Push {
    /// Who pushes.
    pub authorization: String,
    /// Whether the body is `aes128gcm`.
    pub is_encrypted: bool,
    /// What is pushed.
    pub body: Vec<u8>,
}

/// Posts a push; redirects are not followed.
pub async fn post(tls: &Tls, to: &Endpoint, push: Push, only_public: bool) -> Result<(), PostError> {
    tokio::time::timeout(PATIENCE, speak(tls, to, push, only_public)).await.map_err(|_| PostError::Late)?
}

async fn speak(tls: &Tls, to: &Endpoint, push: Push, only_public: bool) -> Result<(), PostError> {
    let found = addresses(&to.host, to.port, only_public).await?;
    let stream = TcpStream::connect(found.as_slice()).await?;
    let name = ServerName::try_from(to.host.clone()).map_err(|_| PostError::Url)?;
    let stream = tls.0.connect(name, stream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request(to, push).ok_or(PostError::Url)?).await;
    driver.abort();
    match response?.status() {
        status if status.is_success() => Ok(()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(PostError::Gone),
        status => Err(PostError::Refused(status)),
    }
}

fn request(to: &Endpoint, push: Push) -> Option<Request<Body>> {
    let request = Request::post(&to.path)
        .header(header::HOST, to.authority())
        .header(header::AUTHORIZATION, push.authorization)
        .header("ttl", TTL)
        .header("urgency", "normal");
    let request = match push.is_encrypted {
        true => request
            .header(header::CONTENT_ENCODING, "aes128gcm")
            .header(header::CONTENT_TYPE, "application/octet-stream"),
        false => request.header(header::CONTENT_TYPE, "application/json"),
    };
    request.header(header::CONTENT_LENGTH, push.body.len()).body(Body::from(push.body)).ok()
}
