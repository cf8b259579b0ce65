//! x
pub fn screenshots() -> anyhow::Result<()> {
    Ok(())
}
