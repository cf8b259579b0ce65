//! The page.

fn main() {
    app::page::start();
}
