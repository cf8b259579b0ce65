use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::eventually;

const PROGRAM: &str = "/usr/sbin/knotd";

/// A real Knot DNS on loopback, in a folder of its user's; it ends with this.
pub struct Knot {
    pub port: u16,
    child: Child,
}

impl Knot {
    /// Whether it is installed.
    pub fn is_there() -> bool {
        Path::new(PROGRAM).exists()
    }

    /// Serves zones whose files lie in the folder; `zones` are their sections of `knot.conf`.
    pub async fn start(folder: &Path, zones: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = folder.display();
        let config = format!(
            "server:\n  rundir: \"{at}\"\n  listen: 127.0.0.1@{port}\ndatabase:\n  storage: \"{at}/knot\"\n{zones}"
        );
        std::fs::create_dir(folder.join("knot")).unwrap();
        std::fs::write(folder.join("knot.conf"), config).unwrap();
        let log = std::fs::File::create(folder.join("knot.log")).unwrap();
        let mut knot = Command::new(PROGRAM);
        knot.arg("-c").arg(folder.join("knot.conf")).stdout(Stdio::from(log.try_clone().unwrap()));
        let child = knot.stderr(Stdio::from(log)).spawn().unwrap();
        eventually(|| async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok() }).await;
        Self { port, child }
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
