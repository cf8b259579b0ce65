//! The engine's worker.

use app::engine::service::Engine;
use app::web::charset;
use app::web::worker::Page;

fn main() {
    // Started in anything but a worker it has nobody to serve.
    let Some(page) = Page::of_this_worker() else { return };
    smime::message::use_charset_decoder(charset::decode);
    let engine = Engine::new(page.clone());
    page.serve(move |request, call| engine.clone().serve(request, call));
}
