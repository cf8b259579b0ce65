/// How long to wait before trying again: twice as long each time, up to a minute.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

const FIRST: i32 = 500;
const LONGEST: i32 = 60_000;

impl Backoff {
    /// Milliseconds to wait now.
    pub(super) fn next(&mut self) -> i32 {
        let wait = FIRST.saturating_mul(2_i32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;

    #[test]
    fn waits_longer_each_time_up_to_a_minute_and_starts_over_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<i32> = (0..10).map(|_| backoff.next()).collect();
        assert_eq!(waits[..4], [500, 1000, 2000, 4000]);
        assert_eq!(waits[9], 60_000);
        backoff.reset();
        assert_eq!(backoff.next(), 500);
    }
}
