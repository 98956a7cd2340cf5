//! A host of its own for a test, with the optimizer alone in it.
//!
//! `VITRINE_BIN` names the host, and `OPTIMIZER_WASM` the component.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};

/// The host, with the optimizer alone in it.
pub(crate) struct Host {
    process: Child,
    address: String,
    folder: PathBuf,
}

impl Host {
    /// The one that runs, or a new one: it ends with the last test that has it.
    pub(crate) fn shared() -> Arc<Self> {
        static RUNNING: Mutex<Weak<Host>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap();
        running.upgrade().unwrap_or_else(|| {
            let host = Arc::new(Self::start());
            *running = Arc::downgrade(&host);
            host
        })
    }

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

    /// What the host counts under a name.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let request = Request::get("/_v/metrics").body(Bytes::new()).unwrap();
        let (_, _, body) = self.ask(&request);
        let text = String::from_utf8(body).unwrap();
        let lines = text.lines().filter(|line| line.starts_with(name));
        let values = lines.map(|line| line.rsplit_once(' ').unwrap().1);
        values.map(|value| value.parse::<u64>().unwrap()).sum()
    }

    /// HTTP/1.0: an answer ends with its connection.
    pub(crate) fn ask(&self, request: &Request<Bytes>) -> (u16, HeaderMap, Vec<u8>) {
        let mut head = format!(
            "{} {} HTTP/1.0\r\nhost: optimizer\r\n",
            request.method(),
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
