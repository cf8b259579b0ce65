//! How much memory one input may cost.

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Runs `work` and ends the process when it ever held more than `fixed` octets and `factor` times the input.
///
/// Sound only where nothing else runs meanwhile.
pub fn bounded<T>(input: &[u8], factor: usize, fixed: usize, work: impl FnOnce() -> T) -> T {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let outcome = work();
    let held = MEMORY.peak_usage().saturating_sub(before);
    let allowed = fixed + factor * input.len();
    assert!(held <= allowed, "{held} octets were held for an input of {}", input.len());
    outcome
}
