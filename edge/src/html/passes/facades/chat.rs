//! A chat behind a button.
//!
//! The vendor's script keeps its element and every attribute, as an idle script does, and our own script makes
//! the button from what stands on it. Without scripts there is neither a chat nor a button.

use super::super::super::page::Page;
use super::super::super::tag::Tag;
use super::super::Receipt;
use super::super::third_party_scripts::{has_consent_attribute, is_classic_javascript, take_address};
use super::Chat;
use super::player::text_of;
use crate::own;

/// Chats that can wait, and how each is opened once it is there: a function by its path from `window`, and
/// its arguments, as JSON. Their pages talk to them through a queue, so that it does not matter when they come.
const OPENERS: [(&str, &str); 5] = [
    ("crisp", r#"["$crisp.push",["do","chat:open"]]"#),
    ("drift", r#"["drift.api.openChat"]"#),
    ("intercom", r#"["Intercom","show"]"#),
    ("livechat", r#"["LiveChatWidget.call","maximize"]"#),
    ("tawk", r#"["Tawk_API.maximize"]"#),
];

/// The vendors whose chat can wait.
#[cfg(feature = "authoring")]
pub(super) fn names() -> Vec<&'static str> {
    OPENERS.iter().map(|(vendor, _)| *vendor).collect()
}

pub(super) fn opener(vendor: &str) -> Option<&'static str> {
    let known = OPENERS.iter().find(|(id, _)| *id == vendor);
    known.map(|(_, opener)| *opener)
}

/// The script that makes buttons: whether the page has it already.
#[derive(Debug, Default)]
pub(super) struct Button {
    inserted: bool,
}

impl Button {
    /// Puts a chat's script behind a button, or says why not.
    pub(super) fn hold(
        &mut self,
        tag: &mut Tag<'_, '_, '_>,
        page: &Page,
        chat: &Chat,
        receipt: &mut Receipt,
    ) -> Result<(), &'static str> {
        let opener = opener(&chat.vendor).ok_or("its chat cannot wait")?;
        if let Some(reason) = refusal(tag, page) {
            return Err(reason);
        }
        let path = own::CHAT_SCRIPT.path();
        let url = page.facts.url.join(path).map_err(|_| "the page has no address")?;
        let nonce = page.csp.external_script(&url).attribute(receipt)?;
        if !self.inserted {
            self.inserted = true;
            let src = page.own_url(path);
            tag.insert_before(&format!(
                "<script src=\"{src}\" defer data-v=\"facades\"{nonce}></script>"
            ));
        }
        take_address(tag, "data-v-chat", "text/v-chat");
        tag.set_raw("data-v-text", &text_of(&chat.text));
        tag.set_raw("data-v-open", &opener.replace('"', "&quot;"));
        Ok(())
    }
}

fn refusal(tag: &Tag<'_, '_, '_>, page: &Page) -> Option<&'static str> {
    if tag.opted_out {
        return Some("the element or an ancestor opts out");
    }
    if has_consent_attribute(tag) {
        return Some("a consent tool controls it");
    }
    if !is_classic_javascript(tag) || tag.has("nomodule") {
        return Some("it is not a classic JavaScript");
    }
    if tag.has("onload") || tag.has("onerror") {
        return Some("a script waits for it");
    }
    if !tag.is_plain("src") || !tag.is_plain("type") {
        return Some("its src or type is not ASCII, or is there twice");
    }
    page.csp
        .wants_trusted_types()
        .then_some("the page's CSP requires trusted types")
}

#[cfg(test)]
mod tests {
    use super::super::super::super::vendors::{self, Interface};
    use super::super::super::third_party_scripts::Category;
    use super::*;

    #[test]
    fn every_chat_that_can_wait_is_known_and_has_a_queue() {
        for (id, opener) in OPENERS {
            let all = vendors::all();
            let vendor = all.iter().find(|vendor| vendor.id == id).unwrap();
            assert_eq!(vendor.category, Category::Chat, "{id}");
            assert_eq!(vendor.interface, Interface::Queue, "{id}");
            let call: Vec<serde_json::Value> = serde_json::from_str(opener).unwrap();
            assert!(call[0].is_string(), "{id}");
        }
    }
}
