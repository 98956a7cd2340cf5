//! Preloads of images, which are known from earlier views of the same page.

use std::cell::RefCell;
use std::rc::Rc;

use vitrine_edge::testing::Fake;
use vitrine_edge::{App, html::hints::Report};

use super::support::{TOKEN, app, get, html, request};

const POLICY: &str = r#"{"version":"t1","compression":{"enabled":false},"holdback":{"percent":0},"rum":{"enabled":false},
    "passes":{"payment_guard":{"first_view":"trust"}},"templates":[{"name":"product","path":"/p/*"}]}"#;

/// Phones see the first image largest, desktops the second.
const HINTS: &str = r#"{"version":1,"templates":[{"template":"product","groups":[
    {"viewport":"phone","views":400,"images":[{"selector":"img","ordinal":0,"seen":400,"lcp":400}]},
    {"viewport":"desktop","views":400,"images":[{"selector":"img","ordinal":1,"seen":400,"lcp":400}]}]}]}"#;

/// A shop whose pages show what they are told to, and an edge that knows the hints.
struct Shop {
    fake: Fake,
    app: Rc<App>,
    images: Rc<RefCell<String>>,
}

impl Shop {
    fn open(images: &str) -> Self {
        let images = Rc::new(RefCell::new(images.to_owned()));
        let shown = Rc::clone(&images);
        let fake = Fake::with_origin(move || {
            let page = format!(
                "<!doctype html><html><head><title>T</title></head><body>{}</body></html>",
                shown.borrow()
            );
            html(&[], page)
        });
        let app = app(POLICY);
        let mut import = request("PUT", "/_v/hints", &[]);
        let token = format!("Bearer {TOKEN}").parse().unwrap();
        import.headers_mut().insert("authorization", token);
        *import.body_mut() = HINTS.into();
        let report = fake.send(&app, import);
        let report: Report = serde_json::from_str(&report.text()).unwrap();
        assert_eq!(report.templates.len(), 1);
        Self { fake, app, images }
    }

    fn show(&self, images: &str) {
        images.clone_into(&mut self.images.borrow_mut());
    }

    /// The preloads of a view.
    fn view(&self, path: &str, cookie: Option<&str>) -> Vec<String> {
        let mut headers = vec![("accept", "text/html")];
        headers.extend(cookie.map(|cookie| ("cookie", cookie)));
        let page = self.fake.send(&self.app, get(path, &headers)).text();
        let (head, body) = page.split_once("</head>").unwrap();
        assert!(
            !body.contains("fetchpriority") && !body.contains("<link"),
            "{body}"
        );
        let links = head.match_indices("<link");
        links
            .map(|(at, _)| head[at..=at + head[at..].find('>').unwrap()].to_owned())
            .collect()
    }
}

const IMAGES: &str = "<img src=\"/a.jpg\"><img src=\"/b.jpg\">";

/// H62
#[test]
fn h62_the_largest_images_of_different_screens_are_preloaded_for_their_own_screens_alone() {
    let shop = Shop::open(IMAGES);
    assert!(shop.view("/p/1", None).is_empty());
    assert!(
        shop.view("/p/1", None).is_empty(),
        "one view proves nothing"
    );
    let preloads = shop.view("/p/1", None);
    assert_eq!(preloads.len(), 2, "{preloads:?}");
    assert!(
        preloads[0].contains("href=\"/a.jpg\" media=\"(max-width:599.98px)\""),
        "{preloads:?}"
    );
    assert!(
        preloads[1].contains("href=\"/b.jpg\" media=\"(min-width:1024px)\""),
        "{preloads:?}"
    );
    assert_eq!(
        shop.view("/p/1", Some("cart=1")),
        preloads,
        "it is the same for everybody"
    );
    assert!(shop.view("/p/2", None).is_empty(), "another page");
    assert!(
        shop.view("/p/1?variant=2", None).is_empty(),
        "perhaps another page"
    );
}

/// H64
#[test]
fn h64_a_preload_is_gone_with_the_first_view_that_does_not_need_it() {
    let shop = Shop::open(IMAGES);
    let views =
        |n: usize, cookie: Option<&str>| (0..n).fold(Vec::new(), |_, _| shop.view("/p/1", cookie));
    assert_eq!(views(3, None).len(), 2);
    shop.show("<img src=\"/new.jpg\"><img src=\"/b.jpg\">");
    // The view that shows it is the last to have the old one.
    views(1, Some("cart=1"));
    assert!(views(1, None).is_empty());
    views(1, None);
    assert!(views(1, None)[0].contains("/new.jpg"));
}

/// H64
#[test]
fn h64_an_address_that_is_one_visitors_or_new_each_time_is_never_preloaded() {
    let shop = Shop::open("<img src=\"/a.jpg?for=anna\"><img src=\"/b.jpg\">");
    for _ in 0..4 {
        assert!(shop.view("/p/1", Some("session=anna")).is_empty());
    }
    for n in 0..6 {
        shop.show(&format!(
            "<img src=\"/a.jpg?signature={n}\"><img src=\"/b.jpg\">"
        ));
        assert!(shop.view("/p/1", None).is_empty());
    }
}
