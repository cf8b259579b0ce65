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
        // Whose objects are asked for counts, the signature does not.
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: s3\r\nContent-Length: 0\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=someone/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=x\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    /// How many objects are in the bucket.
    pub async fn objects(&self) -> usize {
        self.ask("GET", "/bucket?list-type=2").await.unwrap().matches("<Key>").count()
    }

    /// How many uploads in parts are neither whole nor given up.
    pub async fn unfinished(&self) -> usize {
        self.ask("GET", "/bucket?uploads").await.unwrap().matches("<UploadId>").count()
    }

    /// Lets it hang with `-STOP`, and go on with `-CONT`.
    pub fn signal(&self, signal: &str) {
        let child = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &child]).status().unwrap().success());
    }

    /// The contents of all objects, one after the other.
    pub async fn contents(&self) -> Vec<u8> {
        let list = self.ask("GET", "/bucket?list-type=2").await.unwrap();
        let mut all = Vec::new();
        for key in list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
            all.extend(self.ask("GET", &format!("/bucket/{key}")).await.unwrap().into_bytes());
        }
        all
    }

    /// The line of a configuration by which the relay finds it.
    pub fn toml(&self, credentials: &Path) -> String {
        std::fs::create_dir(credentials).unwrap();
        let S3 { bucket, endpoint, credentials, .. } = self.config(credentials);
        let (endpoint, credentials) = (endpoint.unwrap(), credentials.unwrap());
        format!(
            "s3 = {{ bucket = '{bucket}', endpoint = '{endpoint}', credentials = '{}' }}\n",
            credentials.display()
        )
    }

    /// How the relay finds it; its credentials are put into `folder`.
    pub fn config(&self, folder: &Path) -> S3 {
        let credentials = folder.join("s3-credentials");
        std::fs::write(&credentials, "someone\nsecret\n").unwrap();
        S3 {
            bucket: "bucket".into(),
            prefix: None,
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
