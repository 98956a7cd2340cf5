//! Reading a store for a report.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use super::stats::{Count, Sample};
use super::{Metric, Window};
use crate::store::StoreError;
use crate::store::sql::{self, Database, Value};

/// What page views are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Page template.
    pub template: String,
    /// Kind of device.
    pub device: String,
    /// The holdback's arm, if the visitor was in it.
    pub holdback: Option<String>,
}

/// The page views of one [`Key`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Number of page views.
    pub views: u64,
    /// Visitor buckets.
    pub buckets: BTreeSet<u16>,
    /// Values by metric.
    pub samples: BTreeMap<Metric, Sample>,
}

/// All that a report is made of. It holds distinct values, not page views: its size does not grow with traffic
/// for long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dataset {
    /// Page views by key.
    pub groups: BTreeMap<Key, Group>,
    /// LCP by days since the Unix epoch.
    pub days: BTreeMap<u64, Sample>,
    /// Beacons by what became of them.
    pub beacons: BTreeMap<String, u64>,
    /// Page views by kind of navigation.
    pub navigations: BTreeMap<String, u64>,
    /// Page views with more than the early report.
    pub updated: u64,
    /// Page views of declared bots.
    pub bots: u64,
}

/// A store that can be reported on.
pub trait Source {
    /// Reads the page views of a window, of one site or of all.
    fn read(
        &self,
        window: Window,
        site: Option<&str>,
    ) -> impl Future<Output = Result<Dataset, StoreError>>;
}

/// A [`Source`] over a database that [`crate::store::sql`] writes.
#[derive(Debug)]
pub struct SqlSource<'a, D>(pub &'a D);

impl<D: Database> Source for SqlSource<'_, D> {
    async fn read(&self, window: Window, site: Option<&str>) -> Result<Dataset, StoreError> {
        if !sql::exists(self.0).await? {
            // Made by the host, and not yet written to.
            return Ok(Dataset::default());
        }
        let found = sql::version(self.0).await?;
        if found > sql::VERSION {
            return Err(StoreError(format!(
                "the database has version {found}; this build knows {}",
                sql::VERSION
            )));
        }
        let query = Query {
            database: self.0,
            scope: [
                Value::Integer(window.from_ms as i64),
                Value::Integer(window.to_ms as i64),
                site.map_or(Value::Null, |site| Value::Text(site.to_owned())),
            ],
        };
        let mut dataset = Dataset::default();
        query.buckets(&mut dataset).await?;
        for metric in Metric::ALL {
            query.metric(metric, &mut dataset).await?;
        }
        query.days(&mut dataset).await?;
        query.quality(&mut dataset).await?;
        Ok(dataset)
    }
}

/// `?1` and `?2` bound the time, `?3` names the site or is null.
const SCOPE: &str = "received_ms >= ?1 AND received_ms < ?2 AND (?3 IS NULL OR site = ?3)";

struct Query<'a, D> {
    database: &'a D,
    scope: [Value; 3],
}

impl<D: Database> Query<'_, D> {
    async fn rows(&self, statement: &str) -> Result<Vec<Vec<Value>>, StoreError> {
        self.database.execute(statement, &self.scope).await
    }

    async fn buckets(&self, dataset: &mut Dataset) -> Result<(), StoreError> {
        let rows = self
            .rows(&format!(
                "SELECT template, device, holdback, bucket, count(*) FROM page_views
                 WHERE {SCOPE} GROUP BY 1, 2, 3, 4"
            ))
            .await?;
        for row in rows {
            let group = dataset.groups.entry(key(&row)).or_default();
            group.buckets.insert(number(&row, 3) as u16);
            group.views += number(&row, 4);
        }
        Ok(())
    }

    async fn metric(&self, metric: Metric, dataset: &mut Dataset) -> Result<(), StoreError> {
        let column = metric.column();
        let rows = self
            .rows(&format!(
                "SELECT template, device, holdback, {column}, count(*), sum(weight), sum(weight * weight)
                 FROM page_views WHERE {SCOPE} AND {column} IS NOT NULL GROUP BY 1, 2, 3, 4"
            ))
            .await?;
        for row in rows {
            let group = dataset.groups.entry(key(&row)).or_default();
            let sample = group.samples.entry(metric).or_default();
            sample.add(number(&row, 3) as u32, count(&row, 4));
        }
        Ok(())
    }

    async fn days(&self, dataset: &mut Dataset) -> Result<(), StoreError> {
        let rows = self
            .rows(&format!(
                "SELECT received_ms / 86400000, lcp_ms, count(*), sum(weight), sum(weight * weight)
                 FROM page_views WHERE {SCOPE} AND lcp_ms IS NOT NULL GROUP BY 1, 2"
            ))
            .await?;
        for row in rows {
            let sample = dataset.days.entry(number(&row, 0)).or_default();
            sample.add(number(&row, 1) as u32, count(&row, 2));
        }
        Ok(())
    }

    async fn quality(&self, dataset: &mut Dataset) -> Result<(), StoreError> {
        let rows = self
            .rows(&format!(
                "SELECT nav_type, count(*), sum(seq > 0) FROM page_views WHERE {SCOPE} GROUP BY 1"
            ))
            .await?;
        for row in rows {
            dataset.updated += number(&row, 2);
            dataset.navigations.insert(word(&row, 0), number(&row, 1));
        }
        let bots = format!("SELECT count(*) FROM bots WHERE {SCOPE}");
        let rows = self.rows(&bots).await?;
        dataset.bots = rows.first().map_or(0, |row| number(row, 0));
        // A refused beacon has no site, so counters do not know sites; the parameter is mentioned because it is
        // bound. An hour counts if it touches the window.
        let rows = self
            .rows(
                "SELECT result, sum(n) FROM beacons
                 WHERE hour >= ?1 / 3600000 AND hour * 3600000 < ?2 AND (?3 IS NULL OR ?3 IS NOT NULL)
                 GROUP BY 1",
            )
            .await?;
        for row in rows {
            dataset.beacons.insert(word(&row, 0), number(&row, 1));
        }
        Ok(())
    }
}

fn key(row: &[Value]) -> Key {
    Key {
        template: word(row, 0),
        device: word(row, 1),
        holdback: row.get(2).and_then(|value| value.text().map(str::to_owned)),
    }
}

fn count(row: &[Value], at: usize) -> Count {
    Count {
        n: number(row, at),
        weight: number(row, at + 1),
        weight2: number(row, at + 2),
    }
}

fn word(row: &[Value], at: usize) -> String {
    row.get(at)
        .and_then(Value::text)
        .unwrap_or_default()
        .to_owned()
}

fn number(row: &[Value], at: usize) -> u64 {
    row.get(at)
        .and_then(Value::integer)
        .map_or(0, |n| u64::try_from(n).unwrap_or(0))
}
