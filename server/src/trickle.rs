//! What comes too slowly to be waited for: whoever sends it holds memory and places that others want.

use std::time::Duration;

/// How long something may come as slowly as it likes.
pub const GRACE: Duration = Duration::from_secs(60);
/// Octets a second after that.
const SLOWEST: u64 = 16 * 1024;

/// Whether so many octets after such a time are enough.
pub fn keeps_up(received: u64, after: Duration) -> bool {
    received >= after.saturating_sub(GRACE).as_secs().saturating_mul(SLOWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_sender_is_given_up_after_a_while() {
        assert!(keeps_up(0, GRACE));
        assert!(!keeps_up(1000, GRACE + Duration::from_secs(10)));
        assert!(keeps_up(10 * SLOWEST, GRACE + Duration::from_secs(10)));
    }
}
