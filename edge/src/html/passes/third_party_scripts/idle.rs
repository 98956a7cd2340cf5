//! Scripts that wait until the page is idle.
//!
//! A waiting script keeps its element, with every attribute, so that scripts which look for it, or insert
//! before the first script of the page, find what they expect. It loses `src` to `data-v-src`, and takes a
//! type that no browser runs, so that content between its tags stays inert. A small loader gives both back,
//! at the first idle moment after the page has loaded and at the deadline at the latest. It listens for
//! `load`, in a prerendered page for its visitor's arrival, and for nothing else: no clicks are held back, no
//! events are made up.

use super::super::super::page::Page;
use super::super::super::tag::Tag;
use super::super::Receipt;

/// Milliseconds from the loader's start after which scripts run although the page has not loaded: an image
/// that never ends must not silence a chat for ever.
const WITHOUT_LOAD_MS: u32 = 20_000;

/// The loader: whether the page has it already.
pub(super) struct Loader {
    script: String,
    inserted: bool,
}

impl Loader {
    pub(super) fn new(deadline_ms: u32) -> Self {
        Self {
            script: script(deadline_ms),
            inserted: false,
        }
    }

    /// Why the loader cannot work on the page.
    pub(super) fn obstacle(&self, page: &Page) -> Option<&'static str> {
        if page.csp.wants_trusted_types() {
            return Some("the page's CSP requires trusted types");
        }
        page.csp.inline_script(&self.script).refusal()
    }

    /// Makes a script wait. The first on the page brings the loader along.
    pub(super) fn hold(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        if !self.inserted {
            let loader = &self.script;
            let Some(nonce) = page.csp.inline_script(loader).admit(receipt) else {
                return;
            };
            self.inserted = true;
            tag.insert_before(&format!("<script data-v=\"third_party_scripts\"{nonce}>{loader}</script>"));
        }
        take_address(tag, "data-v-src", "text/v-idle");
    }
}

/// Keeps a script from loading.
pub(super) fn block(tag: &mut Tag<'_, '_, '_>) {
    take_address(tag, "data-v-blocked", "text/v-blocked");
}

/// Takes a script's address into an attribute, and gives it a type that no browser runs.
pub(in super::super) fn take_address(tag: &mut Tag<'_, '_, '_>, attribute: &str, inert_type: &str) {
    let Some(src) = tag.raw("src") else {
        return;
    };
    if let Some(kind) = tag.raw("type") {
        tag.set_raw("data-v-type", &kind);
    }
    tag.set_raw("type", inert_type);
    tag.set_raw(attribute, &src);
    tag.remove("src");
}

/// The loader. Scripts that were not `async` run in document order. A prerendered page has no visitor yet: it
/// waits for one.
fn script(deadline_ms: u32) -> String {
    format!(
        "(function(w,d){{function r(){{d.querySelectorAll('script[data-v-src]').forEach(function(s){{\
         var u=s.getAttribute('data-v-src'),t=s.getAttribute('data-v-type');\
         s.removeAttribute('data-v-src');s.removeAttribute('data-v-type');\
         if(t===null)s.removeAttribute('type');else s.setAttribute('type',t);\
         if(!s.hasAttribute('async'))s.async=false;s.src=u}})}}\
         function l(){{w.requestIdleCallback?w.requestIdleCallback(r,{{timeout:{deadline_ms}}}):\
         setTimeout(r,1)}}\
         function b(){{if(d.readyState==='complete')l();else{{w.addEventListener('load',l);\
         setTimeout(r,{WITHOUT_LOAD_MS})}}}}\
         if(d.prerendering)d.addEventListener('prerenderingchange',b);else b()}})(window,document)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_can_stand_in_a_script_element() {
        let loader = script(4000).to_ascii_lowercase();
        assert!(loader.is_ascii());
        for never in ["</script", "<script", "<!--"] {
            assert!(!loader.contains(never), "{never}");
        }
    }
}
