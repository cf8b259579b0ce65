//! Hiding what was put into the text for programs that know no header protection (RFC 9788 4.5.3).

use super::{entity::Entity, parts::Part};

/// The class that marks a Legacy Display Element in HTML.
const CLASS: &str = "header-protection-legacy-display";

/// Removes the Legacy Display Element from a text part that is marked as having one.
pub(crate) fn remove_element(part: &mut Part) {
    let text = part.text();
    let kept =
        if part.media_type == "text/html" { without_marked_div(&text) } else { without_first_block(&text) };
    part.data = kept.into_bytes();
    part.charset = Some("utf-8".to_owned());
}

/// The text after its first entirely blank line (RFC 9788 4.5.3.2).
fn without_first_block(text: &str) -> String {
    let mut rest = text;
    while let Some((line, tail)) = rest.split_once('\n') {
        rest = tail;
        if line.trim_end_matches('\r').is_empty() {
            return rest.to_owned();
        }
    }
    text.to_owned()
}

/// The HTML without any `<div>` of the marked class (RFC 9788 4.5.3.3).
fn without_marked_div(html: &str) -> String {
    // ASCII lower case keeps every offset.
    let lower = html.to_ascii_lowercase();
    let (mut kept, mut at) = (String::new(), 0);
    while let Some((start, content)) = marked_div(&lower, at) {
        kept.push_str(html.get(at..start).unwrap_or_default());
        at = closing_div(&lower, content).unwrap_or(html.len());
    }
    kept + html.get(at..).unwrap_or_default()
}

/// The offsets of the next marked tag and of what follows it.
fn marked_div(lower: &str, mut at: usize) -> Option<(usize, usize)> {
    loop {
        let start = at + lower.get(at..)?.find("<div")?;
        let end = start + lower.get(start..)?.find('>')? + 1;
        let tag = lower.get(start..end)?;
        let value = tag.split_once("class").and_then(|(_, rest)| rest.trim_start().strip_prefix('='));
        let classes = value.unwrap_or_default().trim_start().trim_start_matches(['"', '\'']);
        let classes = classes.split(['"', '\'', '>']).next().unwrap_or_default();
        if classes.split_ascii_whitespace().any(|class| class == CLASS) {
            return Some((start, end));
        }
        at = end;
    }
}

/// The offset after the `</div>` that closes the element whose content starts at `at`.
fn closing_div(lower: &str, at: usize) -> Option<usize> {
    let content = lower.get(at..)?;
    let mut open = 1;
    for (offset, _) in content.match_indices('<') {
        let tag = content.get(offset..)?;
        if tag.starts_with("<div") {
            open += 1;
        } else if tag.starts_with("</div") {
            open -= 1;
        }
        if open == 0 {
            return Some(at + offset + tag.find('>')? + 1);
        }
    }
    None
}

/// Whether this is the display part of the older scheme: header lines and nothing else.
///
/// It is marked `protected-headers="v1"` and is the first part of a multipart/mixed payload.
pub(crate) fn is_old_display_part(entity: &Entity<'_>) -> bool {
    let marked = entity.content_type.parameter("protected-headers") == Some("v1");
    let plain = matches!(entity.media_type(), "text/plain" | "text/rfc822-headers");
    let attached = entity.disposition().is_some_and(|typed| typed.value == "attachment");
    marked && plain && !attached && entity.content_type.parameter("hp").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_loses_the_lines_up_to_the_first_blank_one() {
        assert_eq!(without_first_block("Subject: x\r\nTo: y\r\n\r\nHello\r\n\r\nBye"), "Hello\r\n\r\nBye");
        assert_eq!(without_first_block("\nHello"), "Hello");
        assert_eq!(without_first_block("no blank line\n"), "no blank line\n");
    }

    #[test]
    fn html_loses_the_marked_element_and_nothing_else() {
        let element = "<DIV id=x class=\"b header-protection-legacy-display\"><div>s</div>t</DIV>";
        let html = format!("<body><div class='a'>1</div>{element}<p>2</p>{element}</body>");
        assert_eq!(without_marked_div(&html), "<body><div class='a'>1</div><p>2</p></body>");
        assert_eq!(
            without_marked_div("<div class=x>header-protection-legacy-display</div>"),
            "<div class=x>header-protection-legacy-display</div>"
        );
        assert_eq!(
            without_marked_div("<p>a</p><div class=header-protection-legacy-display>open"),
            "<p>a</p>"
        );
    }
}
