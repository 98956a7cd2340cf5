//! With everything off, nothing may be seen of the layer: the same requests straight and through it, byte by byte.
//!
//! Every request is made three times: twice straight, once through Vitrine. What already differs between the two
//! straight answers (a clock, a counter, a session's name) is the shop's own doing and is compared by presence.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};

use crate::client::{self, Answer};
use crate::crawl;

/// Arguments of `vitrine-loadtests identity`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shop itself.
    #[arg(long)]
    origin: String,
    /// The same shop through Vitrine, with everything off.
    #[arg(long)]
    vitrine: String,
    /// Answers to compare.
    #[arg(long, default_value_t = 500)]
    answers: usize,
}

/// Headers that belong to one connection (RFC 9110, section 7.6.1), and those that Vitrine may add.
const NOT_COMPARED: [&str; 12] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "date",
    "server-timing",
    "x-vitrine",
];

/// What a browser sends for a page, and for an image.
const BROWSER: &str =
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
const PICTURE: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";

/// Visitors come from here on; the whole of 127/8 is this machine.
const FIRST_VISITOR: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

struct Case {
    method: Method,
    path: String,
    headers: HeaderMap,
}

impl Case {
    fn name(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        format!("{} {} {headers:?}", self.method, self.path)
    }
}

#[derive(Default)]
struct Tally {
    same: usize,
    /// Requests whose two straight answers already have different bodies.
    restless: usize,
    different: Vec<String>,
    statuses: BTreeMap<u16, usize>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut visitors = Visitors(0);
    let pages = crawl::pages(&args.origin, args.answers / 4).await?;
    let cases = cases(&args, &pages, &mut visitors).await?;
    eprintln!("{} addresses, {} requests", pages.len(), cases.len());
    let mut tally = Tally::default();
    for case in &cases {
        if tally.same + tally.different.len() == args.answers {
            break;
        }
        let first = visitors.ask(&args.origin, case).await?;
        let through = visitors.ask(&args.vitrine, case).await?;
        let second = visitors.ask(&args.origin, case).await?;
        judge(case, (&first, &second), &through, &mut tally);
    }
    tell(&tally);
    let compared = tally.same + tally.different.len();
    ensure!(
        tally.different.is_empty(),
        "{} answers differ",
        tally.different.len()
    );
    ensure!(
        compared >= args.answers,
        "only {compared} answers could be compared, {} were asked for",
        args.answers
    );
    Ok(())
}

fn judge(case: &Case, straight: (&Answer, &Answer), through: &Answer, tally: &mut Tally) {
    *tally
        .statuses
        .entry(straight.0.status.as_u16())
        .or_default() += 1;
    if straight.0.body != straight.1.body {
        tally.restless += 1;
        return;
    }
    match difference(straight, through) {
        None => tally.same += 1,
        Some(difference) => tally
            .different
            .push(format!("{}\n     {difference}", case.name())),
    }
}

fn tell(tally: &Tally) {
    for different in tally.different.iter().take(10) {
        eprintln!("FAIL {different}");
    }
    eprintln!(
        "{} answers identical, {} different, {} left out because the shop itself answers differently each time; by status {:?}",
        tally.same,
        tally.different.len(),
        tally.restless,
        tally.statuses
    );
}

/// Each address in all the ways in which browsers, caches and crawlers ask for it.
async fn cases(
    args: &Args,
    pages: &BTreeSet<String>,
    visitors: &mut Visitors,
) -> anyhow::Result<Vec<Case>> {
    let cookie = session(&args.origin, &args.vitrine).await?;
    let mut cases = Vec::new();
    for path in pages {
        let probe = visitors
            .ask(&args.origin, &case(Method::GET, path, &[]))
            .await?;
        let kind = probe
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let accept = if kind.starts_with("image/") {
            PICTURE
        } else {
            BROWSER
        };
        let browser = [
            ("accept", accept),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ];
        cases.push(case(Method::GET, path, &[]));
        cases.push(case(Method::GET, path, &browser));
        cases.push(case(Method::HEAD, path, &browser));
        cases.push(case(
            Method::GET,
            path,
            &[("accept-encoding", "identity"), ("cookie", &cookie)],
        ));
        if let Some(tag) = probe
            .headers
            .get(header::ETAG)
            .and_then(|value| value.to_str().ok())
        {
            cases.push(case(Method::GET, path, &[("if-none-match", tag)]));
            cases.push(case(
                Method::GET,
                path,
                &[("if-none-match", "\"another\""), ("accept-encoding", "br")],
            ));
        }
        if probe.headers.contains_key(header::ACCEPT_RANGES) {
            cases.push(case(Method::GET, path, &[("range", "bytes=0-99")]));
            cases.push(case(
                Method::GET,
                path,
                &[("range", "bytes=-500"), ("accept-encoding", "gzip")],
            ));
        }
    }
    // Not sorted by address: whatever the layer keeps from one request could show in the next.
    let count = cases.len().max(1);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|at| (at * 7919) % count);
    let mut shuffled: Vec<Option<Case>> = cases.into_iter().map(Some).collect();
    Ok(order
        .into_iter()
        .filter_map(|at| shuffled[at].take())
        .collect())
}

fn case(method: Method, path: &str, headers: &[(&'static str, &str)]) -> Case {
    let headers = headers
        .iter()
        .filter_map(|(name, value)| {
            Some((
                HeaderName::from_static(name),
                HeaderValue::from_str(value).ok()?,
            ))
        })
        .collect();
    Case {
        method,
        path: path.to_owned(),
        headers,
    }
}

/// One shopper for both sides: the cookies that the shop gives to a first visit.
async fn session(origin: &str, vitrine: &str) -> anyhow::Result<String> {
    let answer = client::get(&format!("{origin}/")).await?;
    client::get(&format!("{vitrine}/"))
        .await
        .context("Vitrine does not answer")?;
    let pairs: Vec<&str> = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .collect();
    Ok(pairs.join("; "))
}

/// The next visitor: shops limit how often one address may ask, and say in headers how often it still may.
struct Visitors(u32);

impl Visitors {
    fn next(&mut self) -> Ipv4Addr {
        self.0 += 1;
        Ipv4Addr::from_bits(FIRST_VISITOR.to_bits() + self.0)
    }

    /// Makes a request as a visitor that the shop has not seen yet. A shop behind a proxy reads who it is from
    /// `X-Forwarded-For`, which Vitrine writes by itself.
    async fn ask(&mut self, base: &str, case: &Case) -> anyhow::Result<Answer> {
        let visitor = self.next();
        let mut headers = case.headers.clone();
        headers.insert(
            "x-forwarded-for",
            HeaderValue::from_str(&visitor.to_string())?,
        );
        let url = format!("{base}{}", case.path);
        client::request_from(visitor, case.method.clone(), &url, &headers, Bytes::new())
            .await
            .with_context(|| case.name())
    }
}

/// The first thing in which the layer's answer is not the shop's.
fn difference(straight: (&Answer, &Answer), through: &Answer) -> Option<String> {
    let (first, second) = straight;
    if first.status != through.status {
        return Some(format!(
            "status {} straight, {} through Vitrine",
            first.status, through.status
        ));
    }
    if let Some(why) = &through.broken {
        return Some(format!("the body broke off: {why}"));
    }
    if first.body != through.body {
        let at = first
            .body
            .iter()
            .zip(&through.body)
            .take_while(|(a, b)| a == b)
            .count();
        return Some(format!(
            "bodies of {} and {} bytes differ at {at}",
            first.body.len(),
            through.body.len()
        ));
    }
    names(first, through).into_iter().find_map(|name| {
        let [a, b, layer] = [first, second, through].map(|answer| values(answer, &name));
        let same = if a == b {
            a == layer
        } else {
            a.len() == layer.len()
        };
        let framing = name == "content-length" && a.is_empty();
        (!same && !framing).then(|| format!("{name}: {a:?} straight, {layer:?} through Vitrine"))
    })
}

fn names(first: &Answer, through: &Answer) -> BTreeSet<String> {
    first
        .headers
        .keys()
        .chain(through.headers.keys())
        .map(|name| name.as_str().to_owned())
        .filter(|name| !NOT_COMPARED.contains(&name.as_str()))
        .collect()
}

fn values(answer: &Answer, name: &str) -> Vec<String> {
    answer
        .headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::StatusCode;

    use super::*;

    fn answer(body: &'static str, headers: &[(&'static str, &str)]) -> Answer {
        Answer {
            status: StatusCode::OK,
            headers: case(Method::GET, "/", headers).headers,
            body: Bytes::from_static(body.as_bytes()),
            pieces: Vec::new(),
            broken: None,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn one_changed_byte_or_header_is_seen() {
        let shop = answer("abc", &[("etag", "\"1\"")]);
        assert_eq!(
            difference((&shop, &shop), &answer("abc", &[("etag", "\"1\"")])),
            None
        );
        assert!(difference((&shop, &shop), &answer("abd", &[("etag", "\"1\"")])).is_some());
        assert!(difference((&shop, &shop), &answer("abc", &[("etag", "W/\"1\"")])).is_some());
        assert!(difference((&shop, &shop), &answer("abc", &[])).is_some());
        assert!(
            difference(
                (&shop, &shop),
                &answer("abc", &[("etag", "\"1\""), ("x-new", "1")])
            )
            .is_some()
        );
    }

    #[test]
    fn what_varies_straight_has_to_be_there_and_what_is_the_layers_own_may_be() {
        let (first, second) = (
            answer("a", &[("set-cookie", "sid=1")]),
            answer("a", &[("set-cookie", "sid=2")]),
        );
        let through = answer(
            "a",
            &[
                ("set-cookie", "sid=3"),
                ("via", "1.1 vitrine"),
                ("x-vitrine", "off"),
            ],
        );
        assert_eq!(difference((&first, &second), &through), None);
        assert!(difference((&first, &second), &answer("a", &[])).is_some());
    }
}
