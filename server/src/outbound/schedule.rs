use crate::clock::Millis;
use crate::config::Outbound;

const MINUTE: Millis = 60 * 1000;
const HOUR: Millis = 60 * MINUTE;
/// The longest time in which a destination is not tried at all.
pub const LONGEST_PAUSE: Millis = HOUR;

/// So many hours.
pub fn hours(hours: u32) -> Millis {
    Millis::from(hours) * HOUR
}

/// How long to wait after so many failed attempts; the last wait is that of all later ones.
pub fn wait(minutes: &[u32], failed: i64) -> Millis {
    let place = usize::try_from(failed.saturating_sub(1)).unwrap_or_default();
    let minutes = minutes.get(place).or(minutes.last()).copied().unwrap_or(30);
    Millis::from(minutes.max(1)) * MINUTE
}

/// When to try again after so many failed attempts; none when it is time to give up.
pub fn next_attempt(config: &Outbound, failed: i64, queued_at: Millis, now: Millis) -> Option<Millis> {
    let goes_on = now - queued_at < hours(config.give_up_hours);
    goes_on.then(|| now + wait(&config.retry_minutes, failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_after_five_days() {
        let next = |failed, queued_at, now| next_attempt(&Outbound::default(), failed, queued_at, now);
        assert_eq!(next(1, 0, 0), Some(MINUTE));
        assert_eq!(next(5, 0, 0), Some(HOUR));
        assert_eq!(next(99, 0, 0), Some(4 * HOUR));
        assert_eq!(next(1, 0, 5 * 24 * HOUR - 1), Some(5 * 24 * HOUR - 1 + MINUTE));
        assert_eq!(next(1, 0, 5 * 24 * HOUR), None);
    }
}
