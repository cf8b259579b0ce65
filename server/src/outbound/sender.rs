use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_proto::{AUTH_LOGIN, AUTH_PLAIN};
use zeroize::Zeroizing;

use super::client::{self, Client, Features, Stream};
use super::dkim::{Dkim, DkimError};
use super::dns::{Dns, DnsSetupError};
use super::idle::Idle;
use super::reason::{Reason, Trouble};
use super::sts::Sts;
use super::tls::Trust;
use crate::config::{Config, ConfigError, Level};

/// Everything that mail out needs beside the store.
#[derive(Debug)]
pub struct Sender {
    pub(super) dns: Dns,
    pub(super) trust: Trust,
    pub(super) sts: Sts,
    pub(super) idle: Idle,
    pub(super) dkim: Arc<Dkim>,
    account: Option<SignIn>,
}

struct SignIn {
    user: String,
    password: Zeroizing<String>,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn(..)")
    }
}

/// Why mail cannot be sent the way that the configuration says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SenderError {
    /// A file that it names is none.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The name service cannot be asked so.
    #[error(transparent)]
    Dns(#[from] DnsSetupError),
    /// A key cannot sign.
    #[error(transparent)]
    Dkim(#[from] DkimError),
    /// A name without a password, or the other way round.
    #[error("outbound.smarthost_user and outbound.smarthost_password_file belong together")]
    HalfSignIn,
    /// The password would go to whoever answers in the smarthost's place.
    #[error("outbound.smarthost_user needs outbound.smarthost_tls = \"verify\"")]
    UnprovedSignIn,
}

impl Sender {
    /// Reads what the configuration names.
    pub fn open(config: &Config) -> Result<Self, SenderError> {
        let outbound = &config.outbound;
        let anchors = config.read_tls_anchors()?;
        let account = match (&outbound.smarthost_user, &outbound.smarthost_password_file) {
            (Some(_), Some(_)) if outbound.smarthost_level() != Level::Verify => {
                return Err(SenderError::UnprovedSignIn);
            }
            (Some(user), Some(path)) => {
                let unreadable = |source| ConfigError::Unreadable { path: path.clone(), source };
                let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
                let password = text.lines().next().unwrap_or_default().to_owned().into();
                Some(SignIn { user: user.clone(), password })
            }
            (None, None) => None,
            _ => return Err(SenderError::HalfSignIn),
        };
        Ok(Self {
            dns: Dns::open(&config.dns_servers, outbound)?,
            trust: Trust::new(anchors.iter().map(|anchor| anchor.der().to_vec())),
            sts: Sts::default(),
            idle: Idle::default(),
            dkim: Arc::new(Dkim::open(config)?),
            account,
        })
    }

    /// What DNS must say of the keys that sign: names, and texts of TXT records.
    pub fn dkim_records(&self) -> Vec<(String, String)> {
        self.dkim.records()
    }

    /// Signs in at the smarthost where that is wanted (RFC 4954); the password goes only to a server that
    /// proved its name under TLS.
    pub(super) async fn sign_in(
        &self,
        mut client: Client<Box<dyn Stream>>,
        features: Features,
        is_proved: bool,
    ) -> Result<(Client<Box<dyn Stream>>, Features), Trouble> {
        let Some(SignIn { user, password }) = &self.account else { return Ok((client, features)) };
        if !is_proved {
            return Err(Reason::Untrusted.into());
        }
        let encode = |text: &str| Zeroizing::new(STANDARD.encode(text));
        let reply = if features.auth_mechanisms & AUTH_PLAIN != 0 {
            let both = Zeroizing::new(format!("\0{user}\0{}", password.as_str()));
            let command = Zeroizing::new(format!("AUTH PLAIN {}\r\n", encode(&both).as_str()));
            client.command(&command).await?
        } else if features.auth_mechanisms & AUTH_LOGIN != 0 {
            let mut reply = client.command("AUTH LOGIN\r\n").await?;
            for said in [user.as_str(), password.as_str()] {
                if reply.code == 334 {
                    let line = Zeroizing::new(format!("{}\r\n", encode(said).as_str()));
                    reply = client.command(&line).await?;
                }
            }
            reply
        } else {
            return Err(Trouble::because(Reason::SignIn, "it offers neither PLAIN nor LOGIN"));
        };
        match reply.code {
            235 => Ok((client, features)),
            _ => Err(Trouble::because(Reason::SignIn, client::line(&reply))),
        }
    }
}
