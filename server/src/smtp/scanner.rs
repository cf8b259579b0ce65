//! A scanner that looks at clear mail before it is sealed: rspamd, or what speaks its HTTP protocol.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const LONGEST: usize = 1024 * 1024;

/// What a scanner is told beside the message.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// From where; none from a program on this host.
    pub peer: Option<IpAddr>,
    /// What the client calls itself.
    pub hello: &'a str,
    /// The return path.
    pub mail_from: &'a str,
    /// The recipients' addresses.
    pub recipients: Vec<&'a str>,
}

/// What is to be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Clean,
    /// It goes to the junk.
    Suspicious,
    /// It may come again.
    Later,
    /// It is refused.
    Refused,
}

/// Why a scanner did not tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The connection failed.
    #[error("the connection to the scanner failed: {0}")]
    Connection(#[from] io::Error),
    /// It did not speak HTTP.
    #[error("the scanner did not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    /// The question cannot be asked.
    #[error("the question to the scanner cannot be written: {0}")]
    Question(#[from] axum::http::Error),
    /// It answered that it cannot tell.
    #[error("the scanner answered {0}")]
    Status(StatusCode),
    /// Its answer is too long or breaks off.
    #[error("the scanner's answer cannot be read: {0}")]
    Answer(#[from] axum::Error),
    /// Its answer is none of its protocol.
    #[error("the scanner's answer is not of its protocol: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It took too long.
    #[error("the scanner took too long")]
    Late,
}

/// The part of an answer that counts.
#[derive(Deserialize)]
struct Answer {
    action: Action,
}

/// rspamd's actions.
#[derive(Deserialize)]
enum Action {
    #[serde(rename = "no action")]
    Nothing,
    #[serde(rename = "greylist")]
    Greylist,
    #[serde(rename = "add header")]
    AddHeader,
    #[serde(rename = "rewrite subject")]
    RewriteSubject,
    #[serde(rename = "quarantine")]
    Quarantine,
    #[serde(rename = "soft reject")]
    SoftReject,
    #[serde(rename = "reject")]
    Reject,
    #[serde(rename = "discard")]
    Discard,
}

/// Shows a message to a scanner.
pub async fn scan(
    scanner: SocketAddr,
    envelope: &Envelope<'_>,
    message: Vec<u8>,
) -> Result<Verdict, ScanError> {
    timeout(PATIENCE, ask(scanner, envelope, message)).await.map_err(|_| ScanError::Late)?
}

async fn ask(scanner: SocketAddr, envelope: &Envelope<'_>, message: Vec<u8>) -> Result<Verdict, ScanError> {
    let stream = TcpStream::connect(scanner).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(question(scanner, envelope, message)?).await;
    let read = async {
        let response = response?;
        if response.status() != StatusCode::OK {
            return Err(ScanError::Status(response.status()));
        }
        let answer = to_bytes(Body::new(response.into_body()), LONGEST).await?;
        Ok(verdict(&serde_json::from_slice::<Answer>(&answer)?.action))
    };
    let read = read.await;
    driver.abort();
    read
}

fn question(
    scanner: SocketAddr,
    envelope: &Envelope<'_>,
    message: Vec<u8>,
) -> Result<Request<Body>, axum::http::Error> {
    let mut request = Request::post("/checkv2")
        .header(header::HOST, scanner.to_string())
        .header(header::CONTENT_LENGTH, message.len())
        .body(Body::from(message))?;
    let peer = envelope.peer.map(|peer| peer.to_string());
    let mut fields =
        vec![("helo", envelope.hello), ("from", envelope.mail_from), ("ip", peer.as_deref().unwrap_or(""))];
    fields.extend(envelope.recipients.iter().map(|recipient| ("rcpt", *recipient)));
    for (name, value) in fields {
        // A name that cannot be written in a header is not told.
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(value)) {
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    Ok(request)
}

fn verdict(action: &Action) -> Verdict {
    match action {
        // "greylist" is the name of a score: where rspamd wants the mail later, it says "soft reject".
        Action::Nothing | Action::Greylist => Verdict::Clean,
        Action::AddHeader | Action::RewriteSubject | Action::Quarantine => Verdict::Suspicious,
        Action::SoftReject => Verdict::Later,
        Action::Reject | Action::Discard => Verdict::Refused,
    }
}
