//! Page views in `SQLite`: the schema, its migrations, and the statements that write it.
//!
//! A door implements [`Database`] by handing statements on. Every write is one statement, so that it commits
//! or fails as a whole, and a write-ahead log takes it in one append.

use std::cell::Cell;
use std::fmt::Write as _;
use std::future::Future;

use super::{PageView, Saved, Store, StoreError, Tally};

/// A value in a statement or a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `NULL`
    Null,
    /// `INTEGER`
    Integer(i64),
    /// `REAL`
    Real(f64),
    /// `TEXT`
    Text(String),
}

impl Value {
    /// The number in it, if it is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(n) => Some(*n),
            Self::Real(x) => Some(*x as i64),
            _ => None,
        }
    }

    /// The text in it, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A `SQLite` database.
pub trait Database {
    /// Runs one statement, commits it, and returns its rows.
    fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> impl Future<Output = Result<Vec<Vec<Value>>, StoreError>>;
}

/// Statements that bring a database from version *n* to *n* + 1. Only ever appended to.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE IF NOT EXISTS page_views (
        view TEXT NOT NULL UNIQUE,
        seq INTEGER NOT NULL,
        received_ms INTEGER NOT NULL,
        schema_version INTEGER NOT NULL DEFAULT 1,
        site TEXT NOT NULL,
        template TEXT NOT NULL,
        arms TEXT NOT NULL,
        holdback TEXT,
        bucket INTEGER NOT NULL,
        weight INTEGER NOT NULL,
        device TEXT NOT NULL,
        ua_class TEXT NOT NULL,
        nav_type TEXT NOT NULL,
        age_ms INTEGER NOT NULL,
        lcp_ms INTEGER, fcp_ms INTEGER, ttfb_ms INTEGER, inp_ms INTEGER, cls_1e4 INTEGER,
        lcp_parts TEXT, inp_parts TEXT,
        lcp_target TEXT, inp_target TEXT, cls_target TEXT, lcp_url_path TEXT, inp_script TEXT,
        viewport TEXT, device_memory REAL, effective_type TEXT, save_data INTEGER NOT NULL,
        events TEXT, revenue_minor INTEGER, currency TEXT, order_hash TEXT, js_errors INTEGER,
        country TEXT, edge_pop TEXT, gpc INTEGER NOT NULL
    ) STRICT",
    "CREATE INDEX IF NOT EXISTS page_views_received ON page_views (received_ms)",
    "CREATE TABLE IF NOT EXISTS bots (
        view TEXT NOT NULL UNIQUE,
        received_ms INTEGER NOT NULL,
        site TEXT NOT NULL,
        template TEXT NOT NULL,
        class TEXT NOT NULL,
        ua_class TEXT NOT NULL,
        lcp_ms INTEGER, ttfb_ms INTEGER
    ) STRICT",
    "CREATE INDEX IF NOT EXISTS bots_received ON bots (received_ms)",
    "CREATE TABLE IF NOT EXISTS beacons (
        hour INTEGER NOT NULL,
        result TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (hour, result)
    ) STRICT, WITHOUT ROWID",
]];

/// The version that this build reads and writes.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings a database to [`VERSION`]. Safe to run twice, and in two places at once.
pub async fn migrate(database: &impl Database) -> Result<(), StoreError> {
    database
        .execute(
            "CREATE TABLE IF NOT EXISTS rum_schema (version INTEGER PRIMARY KEY) STRICT",
            &[],
        )
        .await?;
    let version = version(database).await?;
    if version > VERSION {
        return Err(StoreError(format!(
            "the database has version {version}; this build knows {VERSION}"
        )));
    }
    for (migration, from) in MIGRATIONS.iter().zip(0..).skip(version as usize) {
        for statement in *migration {
            database.execute(statement, &[]).await?;
        }
        database
            .execute(
                "INSERT OR IGNORE INTO rum_schema (version) VALUES (?1)",
                &[Value::Integer(from + 1)],
            )
            .await?;
    }
    Ok(())
}

/// Whether a database has been migrated at least once.
pub async fn exists(database: &impl Database) -> Result<bool, StoreError> {
    let rows = database
        .execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'rum_schema'",
            &[],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// The version of a database that has been migrated at least once.
pub async fn version(database: &impl Database) -> Result<i64, StoreError> {
    let rows = database
        .execute("SELECT coalesce(max(version), 0) FROM rum_schema", &[])
        .await?;
    Ok(rows
        .first()
        .and_then(|row| row.first()?.integer())
        .unwrap_or(0))
}

/// A store over a database.
#[derive(Debug)]
pub struct SqlStore<'a, D> {
    database: &'a D,
    migrated: &'a Cell<bool>,
}

impl<'a, D: Database> SqlStore<'a, D> {
    /// A store that migrates its database before the first use. `migrated` outlives the request, so that this
    /// happens once per instance.
    pub fn new(database: &'a D, migrated: &'a Cell<bool>) -> Self {
        Self { database, migrated }
    }

    async fn execute(
        &self,
        statement: &str,
        values: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        if !self.migrated.get() {
            migrate(self.database).await?;
            self.migrated.set(true);
        }
        self.database.execute(statement, values).await
    }
}

impl<D: Database> Store for SqlStore<'_, D> {
    async fn save(&self, view: &PageView) -> Result<Saved, StoreError> {
        let columns = columns(view);
        let rows = self.execute(&upsert(&columns), &values(columns)).await?;
        Ok(if rows.is_empty() {
            Saved::Duplicate
        } else {
            Saved::Stored
        })
    }

    async fn save_bot(&self, view: &PageView, class: &'static str) -> Result<(), StoreError> {
        self.execute(
            "INSERT OR IGNORE INTO bots (view, received_ms, site, template, class, ua_class, lcp_ms, ttfb_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[
                text(&view.view),
                Value::Integer(view.received_ms as i64),
                text(&view.site),
                text(&view.template),
                text(class),
                text(&view.ua_class),
                number(view.lcp_ms),
                number(view.ttfb_ms),
            ],
        )
        .await?;
        Ok(())
    }

    async fn count(&self, tallies: &[Tally]) -> Result<(), StoreError> {
        if tallies.is_empty() {
            return Ok(());
        }
        let mut statement = "INSERT INTO beacons (hour, result, n) VALUES ".to_owned();
        let mut values = Vec::new();
        for (index, tally) in tallies.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            statement.push_str(comma);
            statement.push_str("(?, ?, ?)");
            values.push(Value::Integer(tally.hour as i64));
            values.push(text(tally.result));
            values.push(Value::Integer(tally.n as i64));
        }
        statement.push_str(" ON CONFLICT (hour, result) DO UPDATE SET n = n + excluded.n");
        self.execute(&statement, &values).await?;
        Ok(())
    }

    async fn expire(&self, before_ms: u64, most: u32) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for table in ["page_views", "bots"] {
            let statement = format!(
                "DELETE FROM {table} WHERE rowid IN
                 (SELECT rowid FROM {table} WHERE received_ms < ?1 ORDER BY received_ms LIMIT ?2)
                 RETURNING 1"
            );
            let limits = [
                Value::Integer(before_ms as i64),
                Value::Integer(i64::from(most)),
            ];
            deleted += self.execute(&statement, &limits).await?.len() as u64;
        }
        Ok(deleted)
    }
}

/// Whether a later report of the same page view replaces a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Later {
    /// The column is what it was.
    Keeps,
    /// The column is replaced.
    Replaces,
    /// The column is replaced unless the later report is silent about it.
    Fills,
}

type Column = (&'static str, Later, Value);

/// All columns of a page view, in one place.
fn columns(view: &PageView) -> Vec<Column> {
    use Later::{Fills, Keeps, Replaces};
    let json = |parts: Option<&[u32]>| optional(parts.map(|parts| format!("{parts:?}")).as_deref());
    vec![
        ("view", Keeps, text(&view.view)),
        ("seq", Replaces, number(Some(view.seq))),
        (
            "received_ms",
            Keeps,
            Value::Integer(view.received_ms as i64),
        ),
        ("site", Keeps, text(&view.site)),
        ("template", Keeps, text(&view.template)),
        ("arms", Keeps, text(&view.arms)),
        ("holdback", Keeps, optional(view.holdback.as_deref())),
        ("bucket", Keeps, number(Some(view.bucket))),
        ("weight", Keeps, number(Some(view.weight))),
        ("device", Keeps, text(view.device)),
        ("ua_class", Keeps, text(&view.ua_class)),
        ("nav_type", Replaces, text(view.nav_type)),
        ("age_ms", Replaces, number(Some(view.age_ms))),
        ("lcp_ms", Fills, number(view.lcp_ms)),
        ("fcp_ms", Fills, number(view.fcp_ms)),
        ("ttfb_ms", Fills, number(view.ttfb_ms)),
        ("inp_ms", Fills, number(view.inp_ms)),
        ("cls_1e4", Fills, number(view.cls_1e4)),
        (
            "lcp_parts",
            Fills,
            json(view.lcp_parts.as_ref().map(|parts| &parts[..])),
        ),
        (
            "inp_parts",
            Fills,
            json(view.inp_parts.as_ref().map(|parts| &parts[..])),
        ),
        ("lcp_target", Fills, optional(view.lcp_target.as_deref())),
        ("inp_target", Fills, optional(view.inp_target.as_deref())),
        ("cls_target", Fills, optional(view.cls_target.as_deref())),
        (
            "lcp_url_path",
            Fills,
            optional(view.lcp_url_path.as_deref()),
        ),
        ("inp_script", Fills, optional(view.inp_script.as_deref())),
        ("viewport", Fills, optional(view.viewport)),
        (
            "device_memory",
            Fills,
            view.device_memory.map_or(Value::Null, Value::Real),
        ),
        ("effective_type", Fills, optional(view.effective_type)),
        (
            "save_data",
            Replaces,
            number(Some(u8::from(view.save_data))),
        ),
        ("events", Fills, optional(view.events.as_deref())),
        (
            "revenue_minor",
            Fills,
            view.revenue_minor.map_or(Value::Null, Value::Integer),
        ),
        ("currency", Fills, optional(view.currency.as_deref())),
        ("order_hash", Fills, optional(view.order_hash.as_deref())),
        ("js_errors", Fills, number(view.js_errors)),
        ("country", Keeps, optional(view.country.as_deref())),
        ("edge_pop", Keeps, optional(view.edge_pop.as_deref())),
        ("gpc", Keeps, number(Some(u8::from(view.gpc)))),
    ]
}

/// Inserts a page view, or updates it from a later report: same visitor, same page, greater `seq`. Returns a
/// row if, and only if, something was written.
fn upsert(columns: &[Column]) -> String {
    let mut names = String::new();
    let mut places = String::new();
    let mut updates = String::new();
    for (index, (name, later, _)) in columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(names, "{comma}{name}");
        let _ = write!(places, "{comma}?{}", index + 1);
        let comma = if updates.is_empty() { "" } else { ", " };
        let _ = match later {
            Later::Keeps => Ok(()),
            Later::Replaces => write!(updates, "{comma}{name} = excluded.{name}"),
            Later::Fills => write!(
                updates,
                "{comma}{name} = coalesce(excluded.{name}, page_views.{name})"
            ),
        };
    }
    format!(
        "INSERT INTO page_views ({names}) VALUES ({places})
         ON CONFLICT (view) DO UPDATE SET {updates}
         WHERE excluded.seq > page_views.seq AND excluded.bucket = page_views.bucket
           AND excluded.site = page_views.site AND excluded.template = page_views.template
         RETURNING seq"
    )
}

fn values(columns: Vec<Column>) -> Vec<Value> {
    columns.into_iter().map(|(_, _, value)| value).collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

fn number(n: Option<impl Into<i64>>) -> Value {
    n.map_or(Value::Null, |n| Value::Integer(n.into()))
}
