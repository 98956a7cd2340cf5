//! The database, through `spin:sqlite`.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::sqlite::{Connection, Value as SpinValue};
use vitrine_rum_collector::store::StoreError;
use vitrine_rum_collector::store::sql::{Database, Value};

/// The database labelled `rum`, opened when it is first asked for: a refused beacon does not touch it.
pub(crate) struct Rum;

thread_local! {
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

impl Database for Rum {
    async fn execute(
        &self,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Vec<Vec<Value>>, StoreError> {
        let result = run(statement, parameters).await;
        if result.is_err() {
            // The next request tries with a new connection.
            CONNECTION.take();
        }
        result
    }
}

async fn run(statement: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, StoreError> {
    let connection = connection().await?;
    let result = connection
        .execute(statement, parameters.iter().map(to_spin))
        .await
        .map_err(failed)?;
    let rows = result.collect().await.map_err(failed)?;
    let row = |row: spin_sdk::sqlite::RowResult| row.values.into_iter().map(from_spin).collect();
    Ok(rows.into_iter().map(row).collect())
}

async fn connection() -> Result<Rc<Connection>, StoreError> {
    if let Some(connection) = CONNECTION.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let connection = Rc::new(Connection::open("rum").await.map_err(failed)?);
    CONNECTION.set(Some(Rc::clone(&connection)));
    Ok(connection)
}

fn failed(error: spin_sdk::sqlite::Error) -> StoreError {
    StoreError(error.to_string())
}

fn to_spin(value: &Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(n) => SpinValue::Integer(*n),
        Value::Real(x) => SpinValue::Real(*x),
        Value::Text(text) => SpinValue::Text(text.clone()),
    }
}

fn from_spin(value: SpinValue) -> Value {
    match value {
        SpinValue::Null => Value::Null,
        SpinValue::Integer(n) => Value::Integer(n),
        SpinValue::Real(x) => Value::Real(x),
        SpinValue::Text(text) => Value::Text(text),
        // No column of ours holds one.
        SpinValue::Blob(_) => Value::Null,
    }
}
