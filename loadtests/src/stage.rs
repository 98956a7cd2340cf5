//! Sets the scene: the demo shop and Vitrine in front of it, as processes of their own, for as long as a command
//! runs or until Ctrl-C. Whatever was started is ended again.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::{client, unless_interrupted};

/// Longest start of the shop: its pictures are rendered the first time.
const SHOP_START: Duration = Duration::from_mins(10);
/// Longest start of Vitrine: its components are compiled the first time.
const VITRINE_START: Duration = Duration::from_mins(5);
/// How long a process may take to end once it was asked to.
const END: Duration = Duration::from_secs(12);

/// Arguments of `vitrine-loadtests stage`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    scene: Scene,
    /// What to run meanwhile. `{origin}`, `{vitrine}` and `{state}` are replaced. Without it, until Ctrl-C.
    #[arg(last = true)]
    command: Vec<OsString>,
}

impl Args {
    pub(crate) fn new(scene: Scene, command: Vec<OsString>) -> Self {
        Self { scene, command }
    }
}

/// Which processes stand where.
#[derive(clap::Args, Clone)]
pub(crate) struct Scene {
    /// The `vitrine` binary.
    #[arg(long, default_value = "target/release/vitrine")]
    pub(crate) vitrine: PathBuf,
    /// The merchant's file. Without it, Vitrine runs with its defaults.
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// A shop that runs already; otherwise the demo shop is started.
    #[arg(long)]
    pub(crate) origin: Option<String>,
    /// Port of the demo shop.
    #[arg(long, default_value_t = 3000)]
    pub(crate) shop_port: u16,
    /// Port of the vendors' origin.
    #[arg(long, default_value_t = 3001)]
    pub(crate) third_party_port: u16,
    /// Port of Vitrine.
    #[arg(long, default_value_t = 4000)]
    pub(crate) vitrine_port: u16,
    /// Time that the demo shop takes for each page, in milliseconds.
    #[arg(long, default_value_t = 60)]
    pub(crate) think_ms: u64,
    /// Vitrine's state directory. Without it, a temporary one.
    #[arg(long)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Further arguments for `vitrine up`, one each.
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) up: Vec<String>,
    /// A program that stands in Vitrine's place, with its arguments split at spaces, such as another host.
    #[arg(long)]
    pub(crate) instead: Option<String>,
}

/// What was started.
pub(crate) struct Stage {
    pub(crate) origin: String,
    pub(crate) vitrine: String,
    pub(crate) state: PathBuf,
    shop: Option<Child>,
    layer: Option<Child>,
    own_state: bool,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut stage = unless_interrupted(Stage::set(&args.scene)).await?;
    eprintln!("the shop alone      {}/", stage.origin);
    eprintln!("through Vitrine     {}/", stage.vitrine);
    let outcome = if args.command.is_empty() {
        eprintln!("Ctrl-C ends both");
        stage.until_interrupted().await
    } else {
        stage.while_running(&args.command).await
    };
    stage.strike().await;
    outcome
}

impl Stage {
    /// Starts what is asked for, and waits until it answers.
    pub(crate) async fn set(scene: &Scene) -> anyhow::Result<Self> {
        if scene.origin.is_none() {
            free(scene.shop_port, "the demo shop", "--shop-port")?;
            free(
                scene.third_party_port,
                "the vendors' origin",
                "--third-party-port",
            )?;
        }
        free(scene.vitrine_port, "Vitrine", "--vitrine-port")?;
        let own_state = scene.state_dir.is_none();
        let state = scene.state_dir.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!(
                "vitrine-stage-{}-{}",
                std::process::id(),
                scene.vitrine_port
            ))
        });
        let mut opened = Self {
            origin: scene
                .origin
                .clone()
                .unwrap_or_else(|| format!("http://127.0.0.1:{}", scene.shop_port)),
            vitrine: format!("http://127.0.0.1:{}", scene.vitrine_port),
            state,
            shop: None,
            layer: None,
            own_state,
        };
        match opened.start(scene).await {
            Ok(()) => Ok(opened),
            Err(error) => {
                opened.strike().await;
                Err(error)
            }
        }
    }

    async fn start(&mut self, scene: &Scene) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.state)
            .with_context(|| format!("cannot create {}", self.state.display()))?;
        if scene.origin.is_none() {
            self.open_shop(scene).await?;
        }
        let (program, words) = match &scene.instead {
            Some(line) => {
                let mut words = line.split_whitespace().map(OsString::from);
                (
                    words.next().context("--instead names no program")?,
                    words.collect(),
                )
            }
            None => (
                scene.vitrine.clone().into_os_string(),
                up(scene, &self.origin, &self.state),
            ),
        };
        let program = Path::new(&program);
        ensure!(
            scene.instead.is_some() || program.exists(),
            "{} is missing: `cargo xtask build` makes it",
            program.display()
        );
        let mut layer = spawn(program, &words)?;
        let health = if scene.instead.is_some() {
            "/"
        } else {
            "/_v/health"
        };
        answers(
            &mut layer,
            &format!("{}{health}", self.vitrine),
            VITRINE_START,
        )
        .await
        .context("Vitrine did not start")?;
        self.layer = Some(layer);
        Ok(())
    }

    /// Starts the demo shop, or starts it anew.
    pub(crate) async fn open_shop(&mut self, scene: &Scene) -> anyhow::Result<()> {
        let own = std::env::current_exe().context("cannot find this program")?;
        let words = [
            "shop".to_owned(),
            format!("--port={}", scene.shop_port),
            format!("--third-party-port={}", scene.third_party_port),
            format!("--think-ms={}", scene.think_ms),
        ];
        let mut shop = spawn(&own, &words.map(OsString::from))?;
        answers(
            &mut shop,
            &format!("{}/__demo/health", self.origin),
            SHOP_START,
        )
        .await
        .context("the demo shop did not start")?;
        self.shop = Some(shop);
        Ok(())
    }

    async fn until_interrupted(&mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let layer = self.layer.as_mut().context("Vitrine was not started")?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => Ok(()),
            _ = terminate.recv() => Ok(()),
            status = layer.wait() => bail!("Vitrine ended by itself: {}", status?),
        }
    }

    async fn while_running(&mut self, command: &[OsString]) -> anyhow::Result<()> {
        let words: Vec<String> = command
            .iter()
            .map(|word| self.filled(&word.to_string_lossy()))
            .collect();
        let (program, rest) = words.split_first().context("there is no command")?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut child = Command::new(program)
            .args(rest)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {program}"))?;
        let status = tokio::select! {
            status = child.wait() => status?,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminate.recv() => bail!("interrupted"),
        };
        ensure!(status.success(), "{program} failed: {status}");
        Ok(())
    }

    fn filled(&self, word: &str) -> String {
        word.replace("{origin}", &self.origin)
            .replace("{vitrine}", &self.vitrine)
            .replace("{state}", &self.state.display().to_string())
    }

    /// Kills the demo shop outright, as a crash would.
    pub(crate) async fn kill_shop(&mut self) -> anyhow::Result<()> {
        let mut shop = self.shop.take().context("there is no shop to kill")?;
        shop.kill().await.context("cannot kill the shop")
    }

    /// Ends everything, Vitrine first, and removes the temporary state.
    pub(crate) async fn strike(&mut self) {
        for child in [self.layer.take(), self.shop.take()].into_iter().flatten() {
            end(child).await;
        }
        if self.own_state {
            let _ = std::fs::remove_dir_all(&self.state);
        }
    }
}

fn up(scene: &Scene, origin: &str, state: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![
        "up".into(),
        format!("--listen=127.0.0.1:{}", scene.vitrine_port).into(),
    ];
    words.push("--state-dir".into());
    words.push(state.into());
    if !scene.up.iter().any(|word| word == "--quiet") {
        words.push("--access-log".into());
        words.push(state.join("access.log").into());
    }
    words.push(format!("--origin={origin}").into());
    if let Some(config) = &scene.config {
        words.push("--config".into());
        words.push(config.into());
    }
    words.extend(scene.up.iter().map(OsString::from));
    words
}

fn spawn(program: &Path, words: &[OsString]) -> anyhow::Result<Child> {
    Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        // A group of its own: Ctrl-C comes here first, and the children are ended in order.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))
}

/// Waits until an address answers anything below 500.
async fn answers(child: &mut Child, url: &str, patience: Duration) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("it ended at once: {status}");
        }
        if let Ok(answer) = client::get(url).await
            && answer.status.as_u16() < 500
        {
            return Ok(());
        }
        ensure!(
            started.elapsed() < patience,
            "{url} did not answer within {} s",
            patience.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Says early and clearly that a port is taken.
fn free(port: u16, what: &str, option: &str) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address)
        .map(drop)
        .with_context(|| format!("{what} needs {address}, which is taken; end what uses it, or choose another with {option}"))
}

/// Asks a process to end, and ends it if it does not.
async fn end(mut child: Child) {
    if let Some(id) = child.id() {
        let _ = Command::new("kill")
            .arg("-INT")
            .arg(id.to_string())
            .status()
            .await;
    }
    if tokio::time::timeout(END, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
