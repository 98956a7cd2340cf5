//! HTTP/2, with TLS and without.
#![allow(
    clippy::disallowed_methods,
    reason = "the tests of a host look at the world's clock, files and sockets"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::{Site, read};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_served_in_cleartext() {
    let site = Site::new();
    let host = site.up(&[]);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let response = client
        .get(host.url("/headers").parse().unwrap())
        .await
        .unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    let text = read(response).await.text;
    assert!(
        text.contains(&format!("spin-full-url: http://{}/headers", host.address)),
        "{text}"
    );
    host.log.wait("\"protocol\":\"HTTP/2\"").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_in_mid_body_resets_the_stream_of_http2() {
    use http_body_util::BodyExt;
    let site = Site::new();
    let host = site.up(&[]);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let response = client
        .get(host.url("/trap-mid").parse().unwrap())
        .await
        .unwrap();
    assert!(
        response.into_body().collect().await.is_err(),
        "a short page looked whole"
    );
}

struct Certificate {
    site: Site,
    roots: rustls::RootCertStore,
}

fn certificate() -> Certificate {
    let site = Site::new();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    site.write("cert.pem", &made.cert.pem());
    site.write("key.pem", &made.signing_key.serialize_pem());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    Certificate { site, roots }
}

async fn connect(
    address: std::net::SocketAddr,
    roots: rustls::RootCertStore,
    protocols: &[&str],
) -> TlsStream<tokio::net::TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_negotiated_over_tls() {
    let made = certificate();
    let host = made
        .site
        .up(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let stream = connect(host.address, made.roots, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/headers")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let text = read(sender.send_request(request).await.unwrap()).await.text;
    assert!(
        text.contains("spin-full-url: https://localhost/headers"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn http1_is_served_over_tls_to_those_who_speak_nothing_else() {
    let made = certificate();
    let host = made
        .site
        .up(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]);
    let stream = connect(host.address, made.roots, &["http/1.1"]).await;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("/hello")
        .header("host", "localhost")
        .body(Empty::<Bytes>::new())
        .unwrap();
    assert_eq!(
        read(sender.send_request(request).await.unwrap()).await.text,
        "hello"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_target_is_ambiguous_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let site = Site::new();
    let host = site.up(&[]);
    for head in [
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET http://a/hello HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: user@a\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(host.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400", "{head:?}");
    }
}
