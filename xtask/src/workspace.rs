//! Where things lie, and how cargo is called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// The folder that cargo builds into; the tasks themselves build into `xtask` under it, so that
/// they never wait for each other's lock.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The built front-end.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// The folder of the end-to-end stories, which also holds every npm package in use.
pub fn e2e() -> PathBuf {
    root().join("e2e")
}

/// A cargo command at the workspace's root.
///
/// What the outer `cargo run` set for this program is taken away: otherwise build scripts that look
/// at it would run again for every change of the caller.
pub fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_BIN_NAME" {
            command.env_remove(name);
        }
    }
    command
}
