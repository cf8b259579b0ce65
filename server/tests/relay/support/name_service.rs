use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::eventually;

/// A real Knot DNS on loopback that knows one zone, `example`, and nothing else.
pub struct NameService {
    pub address: SocketAddr,
    folder: PathBuf,
    knot: Child,
}

impl NameService {
    /// Serves some records of the zone; none where Knot is not there.
    pub async fn start(records: &str) -> Option<Self> {
        if !std::path::Path::new("/usr/sbin/knotd").exists() {
            return None;
        }
        let folder = std::env::temp_dir().join(sealpost::random::id('n'));
        std::fs::create_dir(&folder).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let at = folder.display();
        let zone = format!(
            "example. 60 SOA ns.example. root.example. 1 60 60 600 60\nexample. NS ns.example.\n{records}\n"
        );
        std::fs::write(folder.join("example.zone"), zone).unwrap();
        let config = format!(
            "server:\n  rundir: \"{at}\"\n  listen: 127.0.0.1@{}\ndatabase:\n  storage: \"{at}\"\n\
             zone:\n  - domain: example\n    file: \"{at}/example.zone\"\n    zonefile-load: whole\n    journal-content: none\n",
            address.port()
        );
        std::fs::write(folder.join("knot.conf"), config).unwrap();
        let knot = Command::new("/usr/sbin/knotd")
            .arg("-c")
            .arg(folder.join("knot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually(|| async { tokio::net::TcpStream::connect(address).await.ok() }).await;
        Some(Self { address, folder, knot })
    }
}

impl Drop for NameService {
    fn drop(&mut self) {
        self.knot.kill().ok();
        self.knot.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
