//! Connections: HTTP/1.1 and HTTP/2, with TLS or without, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use http::HeaderValue;
use http::uri::Scheme;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::front::{Front, Peer};
use super::limits;

/// Binds the address that clients connect to.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))
}

/// Serves until `stop` resolves, then lets requests in work finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Arc<Front>,
    stop: impl Future<Output = ()>,
) {
    let builder = Arc::new(builder());
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits::CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, address, permit)) = accepted else {
            continue;
        };
        let connection = Connection {
            builder: Arc::clone(&builder),
            front: Arc::clone(&front),
            watcher: graceful.watcher(),
            address,
        };
        let tls = tls.clone();
        tokio::spawn(async move {
            connection.run(stream, tls).await;
            drop(permit);
        });
    }
    drop(listener);
    // What is still in work after this is cut off.
    let _ = tokio::time::timeout(limits::DRAIN, graceful.shutdown()).await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    if let Ok((stream, address)) = listener.accept().await {
        // Pages stream: a small piece must not wait for a larger one.
        let _ = stream.set_nodelay(true);
        return Some((stream, address, permit));
    }
    // Out of file descriptors, most likely: some will be given back.
    tokio::time::sleep(Duration::from_millis(20)).await;
    None
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_TIME)
        .max_buf_size(limits::HEAD_BYTES.max(16 << 10))
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .max_header_list_size(limits::HEAD_BYTES as u32)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(15));
    builder
}

struct Connection {
    builder: Arc<Builder<TokioExecutor>>,
    front: Arc<Front>,
    watcher: Watcher,
    address: SocketAddr,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let front = Arc::clone(&self.front);
        let count = &front.shared.host_metrics.connections;
        count.fetch_add(1, Ordering::Relaxed);
        match tls {
            None => self.http(TokioIo::new(stream), Scheme::HTTP).await,
            Some(acceptor) => {
                let handshake = acceptor.accept(stream);
                if let Ok(Ok(stream)) = tokio::time::timeout(limits::FIRST_REQUEST, handshake).await
                {
                    self.http(TokioIo::new(stream), Scheme::HTTPS).await;
                }
            }
        }
        count.fetch_sub(1, Ordering::Relaxed);
    }

    async fn http<I: Read + Write + Unpin + Send + 'static>(self, io: I, scheme: Scheme) {
        let text = self.address.to_string();
        let peer = Arc::new(Peer {
            address: self.address,
            address_value: HeaderValue::from_str(&text)
                .unwrap_or(HeaderValue::from_static("0.0.0.0:0")),
            scheme,
        });
        let used = Arc::new(AtomicBool::new(false));
        let front = self.front;
        let service = service_fn({
            let used = Arc::clone(&used);
            move |request| {
                used.store(true, Ordering::Relaxed);
                let front = Arc::clone(&front);
                let peer = Arc::clone(&peer);
                async move { Ok::<_, std::convert::Infallible>(front.serve(&peer, request).await) }
            }
        });
        let connection = self.builder.serve_connection(io, service).into_owned();
        let mut connection = std::pin::pin!(self.watcher.watch(connection));
        // Until the protocol is known no other timeout runs. Errors are the client's: it went away or spoke no HTTP.
        tokio::select! {
            _ = &mut connection => return,
            () = tokio::time::sleep(limits::FIRST_REQUEST) => {}
        }
        if used.load(Ordering::Relaxed) {
            let _ = connection.await;
        }
    }
}

/// Reads the certificate chain and its key.
pub(crate) fn tls(cert: &std::path::Path, key: &std::path::Path) -> anyhow::Result<TlsAcceptor> {
    let open = |path: &std::path::Path| {
        let file =
            std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::Ok(std::io::BufReader::new(file))
    };
    let chain = rustls_pemfile::certs(&mut open(cert)?)
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} is not PEM", cert.display()))?;
    anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", cert.display());
    let key_der = rustls_pemfile::private_key(&mut open(key)?)
        .with_context(|| format!("{} is not PEM", key.display()))?
        .with_context(|| format!("{} holds no private key", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .context("certificate and key do not fit together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
