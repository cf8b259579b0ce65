//! What laying out a text costs. A browser looks through all runs of a paragraph, stretches of one script and direction,
//! for each of its lines, and through all of a word for each place where it may break.

/// What stands in a paragraph.
#[derive(Default)]
pub(super) struct Runs {
    /// Runs since the paragraph began.
    pub(super) count: usize,
    /// Characters since the last space that join with others or stand above them.
    pub(super) joined: usize,
    script: u32,
}

impl Runs {
    /// In comparisons, about.
    pub(super) fn cost(&self) -> usize {
        self.count.saturating_mul(self.count).saturating_add(word(self.joined))
    }

    /// Ends a word, and gives its part of the cost.
    pub(super) fn end_word(&mut self) -> usize {
        word(std::mem::take(&mut self.joined))
    }

    pub(super) fn takes(&mut self, c: char) {
        self.joined += usize::from(joins(c));
        if !c.is_whitespace() && !c.is_ascii_punctuation() {
            let script = script(c);
            self.count += usize::from(script != self.script);
            self.script = script;
        }
    }
}

fn word(joined: usize) -> usize {
    joined.saturating_mul(joined).saturating_mul(5)
}

/// About the script of a character; the digits of Arabic, which run the other way, are one of their own.
fn script(c: char) -> u32 {
    match u32::from(c) {
        0..=0x24f => 0,
        0x400..=0x52f => 1,
        0x530..=0x58f => 2,
        0x660..=0x669 | 0x6f0..=0x6f9 => 3,
        0x600..=0x8ff | 0xfb50..=0xfdff | 0xfe70..=0xfefc => 4,
        0x3040..=0x30ff | 0xff66..=0xff9f => 5,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7ff => 6,
        0x2e80..=0x9fff | 0xf900..=0xfaff | 0xff00..=0xffef | 0x2_0000..=0x3_ffff => 7,
        other => 8 + (other >> 7),
    }
}

/// Whether it may join with its neighbours: all scripts from Hebrew to Mongolian, marks, and what controls them.
fn joins(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36f | 0x483..=0x489 | 0x590..=0x1cff | 0x1dc0..=0x1dff | 0x200c..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069
        | 0x20d0..=0x20ff | 0x2de0..=0x2dff | 0x302a..=0x302f | 0x3099..=0x309a | 0xa66f..=0xa69f | 0xa800..=0xabff | 0xfb1d..=0xfdff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xfe70..=0xfefc | 0xff9e..=0xff9f | 0x1_f3fb..=0x1_f3ff
        | 0x1_0800..=0x1_efff | 0xe_0000..)
}
