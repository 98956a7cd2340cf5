//! The doors, as processes.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

/// A host compiles its components when it starts for the first time.
const START: Duration = Duration::from_mins(3);

/// A way in.
pub(crate) struct Door {
    /// Its column in the table.
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    Vitrine {
        bin: PathBuf,
        manifest: PathBuf,
    },
    Fastly {
        viceroy: PathBuf,
        module: PathBuf,
    },
    Spin {
        bin: PathBuf,
        manifest: PathBuf,
        runtime: Option<PathBuf>,
    },
}

/// A running host; it ends with this value.
pub(crate) struct Open {
    pub(crate) address: String,
    child: Child,
    scratch: Scratch,
}

impl Drop for Open {
    fn drop(&mut self) {
        // A host may have children of its own: the group ends as one.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}

/// A folder that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn from_environment() -> Vec<Door> {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest = path("VITRINE_MANIFEST").unwrap_or_else(|| root.join("spin.toml"));
    let mut doors = Vec::new();
    if let Some(bin) = path("VITRINE_BIN") {
        let manifest = manifest.clone();
        doors.push(Door {
            name: "embedded",
            kind: Kind::Vitrine { bin, manifest },
        });
    }
    if let Some(bin) = path("SPIN_BIN") {
        let runtime = path("SPIN_RUNTIME_CONFIG");
        doors.push(Door {
            name: "spin",
            kind: Kind::Spin {
                bin,
                manifest,
                runtime,
            },
        });
    }
    if let (Some(viceroy), Some(module)) = (path("VICEROY_BIN"), path("FASTLY_WASM")) {
        doors.push(Door {
            name: "fastly",
            kind: Kind::Fastly { viceroy, module },
        });
    }
    doors
}

impl Door {
    /// Starts the host with a policy, in front of an origin.
    pub(crate) async fn open(&self, policy: &str, origin: &str) -> Result<Open, String> {
        let port = free_port().map_err(|error| error.to_string())?;
        let address = format!("127.0.0.1:{port}");
        let scratch = Scratch(std::env::temp_dir().join(format!("vitrine-door-{port}")));
        std::fs::create_dir_all(&scratch.0).map_err(|error| error.to_string())?;
        let mut command = self.command(policy, origin, &address, &scratch.0)?;
        let log = std::fs::File::create(scratch.0.join("log")).map_err(|e| e.to_string())?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let mut open = Open {
            address,
            child,
            scratch,
        };
        open.wait().await?;
        Ok(open)
    }

    fn command(
        &self,
        policy: &str,
        origin: &str,
        address: &str,
        scratch: &Path,
    ) -> Result<Command, String> {
        let origin_settings = format!(r#"{{"url":"{origin}"}}"#);
        match &self.kind {
            Kind::Vitrine { bin, manifest } => {
                let mut command = Command::new(bin);
                let empty = scratch.join("vitrine.toml");
                std::fs::write(&empty, "").map_err(|error| error.to_string())?;
                command
                    .arg("up")
                    .args(["--listen", address, "--origin", origin, "--quiet"])
                    .arg("--manifest")
                    .arg(manifest)
                    .arg("--config")
                    .arg(empty)
                    .arg("--state-dir")
                    .arg(scratch.join("state"))
                    .args(["--set", "operator_token=token", "--set"])
                    .arg(format!("policy={policy}"));
                Ok(command)
            }
            Kind::Spin {
                bin,
                manifest,
                runtime,
            } => {
                let mut command = Command::new(bin);
                command
                    .args(["up", "--quiet", "--listen", address])
                    .arg("--from")
                    .arg(manifest)
                    .arg("--state-dir")
                    .arg(scratch.join("state"))
                    .args(["--variable", "operator_token=token", "--variable"])
                    .arg(format!("policy={policy}"))
                    .arg("--variable")
                    .arg(format!("origin_settings={origin_settings}"));
                if let Some(runtime) = runtime {
                    command.arg("--runtime-config-file").arg(runtime);
                }
                Ok(command)
            }
            Kind::Fastly { viceroy, module } => {
                let config = scratch.join("fastly.toml");
                std::fs::write(&config, fastly_toml(policy, &origin_settings))
                    .map_err(|error| error.to_string())?;
                let mut command = Command::new(viceroy);
                command
                    .args(["--addr", address])
                    .arg("-C")
                    .arg(config)
                    .arg(module);
                Ok(command)
            }
        }
    }
}

/// What `fastly.toml` says, with the settings of a case.
fn fastly_toml(policy: &str, origin_settings: &str) -> String {
    format!(
        r#"
manifest_version = 3
name = "vitrine"
language = "rust"
[local_server.config_stores.vitrine]
format = "inline-toml"
[local_server.config_stores.vitrine.contents]
policy = '{policy}'
origin_settings = '{origin_settings}'
rum_settings = "{{}}"
[local_server.secret_stores]
vitrine = [
    {{ key = "rum_key", data = "key" }},
    {{ key = "rum_key_previous", data = "" }},
    {{ key = "operator_token", data = "token" }},
]
[local_server.kv_stores]
vitrine-state = [{{ key = "about", data = "state" }}]
vitrine-learned = [{{ key = "about", data = "learned" }}]
"#
    )
}

impl Open {
    async fn wait(&mut self) -> Result<(), String> {
        let end = Instant::now() + START;
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                let log = std::fs::read_to_string(self.scratch.0.join("log")).unwrap_or_default();
                return Err(format!("it ended with {status}: {log}"));
            }
            if TcpStream::connect(&self.address).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!(
            "nothing listens on {} after {START:?}",
            self.address
        ))
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}
