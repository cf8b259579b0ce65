//! The world outside: a real Postfix with TLS, a real Knot DNS that signs its zones, and a server of policies.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sealpost::config::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Postfix;
use super::knot::Knot;

/// Postfix and Knot on loopback; both end with it.
pub struct Outside {
    pub folder: PathBuf,
    postfix: Postfix,
    dns: u16,
    https: u16,
    knot: Option<Knot>,
}

/// What a domain says over HTTPS, if anything.
const POLICIES: &[(&str, &str)] = &[
    ("sts.example", "version: STSv1\r\nmode: enforce\r\nmx: *.sts.example\r\nmax_age: 86400\r\n"),
    ("stsmx.example", "version: STSv1\r\nmode: enforce\r\nmx: other.example\r\nmax_age: 86400\r\n"),
    ("stsname.example", "version: STSv1\r\nmode: enforce\r\nmx: mx.stsname.example\r\nmax_age: 86400\r\n"),
    ("testing.example", "version: STSv1\r\nmode: testing\r\nmx: other.example\r\nmax_age: 86400\r\n"),
];

/// Runs a program that must succeed; gives what it printed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn make_certificates(folder: &Path) {
    let openssl =
        |arguments: &str| run(Command::new("openssl").args(arguments.split(' ')).current_dir(folder));
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.pem -days 30 -subj /CN=Outside"));
    for (name, names) in [
        ("mx", "DNS:mx.sts.example,DNS:mx.ta.example,DNS:localhost"),
        (
            "policy",
            "DNS:mta-sts.sts.example,DNS:mta-sts.stsmx.example,DNS:mta-sts.stsname.example,DNS:mta-sts.testing.example",
        ),
    ] {
        let ca = "-CA ca.pem -CAkey ca.key -days 30";
        let extensions = format!("-addext subjectAltName={names} -addext basicConstraints=CA:FALSE");
        openssl(&format!(
            "req -x509 {key} -keyout {name}.key -out {name}.pem -subj /CN={name} {extensions} {ca}"
        ));
        let chain = [format!("{name}.pem"), "ca.pem".into()]
            .map(|file| fs::read_to_string(folder.join(file)).unwrap());
        fs::write(folder.join(format!("{name}.chain.pem")), chain.concat()).unwrap();
    }
}

impl Outside {
    /// None where the programs are not there, or this is not root, as whom alone Postfix starts.
    pub async fn start() -> Option<Self> {
        Self::start_with("").await
    }

    /// With more lines of configuration for Postfix.
    pub async fn start_with(settings: &str) -> Option<Self> {
        if !Knot::is_there() {
            return None;
        }
        // The users of Postfix must be able to enter it.
        let folder = PathBuf::from(format!("/tmp/{}", sealpost::random::id('o')));
        fs::create_dir_all(folder.join("mail")).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.join("mail"), fs::Permissions::from_mode(0o777)).unwrap();
        make_certificates(&folder);
        let Some(postfix) = Postfix::start(&(Self::settings(&folder) + settings)).await else {
            fs::remove_dir_all(&folder).ok();
            return None;
        };
        let mut outside = Self { folder, postfix, dns: 0, https: free_port(), knot: None };
        outside.start_knot().await;
        outside.start_policies().await;
        Some(outside)
    }

    /// Has a relay see this world and no other.
    pub fn adjust(&self, config: &mut Config) {
        config.private_exchangers = true;
        config.dns_servers = vec![SocketAddr::from(([127, 0, 0, 1], self.dns))];
        config.outbound.dnssec_anchor = Some(self.folder.join("root.anchor"));
        config.outbound.tls_anchors = vec![self.folder.join("ca.pem")];
        config.outbound.exchanger_port = self.postfix.smtp.port();
        config.outbound.mta_sts_port = self.https;
    }

    /// The name service as one sees it who is kept from the IPv6 addresses of a domain's server.
    pub async fn without_aaaa(&self, domain: &str) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (at, knot) = (socket.local_addr().unwrap(), SocketAddr::from(([127, 0, 0, 1], self.dns)));
        let label = char::from(u8::try_from(domain.len()).unwrap());
        let mut hidden = format!("\x02mx{label}{domain}\x07example\0").into_bytes();
        hidden.extend([0, 28]);
        tokio::spawn(async move {
            let mut message = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut message).await {
                let asked = &mut message[..length];
                if asked.windows(hidden.len()).any(|part| part.eq_ignore_ascii_case(&hidden)) {
                    // RFC 1035 4.1.1: a response, and the server failed.
                    (asked[2], asked[3]) = (asked[2] | 0x80, 2);
                    socket.send_to(asked, from).await.unwrap();
                    continue;
                }
                let behind = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                behind.send_to(asked, knot).await.unwrap();
                let length = behind.recv(&mut message).await.unwrap();
                socket.send_to(&message[..length], from).await.unwrap();
            }
        });
        at
    }

    /// What Postfix tells.
    pub fn log(&self) -> String {
        self.postfix.log()
    }

    /// How many connections Postfix took.
    pub fn connections(&self) -> usize {
        self.postfix.log().matches(": connect from").count()
    }

    /// The messages that arrived, in no order.
    pub fn mail(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.join("mail/all/new")).into_iter().flatten().flatten();
        files.map(|file| String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()).collect()
    }

    fn digest(&self, what: &str) -> String {
        let text = match what {
            "key" => {
                "openssl x509 -in mx.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r"
            }
            _ => "openssl x509 -in ca.pem -outform DER | openssl dgst -sha256 -r",
        };
        let said = run(Command::new("sh").args(["-c", text]).current_dir(&self.folder));
        said.split(' ').next().unwrap().to_owned()
    }

    /// What Postfix is told beside what all are told: it takes mail for everybody, under TLS.
    fn settings(folder: &Path) -> String {
        let id = |flag: &str| run(Command::new("id").args([flag, "postfix"])).trim().to_owned();
        let (at, uid, gid) = (folder.display(), id("-u"), id("-g"));
        format!(
            "local_header_rewrite_clients =\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = {at}/mx.chain.pem\n\
             smtpd_tls_key_file = {at}/mx.key\nsmtpd_tls_received_header = yes\n\
             virtual_mailbox_domains = static:all\nvirtual_mailbox_base = {at}/mail\n\
             virtual_mailbox_maps = static:all/\nvirtual_uid_maps = static:{uid}\n\
             virtual_gid_maps = static:{gid}\nvirtual_minimum_uid = 1\nvirtual_mailbox_limit = 0\n"
        )
    }

    /// The root zone, which holds all names but those of two zones below it.
    fn zone(&self) -> String {
        let (key, ca, smtp) = (self.digest("key"), self.digest("ca"), self.postfix.smtp.port());
        let wrong = "00".repeat(32);
        let mut zone = String::from(
            ". 60 SOA ns. admin. 1 3600 600 86400 60\n. 60 NS ns.\nns. 60 A 127.0.0.1\n\
             null.example. 60 MX 0 .\nimplicit.example. 60 A 127.0.0.1\n\
             fallback.example. 60 MX 5 dead.fallback.example.\nfallback.example. 60 MX 10 mx.fallback.example.\n\
             dead.fallback.example. 60 A 127.0.0.2\n\
             dangling.example. 60 MX 5 dead.fallback.example.\ndangling.example. 60 MX 10 gone.dangling.example.\n",
        );
        for name in
            ["dane", "wrong", "ta", "sts", "stsmx", "stsname", "testing", "plain", "fallback", "elsewhere"]
        {
            if name != "fallback" {
                zone += &format!("{name}.example. 60 MX 10 mx.{name}.example.\n");
            }
            zone += &format!("mx.{name}.example. 60 A 127.0.0.1\n");
        }
        for (domain, _) in POLICIES {
            zone +=
                &format!("_mta-sts.{domain}. 60 TXT \"v=STSv1; id=1;\"\nmta-sts.{domain}. 60 A 127.0.0.1\n");
        }
        for (name, record) in [
            ("dane", format!("3 1 1 {key}")),
            ("wrong", format!("3 1 1 {wrong}")),
            ("ta", format!("2 0 1 {ca}")),
        ] {
            zone += &format!("_{smtp}._tcp.mx.{name}.example. 60 TLSA {record}\n");
        }
        for below in ["bogus", "unsigned"] {
            zone += &format!("{below}.example. 60 NS ns.\n");
        }
        zone + &format!("bogus.example. 60 DS 12345 13 2 {wrong}\n")
    }

    fn below(&self, name: &str) -> String {
        let wrong = "00".repeat(32);
        format!(
            "{name}.example. 60 SOA ns. admin. 1 3600 600 86400 60\n{name}.example. 60 NS ns.\n\
             {name}.example. 60 MX 10 mx.{name}.example.\nmx.{name}.example. 60 A 127.0.0.1\n\
             _{}._tcp.mx.{name}.example. 60 TLSA 3 1 1 {wrong}\n",
            self.postfix.smtp.port()
        )
    }

    async fn start_knot(&mut self) {
        let folder = self.folder.display();
        fs::write(self.folder.join("root.zone"), self.zone()).unwrap();
        for name in ["bogus", "unsigned"] {
            fs::write(self.folder.join(format!("{name}.zone")), self.below(name)).unwrap();
        }
        let signed = "dnssec-signing: on\n    dnssec-policy: p";
        let zones = format!(
            "policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n\
             template:\n  - id: default\n    storage: {folder}\n    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n\
             zone:\n  - domain: .\n    file: root.zone\n    {signed}\n\
             \x20 - domain: bogus.example\n    file: bogus.zone\n    {signed}\n\
             \x20 - domain: unsigned.example\n    file: unsigned.zone\n"
        );
        let knot = Knot::start(&self.folder, &zones).await;
        self.dns = knot.port;
        self.knot = Some(knot);
        // The key that everything hangs from, as soon as it is made.
        for _ in 0..100 {
            let mut keymgr = Command::new("/usr/sbin/keymgr");
            let output =
                keymgr.arg("-c").arg(self.folder.join("knot.conf")).args([".", "dnskey"]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            if output.status.success() && said.contains("DNSKEY") && self.answers() {
                fs::write(self.folder.join("root.anchor"), said.replace("DNSKEY", "60 IN DNSKEY")).unwrap();
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{}", fs::read_to_string(self.folder.join("knot.log")).unwrap());
    }

    fn answers(&self) -> bool {
        let log = fs::read_to_string(self.folder.join("knot.log")).unwrap_or_default();
        log.contains("server started")
    }

    async fn start_policies(&self) {
        let pem = |name: &str| fs::read(self.folder.join(name)).unwrap();
        let chain = CertificateDer::pem_slice_iter(&pem("policy.chain.pem")).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(&pem("policy.key")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.https)).await.unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut asked = vec![0; 4096];
                    let length = stream.read(&mut asked).await.unwrap_or(0);
                    let asked = String::from_utf8_lossy(&asked[..length]).to_lowercase();
                    let found = POLICIES
                        .iter()
                        .find(|(domain, _)| asked.contains(&format!("host: mta-sts.{domain}\r\n")));
                    let body = found.map_or("", |(_, policy)| policy);
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    stream.write_all((head + body).as_bytes()).await.ok();
                    stream.shutdown().await.ok();
                });
            }
        });
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.knot = None;
        fs::remove_dir_all(&self.folder).ok();
    }
}
