//! A video or a map in a frame, and the document that stands in for it.
//!
//! The frame stays the element that it is, so that style sheets, scripts and consent tools find it as they
//! expect. It gets a document of its own (`srcdoc`), which a browser shows in the place of `src` without
//! asking anybody. In the document is a link to the player, so that it opens without a script and shows in
//! print; the script makes it a button.

use std::fmt::Write as _;

use url::Url;

use super::super::super::page::Page;
use super::super::super::tag::Tag;
use super::super::Receipt;
use super::super::third_party_scripts::has_consent_attribute;
use super::{Kind, Options};
use crate::own;

pub(super) struct Player {
    pub(super) kind: Kind,
    url: Url,
}

impl Player {
    /// The player or map that a frame shows, if it is one that is known.
    pub(super) fn of(tag: &Tag<'_, '_, '_>, page: &Page) -> Option<Self> {
        let url = page.resolve(&tag.value("src")?)?;
        let kind = kind_of(&url)?;
        Some(Self { kind, url })
    }

    /// As notes show it.
    pub(super) fn shown(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.kind {
            Kind::Youtube | Kind::Vimeo => format!("{host}{}", self.url.path()),
            // The path of a map can hold an address.
            Kind::GoogleMaps => host.to_owned(),
        }
    }

    /// The document that stands in for the player, or why there must be none.
    pub(super) fn document(
        &self,
        tag: &Tag<'_, '_, '_>,
        page: &Page,
        options: &Options,
        receipt: &mut Receipt,
    ) -> Result<String, &'static str> {
        if let Some(reason) = refusal(tag) {
            return Err(reason);
        }
        if self.is_steered() {
            return Err("a script of the page steers it");
        }
        if self.starts_by_itself() {
            return Err("it starts by itself");
        }
        let (script, style) = (own::FACADE_SCRIPT.path(), own::FACADE_STYLE.path());
        let site = &page.facts.url;
        let address = |path: &str| site.join(path).map_err(|_| "the page has no address");
        let of_script = page.csp.external_script(&address(script)?);
        let of_script = of_script.attribute(receipt)?;
        let of_style = page.csp.external_style(&address(style)?);
        let of_style = of_style.attribute(receipt)?;
        Ok(format!(
            "<link rel=stylesheet href=\"{}\"{of_style}><script src=\"{}\" defer{of_script}></script>{}",
            page.own_url(style),
            page.own_url(script),
            self.link(tag, page, options, receipt),
        ))
    }

    /// The link to the player.
    fn link(&self, tag: &Tag<'_, '_, '_>, page: &Page, options: &Options, receipt: &mut Receipt) -> String {
        let (text, class) = match self.kind {
            Kind::Youtube | Kind::Vimeo => (&options.play_text, ""),
            Kind::GoogleMaps => (&options.map_text, " class=map"),
        };
        let mut link = format!("<a href=\"{}\"{class}>", text_of(self.playing().as_str()));
        if let Some(poster) = self.poster().filter(|_| options.posters)
            && page.csp.image(&poster).attribute(receipt).is_ok()
        {
            let _ = write!(link, "<img alt=\"\" src=\"{poster}\">");
        }
        let _ = write!(link, "<span>{}", text_of(text));
        // Its references are the author's own, and mean here what they mean there.
        let title = tag.raw("title").map(|title| in_text(&title));
        if let Some(title) = title.filter(|title| !title.trim().is_empty()) {
            let _ = write!(link, ": {title}");
        }
        link.push_str("</span></a>");
        link
    }

    /// Gives the frame its document, and lets the player play when it comes.
    pub(super) fn hold(&self, tag: &mut Tag<'_, '_, '_>, document: &str) {
        tag.set_raw("srcdoc", &document.replace('&', "&amp;").replace('"', "&quot;"));
        if self.kind == Kind::GoogleMaps {
            return;
        }
        let allowed = tag.value("allow").unwrap_or_default();
        let features = allowed.split(';').map(str::trim_start);
        if !features.into_iter().any(|one| one.starts_with("autoplay")) {
            let raw = tag.raw("allow").unwrap_or_default();
            let raw = raw.trim().trim_end_matches(';');
            let separator = if raw.is_empty() { "" } else { "; " };
            tag.set_raw("allow", &format!("{raw}{separator}autoplay"));
        }
    }

    /// The player's address, asking it to play.
    fn playing(&self) -> Url {
        let mut url = self.url.clone();
        if self.kind != Kind::GoogleMaps {
            let query = url.query().map(|query| format!("{query}&autoplay=1"));
            url.set_query(Some(query.as_deref().unwrap_or("autoplay=1")));
        }
        url
    }

    fn poster(&self) -> Option<Url> {
        let id = self.url.path().strip_prefix("/embed/")?;
        let is_id = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (self.kind == Kind::Youtube && id.len() == 11 && id.bytes().all(is_id))
            .then(|| format!("https://i.ytimg.com/vi/{id}/hqdefault.jpg").parse().ok())?
    }

    fn is_steered(&self) -> bool {
        let steers = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
            matches!(&*name, "enablejsapi" | "js_api" | "api" | "player_id") && value != "0"
        };
        self.kind != Kind::GoogleMaps && self.url.query_pairs().any(steers)
    }

    fn starts_by_itself(&self) -> bool {
        let mut pairs = self.url.query_pairs();
        pairs.any(|(name, value)| {
            matches!(&*name, "autoplay" | "background") && !matches!(&*value, "0" | "false")
        })
    }
}

fn kind_of(url: &Url) -> Option<Kind> {
    if !matches!(url.scheme(), "http" | "https") || url.port().is_some() {
        return None;
    }
    let (host, path) = (url.host_str()?, url.path());
    let bare = host.strip_prefix("www.").unwrap_or(host);
    let has_id = |prefix: &str| path.strip_prefix(prefix).is_some_and(|id| !id.is_empty());
    match bare {
        "youtube.com" | "youtube-nocookie.com" | "m.youtube.com" => {
            has_id("/embed/").then_some(Kind::Youtube)
        }
        "player.vimeo.com" => has_id("/video/").then_some(Kind::Vimeo),
        "google.com" => path.starts_with("/maps/embed").then_some(Kind::GoogleMaps),
        "maps.google.com" => {
            let embeds = |(name, value): (_, _)| name == "output" && value == "embed";
            let is_embed = path.starts_with("/maps/embed") || url.query_pairs().any(embeds);
            is_embed.then_some(Kind::GoogleMaps)
        }
        _ => None,
    }
}

/// Why a frame is left as it is, whatever it shows.
fn refusal(tag: &Tag<'_, '_, '_>) -> Option<&'static str> {
    if tag.opted_out {
        return Some("the element or an ancestor opts out");
    }
    if has_consent_attribute(tag) {
        return Some("a consent tool controls it");
    }
    if tag.has("srcdoc") {
        return Some("it has a document of its own");
    }
    if tag.has("sandbox") || tag.has("csp") || tag.has("credentialless") {
        return Some("what it may do is restricted");
    }
    if tag.has("onload") {
        return Some("a script waits for it");
    }
    let can_be_written = |name: &str| tag.raw(name).is_none_or(|raw| raw.is_ascii());
    (!can_be_written("allow")).then_some("its attribute `allow` is not ASCII")
}

/// A text as it is written in markup, in ASCII.
pub(super) fn text_of(text: &str) -> String {
    in_text(&text.replace('&', "&amp;"))
}

/// Markup of an attribute's value, as markup of a text or of another attribute's value, in ASCII.
fn in_text(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    for char in raw.chars() {
        match char {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            _ if char.is_ascii() => text.push(char),
            _ => {
                let _ = write!(text, "&#x{:x};", u32::from(char));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_vendors_own_players_are_known() {
        for (url, kind) in [
            ("https://www.youtube.com/embed/dQw4w9WgXcQ", Some(Kind::Youtube)),
            (
                "https://youtube-nocookie.com/embed/x?rel=0",
                Some(Kind::Youtube),
            ),
            ("https://www.youtube.com/watch?v=x", None),
            ("https://www.youtube.com/embed/", None),
            ("https://www.youtube.com.evil.example/embed/x", None),
            ("https://player.vimeo.com/video/1?h=2", Some(Kind::Vimeo)),
            (
                "https://www.google.com/maps/embed?pb=!1m18",
                Some(Kind::GoogleMaps),
            ),
            (
                "https://maps.google.com/maps?q=x&output=embed",
                Some(Kind::GoogleMaps),
            ),
            ("https://www.google.com/recaptcha/api2/anchor", None),
            ("https://shop.example/embed/x", None),
        ] {
            assert_eq!(kind_of(&Url::parse(url).unwrap()), kind, "{url}");
        }
    }

    #[test]
    fn a_title_is_text_whatever_is_in_it() {
        assert_eq!(
            in_text("Caf\u{e9} &amp; \"tea\" </a><script>"),
            "Caf&#xe9; &amp; &quot;tea&quot; &lt;/a&gt;&lt;script&gt;"
        );
        assert_eq!(text_of("A & B"), "A &amp; B");
    }
}
