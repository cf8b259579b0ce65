//! Which rows of a long list are drawn.

use std::ops::Range;

/// Rows drawn beyond the edges, so that quick scrolling finds them there.
const OVERSCAN: usize = 12;

/// The rows to draw of `total`, for a viewport of `height` scrolled to `top` with rows of `row` pixels.
pub(crate) fn visible(top: u32, height: u32, row: u32, total: usize) -> Range<usize> {
    let row = row.max(1);
    let first = (top / row) as usize;
    let last = (top.saturating_add(height) / row) as usize + 1;
    first.saturating_sub(OVERSCAN).min(total)..last.saturating_add(OVERSCAN).min(total)
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn a_window_moves_with_the_scroll_and_stays_inside_the_list() {
        assert_eq!(visible(0, 800, 80, 1000), 0..23);
        assert_eq!(visible(8000, 800, 80, 1000), 88..123);
        assert_eq!(visible(80_000, 800, 80, 1000), 988..1000);
        assert_eq!(visible(0, 800, 80, 3), 0..3);
        assert_eq!(visible(9000, 800, 0, 5), 5..5);
    }
}
