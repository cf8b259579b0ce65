use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::install::Need;
use crate::{install, shell, workspace};

const JMAPC: &str = "jmapc==0.4.0";
const JAM: &str = "jmap-jam@0.13.1";
const HIMALAYA: &str = "himalaya@2.2.1";

/// What aerc is shown in, and what it is linked with.
const TERMINAL: &[Need] = &[
    Need { program: "tmux", package: "tmux" },
    Need { program: "/usr/share/doc/libnotmuch5/copyright", package: "libnotmuch5" },
];
/// Debian 12 has aerc 0.14, which speaks no JMAP; the one of Debian 13 does, and runs there.
const DEBIAN_13: &str = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main\n";

/// A client's name, and its command line: the session's URL, the account, its password, a letter and a recipient follow.
pub type Client = (&'static str, Vec<PathBuf>);

/// Installs them all into a folder.
pub fn all(folder: &Path) -> Result<[Client; 5]> {
    Ok([
        ("jmapc", shell::step("Installing jmapc", || jmapc(folder))?),
        ("jmap-jam", shell::step("Installing jmap-jam", || jam(folder))?),
        ("jmap-client", shell::step("Building with jmap-client", || jmap_client(folder))?),
        ("himalaya", shell::step("Installing himalaya", || himalaya(folder))?),
        ("aerc", shell::step("Installing aerc", || aerc(folder))?),
    ])
}

fn beside(name: &str) -> PathBuf {
    workspace::root().join("xtask/src/jmap_clients").join(name)
}

fn jmapc(folder: &Path) -> Result<Vec<PathBuf>> {
    let environment = folder.join("python");
    let stamp = environment.join("bin/jmapc-is-there");
    if !stamp.exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        let mut pip = Command::new(environment.join("bin/pip"));
        shell::run(pip.args(["install", "--quiet", "--disable-pip-version-check", JMAPC]))?;
        fs::write(stamp, "")?;
    }
    Ok(vec![environment.join("bin/python"), beside("with_jmapc.py")])
}

/// The script lies beside the client, where node finds it.
fn jam(folder: &Path) -> Result<Vec<PathBuf>> {
    let place = folder.join("with_jam.mjs");
    fs::write(folder.join("package.json"), "{\"private\": true}")?;
    let mut npm = Command::new("npm");
    shell::run(npm.current_dir(folder).args(["install", "--no-audit", "--no-fund", "--silent", JAM]))?;
    fs::copy(beside("with_jam.mjs"), &place)?;
    Ok(vec!["node".into(), place])
}

fn jmap_client(folder: &Path) -> Result<Vec<PathBuf>> {
    let target = folder.join("jmap-client");
    let mut cargo = workspace::cargo(["build", "--quiet", "--locked", "--manifest-path"]);
    shell::run(cargo.arg(beside("with_jmap_client/Cargo.toml")).arg("--target-dir").arg(&target))?;
    Ok(vec![target.join("debug/with-jmap-client")])
}

fn himalaya(folder: &Path) -> Result<Vec<PathBuf>> {
    let root = folder.join("himalaya");
    let mut cargo = workspace::cargo(["install", HIMALAYA, "--quiet", "--locked", "--debug"]);
    cargo.args(["--no-default-features", "--features", "jmap,rustls-ring", "--root"]).arg(&root);
    shell::run(cargo.arg("--target-dir").arg(folder.join("himalaya-target")))?;
    Ok(vec!["python3".into(), beside("with_himalaya.py"), root.join("bin/himalaya")])
}

/// The package alone is taken, into a folder: the system's own packages stay as they are.
fn aerc(folder: &Path) -> Result<Vec<PathBuf>> {
    install::programs(TERMINAL)?;
    let apt = folder.join("apt");
    let program = apt.join("aerc/usr/bin/aerc");
    if !program.exists() {
        fs::create_dir_all(apt.join("lists/partial"))?;
        fs::write(apt.join("sources.list"), DEBIAN_13)?;
        let options = format!(
            "Dir::Etc::SourceList \"{0}/sources.list\"; Dir::Etc::SourceParts \"-\"; Dir::State::Lists \"{0}/lists\"; \
             Dir::Cache \"{0}\"; APT::Sandbox::User \"root\";",
            apt.display()
        );
        fs::write(apt.join("apt.conf"), options)?;
        for arguments in [["-qq", "update"].as_slice(), &["-qq", "download", "aerc"]] {
            let mut get = Command::new("apt-get");
            shell::run(get.env("APT_CONFIG", apt.join("apt.conf")).current_dir(&apt).args(arguments))?;
        }
        let mut packages = fs::read_dir(&apt)?.flatten().map(|entry| entry.path());
        let package = packages.find(|path| path.extension().is_some_and(|kind| kind == "deb"));
        let package = package.context("apt-get left no package")?;
        shell::run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(apt.join("aerc")))?;
    }
    Ok(vec!["python3".into(), beside("with_aerc.py"), program])
}
