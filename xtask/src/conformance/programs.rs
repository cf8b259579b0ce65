//! Which programs took part.

use std::path::Path;
use std::process::Command;

/// Name and version of each; a version that cannot be found is said to be unknown.
pub fn versions(openssl: &Path) -> Vec<(String, String)> {
    let openssl = openssl.to_string_lossy();
    let list = [
        ("OpenSSL", first_line("openssl", &["version"])),
        ("OpenSSL, newer", first_line(&openssl, &["version"])),
        ("BouncyCastle (libbcmail-java)", package("libbcmail-java")),
        ("Java", first_line("java", &["--version"])),
        ("NSS cmsutil (libnss3-tools)", package("libnss3-tools")),
        ("gpgsm", first_line("gpgsm", &["--version"])),
        ("CPython", first_line("python3", &["--version"])),
        ("Chromium", first_line("chromium", &["--version"])),
    ];
    list.map(|(name, version)| (name.to_owned(), version.unwrap_or_else(|| "unknown".to_owned()))).into()
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The version of a Debian package, for programs that do not tell their own.
fn package(name: &str) -> Option<String> {
    first_line("dpkg-query", &["--show", "--showformat=${Version}\n", name])
}
