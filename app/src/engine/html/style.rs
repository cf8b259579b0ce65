//! Inline style, cut down to what formats text.

use super::is_remote;

/// Properties that format text and boxes within the flow; nothing that positions, overlays or animates.
const PROPERTIES: [&str; 48] = [
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "color",
    "direction",
    "display",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "max-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "vertical-align",
    "width",
];

/// Boxes that take their place in one pass. Each flexible box or grid inside of another is laid out several times, so
/// that twenty of them stop a browser.
const BOXES: [&str; 10] = [
    "block",
    "inline-block",
    "list-item",
    "none",
    "table",
    "table-cell",
    "table-header-group",
    "table-row",
    "table-row-group",
    "flow-root",
];

/// Functions that compute a colour; every other one could fetch something or hide what it does.
const FUNCTIONS: [&str; 4] = ["rgb", "rgba", "hsl", "hsla"];

/// Whether a style attribute or a style sheet would fetch something from the network.
pub(super) fn fetches(style: &str) -> bool {
    let style = style.to_ascii_lowercase();
    let mut addresses = style.split("url(").skip(1);
    style.contains("@import")
        || style.contains("image-set(")
        || addresses.any(|address| is_remote(address.trim_start_matches([' ', '"', '\''])))
}

/// Keeps declarations whose property and value are plainly harmless.
pub(super) fn filter(style: &str) -> String {
    // An escape could spell anything: such a style goes as a whole.
    if style.contains('\\') {
        return String::new();
    }
    let kept = style.split(';').filter_map(declaration);
    kept.collect::<Vec<_>>().join("; ")
}

fn declaration(text: &str) -> Option<String> {
    let (property, value) = text.split_once(':')?;
    let property = property.trim().to_ascii_lowercase();
    let value = value.trim();
    let plain = |c: char| c.is_alphanumeric() || " #%.,-()'\"!".contains(c);
    let fits = PROPERTIES.contains(&property.as_str()) && value.len() <= 400 && value.chars().all(plain);
    let is_box = || property != "display" || BOXES.iter().any(|known| value.eq_ignore_ascii_case(known));
    (fits && is_box() && calls_only_colours(value)).then(|| format!("{property}: {value}"))
}

/// Every opening bracket follows the name of a colour function.
fn calls_only_colours(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let pieces: Vec<&str> = value.split('(').collect();
    let Some((_, before)) = pieces.split_last() else { return true };
    before.iter().all(|piece| FUNCTIONS.iter().any(|name| piece.ends_with(name)))
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn formatting_stays() {
        let style =
            filter("color: rgb(1, 2, 3); FONT-FAMILY: 'Noto Serif', serif;margin:0 auto;display:BLOCK");
        assert_eq!(
            style,
            "color: rgb(1, 2, 3); font-family: 'Noto Serif', serif; margin: 0 auto; display: BLOCK"
        );
    }

    #[test]
    fn whatever_fetches_positions_or_computes_goes() {
        for hostile in [
            "background: url(https://spy.example/)",
            "background: u\\72l(x)",
            "position: fixed; top: 0",
            "width: expression(alert(1))",
            "background: image-set('x' 1x)",
            "color: var(--x)",
            "background: -webkit-cross-fade(a, b)",
            "behavior: x",
            "color: red/**/; -moz-binding: x",
            "display: flex",
            "display: inline-grid !important",
            "display: -webkit-box",
        ] {
            assert_eq!(filter(hostile), "", "{hostile}");
        }
    }
}
