//! The component in its host gives the bytes that the library gives natively: for every engine and setting, on
//! generated pictures and on the photographs in the folder `VITRINE_PHOTOS`.
//!
//! `cargo xtask test` builds what this needs, and names it: `VITRINE_BIN`, and the component in `OPTIMIZER_WASM`. Prints
//! what wasm takes beside native, queue and transport included.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test of a whole host starts it, and measures time"
)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use image::DynamicImage;
use vitrine_optimizer::respond;

/// Photographs that are looked at without `VITRINE_PHOTOS_ALL`.
const PHOTOGRAPHS: usize = 12;

/// What is asked for: target, quality, effort, and width (0: the source's own).
type Asked = (&'static str, u8, &'static str, u32);

#[test]
fn wasm_gives_the_bytes_that_native_code_gives() {
    let host = Host::start();
    let mut seen = 0;
    let mut times: BTreeMap<Asked, (Duration, Duration)> = BTreeMap::new();
    for (name, source, asked) in work() {
        for asked in asked {
            let request = request(source.clone(), asked);
            let begun = Instant::now();
            let native = respond(&request);
            let natively = begun.elapsed();
            let begun = Instant::now();
            let (status, headers, body) = host.ask(&request);
            let time = times.entry(asked).or_default();
            *time = (time.0 + natively, time.1 + begun.elapsed());
            assert_eq!(status, native.status().as_u16(), "{name} {asked:?}");
            for header in ["content-type", "x-vitrine-recipe", "x-vitrine-skip"] {
                assert_eq!(
                    headers.get(header),
                    native.headers().get(header),
                    "{name} {asked:?}"
                );
            }
            assert!(
                native.body() == body.as_slice(),
                "{name} {asked:?}: other bytes"
            );
            seen += usize::from(!body.is_empty());
        }
    }
    println!("{seen} files, byte for byte");
    for (asked, (native, wasm)) in times {
        let ratio = wasm.as_secs_f64() / native.as_secs_f64();
        println!("{asked:?}: native {native:.2?}, wasm {wasm:.2?}, {ratio:.2} times");
    }
    assert!(seen > 40, "only {seen} pictures came out smaller");
}

fn request(source: Bytes, (target, quality, effort, width): Asked) -> Request<Bytes> {
    let mut request = Request::post("/encode")
        .header("x-vitrine-to", target)
        .header("x-vitrine-quality", u16::from(quality))
        .header("x-vitrine-effort", effort);
    if width > 0 {
        request = request.header("x-vitrine-width", width);
    }
    request.body(source).unwrap()
}

fn work() -> Vec<(String, Bytes, Vec<Asked>)> {
    let photo = DynamicImage::from(common::photo(150, 110));
    let cut_out = image::RgbaImage::from_fn(121, 91, |x, y| {
        let alpha = if x < 60 { (x * 4) as u8 } else { 255 };
        image::Rgba([(x * 2) as u8, (y * 2) as u8, (x * y / 30) as u8, alpha])
    });
    let drawing = image::RgbImage::from_fn(200, 150, |x, y| {
        image::Rgb(if (x / 7 + y / 5) % 3 == 0 {
            [200, 30, 40]
        } else {
            [250, 250, (x / 50 * 60) as u8]
        })
    });
    let mut every = vec![("same", 75, "first", 0), ("same", 75, "first", 97)];
    for quality in [55, 75, 88] {
        for width in [0, 97] {
            every.push(("avif", quality, "first", width));
            every.push(("avif", quality, "refined", width));
            every.push(("webp", quality, "first", width));
            every.push(("webp", quality, "refined", width));
        }
    }
    let mut work: Vec<_> = [
        ("photo.jpg", common::jpeg(&photo, 92)),
        ("gray.jpg", common::jpeg(&photo.to_luma8().into(), 92)),
        (
            "turned.jpg",
            common::with_exif(&common::jpeg(&photo, 92), 6),
        ),
        ("photo.png", common::png(&photo)),
        ("cut-out.png", common::png(&cut_out.into())),
        ("drawing.png", common::png(&drawing.into())),
        ("photo.webp", common::webp(&photo)),
        ("still.gif", common::gif(&[photo.to_rgb8()])),
        ("filmed.gif", common::gif(&common::film())),
        ("drawn.gif", common::gif(&common::slides())),
    ]
    .into_iter()
    .map(|(name, source)| (name.to_owned(), source.into(), every.clone()))
    .collect();
    let photographs = photographs();
    let least = if std::env::var_os("VITRINE_PHOTOS_ALL").is_some() {
        usize::MAX
    } else {
        PHOTOGRAPHS
    };
    for path in photographs.into_iter().take(least) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let asked = vec![
            ("avif", 75, "first", 640),
            ("avif", 75, "refined", 640),
            ("avif", 88, "first", 640),
            ("webp", 75, "first", 640),
            ("same", 75, "first", 640),
        ];
        work.push((name, std::fs::read(path).unwrap().into(), asked));
    }
    work
}

fn photographs() -> Vec<PathBuf> {
    let Some(folder) = std::env::var_os("VITRINE_PHOTOS") else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "jpg"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "VITRINE_PHOTOS has none");
    paths
}

/// The host, with the optimizer alone in it.
struct Host {
    process: Child,
    address: String,
    folder: PathBuf,
}

impl Host {
    fn start() -> Self {
        let named =
            |name: &str| std::env::var(name).expect("VITRINE_BIN and OPTIMIZER_WASM should be set");
        let folder = std::env::temp_dir().join(format!("vitrine-hosted-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(named("OPTIMIZER_WASM"), folder.join("optimizer.wasm")).unwrap();
        std::fs::write(folder.join("spin.toml"), MANIFEST).unwrap();
        let port = std::env::var("VITRINE_PORT").unwrap_or_else(|_| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port().to_string()
        });
        let address = format!("127.0.0.1:{port}");
        let process = Command::new(named("VITRINE_BIN"))
            .args([
                "up",
                "--quiet",
                "--manifest",
                "spin.toml",
                "--state-dir",
                "state",
            ])
            .args(["--listen", &address])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let host = Self {
            process,
            address,
            folder,
        };
        // The first start compiles the component.
        let begun = Instant::now();
        while TcpStream::connect(&host.address).is_err() {
            assert!(
                begun.elapsed() < Duration::from_mins(2),
                "the host does not listen"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        host
    }

    /// HTTP/1.0: an answer ends with its connection.
    fn ask(&self, request: &Request<Bytes>) -> (u16, HeaderMap, Vec<u8>) {
        let mut head = format!(
            "POST {} HTTP/1.0\r\nhost: optimizer\r\n",
            request.uri().path()
        );
        for (name, value) in request.headers() {
            write!(head, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
        write!(head, "content-length: {}\r\n\r\n", request.body().len()).unwrap();
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(request.body()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = std::str::from_utf8(&answer[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        (status, headers.collect(), answer[end + 4..].to_vec())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const MANIFEST: &str = r#"
spin_manifest_version = 2
[application]
name = "optimizer-alone"
version = "0.1.0"
[[trigger.http]]
route = "/..."
component = "optimizer"
[component.optimizer]
source = "optimizer.wasm"
allowed_outbound_hosts = []
"#;
