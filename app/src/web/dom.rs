//! The document around the page: its language, title, focus, clock and small memory.

use js_sys::Date;
use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, Event, HtmlElement, HtmlIFrameElement, ResizeObserver, Storage, Window};

use super::files::whole;
use crate::protocol::UnixTime;

/// A time on the reader's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// The year.
    pub year: u32,
    /// The month; 0 is January.
    pub month: u32,
    /// The day of the month.
    pub day: u32,
    /// The day of the week; 0 is Sunday.
    pub weekday: u32,
    /// The hour.
    pub hour: u32,
    /// The minute.
    pub minute: u32,
    /// Days since 1970 on the reader's calendar.
    pub day_number: u32,
}

/// The time now.
pub fn now() -> UnixTime {
    UnixTime(whole(Date::now() / 1000.0))
}

/// A time on the reader's own clock, summer time included.
pub fn local_time(time: UnixTime) -> LocalTime {
    // A time past the year 287,396 is no date in JavaScript; mail may claim any.
    let seconds = time.0.min(8_640_000_000_000);
    #[allow(clippy::cast_precision_loss, reason = "below 2^53")]
    let date = Date::new(&JsValue::from_f64(seconds as f64 * 1000.0));
    let offset = i64::from(whole_signed(date.get_timezone_offset())) * 60;
    let local = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_sub(offset);
    LocalTime {
        year: date.get_full_year(),
        month: date.get_month(),
        day: date.get_date(),
        weekday: date.get_day(),
        hour: date.get_hours(),
        minute: date.get_minutes(),
        day_number: u32::try_from(local.div_euclid(86_400)).unwrap_or(0),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "`as` saturates, and an offset is below 1000 minutes")]
fn whole_signed(number: f64) -> i32 {
    number as i32
}

/// The language the browser asks for, as a tag.
pub fn browser_language() -> String {
    window().and_then(|window| window.navigator().language()).unwrap_or_default()
}

/// What was remembered in this browser under a name; never anything secret.
pub fn recall(name: &str) -> Option<String> {
    storage()?.get_item(name).ok()?
}

/// Remembers a setting in this browser; where it refuses, the setting lasts as long as the page.
pub fn remember(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(name, value);
    }
}

/// Tells the document its language.
pub fn set_language(tag: &str) {
    set_root_attribute("lang", tag);
}

/// Chooses the light or the dark tokens; none follows the system.
pub fn set_theme(theme: Option<&str>) {
    match theme {
        Some(theme) => set_root_attribute("data-theme", theme),
        None => {
            if let Some(root) = root() {
                let _ = root.remove_attribute("data-theme");
            }
        }
    }
}

/// Whether the screen and the system are as a media query says.
pub fn matches_media(query: &str) -> bool {
    let query = window().and_then(|window| window.match_media(query).ok().flatten());
    query.is_some_and(|query| query.matches())
}

/// Sets the title of the tab.
pub fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// Moves the focus to the first element that matches; tells whether there was one.
pub fn focus(selector: &str) -> bool {
    find(selector).is_some_and(|element| element.focus().is_ok())
}

/// The number in a `data-` attribute of the focused element or of one around it.
pub fn focused_number(name: &str) -> Option<usize> {
    let attribute = format!("data-{name}");
    let element = document()?.active_element()?.closest(&format!("[{attribute}]")).ok()??;
    element.get_attribute(&attribute)?.parse().ok()
}

/// A length in whole pixels among the style tokens.
pub fn token_pixels(name: &str) -> Option<u32> {
    let style = window()?.get_computed_style(&root()?).ok()??;
    style.get_property_value(name).ok()?.trim().strip_suffix("px")?.parse().ok()
}

/// Whether the focus lies in an element that matches.
pub fn focus_within(selector: &str) -> bool {
    let active = document().and_then(|document| document.active_element());
    active.is_some_and(|element| element.closest(selector).is_ok_and(|found| found.is_some()))
}

/// Whether an event comes from where text is typed, so that letters are no shortcuts there.
pub fn is_typing(event: &Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| {
        element.closest("input, textarea, select, dialog").is_ok_and(|found| found.is_some())
    })
}

/// Changes the address bar without going anywhere.
pub fn rewrite_address(path: &str) {
    if let Some(history) = window().and_then(|window| window.history().ok()) {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(path));
    }
}

/// Loads the page anew.
pub fn reload() {
    if let Some(window) = window() {
        let _ = window.location().reload();
    }
}

/// Copies text to the clipboard.
pub fn copy(text: &str) {
    if let Some(window) = window() {
        let _ = window.navigator().clipboard().write_text(text);
    }
}

/// Prepares the document of a mail frame: its style, and links that open elsewhere.
pub fn dress(frame: &HtmlIFrameElement, css: &str) -> Option<()> {
    let document = frame.content_document()?;
    let style = document.create_element("style").ok()?;
    style.set_text_content(Some(css));
    document.query_selector("head").ok()??.append_child(&style).ok()?;
    let links = document.query_selector_all("a[href]").ok()?;
    for link in (0..links.length()).filter_map(|index| links.item(index)) {
        let Ok(link) = link.dyn_into::<Element>() else { continue };
        let _ = link.set_attribute("target", "_blank");
        let _ = link.set_attribute("rel", "noopener noreferrer nofollow");
    }
    Some(())
}

/// In CSS pixels. A frame that is higher scrolls by itself: a browser cannot place what is millions of them away.
const MAX_HEIGHT: i32 = 1_000_000;

/// Gives a frame the height of its document, now and whenever that changes.
///
/// The observer lives as long as the frame's document.
pub fn fit(frame: &HtmlIFrameElement) -> Option<()> {
    let body = frame.content_document()?.body()?;
    let element: HtmlElement = frame.clone().into();
    let measured = body.clone();
    let measure = Closure::<dyn Fn()>::new(move || {
        let height = measured.scroll_height();
        let _ = element.style().set_property("height", &format!("{}px", height.clamp(48, MAX_HEIGHT)));
        if height > MAX_HEIGHT
            && let Some(root) = measured.owner_document().and_then(|document| document.document_element())
        {
            let _ = root.set_attribute("style", "overflow-y: auto");
        }
    });
    let observer = ResizeObserver::new(measure.as_ref().unchecked_ref()).ok()?;
    observer.observe(&body);
    measure.forget();
    Some(())
}

fn find(selector: &str) -> Option<HtmlElement> {
    document()?.query_selector(selector).ok()??.dyn_into().ok()
}

fn root() -> Option<Element> {
    document()?.document_element()
}

fn set_root_attribute(name: &str, value: &str) {
    if let Some(root) = root() {
        let _ = root.set_attribute(name, value);
    }
}

fn document() -> Option<Document> {
    window()?.document()
}

fn window() -> Option<Window> {
    web_sys::window()
}

fn storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}
