//! ## What it does
//! Holds back videos (YouTube, Vimeo), maps (Google) and chat widgets until a visitor wants them. In the
//! frame of a video or a map stands a button with the frame's title; a click, Enter or the space bar opens
//! the player and plays it. A chat is a button in the corner that loads the chat and opens it.
//! ## Why it helps
//! One embedded player loads about a megabyte, and a chat several hundred kilobytes, for the few visitors
//! who use them. Until then their vendors learn nothing about the others.
//! ## When it stays away
//! Players that start by themselves or that a script of the page steers (`enablejsapi`, `js_api`, `api`),
//! frames in a sandbox or with a policy or an `onload` of their own, and what a consent tool has marked.
//! Elements that opt out. Pages whose content security policy does not allow the button's script or style,
//! or, for chats, wants trusted types. Without scripts, and in print, there is a link in the frame. The frame
//! itself keeps its place, size, class and id.
//! ## Example
//! `<iframe src="https://www.youtube.com/embed/x" title="Our vase">` becomes
//! `<iframe src="https://www.youtube.com/embed/x" title="Our vase" srcdoc="…Play video: Our vase…">`

use serde::{Deserialize, Serialize};

use super::super::page::{Page, PageFacts};
use super::super::tag::Tag;
use super::super::vendors::{self, Interface};
use super::{Contract, Decision, Edit, Pass, Receipt};

mod chat;
mod player;

/// What this pass declares of itself. A frame keeps its address beside the document that stands in for it.
pub(super) const CONTRACT: Contract = Contract {
    after: &["third_party_scripts"],
    conflicts: &[],
    edits: &[
        Edit::Attribute("iframe", "srcdoc"),
        Edit::Attribute("iframe", "allow"),
        Edit::MovesScripts,
        Edit::Inserts("script"),
    ],
};

/// `[passes.facades]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Whether the pass runs.
    ///
    /// ### Default
    /// `false`
    pub enabled: bool,
    /// Which frames wait.
    ///
    /// ### Default
    /// `["youtube", "vimeo", "google-maps"]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 3)))]
    pub kinds: Vec<Kind>,
    /// What the button of a video says; the frame's title follows it.
    ///
    /// ### Default
    /// `"Play video"`
    #[cfg_attr(feature = "authoring", schemars(length(min = 1, max = 60)))]
    pub play_text: String,
    /// What the button of a map says.
    ///
    /// ### Default
    /// `"Show map"`
    #[cfg_attr(feature = "authoring", schemars(length(min = 1, max = 60)))]
    pub map_text: String,
    /// Whether YouTube's own still image is shown. It is loaded from YouTube, which learns of the visit.
    ///
    /// ### Default
    /// `false`
    pub posters: bool,
    /// Chats that wait behind a button.
    ///
    /// ### Default
    /// `[]`
    #[cfg_attr(feature = "authoring", schemars(length(max = 4)))]
    pub chats: Vec<Chat>,
}

/// A kind of frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Videos of YouTube.
    Youtube,
    /// Videos of Vimeo.
    Vimeo,
    /// Maps that Google's "embed a map" gives.
    GoogleMaps,
}

/// `[[passes.facades.chats]]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// The chat's vendor. Its script has to be in the page as `<script src>`; one that an inline snippet
    /// inserts is not seen.
    ///
    /// ### Default
    /// None: a chat states it.
    #[cfg_attr(feature = "authoring", schemars(extend("enum" = chat::names())))]
    pub vendor: String,
    /// What the button says.
    ///
    /// ### Default
    /// `"Chat"`
    #[serde(default = "chat_text")]
    #[cfg_attr(feature = "authoring", schemars(length(min = 1, max = 60)))]
    pub text: String,
}

fn chat_text() -> String {
    "Chat".into()
}

impl Default for Options {
    fn default() -> Self {
        Self {
            enabled: false,
            kinds: vec![Kind::Youtube, Kind::Vimeo, Kind::GoogleMaps],
            play_text: "Play video".into(),
            map_text: "Show map".into(),
            posters: false,
            chats: Vec::new(),
        }
    }
}

impl Options {
    pub(super) fn problems(&self) -> Vec<(String, String)> {
        let chats = self.chats.iter().enumerate();
        chats
            .filter(|(_, one)| chat::opener(&one.vendor).is_none())
            .map(|(i, one)| {
                let why = format!("the chat of `{}` cannot wait", one.vendor);
                (format!("chats.{i}.vendor"), why)
            })
            .collect()
    }
}

pub(super) fn decide(options: &Options, _facts: &PageFacts) -> Decision {
    if options.kinds.is_empty() && options.chats.is_empty() {
        return Decision::skip("no kinds and no chats");
    }
    Decision::Apply(Box::new(Facades {
        options: options.clone(),
        button: chat::Button::default(),
    }))
}

struct Facades {
    options: Options,
    button: chat::Button,
}

impl Pass for Facades {
    fn start_tag(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        match tag.name() {
            "iframe" => self.frame(tag, page, receipt),
            "script" if !self.options.chats.is_empty() => self.script(tag, page, receipt),
            _ => {}
        }
    }
}

impl Facades {
    fn frame(&self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        let Some(player) = player::Player::of(tag, page) else {
            return;
        };
        if !self.options.kinds.contains(&player.kind) {
            receipt.note(|| format!("{}: left, its kind is not named", player.shown()));
            return;
        }
        match player.document(tag, page, &self.options, receipt) {
            Ok(document) => {
                player.hold(tag, &document);
                receipt.applied();
                receipt.note(|| format!("{}: waits", player.shown()));
            }
            Err(reason) => receipt.note(|| format!("{}: left, {reason}", player.shown())),
        }
    }

    fn script(&mut self, tag: &mut Tag<'_, '_, '_>, page: &Page, receipt: &mut Receipt) {
        let url = tag.value("src").and_then(|src| page.resolve(&src));
        let Some(vendor) = url.as_ref().and_then(vendors::of) else {
            return;
        };
        let chats = &self.options.chats;
        let Some(chat) = chats.iter().find(|chat| chat.vendor == vendor.id) else {
            return;
        };
        debug_assert!(vendor.interface == Interface::Queue, "chat::opener says so");
        match self.button.hold(tag, page, chat, receipt) {
            Ok(()) => {
                receipt.applied();
                receipt.note(|| format!("{}: waits behind a button", vendor.id));
            }
            Err(reason) => receipt.note(|| format!("{}: left, {reason}", vendor.id)),
        }
    }
}
