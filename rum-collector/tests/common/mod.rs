//! A collector over an `SQLite` database in memory, with a clock and a log that the test holds.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use bytes::Bytes;
use futures::executor::block_on;
use http::{Request, Response};
use rusqlite::types::ValueRef;
use vitrine_rum_collector::collect::{BrokenBody, Chunks, Collector, Host, Terms};
use vitrine_rum_collector::store::StoreError;
use vitrine_rum_collector::store::sql::{Database, SqlStore, Value};
use vitrine_rum_collector::token::{self, Claims};
use vitrine_rum_collector::visitor::Visitor;

/// 2026-11-24, noon.
pub(crate) const NOW_MS: u64 = 1_795_521_600_000;
pub(crate) const KEY: &[u8] = b"0123456789abcdef";
pub(crate) const CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";

pub(crate) struct Sqlite {
    pub(crate) connection: rusqlite::Connection,
    /// While set, every statement fails.
    pub(crate) broken: Cell<bool>,
    pub(crate) statements: Cell<usize>,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self {
            connection: rusqlite::Connection::open_in_memory().unwrap(),
            broken: Cell::new(false),
            statements: Cell::new(0),
        }
    }
}

impl Database for Sqlite {
    async fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        self.statements.set(self.statements.get() + 1);
        if self.broken.get() {
            return Err(StoreError("the disk is full".into()));
        }
        let run = || {
            let mut prepared = self.connection.prepare_cached(statement)?;
            let width = prepared.column_count();
            let parameters = parameters.iter().map(|value| match value {
                Value::Null => rusqlite::types::Value::Null,
                Value::Integer(n) => rusqlite::types::Value::Integer(*n),
                Value::Real(x) => rusqlite::types::Value::Real(*x),
                Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
            });
            let mut rows = prepared.query(rusqlite::params_from_iter(parameters))?;
            let mut read = Vec::new();
            while let Some(row) = rows.next()? {
                let cell = |at| {
                    Ok(match row.get_ref(at)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(n) => Value::Integer(n),
                        ValueRef::Real(x) => Value::Real(x),
                        ValueRef::Text(text) => {
                            Value::Text(String::from_utf8_lossy(text).into_owned())
                        }
                        ValueRef::Blob(_) => unreachable!("no column of ours holds one"),
                    })
                };
                read.push((0..width).map(cell).collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok(read)
        };
        run().map_err(|error: rusqlite::Error| StoreError(error.to_string()))
    }
}

/// A body in pieces; `None` is where the sender breaks off.
pub(crate) struct Pieces(
    pub(crate) VecDeque<Option<Bytes>>,
    pub(crate) std::rc::Rc<Cell<usize>>,
);

impl Chunks for Pieces {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BrokenBody> {
        match self.0.pop_front() {
            None => Ok(None),
            Some(None) => Err(BrokenBody),
            Some(Some(piece)) => {
                self.1.set(self.1.get() + piece.len());
                Ok(Some(piece))
            }
        }
    }
}

pub(crate) struct World {
    pub(crate) collector: Collector,
    pub(crate) database: Sqlite,
    pub(crate) migrated: Cell<bool>,
    pub(crate) terms: Terms,
    pub(crate) visitor: Visitor,
    pub(crate) now_ms: Cell<u64>,
    pub(crate) lines: RefCell<Vec<String>>,
    /// Bytes taken out of the last body.
    pub(crate) taken: std::rc::Rc<Cell<usize>>,
}

impl Host for World {
    fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    fn record(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            collector: Collector::default(),
            database: Sqlite::new(),
            migrated: Cell::new(false),
            terms: Terms::load("{}", &[KEY]),
            visitor: Visitor {
                address: Some([192, 0, 2, 7].into()),
                authority: Some("shop.example".into()),
                country: Some("DE".into()),
                pop: None,
            },
            now_ms: Cell::new(NOW_MS),
            lines: RefCell::default(),
            taken: std::rc::Rc::default(),
        }
    }

    pub(crate) fn send(&self, request: Request<impl Into<Bytes>>) -> Response<Bytes> {
        self.send_pieces(request.map(|body| {
            let body: Bytes = body.into();
            // In pieces, as a network would: no piece is empty.
            body.chunks(1_000)
                .map(|piece| Some(Bytes::copy_from_slice(piece)))
                .collect()
        }))
    }

    pub(crate) fn send_pieces(&self, request: Request<VecDeque<Option<Bytes>>>) -> Response<Bytes> {
        self.taken.set(0);
        let request = request.map(|pieces| Pieces(pieces, std::rc::Rc::clone(&self.taken)));
        let store = SqlStore::new(&self.database, &self.migrated);
        block_on(
            self.collector
                .respond(self, &store, &self.terms, &self.visitor, request),
        )
    }

    /// Sends a beacon's body as a browser would.
    pub(crate) fn beacon(&self, body: impl Into<Bytes>) -> u16 {
        self.send(request().body(body).unwrap()).status().as_u16()
    }

    pub(crate) fn query(&self, statement: &str) -> Vec<Vec<Value>> {
        block_on(self.database.execute(statement, &[])).unwrap()
    }

    pub(crate) fn count(&self, statement: &str) -> i64 {
        self.query(statement)[0][0].integer().unwrap()
    }

    /// All counters, written out.
    pub(crate) fn counters(&self) -> Vec<(String, i64)> {
        let rows = self.query("SELECT result, sum(n) FROM beacons GROUP BY result ORDER BY result");
        rows.iter()
            .map(|row| (row[0].text().unwrap().to_owned(), row[1].integer().unwrap()))
            .collect()
    }
}

/// A beacon request without its body.
pub(crate) fn request() -> http::request::Builder {
    Request::post("/_v/b")
        .header("content-type", "text/plain;charset=UTF-8")
        .header("origin", "https://shop.example")
        .header("sec-fetch-site", "same-origin")
        .header("user-agent", CHROME)
}

pub(crate) fn claims() -> Claims {
    Claims {
        site: "demo".into(),
        template: "product".into(),
        arms: vec!["holdback:treatment".into()],
        bucket: 77,
        weight: 1,
        issued_minute: NOW_MS / 60_000,
    }
}

pub(crate) fn body_with(token: &str, view: &str, seq: u8, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(
        r#"{{"v":1,"k":"{token}","i":"{view}","q":{seq},"n":"navigate","t":5100{comma}{more}}}"#
    )
}

pub(crate) fn body(view: &str, seq: u8, more: &str) -> String {
    body_with(&token::mint(KEY, &claims()), view, seq, more)
}
