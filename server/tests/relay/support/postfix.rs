use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Client, eventually};

/// A real Postfix on loopback, apart from the machine's own, that passes all its mail on.
pub struct Postfix {
    folder: PathBuf,
    pub smtp: SocketAddr,
}

const SERVICES: &[&str] = &[
    "cleanup unix n - n - 0 cleanup",
    // What it meets in delivery it looks at again when it is woken alone.
    "qmgr unix n - n 10 1 qmgr",
    "rewrite unix - - n - - trivial-rewrite",
    "bounce unix - - n - 0 bounce",
    "defer unix - - n - 0 bounce",
    "trace unix - - n - 0 bounce",
    "error unix - - n - - error",
    "retry unix - - n - - error",
    "smtp unix - - n - - smtp",
    "lmtp unix - - n - - lmtp",
    "virtual unix - n n - - virtual",
    "anvil unix - - n - 1 anvil",
    "proxymap unix - - n - - proxymap",
    "tlsmgr unix - - n 1000? 1 tlsmgr",
    "showq unix n - n - - showq",
    "flush unix n - n 1000? 0 flush",
    "postlog unix-dgram n - n - 1 postlogd",
    "pickup unix n - n 60 1 pickup",
];

impl Postfix {
    /// Starts one with more lines of configuration; none where Postfix cannot run.
    pub async fn start(settings: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/postfix").exists() || !is_root() {
            return None;
        }
        // Its lock and queue paths must be short, and its user must be able to reach them.
        let folder = PathBuf::from(format!("/tmp/{}", sealpost::random::id('p')));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let postfix = Self { folder, smtp: port };
        postfix.configure(settings);
        postfix.command("start");
        let listens = || async { tokio::net::TcpStream::connect(port).await.ok() };
        eventually(listens).await;
        Some(postfix)
    }

    /// Hands it a message.
    pub async fn send(&self, from: &str, to: &[&str], parameters: &str, message: &[u8]) {
        let mut client = Client::greeted(self.smtp).await;
        client.transcript(&[(&format!("MAIL FROM:<{from}> {parameters}"), "250")]).await;
        for to in to {
            client.transcript(&[(&format!("RCPT TO:{to}"), "250")]).await;
        }
        client.transcript(&[("DATA", "354")]).await;
        client.write(message).await;
        assert!(client.say(".\r\n").await.starts_with("250"));
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    fn command(&self, verb: &str) {
        let done =
            Command::new("/usr/sbin/postfix").arg("-c").arg(self.folder.join("etc")).arg(verb).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{done:?} {}", self.log());
    }

    fn configure(&self, settings: &str) {
        use std::os::unix::fs::PermissionsExt;
        let folder = &self.folder;
        std::fs::create_dir(folder).unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "state"] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        let owned = Command::new("chown").arg("postfix:postfix").arg(folder.join("state")).status().unwrap();
        assert!(owned.success());
        let at = folder.display();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {at}/queue\ndata_directory = {at}/state\n\
             maillog_file = {at}/log\nmaillog_file_prefixes = {at}\nmyhostname = mx.outside.example\n\
             mydestination =\ninet_interfaces = loopback-only\ninet_protocols = ipv4\n\
             mynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\n\
             alias_maps =\nlocal_recipient_maps =\n{settings}\n"
        );
        std::fs::write(folder.join("etc/main.cf"), main).unwrap();
        let master =
            format!("127.0.0.1:{} inet n - n - - smtpd\n{}\n", self.smtp.port(), SERVICES.join("\n"));
        std::fs::write(folder.join("etc/master.cf"), master).unwrap();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

impl Drop for Postfix {
    fn drop(&mut self) {
        Command::new("/usr/sbin/postfix").arg("-c").arg(self.folder.join("etc")).arg("stop").output().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
