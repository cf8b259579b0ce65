//! One SMTP conversation with the next server.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::timeout;

use super::mx::{self, MxError};
use super::reach;
use super::route::Route;
use super::wire;
use crate::config::Config;

/// How long one server may take for a whole message.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long it may take for one answer.
const ANSWER: Duration = Duration::from_secs(60);

/// How long it may take to part.
const GOODBYE: Duration = Duration::from_secs(5);

/// From whom to whom.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The return path; empty for a bounce.
    pub mail_from: &'a str,
    /// The recipients, which all go the same way.
    pub recipients: &'a [String],
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next server has it.
    Delivered(String),
    /// The next server will never take it.
    Refused(String),
    /// It may work later.
    Deferred(String),
}

/// Hands a message to the next server; one outcome for each recipient, in their order.
pub async fn send(config: &Config, route: &Route, envelope: Envelope<'_>, message: &[u8]) -> Vec<Outcome> {
    let all = |outcome: Outcome| vec![outcome; envelope.recipients.len()];
    let hosts = match hosts(route).await {
        Ok(hosts) => hosts,
        Err(error @ (MxError::NullMx | MxError::NoDomain)) => {
            return all(Outcome::Refused(format!("556 5.1.10 {error}")));
        }
        Err(error) => return all(Outcome::Deferred(format!("451 4.4.3 {error}"))),
    };
    let message = wire::canonical(message);
    let only_public = matches!(route, Route::Domain(_)) && !config.private_exchangers;
    let mut reason = "no server could be reached".to_owned();
    for (host, port) in hosts {
        let addresses = match reach::addresses(&host, port, only_public).await {
            Ok(addresses) => addresses,
            Err(unreachable) => {
                reason = unreachable.to_string();
                continue;
            }
        };
        let talk = async {
            let mut connection = connect(config, &host, &addresses).await?;
            let outcomes = transact(&mut connection, envelope, &message).await?;
            Ok::<_, Error>((connection, outcomes))
        };
        match timeout(PATIENCE, talk).await {
            Ok(Ok((mut connection, outcomes))) => {
                // What became of the message is known: a server that is slow to part changes nothing.
                timeout(GOODBYE, connection.quit()).await.ok();
                return outcomes;
            }
            Ok(Err(error)) => match judge(&error) {
                // A refusal of the whole message holds for the domain; anything else may be this host's trouble.
                refused @ Outcome::Refused(_) => return all(refused),
                Outcome::Deferred(text) | Outcome::Delivered(text) => reason = text,
            },
            Err(_) => reason = "the server took too long".to_owned(),
        }
    }
    all(Outcome::Deferred(format!("451 4.4.1 {reason}")))
}

async fn hosts(route: &Route) -> Result<Vec<(String, u16)>, MxError> {
    match route {
        Route::Smarthost(server) => Ok(vec![(server.host().to_owned(), server.port())]),
        Route::Domain(domain) => {
            Ok(mx::exchangers(domain).await?.into_iter().map(|host| (host, 25)).collect())
        }
    }
}

/// Connects, with TLS where the server offers it.
///
/// The certificate is not judged: without a published policy an attacker on the way could strip TLS
/// altogether. A sealed letter shows such an attacker who writes to whom; one that was knowingly sent
/// in clear shows all of itself.
async fn connect(
    config: &Config,
    host: &str,
    addresses: &[SocketAddr],
) -> Result<AsyncSmtpConnection, Error> {
    let hello = ClientId::Domain(config.host().to_owned());
    let open = || AsyncSmtpConnection::connect_tokio1(addresses, Some(ANSWER), &hello, None, None);
    let mut connection = open().await?;
    if !connection.can_starttls() {
        return Ok(connection);
    }
    let tls = TlsParameters::builder(host.to_owned()).dangerous_accept_invalid_certs(true).build_rustls()?;
    match connection.starttls(tls, &hello).await {
        Ok(()) => Ok(connection),
        Err(_) => open().await,
    }
}

async fn transact(
    connection: &mut AsyncSmtpConnection,
    envelope: Envelope<'_>,
    message: &[u8],
) -> Result<Vec<Outcome>, Error> {
    let parameters = match parameters(connection, envelope, message) {
        Ok(parameters) => parameters,
        Err(refused) => return Ok(vec![refused; envelope.recipients.len()]),
    };
    let mail_from = envelope.mail_from.parse::<Address>().ok();
    connection.command(Mail::new(mail_from, parameters)).await?;
    let mut outcomes = Vec::new();
    for recipient in envelope.recipients {
        outcomes.push(match recipient.parse::<Address>() {
            Ok(address) => match connection.command(Rcpt::new(address, Vec::new())).await {
                Ok(_) => Outcome::Delivered(String::new()),
                Err(error) if error.status().is_some() => judge(&error),
                Err(error) => return Err(error),
            },
            Err(_) => Outcome::Refused("553 5.1.3 the address is malformed".into()),
        });
    }
    if !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Delivered(_))) {
        return Ok(outcomes);
    }
    connection.command(Data).await?;
    let answer = match connection.message(message).await {
        Ok(reply) => {
            let text: Vec<&str> = reply.message().collect();
            Outcome::Delivered(format!("{} {}", reply.code(), text.join(" ")))
        }
        Err(error) if error.status().is_some() => judge(&error),
        Err(error) => return Err(error),
    };
    let accepted = outcomes.iter_mut().filter(|outcome| matches!(outcome, Outcome::Delivered(_)));
    accepted.for_each(|outcome| *outcome = answer.clone());
    Ok(outcomes)
}

/// The MAIL parameters that the message needs; a refusal when the server lacks one.
fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: Envelope<'_>,
    message: &[u8],
) -> Result<Vec<MailParameter>, Outcome> {
    let server = connection.server_info();
    let mut parameters = Vec::new();
    let mut addresses = envelope.recipients.iter().map(String::as_str).chain([envelope.mail_from]);
    if !addresses.all(str::is_ascii) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(Outcome::Refused("550 5.6.7 the server cannot take this address".into()));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(Outcome::Refused("554 5.6.3 the server cannot take eight-bit mail".into()));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

fn judge(error: &Error) -> Outcome {
    let text = match (error.status(), std::error::Error::source(error)) {
        (Some(code), Some(text)) => format!("{code} {text}"),
        (Some(code), None) => code.to_string(),
        (None, _) => error.to_string(),
    };
    if error.is_permanent() { Outcome::Refused(text) } else { Outcome::Deferred(text) }
}
