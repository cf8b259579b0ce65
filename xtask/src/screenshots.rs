//! `cargo xtask screenshots`: the pictures of the README, taken from the running program.

use anyhow::{Result, bail};

use crate::{shell, test};

/// Writes `docs/*.png`.
pub fn screenshots() -> Result<()> {
    test::prepare_stories()?;
    let finished = shell::stream(test::playwright().arg("--project=pictures"), |_| ())?;
    if !finished {
        bail!("not every picture was taken");
    }
    Ok(())
}
