use std::path::PathBuf;

use serde::Deserialize;

/// Where large blobs lie instead of the data folder: a bucket of a server that speaks S3.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The bucket, which is there.
    pub bucket: String,
    /// What all names in it begin with, as a folder; none where the bucket is this relay's alone.
    pub prefix: Option<String>,
    /// Its region.
    #[serde(default = "region")]
    pub region: String,
    /// The server's URL; Amazon's when absent.
    pub endpoint: Option<String>,
    /// A file of two lines, the access key's id and its secret; those of the environment when absent.
    pub credentials: Option<PathBuf>,
}

fn region() -> String {
    "us-east-1".into()
}
