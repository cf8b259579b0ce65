//! What the processor does for this thread: neither how fast the clock goes meanwhile nor who else uses the machine counts.

use std::time::Duration;

fn worked() -> Duration {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux counts it");
    Duration::from_nanos(figures.split(' ').next().unwrap().parse().unwrap())
}

/// For how long the processor works for a task.
pub fn work(task: impl FnOnce()) -> Duration {
    let before = worked();
    task();
    worked() - before
}

/// Fails where nine times as much takes far more than nine times the work: it takes 81 times where each is compared with all.
pub fn takes_linear_work(task: impl Fn(usize) -> Duration, many: usize) {
    let least = |size| (0..3).map(|_| task(size)).min().unwrap();
    // What is shorter than that is not counted at once.
    let few = least(many / 9).max(Duration::from_millis(10));
    let all = least(many);
    assert!(all < few * 30, "{few:?}, then {all:?}");
}
