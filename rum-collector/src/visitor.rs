//! Who sent a beacon, as far as it is kept: a class of browser, never the browser.

use std::fmt;
use std::net::IpAddr;

use http::HeaderMap;
use http::header::USER_AGENT;

/// What the door knows of a request beside the request itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visitor {
    /// Whence the request came. Used for the rate limit, in memory only.
    pub address: Option<IpAddr>,
    /// Host and port that the visitor asked for. An `Origin` of the same host and port is the site's own.
    pub authority: Option<String>,
    /// Two-letter country, where the host knows it.
    pub country: Option<String>,
    /// The host's point of presence, where it has several.
    pub pop: Option<String>,
}

/// What kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// A telephone.
    Phone,
    /// A tablet.
    Tablet,
    /// Anything else that has a browser.
    Desktop,
}

impl Device {
    /// The word in storage and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
        }
    }
}

/// Device, system and engine: `phone:ios:webkit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) device: Device,
    system: &'static str,
    engine: &'static str,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.device.word(), self.system, self.engine)
    }
}

impl Class {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let agent = agent(headers);
        let has = |word: &str| agent.contains(word);
        let ios = has("iphone") || has("ipod") || has("ipad");
        let system = match () {
            () if ios => "ios",
            () if has("android") => "android",
            () if has("windows") => "windows",
            () if has("cros") => "chromeos",
            () if has("mac os") || has("macintosh") => "macos",
            () if has("linux") || has("x11") => "linux",
            () => "other",
        };
        let engine = match () {
            // Every browser on iOS names itself, and is WebKit.
            () if ios => "webkit",
            () if has("chrome/") || has("chromium/") || has("edg/") => "blink",
            () if has("gecko/") && has("firefox/") => "gecko",
            () if has("applewebkit/") => "webkit",
            () => "other",
        };
        let tablet = has("ipad") || has("tablet") || has("kindle") || has("silk/");
        let device = match () {
            () if tablet || (has("android") && !has("mobile")) => Device::Tablet,
            () if has("mobi") || ios || has("android") => Device::Phone,
            () => Device::Desktop,
        };
        Self {
            device,
            system,
            engine,
        }
    }
}

/// Why a beacon does not count as a visitor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bot {
    /// A search engine, a link preview, a scraper.
    Crawler,
    /// A speed test or an availability check.
    Monitor,
    /// A program without a page.
    Library,
    /// A browser that something drives.
    Automation,
    /// A browser that looks ahead; nobody sees the page.
    Prefetch,
}

impl Bot {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Crawler => "crawler",
            Self::Monitor => "monitor",
            Self::Library => "library",
            Self::Automation => "automation",
            Self::Prefetch => "prefetch",
        }
    }

    /// What the request declares itself to be. Only declarations count; nothing is guessed.
    pub(crate) fn of(headers: &HeaderMap, automated: bool) -> Option<Self> {
        const MONITORS: [&str; 7] = [
            "lighthouse",
            "pagespeed",
            "gtmetrix",
            "ptst/",
            "pingdom",
            "uptime",
            "catchpoint",
        ];
        const LIBRARIES: [&str; 8] = [
            "curl/",
            "wget/",
            "python",
            "go-http-client",
            "java/",
            "okhttp",
            "libwww",
            "node-fetch",
        ];
        const DRIVEN: [&str; 3] = ["headlesschrome", "phantomjs", "selenium"];
        const CRAWLERS: [&str; 8] = [
            "crawl",
            "spider",
            "slurp",
            "facebookexternalhit",
            "whatsapp",
            "preview",
            "archive.org",
            "mediapartners",
        ];
        let purpose = ["sec-purpose", "purpose", "x-moz"];
        let prefetch = purpose
            .iter()
            .filter_map(|name| headers.get(*name)?.to_str().ok())
            .any(|value| value.contains("prefetch"));
        let agent = agent(headers);
        let any = |words: &[&str]| words.iter().any(|word| agent.contains(word));
        match () {
            () if prefetch => Some(Self::Prefetch),
            () if any(&MONITORS) => Some(Self::Monitor),
            () if agent.is_empty() || any(&LIBRARIES) => Some(Self::Library),
            () if any(&CRAWLERS) || names_a_bot(&agent) => Some(Self::Crawler),
            () if automated || any(&DRIVEN) => Some(Self::Automation),
            () => None,
        }
    }
}

/// Whether a word of the agent ends in `bot`. Cubot is a make of telephone.
fn names_a_bot(agent: &str) -> bool {
    agent
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.ends_with("bot") && word != "cubot")
}

/// The user agent in lower case, as far as it is looked at.
fn agent(headers: &HeaderMap) -> String {
    // Browsers stay under 300 bytes; what a longer one adds is not looked at.
    const LOOKED_AT: usize = 512;
    let agent = headers
        .get(USER_AGENT)
        .map_or(&[][..], |value| value.as_bytes());
    String::from_utf8_lossy(&agent[..agent.len().min(LOOKED_AT)]).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_agent(agent: &str) -> HeaderMap {
        HeaderMap::from_iter([(USER_AGENT, agent.parse().unwrap())])
    }

    #[test]
    fn browsers_are_classed_by_device_system_and_engine() {
        for (agent, class) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
                "phone:ios:webkit",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.0.0 Mobile/15E148 Safari/604.1",
                "phone:ios:webkit",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                "phone:android:blink",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "tablet:android:blink",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
                "tablet:ios:webkit",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                "desktop:windows:blink",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "desktop:linux:gecko",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "desktop:macos:webkit",
            ),
            (
                "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                "desktop:chromeos:blink",
            ),
            ("", "desktop:other:other"),
        ] {
            assert_eq!(Class::of(&with_agent(agent)).to_string(), class, "{agent}");
            assert_eq!(
                Bot::of(&with_agent(agent), false),
                agent.is_empty().then_some(Bot::Library),
                "{agent}"
            );
        }
    }

    #[test]
    fn what_declares_itself_a_bot_is_one() {
        for (agent, bot) in [
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                Bot::Crawler,
            ),
            (
                "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/140.0 Safari/537.36",
                Bot::Crawler,
            ),
            ("facebookexternalhit/1.1", Bot::Crawler),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
                Bot::Automation,
            ),
            (
                "Mozilla/5.0 (Linux; Android 11; moto g power) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse",
                Bot::Monitor,
            ),
            ("curl/8.5.0", Bot::Library),
        ] {
            assert_eq!(Bot::of(&with_agent(agent), false), Some(bot), "{agent}");
        }
        let chrome = "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36";
        assert_eq!(Bot::of(&with_agent(chrome), false), None);
        assert_eq!(Bot::of(&with_agent(chrome), true), Some(Bot::Automation));
        let mut headers = with_agent(chrome);
        headers.insert("sec-purpose", "prefetch;prerender".parse().unwrap());
        assert_eq!(Bot::of(&headers, false), Some(Bot::Prefetch));
    }
}
