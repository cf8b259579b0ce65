//! The generated glue under the page's Trusted Types.

use anyhow::{Result, bail};

/// Only the interface's own fixed templates pass through this policy; mail has another.
const POLICY: &str = "const staticTemplates = globalThis.trustedTypes?.createPolicy(\"leptos-static\", { createHTML: (markup) => markup });\n";

/// What a script can turn a string into markup or code with.
const SINKS: &[&str] =
    &[".innerHTML", ".outerHTML", "insertAdjacentHTML", "document.write", "setHTMLUnsafe", "eval("];

/// Routes the one place where the glue sets markup through the policy `leptos-static`.
///
/// A second place would be markup that nobody decided on, so it fails the build.
pub fn route_through_policy(glue: &str) -> Result<String> {
    let sites: Vec<&str> = glue.lines().filter(|line| is_sink(line)).collect();
    let [site] = sites.as_slice() else {
        bail!(
            "the page's glue must set markup in exactly one place, but it does in {}: {sites:#?}",
            sites.len()
        );
    };
    let Some((left, right)) = site.split_once(".innerHTML = ") else {
        bail!("the page's glue sets markup in a way that this build does not know: {site}");
    };
    let value = right.trim_end().trim_end_matches(';');
    let routed =
        format!("{left}.innerHTML = staticTemplates ? staticTemplates.createHTML({value}) : {value};");
    Ok(format!("{POLICY}{}", glue.replacen(site, &routed, 1)))
}

/// Fails if glue that has no interface can set markup or run text.
pub fn refuse_markup_sinks(glue: &str) -> Result<()> {
    match glue.lines().find(|line| is_sink(line)) {
        Some(site) => bail!("a script outside of the interface must not set markup, but does: {site}"),
        None => Ok(()),
    }
}

fn is_sink(line: &str) -> bool {
    SINKS.iter().any(|sink| line.contains(sink))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: &str = "    getObject(arg0).innerHTML = getStringFromWasm0(arg1, arg2);\n";

    #[test]
    fn routes_the_only_site_through_the_policy() {
        let routed = route_through_policy(&format!("a();\n{SITE}b();\n")).unwrap();
        assert!(routed.contains("staticTemplates.createHTML(getStringFromWasm0(arg1, arg2))"));
        assert!(routed.starts_with("const staticTemplates"));
    }

    #[test]
    fn refuses_a_second_site() {
        assert!(route_through_policy(&format!("{SITE}{SITE}")).is_err());
    }

    #[test]
    fn refuses_glue_without_a_site() {
        assert!(route_through_policy("a();\n").is_err());
    }

    #[test]
    fn refuses_an_engine_that_sets_markup() {
        assert!(refuse_markup_sinks(SITE).is_err());
        assert!(refuse_markup_sinks("a();\n").is_ok());
    }
}
