//! The engine's worker.

fn main() {
    app::engine::start();
}
