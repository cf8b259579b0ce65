//! An S3 server of the test's own: Moto, which holds everything in memory.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sealpost::config::S3;

/// A server with one bucket, ended with the test.
pub struct S3Server {
    address: SocketAddr,
    child: Option<Child>,
}

fn program() -> String {
    std::env::var("SEALPOST_MOTO").unwrap_or_else(|_| "moto_server".into())
}

impl S3Server {
    /// Chooses where it will serve; none where it is not installed.
    pub fn chosen() -> Option<Self> {
        let mut version = Command::new(program());
        let version = version.arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let there = version.is_ok_and(|status| status.success());
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        there.then_some(Self { address: free, child: None })
    }

    /// Serves, with an empty bucket.
    pub async fn start(&mut self) {
        let port = self.address.port().to_string();
        let mut command = Command::new(program());
        let command =
            command.args(["-H", "127.0.0.1", "-p", &port]).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        crate::support::eventually(|| async {
            let made = self.ask("PUT", "/bucket").await?;
            made.contains(" 200 ").then_some(())
        })
        .await;
    }

    async fn ask(&self, method: &str, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.address).await.ok()?;
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: s3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    /// How many objects are in the bucket.
    pub async fn objects(&self) -> usize {
        self.ask("GET", "/bucket?list-type=2").await.unwrap().matches("<Key>").count()
    }

    /// How the relay finds it; its credentials are put into `folder`.
    pub fn config(&self, folder: &Path) -> S3 {
        let credentials = folder.join("s3-credentials");
        std::fs::write(&credentials, "someone\nsecret\n").unwrap();
        S3 {
            bucket: "bucket".into(),
            region: "us-east-1".into(),
            endpoint: Some(format!("http://{}", self.address)),
            credentials: Some(credentials),
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
