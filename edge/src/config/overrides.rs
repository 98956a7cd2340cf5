//! `[[overrides]]`: passes by template, by path and by part of the page.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{PathPattern, Policy};
use crate::html::{Exception, passes};

/// `[[overrides]]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Override {
    /// Templates whose pages are meant. Empty: pages of any template.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 64),
            extend("items" = serde_json::json!({"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}))
        )
    )]
    pub templates: Vec<String>,
    /// Path patterns of the pages that are meant, in the form of `templates.path`. Empty: any path.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 64)))]
    pub paths: Vec<PathPattern>,
    /// CSS selectors of the parts that are meant: matching elements, and everything in them. Empty: the whole
    /// page. Passes can be switched off in a part of a page, not on.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 16),
            extend("items" = serde_json::json!({"type": "string", "format": "css-selector"}))
        )
    )]
    pub selectors: Vec<String>,
    /// Passes that are on there.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 64),
            extend("items" = serde_json::json!({"type": "string", "enum": passes::NAMES}))
        )
    )]
    pub on: Vec<String>,
    /// Passes that are off there.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(
        feature = "authoring",
        schemars(
            length(max = 64),
            extend("items" = serde_json::json!({"type": "string", "enum": passes::NAMES}))
        )
    )]
    pub off: Vec<String>,
}

impl Override {
    fn means(&self, template: &str, path: &str) -> bool {
        self.means_template(template)
            && (self.paths.is_empty() || self.paths.iter().any(|pattern| pattern.matches(path)))
    }

    fn means_template(&self, template: &str) -> bool {
        self.templates.is_empty() || self.templates.iter().any(|name| name == template)
    }

    /// Switches passes for a whole page.
    fn switch(&self, passes: &mut Cow<'_, passes::Config>) {
        if !self.selectors.is_empty() {
            return;
        }
        let on = self.on.iter().map(|pass| (pass, true));
        let off = self.off.iter().map(|pass| (pass, false));
        for (pass, enabled) in on.chain(off) {
            passes.to_mut().switch(pass, enabled);
        }
    }
}

impl Policy {
    /// Whether a pass is on anywhere in the shop.
    pub(crate) fn may_run(&self, pass: &str) -> bool {
        let is_named = |over: &Override| over.on.iter().any(|name| name == pass);
        self.passes.is_enabled(pass) == Some(true) || self.overrides.iter().any(is_named)
    }

    /// What may be done to the page at a path, and the parts of it that passes leave alone.
    pub(crate) fn passes_for(
        &self,
        template: &str,
        path: &str,
    ) -> (Cow<'_, passes::Config>, Vec<Exception>) {
        let mut passes = Cow::Borrowed(&self.passes);
        let mut exceptions = Vec::new();
        for over in self.overrides.iter().filter(|o| o.means(template, path)) {
            over.switch(&mut passes);
            exceptions.extend(over.selectors.iter().map(|selector| Exception {
                selector: selector.clone(),
                passes: over.off.clone(),
            }));
        }
        (passes, exceptions)
    }

    /// What may be done to pages of a template, wherever they are.
    pub(crate) fn passes_for_template(&self, template: &str) -> Cow<'_, passes::Config> {
        let mut passes = Cow::Borrowed(&self.passes);
        let everywhere = self.overrides.iter().filter(|o| o.paths.is_empty());
        for over in everywhere.filter(|o| o.means_template(template)) {
            over.switch(&mut passes);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(json: &str) -> Policy {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_last_override_that_speaks_of_a_pass_decides() {
        let policy = policy(
            r#"{"overrides": [
                {"off": ["preconnect", "inject_rum"]},
                {"templates": ["product"], "on": ["preconnect"]},
                {"paths": ["/p/1"], "off": ["preconnect"]}
            ]}"#,
        );
        let on =
            |template: &str, path: &str| policy.passes_for(template, path).0.preconnect.enabled;
        assert!(!on("home", "/"));
        assert!(on("product", "/p/2"));
        assert!(!on("product", "/p/1"));
        assert!(!policy.passes_for("product", "/p/2").0.inject_rum.enabled);
    }

    #[test]
    fn a_part_of_a_page_is_left_alone_and_the_rest_is_not() {
        let policy = policy(
            r##"{"overrides": [{"selectors": ["#reviews", ".ads"], "off": ["size_images"]}]}"##,
        );
        let (passes, exceptions) = policy.passes_for("product", "/p/1");
        assert!(passes.size_images.enabled);
        let selectors: Vec<_> = exceptions.iter().map(|e| e.selector.as_str()).collect();
        assert_eq!(selectors, ["#reviews", ".ads"]);
        assert_eq!(exceptions[0].passes, ["size_images"]);
    }
}
