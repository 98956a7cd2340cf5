//! `vitrine report`: what real visitors' browsers measured.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use vitrine_rum_collector::report::source::{Source as _, SqlSource};
use vitrine_rum_collector::report::{self, Limits, Window, render};
use vitrine_rum_collector::store::StoreError;
use vitrine_rum_collector::store::sql::{Database, Value};

/// Arguments of `vitrine report`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where `vitrine up` keeps what it made; the page views are in rum.sqlite3 there.
    #[arg(long, value_name = "DIRECTORY", default_value = ".vitrine")]
    state_dir: PathBuf,
    /// A database to read instead, such as one that Spin keeps.
    #[arg(long, value_name = "FILE", conflicts_with = "state_dir")]
    db: Option<PathBuf>,
    /// How far back: a number and m, h, d or w.
    #[arg(long, value_name = "TIME", default_value = "28d", value_parser = duration)]
    since: Duration,
    /// Only this site. Default: all in the database.
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Where to write it. Default: standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fewest page views that a p75 is printed for. Below 100 the floor of 50 visitor buckets is lifted too: for
    /// demonstrations and laboratories.
    #[arg(long, value_name = "N", default_value_t = report::MIN_N, value_parser = clap::value_parser!(u64).range(1..))]
    min_n: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Html,
}

/// How long to wait for a database that is being written.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let file = args
        .db
        .unwrap_or_else(|| args.state_dir.join("rum.sqlite3"));
    let database = open(&file)?;
    let window = window(args.since)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let dataset = runtime
        .block_on(SqlSource(&database).read(window, args.site.as_deref()))
        .with_context(|| format!("cannot read {}", file.display()))?;
    let limits = Limits::with_min_n(args.min_n);
    let report = report::build(&dataset, window, args.site.as_deref(), limits);
    let text = match args.format {
        Format::Table => render::table(&report),
        Format::Json => render::json(&report),
        Format::Csv => render::csv(&report),
        Format::Html => render::html(&report),
    };
    match args.output {
        Some(file) => {
            std::fs::write(&file, text)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        None => match std::io::stdout().write_all(text.as_bytes()) {
            // The reader, such as `head`, has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            result => result.context("cannot write to standard output")?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

fn open(file: &Path) -> anyhow::Result<Sqlite> {
    anyhow::ensure!(
        file.is_file(),
        "{} does not exist: no page view was recorded there yet (`vitrine up` with `[rum] enabled = true` does)",
        file.display()
    );
    // Read-only, so that a report can never harm what is being collected.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)
        .with_context(|| format!("cannot open {}", file.display()))?;
    connection.busy_timeout(PATIENCE)?;
    Ok(Sqlite(connection))
}

/// The window that ends now.
fn window(since: Duration) -> anyhow::Result<Window> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Ok(Window {
        from_ms: ms(now.saturating_sub(since)),
        // What is being recorded in this millisecond belongs to it.
        to_ms: ms(now) + 1,
    })
}

/// `90m`, `36h`, `28d`, `4w`.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a number and m, h, d or w, such as 28d, not `{text}`");
    let unit = text.chars().next_back().ok_or_else(expected)?;
    let seconds: u64 = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return Err(expected()),
    };
    let number: u64 = text
        .strip_suffix(unit)
        .and_then(|number| number.parse().ok())
        .ok_or_else(expected)?;
    if number == 0 {
        return Err("the window must not be empty".into());
    }
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(|| "the window is too long".into())
}

/// A database file.
struct Sqlite(Connection);

impl Database for Sqlite {
    async fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        self.query(statement, parameters)
            .map_err(|error| StoreError(error.to_string()))
    }
}

impl Sqlite {
    fn query(&self, statement: &str, parameters: &[Value]) -> rusqlite::Result<Vec<Vec<Value>>> {
        use rusqlite::types::Value as Sql;
        let mut prepared = self.0.prepare(statement)?;
        let width = prepared.column_count();
        let parameters = parameters.iter().map(|value| match value {
            Value::Null => Sql::Null,
            Value::Integer(n) => Sql::Integer(*n),
            Value::Real(x) => Sql::Real(*x),
            Value::Text(text) => Sql::Text(text.clone()),
        });
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells = Vec::with_capacity(width);
            for at in 0..width {
                cells.push(match row.get_ref(at)? {
                    ValueRef::Integer(n) => Value::Integer(n),
                    ValueRef::Real(x) => Value::Real(x),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    // No column that is asked for holds bytes.
                    ValueRef::Null | ValueRef::Blob(_) => Value::Null,
                });
            }
            read.push(cells);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_number_and_a_unit() {
        assert_eq!(duration("28d"), Ok(Duration::from_hours(28 * 24)));
        assert_eq!(duration("90m"), Ok(Duration::from_mins(90)));
        for text in [
            "",
            "d",
            "28",
            "28y",
            "-1d",
            "0d",
            "1.5h",
            "99999999999999999999d",
            "9999999999999999w",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_database_that_is_not_there_is_an_error_and_is_not_made() {
        let file = std::env::temp_dir().join("vitrine-report-no-such-database.sqlite3");
        let error = open(&file).err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("no page view was recorded")));
        assert!(!file.exists());
    }
}
