//! What the host promises, seen from outside: the binary runs, and a test component behaves well or badly in it.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]

mod support;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use support::{Site, origin, read};

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_serves_one_request_after_another() {
    let site = Site::new();
    let host = site.up(&[]);
    for expected in 1..=5 {
        assert_eq!(host.get("/served").await.text, expected.to_string());
    }
    assert_eq!(
        host.metric("vitrine_instances_started_total{component=\"edge\"}")
            .await as u32,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_half_of_a_page_arrives_while_the_second_is_awaited() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&[]);
    host.get("/hello").await;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = host.url(&format!("/proxy?{}", origin.url("/halves")));
    let mut response = client.get(url.parse().unwrap()).await.unwrap();
    let first = response.body_mut().frame().await.unwrap().unwrap();
    let delay = origin.sent.lock().unwrap().unwrap().elapsed();
    assert_eq!(first.into_data().unwrap(), "first half;");
    assert!(
        delay < Duration::from_millis(50),
        "the first half took {delay:?}"
    );
    let second = response.body_mut().collect().await.unwrap().to_bytes();
    assert_eq!(second, "second half");
    let whole = origin.sent.lock().unwrap().unwrap().elapsed();
    assert!(whole >= Duration::from_secs(2), "{whole:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_body_streams_in_while_the_response_streams_out() {
    let site = Site::new();
    let host = site.up(&[]);
    let (mut sender, receiver) = futures::channel::mpsc::channel::<Result<_, std::io::Error>>(1);
    let piece = |text: &'static str| {
        Ok(hyper::body::Frame::data(Bytes::from_static(
            text.as_bytes(),
        )))
    };
    let client: Client<_, _> = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(host.url("/echo"))
        .body(StreamBody::new(receiver))
        .unwrap();
    sender.try_send(piece("one ")).unwrap();
    let mut response = client.request(request).await.unwrap();
    let first = response.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "one ");
    sender.try_send(piece("two")).unwrap();
    drop(sender);
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "two"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_component_is_cut_off_at_its_time_limit_and_others_are_served_meanwhile() {
    let site = Site::new();
    let host = site.up(&[]);
    host.get("/api/hello").await;
    let started = Instant::now();
    let (busy, quick) = tokio::join!(host.get("/api/loop"), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = Instant::now();
        let reply = host.get("/api/hello").await;
        (reply.text, asked.elapsed())
    });
    assert_eq!(
        (busy.status, busy.header("content-type")),
        (504, Some("application/problem+json"))
    );
    let took = started.elapsed();
    assert!(
        (Duration::from_millis(600)..Duration::from_secs(3)).contains(&took),
        "{took:?}"
    );
    assert_eq!(quick.0, "hello");
    assert!(
        quick.1 < Duration::from_millis(400),
        "another request waited {:?}",
        quick.1
    );
    host.log.wait("time limit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_eats_memory_is_a_clean_502_and_the_next_request_is_served() {
    let site = Site::new();
    let host = site.up(&[]);
    let reply = host.get("/api/eat").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (502, Some("application/problem+json"))
    );
    assert_eq!(host.get("/api/hello").await.text, "hello");
    assert!(host.metric("vitrine_traps_total{component=\"api\"}").await >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_component_fails_is_the_shops_own() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&["--origin", &origin.url("")]);
    for (path, reason) in [("/trap", "trap"), ("/loop", "timeout"), ("/eat", "trap")] {
        let reply = host.get(path).await;
        assert_eq!(
            (reply.status, reply.text),
            (200, format!("the shop's own {path}")),
            "{path}"
        );
        let note = format!("bypass; reason={reason}");
        assert_eq!(reply.headers["x-vitrine"], note, "{path}");
        let cookies: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"], "{path}");
    }
    assert_eq!(host.metric("vitrine_bypass_total").await as u32, 3);
    let seen = origin.seen.lock().unwrap().join("\n");
    assert!(
        seen.contains("\"x-forwarded-for\": \"127.0.0.1\""),
        "{seen}"
    );
    assert!(
        seen.contains(&format!("\"x-forwarded-host\": \"{}\"", host.address)),
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_the_shops_own_too_when_the_component_in_front_of_the_shop_fails() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&["--origin", &origin.url("")]);
    let reply = host
        .get("/fetch?http://origin-adapter.spin.internal/trap")
        .await;
    assert_eq!(reply.text, "200 the shop's own /trap");
    let reply = host.get("/fetch?http://sibling.spin.internal/trap").await;
    assert!(reply.text.starts_with("error"), "{}", reply.text);
    assert_eq!(host.metric("vitrine_bypass_total").await as u32, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_could_be_done_twice_does_not_fail_open() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&["--origin", &origin.url("")]);
    let reply = host.post("/trap", "an order").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (502, Some("application/problem+json"))
    );
    assert!(origin.seen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_shop_a_failing_page_is_a_clean_502() {
    let site = Site::new();
    let host = site.up(&["--origin", "http://127.0.0.1:1"]);
    let reply = host.get("/trap").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (502, Some("application/problem+json"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_in_mid_body_breaks_the_connection_and_is_never_a_short_page() {
    let site = Site::new();
    let host = site.up(&[]);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .get(host.url("/trap-mid").parse().unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response.into_body().collect().await.is_err(),
        "a short page looked whole"
    );
    host.log.wait("\"end\":\"broken\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_in_mid_body_breaks_what_a_sibling_passes_on() {
    let mut manifest = support::manifest();
    manifest = manifest.replace("http://sibling.spin.internal", "http://*.spin.internal");
    let site = Site::with(&manifest);
    let host = site.up(&[]);
    let reply = host
        .get("/fetch?http://sibling.spin.internal/trap-mid")
        .await;
    assert!(reply.text.starts_with("200 broken"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_dies_in_mid_page_breaks_the_connection() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&[]);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = host.url(&format!("/proxy?{}", origin.url("/breaks")));
    let response = client.get(url.parse().unwrap()).await.unwrap();
    assert!(
        response.into_body().collect().await.is_err(),
        "a short page looked whole"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_outside_the_allowed_hosts_is_refused_and_logged() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&[]);
    let allowed = host.get(&format!("/fetch?{}", origin.url("/x"))).await;
    assert_eq!(allowed.text, "200 the shop's own /x");
    for url in [
        "https://example.com/",
        "http://localhost:1/",
        "http://api.spin.internal/hello",
    ] {
        let reply = host.get(&format!("/fetch?{url}")).await;
        assert!(
            reply.text.contains("HttpRequestDenied"),
            "{url}: {}",
            reply.text
        );
    }
    let line = host.log.wait("outbound refused").await;
    assert!(line.contains("https://example.com"), "{line}");
    let refused = host
        .metric("vitrine_outbound_refused_total{component=\"edge\"}")
        .await;
    assert_eq!(refused as u32, 3);
    assert_eq!(origin.seen.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sibling_is_called_in_the_process() {
    let site = Site::new();
    let host = site.up(&[]);
    let reply = host
        .get("/fetch?http://sibling.spin.internal/headers")
        .await;
    assert!(
        reply
            .text
            .contains("spin-full-url: http://sibling.spin.internal/headers"),
        "{}",
        reply.text
    );
    assert_eq!(
        host.metric("vitrine_instances{component=\"sibling\"}")
            .await as u32,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_component_has_no_address_outside() {
    let site =
        Site::with(&support::manifest().replace("route = \"/...\"", "route = \"/edge/...\""));
    let host = site.up(&[]);
    let reply = host.get("/sibling").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (404, Some("application/problem+json"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_host_says_who_the_client_is() {
    let site = Site::new();
    let host = site.up(&[]);
    let request = Request::get(host.url("/headers?a=1"))
        .header("spin-client-addr", "6.6.6.6:1")
        .header("spin-anything", "x")
        .header("connection", "x-secret-hop")
        .header("x-secret-hop", "y")
        .header("te", "trailers")
        .header("x-kept", "z");
    let text = host.send(request).await.text;
    assert!(text.contains("spin-client-addr: 127.0.0.1:"), "{text}");
    assert!(
        text.contains(&format!(
            "spin-full-url: http://{}/headers?a=1",
            host.address
        )),
        "{text}"
    );
    assert!(text.contains("x-kept: z"), "{text}");
    for gone in ["6.6.6.6", "spin-anything", "x-secret-hop", "\nte: "] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_after_the_response() {
    let site = Site::new();
    let host = site.up(&[]);
    assert_eq!(host.get("/after?cache:k:300").await.text, "answered");
    assert_eq!(host.get("/kv/get?cache:k").await.text, "none");
    for _ in 0..100 {
        if host.get("/kv/get?cache:k").await.text == "done" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the work after the response was not done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let site = Site::new();
    let host = site.up(&[]);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut response = client
        .get(host.url("/halves?20000").parse().unwrap())
        .await
        .unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    drop(client);
    let line = host.log.wait("\"path\":\"/halves\"").await;
    assert!(line.contains("\"end\":\"aborted\""), "{line}");
    // The request for the metrics is in work itself.
    assert_eq!(host.metric("vitrine_requests_in_work").await as u32, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cpu_heavy_work_waits_in_a_bounded_queue_and_pages_do_not_wait_for_it() {
    let site = Site::new();
    let host = site.up(&[]);
    let threads = std::thread::available_parallelism().unwrap().get() / 2;
    let most = threads.max(1) + 32;
    let requests = (0..most + 8).map(|_| host.get("/sleep?200"));
    let all = futures::future::join_all(requests);
    let (replies, page) = tokio::join!(all_within(all), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let asked = Instant::now();
        assert_eq!(host.get("/hello").await.text, "hello");
        asked.elapsed()
    });
    assert!(page < Duration::from_millis(500), "a page waited {page:?}");
    let busy = replies.iter().filter(|status| **status == 503).count();
    let served = replies.iter().filter(|status| **status == 200).count();
    assert!(busy >= 1, "none was turned away: {replies:?}");
    assert!(served >= most, "a place in the queue was lost: {replies:?}");
    assert_eq!(busy + served, replies.len(), "{replies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_holds_up_no_visitor() {
    let site = Site::new();
    let host = site.up(&[]);
    let threads = (std::thread::available_parallelism().unwrap().get() / 2).max(1);
    let later = || Request::get(host.url("/sleep?1500")).header("priority", "u=7");
    let behind = futures::future::join_all((0..=threads).map(|_| host.send(later())));
    let (replies, waited) = tokio::join!(all_within(behind), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let asked = Instant::now();
        assert_eq!(host.get("/sleep?1").await.status, 200);
        asked.elapsed()
    });
    assert!(
        waited < Duration::from_secs(1),
        "a visitor waited {waited:?}"
    );
    assert!(replies.iter().all(|status| *status == 200), "{replies:?}");
}

/// The status of each; the queue is long, and what still waits when the test has seen enough is let go.
async fn all_within(all: impl Future<Output = Vec<support::Reply>>) -> Vec<u16> {
    let replies = tokio::time::timeout(Duration::from_mins(2), all)
        .await
        .expect("the queue moves");
    replies.iter().map(|reply| reply.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_without_a_body_are_framed_as_such() {
    let site = Site::new();
    let host = site.up(&[]);
    let head = host.send(Request::head(host.url("/hello"))).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let none = host.get("/status?204").await;
    assert_eq!((none.status, none.text.as_str()), (204, ""));
    assert!(none.header("transfer-encoding").is_none() && none.header("content-length").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_is_logged_as_such_whatever_ends_it() {
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&[]);
    host.send(Request::head(host.url("/headers"))).await;
    for status in ["204", "304"] {
        host.get(&format!("/status?{status}")).await;
    }
    host.get("/status?200").await;
    host.get("/hello").await;
    let counted = host
        .get(&format!("/proxy?{}", origin.url("/counted")))
        .await;
    assert_eq!(counted.header("content-length"), Some("23"));
    host.get("/halves?10").await;
    host.get("/_v/health").await;
    let mut lines = Vec::new();
    for _ in 0..200 {
        lines = host.log.all();
        if lines.len() >= 8 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(lines.len(), 8, "{lines:#?}");
    for line in lines {
        assert!(line.contains("\"end\":\"ok\""), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_last_byte_is_logged_as_gone_though_the_length_is_known() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let origin = origin::start().await;
    let site = Site::new();
    let host = site.up(&[]);
    host.get("/hello").await;
    let mut stream = tokio::net::TcpStream::connect(host.address).await.unwrap();
    let url = origin.url("/counted-slowly");
    let head = format!("GET /proxy?{url} HTTP/1.1\r\nhost: a\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.read_u8().await.unwrap();
    drop(stream);
    let line = host.log.wait("\"path\":\"/proxy\"").await;
    assert!(line.contains("\"end\":\"aborted\""), "{line}");
}

/// Larger than what the buffers of both ends hold, so that a body which nobody reads stands still.
const LARGE: usize = 30 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_before_it_reads_gets_the_answer_that_came_early() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let site = Site::new();
    let host = site.up(&[]);
    host.get("/hello").await;
    let mut stream = tokio::net::TcpStream::connect(host.address).await.unwrap();
    // Twice: the connection is as good as before.
    for _ in 0..2 {
        let head = format!("POST /sip HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![0; LARGE]).await.unwrap();
        let mut answer = Vec::new();
        while !String::from_utf8_lossy(&answer).contains("were enough") {
            let read = tokio::time::timeout(Duration::from_secs(5), stream.read_buf(&mut answer));
            assert_ne!(read.await.expect("an answer").unwrap(), 0);
        }
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        // The chunk that ends the body may come after its text.
        if !answer.ends_with("0\r\n\r\n") && answer.contains("chunked") {
            let mut end = [0; 7];
            stream.read_exact(&mut end).await.unwrap();
            assert_eq!(&end, b"\r\n0\r\n\r\n");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_reaches_a_client_of_http2_too() {
    let site = Site::new();
    let host = site.up(&[]);
    let client: Client<_, http_body_util::Full<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let body = http_body_util::Full::new(Bytes::from(vec![0; LARGE]));
    let request = Request::post(host.url("/sip")).body(body).unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(5), client.request(request));
    let reply = read(asked.await.expect("an answer").unwrap()).await;
    assert!(reply.text.ends_with("were enough"), "{}", reply.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sibling_may_answer_before_it_has_read_everything() {
    let site = Site::new();
    let host = site.up(&[]);
    let path = format!("/post?{LARGE}:http://sibling.spin.internal/sip");
    let asked = tokio::time::timeout(Duration::from_secs(5), host.get(&path));
    assert_eq!(asked.await.expect("an answer").text, "200 ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_says_that_it_compiles_and_the_next_has_nothing_to_say() {
    let site = Site::fresh(&support::manifest());
    let first = site.up(&[]);
    let said = first.messages.all().join("\n");
    for needle in [
        "compiling edge (0.",
        "compiled edge in ",
        "compiled all in ",
    ] {
        assert!(said.contains(needle), "{needle} is not in\n{said}");
    }
    drop(first);
    let second = site.up(&[]);
    let said = second.messages.all().join("\n");
    assert!(!said.contains("compil"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_carries_requests_and_what_guests_write() {
    let site = Site::new();
    let host = site.up(&[]);
    host.get("/print?secret=1").await;
    assert_eq!(
        host.log.wait("from the guest").await,
        r#"{"component":"edge","note":"from the guest"}"#
    );
    assert_eq!(
        host.log.wait("a complaint").await,
        r#"{"component":"edge","stderr":"a complaint"}"#
    );
    let line = host.log.wait("\"path\":\"/print\"").await;
    let access: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&access["status"], &access["to"], &access["bytes"]),
        (&200.into(), &"edge".into(), &7.into())
    );
    assert!(!line.contains("secret"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_are_the_hosts_own() {
    let site = Site::new();
    let host = site.up(&["--quiet"]);
    host.get("/hello").await;
    assert_eq!(host.get("/_v/health").await.text, "{\"status\":\"ok\"}\n");
    assert_eq!(
        host.metric("vitrine_requests_total{component=\"edge\",class=\"2xx\"}")
            .await as u32,
        1
    );
    assert_eq!(host.post("/_v/health", "").await.status, 405);
    assert!(host.log.all().is_empty(), "quiet: {:?}", host.log.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_mounted_for_reading_only_and_the_environment_is_set() {
    let site = Site::new();
    let host = site.up(&[]);
    assert_eq!(host.get("/file?/shared/note.txt").await.text, "a note");
    assert_eq!(host.get("/write?/shared/new.txt").await.text, "refused");
    assert_eq!(host.get("/file?/etc/passwd").await.status, 500);
    assert_eq!(host.get("/environment?MOOD").await.text, "calm");
    assert_eq!(host.get("/environment?HOME").await.status, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_signal_lets_requests_in_work_finish() {
    let site = Site::new();
    let mut host = site.up(&[]);
    host.get("/hello").await;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let url = host.url("/halves?700").parse().unwrap();
    let response = client.get(url).await.unwrap();
    host.terminate();
    host.messages.wait("stopping").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(
        tokio::net::TcpStream::connect(host.address).await.is_err(),
        "it still accepts"
    );
    assert_eq!(read(response).await.text, "first half;second half");
    drop(client);
    assert_eq!(host.wait().await, Some(0));
    assert_eq!(host.log.find("problem"), None);
}
