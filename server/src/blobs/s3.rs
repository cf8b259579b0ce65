use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio_rustls::rustls::crypto::ring;

use super::BlobError;
use crate::config::S3;

/// How long a request may take, and all its repetitions: whoever sends mail waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);
const ALL: Duration = Duration::from_secs(60);
/// How long the way to the server may take.
const CONNECT: Duration = Duration::from_secs(5);
const REPEATED: usize = 2;

/// The bucket; whether it can be reached is seen when it is used.
pub fn open(s3: &S3) -> Result<Arc<dyn ObjectStore>, BlobError> {
    // Another part of the program may have named it already; it is the only one.
    ring::default_provider().install_default().ok();
    let options = ClientOptions::new().with_timeout(PATIENCE).with_connect_timeout(CONNECT);
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: REPEATED, retry_timeout: ALL };
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&s3.bucket)
        .with_region(&s3.region)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some(path) = &s3.credentials {
        let wrong = |source| BlobError::Credentials { path: path.clone(), source };
        let text = std::fs::read_to_string(path).map_err(wrong)?;
        let mut lines = text.lines().map(str::trim);
        let (id, secret) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
    }
    let bucket = builder.build()?;
    Ok(match &s3.prefix {
        Some(prefix) => Arc::new(PrefixStore::new(bucket, prefix.as_str())),
        None => Arc::new(bucket),
    })
}
