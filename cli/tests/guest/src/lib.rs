//! One path for everything that the host's tests look at: good behaviour and bad.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::disallowed_methods,
    reason = "a guest that misbehaves on purpose"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::SinkExt;
use http_body_util::BodyExt;
use spin_sdk::http::{BoxBody, FullBody, Request, Response, body, box_body};
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};
use spin_sdk::{time, variables, wasip3};

static SERVED: AtomicU32 = AtomicU32::new(0);

#[spin_sdk::http_service]
async fn handle(request: Request) -> Response<BoxBody> {
    SERVED.fetch_add(1, Ordering::Relaxed);
    match answer(request).await {
        Ok(response) => response,
        Err(error) => {
            let mut response = text(format!("{error:#}"));
            *response.status_mut() = spin_sdk::http::StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

async fn answer(request: Request) -> Result<Response<BoxBody>> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let path = request.uri().path().to_owned();
    Ok(match path.trim_start_matches("/api") {
        "/hello" => text("hello".into()),
        "/served" => text(SERVED.load(Ordering::Relaxed).to_string()),
        "/headers" => text(headers(&request)),
        "/echo" => Response::new(box_body(request.into_body().map_err(anyhow::Error::from))),
        "/proxy" => proxy(&query).await?,
        "/fetch" => text(fetch(&query).await),
        "/halves" => halves(&query),
        "/sleep" => {
            pause(&query).await;
            text("slept".into())
        }
        "/loop" => spin_forever(),
        "/eat" => text(eat().to_string()),
        "/trap" => core::arch::wasm32::unreachable(),
        "/trap-mid" => trap_mid(),
        "/after" => after(&query),
        "/status" => status(query.parse()?),
        "/sip" => sip(request).await?,
        "/post" => text(post(&query).await?),
        "/kv/get" => text(
            kv(&query)
                .await?
                .get(key(&query))
                .await?
                .map_or("none".into(), lossy),
        ),
        "/kv/set" => {
            let value = request.into_body().collect().await?.to_bytes();
            kv(&query).await?.set(key(&query), value).await?;
            text("set".into())
        }
        "/kv/delete" => {
            kv(&query).await?.delete(key(&query)).await?;
            text("deleted".into())
        }
        "/kv/exists" => text(kv(&query).await?.exists(key(&query)).await?.to_string()),
        "/kv/keys" => {
            let mut keys = kv(&query).await?.get_keys().await.collect().await?;
            keys.sort();
            text(keys.join(","))
        }
        "/sql" => text(sql(&query, request).await?),
        "/variable" => text(variables::get(&query).await?),
        "/environment" => text(std::env::var(&query)?),
        "/file" => text(std::fs::read_to_string(&query)?),
        "/write" => {
            text(std::fs::write(&query, "x").map_or("refused".into(), |()| "written".into()))
        }
        "/print" => {
            println!("{{\"note\":\"from the guest\"}}");
            eprintln!("a complaint");
            text("printed".into())
        }
        _ => status(404),
    })
}

fn text(text: String) -> Response<BoxBody> {
    Response::new(box_body(FullBody::new(Bytes::from(text))))
}

fn status(code: u16) -> Response<BoxBody> {
    let mut response = text(String::new());
    *response.status_mut() = spin_sdk::http::StatusCode::from_u16(code).expect("a status");
    response
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn headers(request: &Request) -> String {
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    lines.insert(0, format!("{} {}", request.method(), request.uri()));
    lines.join("\n")
}

/// Passes an upstream's response on, as it arrives.
async fn proxy(url: &str) -> Result<Response<BoxBody>> {
    let response = spin_sdk::http::get(url).await?;
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(
        parts,
        box_body(body.map_err(anyhow::Error::from)),
    ))
}

/// The status and body of an upstream, or its error by name.
async fn fetch(url: &str) -> String {
    match spin_sdk::http::get(url).await {
        Ok(response) => {
            let status = response.status().as_u16();
            match response.into_body().collect().await {
                Ok(body) => format!("{status} {}", lossy(body.to_bytes().to_vec())),
                Err(error) => format!("{status} broken: {error:?}"),
            }
        }
        Err(error) => format!("error: {error:?}"),
    }
}

/// Answers after the first piece of the body, and leaves the rest unread.
async fn sip(request: Request) -> Result<Response<BoxBody>> {
    let mut body = request.into_body();
    let first = body.frame().await.context("no body")??;
    let bytes = first.data_ref().map_or(0, Bytes::len);
    Ok(text(format!("{bytes} were enough")))
}

/// Posts as many bytes as the query says, piece by piece (`bytes:url`); gives the status and why an image was skipped.
async fn post(query: &str) -> Result<String> {
    let (bytes, url) = query.split_once(':').context("bytes:url")?;
    let mut left: usize = bytes.parse()?;
    let (mut sender, body) = body::stream::<Bytes>();
    wasip3::spawn(async move {
        while left > 0 {
            let piece = Bytes::from(vec![0; left.min(64 << 10)]);
            left -= piece.len();
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    let request = spin_sdk::http::Request::post(url)
        .header("x-vitrine-to", "avif")
        .body(box_body(body))?;
    let response = spin_sdk::http::send(request).await?;
    let skip = response
        .headers()
        .get("x-vitrine-skip")
        .and_then(|reason| reason.to_str().ok())
        .unwrap_or_default();
    Ok(format!("{} {skip}", response.status().as_u16()))
}

async fn pause(ms: &str) {
    time::sleep(Duration::from_millis(ms.parse().unwrap_or(100))).await;
}

/// Half a page, a pause, the other half.
fn halves(ms: &str) -> Response<BoxBody> {
    let (mut sender, body) = body::stream::<&'static str>();
    let ms = ms.to_owned();
    wasip3::spawn(async move {
        if sender.send("first half;").await.is_ok() {
            pause(&ms).await;
            let _ = sender.send("second half").await;
        }
    });
    Response::new(box_body(body))
}

fn trap_mid() -> Response<BoxBody> {
    let (mut sender, body) = body::stream::<&'static str>();
    wasip3::spawn(async move {
        let _ = sender.send("first half;").await;
        pause("100").await;
        core::arch::wasm32::unreachable()
    });
    Response::new(box_body(body))
}

/// Answers at once and works on: `label:key:milliseconds`.
fn after(query: &str) -> Response<BoxBody> {
    let query = query.to_owned();
    wasip3::spawn(async move {
        let mut parts = query.split(':');
        let (label, key, ms) = (parts.next(), parts.next(), parts.next());
        pause(ms.unwrap_or("0")).await;
        if let Ok(store) = Store::open(label.unwrap_or_default()).await {
            let _ = store.set(key.unwrap_or_default(), b"done").await;
        }
    });
    text("answered".into())
}

fn spin_forever() -> Response<BoxBody> {
    let mut n = 0_u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

fn eat() -> usize {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
        if hoard.len() > 1 << 20 {
            return hoard.len();
        }
    }
}

async fn kv(query: &str) -> Result<Store> {
    let label = query.split(':').next().unwrap_or_default();
    Store::open(label).await.context("open")
}

fn key(query: &str) -> &str {
    query.split(':').nth(1).unwrap_or_default()
}

/// Runs the statement in the body on the database in the query; the parameters are in `x-parameter` headers.
async fn sql(database: &str, request: Request) -> Result<String> {
    let parameters: Vec<Value> = request
        .headers()
        .get_all("x-parameter")
        .iter()
        .map(|value| Value::Text(lossy(value.as_bytes().to_vec())))
        .collect();
    let statement = lossy(request.into_body().collect().await?.to_bytes().to_vec());
    let connection = Connection::open(database).await.context("open")?;
    let result = connection
        .execute(&statement, parameters)
        .await
        .context("execute")?;
    let columns = result.columns().join(",");
    let rows = result.collect().await?;
    let rows: Vec<String> = rows.iter().map(|row| format!("{:?}", row.values)).collect();
    Ok(format!(
        "{columns}|{}|{}",
        rows.join(";"),
        connection.changes().await
    ))
}
