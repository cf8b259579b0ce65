//! A smarthost that wants to know who sends: Postfix, with Dovecot behind it to check passwords.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sealpost::config::Config;
use serde_json::Value;

use crate::outside::{reasons, submit};
use crate::support::{Outside, Served, eventually, skip};

/// Dovecot's service that checks passwords, on a socket for Postfix.
struct Passwords {
    folder: PathBuf,
    child: Child,
}

impl Passwords {
    /// One that knows the relay by its password; none where Dovecot is not installed.
    async fn start(mechanisms: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/dovecot").exists() {
            return None;
        }
        let folder = PathBuf::from(format!("/tmp/{}", sealpost::random::id('d')));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("users"), "relay:{PLAIN}a secret + more\n").unwrap();
        let at = folder.display();
        let conf = format!(
            "base_dir = {at}/run\nstate_dir = {at}/state\nlog_path = {at}/log\nprotocols =\n\
             default_internal_user = nobody\ndefault_internal_group = nogroup\ndefault_login_user = nobody\n\
             disable_plaintext_auth = no\nauth_mechanisms = {mechanisms}\nssl = no\n\
             passdb {{\n  driver = passwd-file\n  args = {at}/users\n}}\n\
             userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home=/tmp\n}}\n\
             service auth {{\n  chroot =\n  unix_listener {at}/auth {{\n    mode = 0666\n  }}\n}}\n"
        );
        fs::write(folder.join("dovecot.conf"), conf).unwrap();
        let mut dovecot = Command::new("/usr/sbin/dovecot");
        dovecot.arg("-F").arg("-c").arg(folder.join("dovecot.conf"));
        let child = dovecot.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let passwords = Self { folder, child };
        eventually(|| async { passwords.socket().exists().then_some(()) }).await;
        Some(passwords)
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("auth")
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        // Its children end with it when it is asked to, and not when it is killed.
        Command::new("kill").arg(self.child.id().to_string()).status().ok();
        self.child.wait().ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// The world outside, whose Postfix takes mail from who signed in under TLS alone.
async fn world(mechanisms: &str) -> Option<(Outside, Passwords)> {
    let passwords = Passwords::start(mechanisms).await?;
    let settings = format!(
        "smtpd_sasl_auth_enable = yes\nsmtpd_sasl_type = dovecot\nsmtpd_sasl_path = {}\n\
         smtpd_tls_auth_only = yes\nsmtpd_client_restrictions = permit_sasl_authenticated, reject\n",
        passwords.socket().display()
    );
    Some((Outside::start_with(&settings).await?, passwords))
}

fn adjust(outside: &Outside, password: &str, config: &mut Config) {
    outside.adjust(config);
    let file = outside.folder.join("password");
    fs::write(&file, format!("{password}\n")).unwrap();
    let smarthost = format!("localhost:{}", config.outbound.exchanger_port);
    config.smarthost = Some(smarthost.parse().unwrap());
    config.outbound.smarthost_user = Some("relay".into());
    config.outbound.smarthost_password_file = Some(file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_relay_signs_in_at_a_smarthost_that_proves_its_name() {
    for mechanism in ["plain", "login"] {
        let Some((outside, _passwords)) = world(mechanism).await else {
            return skip(
                "the_relay_signs_in_at_a_smarthost_that_proves_its_name",
                "no Postfix and Knot, or no Dovecot",
            );
        };
        let here = Served::start(&["alice"], |config| adjust(&outside, "a secret + more", config)).await;
        let alice = here.fixture.sign_in("alice").await;
        submit(&alice, &["a@plain.example", "b@sts.example"], Value::Null).await;
        eventually(|| async { (outside.mail().len() == 2).then_some(()) }).await;
        let signed_in = format!("sasl_method={}, sasl_username=relay", mechanism.to_uppercase());
        assert!(outside.log().contains(&signed_in), "{}", outside.log());
        assert!(outside.mail().iter().all(|message| message.contains("using TLSv1.3")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_waits_where_the_smarthost_does_not_let_the_relay_sign_in() {
    for (mechanisms, password) in [("plain", "a guess"), ("cram-md5", "a secret + more")] {
        let Some((outside, _passwords)) = world(mechanisms).await else {
            return skip(
                "mail_waits_where_the_smarthost_does_not_let_the_relay_sign_in",
                "no Postfix and Knot, or no Dovecot",
            );
        };
        let here = Served::start(&["alice"], |config| adjust(&outside, password, config)).await;
        let alice = here.fixture.sign_in("alice").await;
        submit(&alice, &["a@plain.example"], Value::Null).await;
        assert_eq!(reasons(&here).await, [("plain.example".to_owned(), "sign-in".to_owned())].into());
        assert!(outside.mail().is_empty());
    }
}
