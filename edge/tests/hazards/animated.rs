//! GIF and WebP: what moves keeps moving, whoever asks. Hazard H71.

use http::Response;
use vitrine_edge::platform::Service;
use vitrine_edge::testing::{Fake, FakeBody, Seen, Whole};

use super::support::{REWRITES, all, app, get, response};

const AVIF: &str = "image/avif,image/webp,*/*;q=0.8";
const WEBP: &str = "image/webp,*/*";
const OLD: &str = "image/png,*/*;q=0.5";

fn gif() -> Vec<u8> {
    let noise = (0..30_000u32).map(|n| (n % 251) as u8);
    b"GIF89a".iter().copied().chain(noise).collect()
}

/// An optimizer that makes no animation while a visitor waits, and never one for a client that takes no WebP.
fn optimizer(seen: &Seen) -> Response<FakeBody> {
    assert_eq!(seen.headers["content-type"], "image/gif");
    let to = seen.headers["x-vitrine-to"].to_str().unwrap();
    let refined = seen.headers["x-vitrine-effort"] == "refined";
    match (to, refined) {
        ("same", _) => response(204, &[("x-vitrine-skip", "unsupported")], ""),
        (_, false) => response(204, &[("x-vitrine-skip", "too-slow")], ""),
        (_, true) => response(200, &[("content-type", "image/webp")], vec![b'w'; 9_000]),
    }
}

fn shop(in_time: bool) -> Fake {
    let fake = Fake::new(move |seen| {
        Ok(match seen.service {
            Service::Origin => response(
                200,
                &[
                    ("content-type", "image/gif"),
                    ("cache-control", "max-age=600"),
                ],
                gif(),
            ),
            Service::Optimizer => optimizer(seen),
        })
    });
    fake.set_capabilities(|capabilities| capabilities.deadlines = in_time);
    fake
}

fn send(fake: &Fake, accept: &'static str) -> Whole {
    fake.send(&app(REWRITES), get("/banner.gif", &[("accept", accept)]))
}

#[test]
fn h71_an_animated_gif_is_itself_until_there_is_an_animated_webp_of_it() {
    for in_time in [false, true] {
        for accept in [AVIF, WEBP] {
            let fake = shop(in_time);
            let first = send(&fake, accept);
            assert_eq!(first.header("content-type"), "image/gif");
            assert_eq!(first.body, gif());
            // Where a better one is on its way, nobody keeps the original for long.
            let kept = !all(&first, "cache-control").contains(&"no-store");
            assert_ne!(kept, in_time, "{accept}");
            let next = send(&fake, accept);
            assert_eq!(
                (next.header("content-type"), next.body.len()),
                ("image/webp", 9_000),
                "{accept}, in time: {in_time}"
            );
            assert!(all(&next, "vary").contains(&"Accept"));
            assert_eq!(fake.seen_by(Service::Origin), 1);
        }
    }
}

#[test]
fn h71_a_client_that_takes_no_webp_keeps_the_gif_byte_for_byte() {
    for in_time in [false, true] {
        let fake = shop(in_time);
        send(&fake, AVIF);
        send(&fake, AVIF);
        for _ in 0..3 {
            let whole = send(&fake, OLD);
            assert_eq!(whole.header("content-type"), "image/gif");
            assert_eq!(whole.body, gif());
        }
    }
}

#[test]
fn h71_what_the_optimizer_leaves_alone_stays_and_is_not_tried_again() {
    for reason in ["animated", "too-many-frames", "already-compressed"] {
        for kind in ["image/gif", "image/webp"] {
            let fake = Fake::new(move |seen| {
                Ok(match seen.service {
                    Service::Origin => response(
                        200,
                        &[("content-type", kind), ("cache-control", "max-age=600")],
                        gif(),
                    ),
                    Service::Optimizer => response(204, &[("x-vitrine-skip", reason)], ""),
                })
            });
            for _ in 0..3 {
                let whole = fake.send(&app(REWRITES), get("/a.webp", &[("accept", WEBP)]));
                assert_eq!(whole.header("content-type"), kind);
                assert_eq!(whole.body, gif());
            }
            assert_eq!(fake.seen_by(Service::Optimizer), 1, "{reason} {kind}");
        }
    }
}

#[test]
fn h71_a_tracking_pixel_is_passed_on_and_never_worked_on() {
    for in_time in [false, true] {
        let fake = Fake::new(|seen| {
            assert_eq!(seen.service, Service::Origin);
            Ok(response(
                200,
                &[
                    ("content-type", "image/gif"),
                    ("cache-control", "max-age=600"),
                ],
                b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
            ))
        });
        fake.set_capabilities(|capabilities| capabilities.deadlines = in_time);
        for _ in 0..2 {
            let whole = fake.send(&app(REWRITES), get("/t.gif?u=1", &[("accept", AVIF)]));
            assert_eq!(whole.header("content-type"), "image/gif");
            assert_eq!(whole.body.len(), 14);
        }
    }
}
