//! Starts the binary under test, an origin of the test's own, and speaks HTTP to both.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says where"
)]

pub(crate) mod origin;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;

/// A component of the tests, as `cargo xtask test` builds it.
pub(crate) fn component(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .to_owned();
    let path = target
        .join("wasm32-wasip2/wasm")
        .join(format!("vitrine_test_{name}.wasm"));
    assert!(
        path.is_file(),
        "{} is missing: cargo build -p vitrine-test-guest -p vitrine-test-hello --profile wasm --target wasm32-wasip2",
        path.display()
    );
    path
}

/// The application of most tests: `edge` fails open, `api` does not, `sibling` is private, `heavy` burns CPU.
pub(crate) fn manifest() -> String {
    let guest = component("guest");
    let guest = guest.display();
    format!(
        r#"spin_manifest_version = 2
[application]
name = "test"
[variables]
policy = {{ default = "{{}}" }}
origin_settings = {{ default = "{{}}" }}
operator_token = {{ default = "", secret = true }}
colour = {{ default = "red" }}
[[trigger.http]]
route = "/..."
component = "edge"
[[trigger.http]]
route = "/api/..."
component = "api"
[[trigger.http]]
route = "/sleep"
component = "heavy"
[[trigger.http]]
route = {{ private = true }}
component = "sibling"
[component.edge]
source = "{guest}"
allowed_outbound_hosts = ["http://127.0.0.1:*", "http://sibling.spin.internal", "http://origin-adapter.spin.internal"]
key_value_stores = ["cache", "state"]
sqlite_databases = ["facts"]
environment = {{ MOOD = "calm" }}
files = [{{ source = "shared", destination = "/shared" }}]
[component.edge.variables]
policy = "{{{{ policy }}}}"
colour = "a {{{{ colour }}}} door"
[component.edge.tool.vitrine]
request_ms = 1000
[component.api]
source = "{guest}"
key_value_stores = ["state"]
[component.api.tool.vitrine]
request_ms = 600
memory_mib = 16
[component.heavy]
source = "{guest}"
[component.heavy.tool.vitrine]
cpu_heavy = true
concurrent = 1
[component.sibling]
source = "{guest}"
[component.origin-adapter]
source = "{guest}"
"#
    )
}

/// A directory with a manifest, and whatever else a test writes into it.
pub(crate) struct Site {
    pub(crate) dir: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(&manifest())
    }

    /// All tests share the compiled code: compiling it anew would be most of their time.
    pub(crate) fn with(manifest: &str) -> Self {
        let site = Self::fresh(manifest);
        site.share_code();
        site
    }

    /// One that has compiled nothing.
    pub(crate) fn fresh(manifest: &str) -> Self {
        let site = Self::empty();
        site.write("spin.toml", manifest);
        std::fs::create_dir(site.dir.path().join("shared")).unwrap();
        site.write("shared/note.txt", "a note");
        site
    }

    /// A directory with nothing in it.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir }
    }

    pub(crate) fn share_code(&self) {
        let modules = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules");
        std::fs::create_dir_all(&modules).unwrap();
        std::fs::create_dir(self.dir.path().join(".vitrine")).unwrap();
        std::os::unix::fs::symlink(modules, self.dir.path().join(".vitrine/modules")).unwrap();
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vitrine"));
        command
            .current_dir(self.dir.path())
            .args(["up", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the host and waits until it listens.
    pub(crate) fn up(&self, arguments: &[&str]) -> Host {
        let mut child = self.command(arguments).spawn().unwrap();
        let log = collect(child.stdout.take().unwrap());
        let messages = collect(child.stderr.take().unwrap());
        let deadline = Instant::now() + Duration::from_mins(2);
        let address = loop {
            if let Some(address) = messages
                .find("Vitrine serves ")
                .and_then(|line| address(&line))
            {
                break address;
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the host ended with {status}: {:#?}", messages.all());
            }
            assert!(Instant::now() < deadline, "the host does not listen");
            std::thread::sleep(Duration::from_millis(10));
        };
        Host {
            child,
            address,
            log,
            messages,
        }
    }

    /// Runs the host where it should not start; gives its exit code and what it said.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    line.split("://").nth(1)?.split(' ').next()?.parse().ok()
}

/// Lines that a process writes.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

fn collect(source: impl std::io::Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let sink = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(source).lines() {
            let Ok(line) = line else { return };
            sink.0.lock().unwrap().push(line);
        }
    });
    lines
}

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn find(&self, needle: &str) -> Option<String> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .find(|line| line.contains(needle))
            .cloned()
    }

    /// Waits for a line.
    pub(crate) async fn wait(&self, needle: &str) -> String {
        for _ in 0..500 {
            if let Some(line) = self.find(needle) {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line with {needle:?} in {:#?}", self.all());
    }
}

/// A running host. Dropping it kills it.
pub(crate) struct Host {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) log: Lines,
    pub(crate) messages: Lines,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Host {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(self.url(path))).await
    }

    pub(crate) async fn send(&self, request: http::request::Builder) -> Reply {
        self.send_with(request, Bytes::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.send_with(Request::post(self.url(path)), body.into())
            .await
    }

    pub(crate) async fn send_with(&self, request: http::request::Builder, body: Bytes) -> Reply {
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        read(
            client
                .request(request.body(Full::new(body)).unwrap())
                .await
                .unwrap(),
        )
        .await
    }

    /// One sample of `/_v/metrics`.
    pub(crate) async fn metric(&self, line: &str) -> f64 {
        let text = self.get("/_v/metrics").await.text;
        let sample = text
            .lines()
            .find(|l| l.starts_with(line))
            .unwrap_or_else(|| panic!("no {line} in {text}"));
        sample.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits for the end of the process.
    pub(crate) async fn wait(&mut self) -> Option<i32> {
        for _ in 0..1500 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the host does not end");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn read(response: Response<hyper::body::Incoming>) -> Reply {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}
