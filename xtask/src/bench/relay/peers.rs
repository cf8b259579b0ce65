//! Cyrus and Dovecot from Debian, each with a folder of its own and its usual safety: mail is on the
//! disk before it is acknowledged.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::ours::free_port;
use super::{Door, Jmap};
use crate::process::{self, Usage};
use crate::shell;

/// Dovecot with LMTP alone.
pub struct Dovecot {
    lmtp: u16,
    child: Child,
}

impl Dovecot {
    /// Starts it and waits until it takes mail.
    pub fn start(folder: &Path) -> Result<Self> {
        let (home, lmtp) = (folder.join("dovecot"), free_port()?);
        fs::create_dir_all(home.join("mail"))?;
        let config = home.join("dovecot.conf");
        fs::write(&config, dovecot_conf(&home, lmtp))?;
        shell::run(Command::new("chown").arg("mail:mail").arg(home.join("mail")))?;
        let mut command = Command::new("/usr/sbin/dovecot");
        let child = command.args(["-F", "-c"]).arg(&config).stdout(Stdio::null()).spawn()?;
        let server = Self { lmtp, child };
        wait_for(lmtp, "Dovecot")?;
        Ok(server)
    }

    /// Where its mail comes in.
    pub fn door(&self) -> Door {
        Door {
            server: "Dovecot",
            port: self.lmtp,
            greeting: "LHLO",
            recipient: "reader@sealpost.example".to_owned(),
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn dovecot_conf(home: &Path, lmtp: u16) -> String {
    let home = home.display();
    format!(
        "base_dir = {home}/run\nstate_dir = {home}/run\nlog_path = {home}/log\nprotocols = lmtp\n\
         listen = 127.0.0.1\nssl = no\nmail_location = maildir:{home}/mail/%u\nfirst_valid_uid = 1\n\
         auth_username_format = %n\nmail_fsync = optimized\n\
         passdb {{\n  driver = static\n  args = nopassword=y\n}}\n\
         userdb {{\n  driver = static\n  args = uid=mail gid=mail home={home}/mail/%u\n}}\n\
         service lmtp {{\n  inet_listener lmtp {{\n    address = 127.0.0.1\n    port = {lmtp}\n  }}\n}}\n"
    )
}

/// Cyrus with LMTP and JMAP.
pub struct Cyrus {
    lmtp: u16,
    http: u16,
    child: Child,
}

const PASSWORD: &str = "bench";

impl Cyrus {
    /// Starts it and waits until it takes mail and requests.
    pub fn start(folder: &Path) -> Result<Self> {
        let (home, lmtp, http) = (folder.join("cyrus"), free_port()?, free_port()?);
        for part in ["config/socket", "spool", "proc"] {
            fs::create_dir_all(home.join(part))?;
        }
        fs::write(home.join("imapd.conf"), imapd_conf(&home))?;
        fs::write(home.join("cyrus.conf"), cyrus_conf(&home, lmtp, http))?;
        let host = shell::output(&mut Command::new("hostname"))?;
        let add = format!(
            "echo {PASSWORD} | saslpasswd2 -p -c -f {}/sasldb2 -u {} reader",
            home.display(),
            host.trim()
        );
        shell::run(Command::new("sh").args(["-c", &add]))?;
        shell::run(Command::new("chown").args(["-R", "cyrus:mail"]).arg(&home))?;
        let mut command = Command::new("/usr/sbin/cyrmaster");
        command.arg("-C").arg(home.join("imapd.conf")).arg("-M").arg(home.join("cyrus.conf"));
        command.arg("-p").arg(home.join("pid")).arg("-L").arg(home.join("log")).arg("-D");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { lmtp, http, child };
        wait_for(lmtp, "Cyrus")?;
        wait_for(http, "Cyrus")?;
        Ok(server)
    }

    /// Where its mail comes in.
    pub fn door(&self) -> Door {
        Door { server: "Cyrus", port: self.lmtp, greeting: "LHLO", recipient: "reader".to_owned() }
    }

    /// Where it speaks JMAP.
    pub fn jmap(&self) -> Jmap {
        use base64::Engine;
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("reader:{PASSWORD}"));
        Jmap {
            base: format!("http://127.0.0.1:{}", self.http),
            authorization: format!("Basic {credentials}"),
        }
    }

    /// CPU and memory of all its processes.
    pub fn usage(&self) -> Result<Usage> {
        process::usage(self.child.id())
    }
}

impl Drop for Cyrus {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn imapd_conf(home: &Path) -> String {
    let home = home.display();
    format!(
        "configdirectory: {home}/config\ndefaultpartition: default\npartition-default: {home}/spool\n\
         proc_path: {home}/proc\nmboxname_lockpath: {home}/lock\nadmins: cyrus\nvirtdomains: off\n\
         altnamespace: yes\nunixhierarchysep: yes\nallowplaintext: yes\nsasl_mech_list: PLAIN\n\
         sasl_pwcheck_method: auxprop\nsasl_auxprop_plugin: sasldb\nsasl_sasldb_path: {home}/sasldb2\n\
         autocreate_quota: 0\nautocreate_post: yes\nconversations: yes\nconversations_db: twoskip\n\
         httpmodules: jmap\nhashimapspool: yes\n"
    )
}

fn cyrus_conf(home: &Path, lmtp: u16, http: u16) -> String {
    let config = home.join("imapd.conf");
    let config = config.display();
    format!(
        "START {{\n  recover cmd=\"/usr/sbin/cyrus ctl_cyrusdb -C {config} -r\"\n}}\n\
         SERVICES {{\n  http cmd=\"httpd -C {config}\" listen=\"127.0.0.1:{http}\" prefork=8\n  \
         lmtp cmd=\"lmtpd -C {config} -a\" listen=\"127.0.0.1:{lmtp}\" prefork=8\n}}\nEVENTS {{\n}}\n"
    )
}

fn wait_for(port: u16, name: &str) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("{name} does not answer")
}

fn end(child: &mut Child) {
    if kill_process(Pid::from_child(child), Signal::TERM).context("it has ended").is_ok() {
        let _ = child.wait();
    }
}
