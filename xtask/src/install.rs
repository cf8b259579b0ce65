//! What the tasks need beyond cargo, installed where it can be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{shell, workspace};

/// A program (or the path of a file) and the Debian package that brings it.
pub struct Need {
    pub program: &'static str,
    pub package: &'static str,
}

/// What the wasm tests and the stories drive.
pub const BROWSER: &[Need] = &[
    Need { program: "chromium", package: "chromium" },
    Need { program: "chromedriver", package: "chromium-driver" },
];

/// The independent programs that native tests compare with.
pub const PEERS: &[Need] = &[
    Need { program: "openssl", package: "openssl" },
    Need { program: "cmsutil", package: "libnss3-tools" },
    Need { program: "gpgsm", package: "gpgsm" },
    Need { program: "python3", package: "python3" },
    Need { program: "javac", package: "default-jdk-headless" },
    Need { program: "/usr/share/java/bcmail.jar", package: "libbcmail-java" },
];

/// What a newer OpenSSL is built with.
pub const COMPILING: &[Need] = &[
    Need { program: "perl", package: "perl" },
    Need { program: "make", package: "make" },
    Need { program: "cc", package: "gcc" },
];

/// The relay's other database; Debian keeps its programs outside of the path, but for this one.
pub const DATABASE: &[Need] = &[Need { program: "pg_createcluster", package: "postgresql" }];

/// What tells the relay another time, and what makes its disk slow.
pub const FAULTS: &[Need] =
    &[Need { program: "faketime", package: "faketime" }, Need { program: "strace", package: "strace" }];

/// What signs and scans mail, and publishes keys, for the relay to judge.
pub const SENDERS: &[Need] = &[
    Need { program: "knotd", package: "knot" },
    Need { program: "rspamd", package: "rspamd" },
    Need { program: "dkimsign", package: "python3-dkim" },
    Need { program: "/usr/lib/python3/dist-packages/authres/__init__.py", package: "python3-authres" },
    Need { program: "/usr/lib/python3/dist-packages/nacl/__init__.py", package: "python3-nacl" },
];

/// What builds the runtime of the fuzz targets.
pub const FUZZER: &[Need] = &[Need { program: "c++", package: "g++" }];

/// What the stories send and receive mail with, and what tells the relay another time.
pub const MAIL: &[Need] = &[
    Need { program: "openssl", package: "openssl" },
    Need { program: "postfix", package: "postfix" },
    Need { program: "swaks", package: "swaks" },
    Need { program: "cmsutil", package: "libnss3-tools" },
    Need { program: "curl", package: "curl" },
    Need { program: "dovecot", package: "dovecot-core" },
    Need { program: "knotd", package: "knot" },
    Need { program: "faketime", package: "faketime" },
];

/// The compiler's target of the page and its worker.
pub fn wasm_target() -> Result<()> {
    let sysroot = shell::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib/wasm32-unknown-unknown").is_dir() {
        return Ok(());
    }
    shell::step("Adding the wasm32 target", || {
        shell::run(Command::new("rustup").args(["target", "add", "wasm32-unknown-unknown"])).context(
            "the wasm32-unknown-unknown target is missing and could not be added; install it with \
             `rustup target add wasm32-unknown-unknown`",
        )
    })
}

/// The npm packages of `e2e/`, exactly as its lock file names them.
pub fn npm_packages() -> Result<()> {
    if !shell::exists("npm") {
        bail!("npm is not installed; install Node.js 20 or later with npm");
    }
    let folder = workspace::e2e();
    let lock = fs::read(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.sealpost-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    shell::step("Installing npm packages", || {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder);
        // The stories use the system's Chromium.
        shell::run(npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
        fs::write(&stamp, &lock).context("the npm packages are installed but could not be marked so")
    })
}

/// The optimiser of the npm package `binaryen`, or the reason why there is none.
///
/// The one of a distribution is not taken instead: Debian's release 108 silently breaks the module.
pub fn wasm_opt() -> Result<PathBuf> {
    npm_packages()?;
    Ok(workspace::e2e().join("node_modules/.bin/wasm-opt"))
}

/// The S3 server that tests put blobs into: an environment of its own for Python, in the target folder.
pub fn s3_server() -> Result<PathBuf> {
    const MOTO: &str = "moto[server]==5.2.5";
    let folder = workspace::target().join("moto");
    let server = folder.join("bin/moto_server");
    if server.exists() {
        return Ok(server);
    }
    programs(&[Need { program: "/usr/share/doc/python3-venv/copyright", package: "python3-venv" }])?;
    shell::step("Installing an S3 server", || {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        shell::run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", MOTO]))
    })?;
    Ok(server)
}

/// The headers of OpenSSL's library, which only the native bench compiles against.
pub fn openssl_headers() -> Result<()> {
    programs(&[Need { program: "pkg-config", package: "pkg-config" }])?;
    let there = Command::new("pkg-config").args(["--exists", "openssl"]).status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    install(&["libssl-dev"])
}

/// Installs what is missing of `needs` where this is root on Debian, and otherwise says what to install.
pub fn programs(needs: &[Need]) -> Result<()> {
    let mut missing: Vec<&str> =
        needs.iter().filter(|need| !shell::exists(need.program)).map(|need| need.package).collect();
    // A screenshot or a test in Chinese without such a font shows boxes.
    if needs.iter().any(|need| need.program == "chromium") && !has_chinese_font() {
        missing.push("fonts-noto-cjk");
    }
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)
}

fn install(missing: &[&str]) -> Result<()> {
    if !rustix::process::geteuid().is_root() || !shell::exists("apt-get") {
        bail!(
            "these are missing: {0}; on Debian install them with `sudo apt-get install {0}`",
            missing.join(" ")
        );
    }
    shell::step(&format!("Installing {}", missing.join(", ")), || apt_install(missing))
}

fn has_chinese_font() -> bool {
    let listed = Command::new("fc-list").args([":lang=zh", "family"]).output();
    listed.is_ok_and(|output| !output.stdout.is_empty())
}

fn apt_install(packages: &[&str]) -> Result<()> {
    // Postfix asks for its kind of site; the stories run an instance of their own.
    let answers = "echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections";
    shell::run(Command::new("sh").args(["-c", answers]))?;
    shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    shell::run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}
