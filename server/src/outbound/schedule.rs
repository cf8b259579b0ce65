use crate::clock::Millis;

const MINUTE: Millis = 60 * 1000;
const HOUR: Millis = 60 * MINUTE;
/// RFC 5321 4.5.4.1: the give-up time is at least four to five days.
const GIVE_UP: Millis = 5 * 24 * HOUR;
const WAITS: [Millis; 7] = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR];

/// When to try again after so many failed attempts; none when it is time to give up.
pub fn next_attempt(failed: i64, queued_at: Millis, now: Millis) -> Option<Millis> {
    if now - queued_at >= GIVE_UP {
        return None;
    }
    let place = usize::try_from(failed.saturating_sub(1)).unwrap_or_default();
    let wait = WAITS.get(place).copied().unwrap_or(4 * HOUR);
    Some(now + wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_after_five_days() {
        assert_eq!(next_attempt(1, 0, 0), Some(MINUTE));
        assert_eq!(next_attempt(5, 0, 0), Some(HOUR));
        assert_eq!(next_attempt(99, 0, 0), Some(4 * HOUR));
        assert_eq!(next_attempt(1, 0, GIVE_UP - 1), Some(GIVE_UP - 1 + MINUTE));
        assert_eq!(next_attempt(1, 0, GIVE_UP), None);
    }
}
