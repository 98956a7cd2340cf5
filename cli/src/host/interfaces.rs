//! The Spin interfaces, served to guests: `key-value`, `sqlite` and `variables`.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, HasData, Linker, Resource, StreamReader};

use super::guest::Guest;
use super::kv::Store;
use super::sqlite::Pooled;

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "vitrine:host/services",
        imports: { default: async | trappable },
        with: {
            "spin:key-value/key-value.store": crate::host::kv::Store,
            "spin:sqlite/sqlite.connection": super::Connection,
        },
    });
}

use generated::spin::key_value::key_value as kv;
pub(crate) use generated::spin::sqlite::sqlite;
use generated::spin::variables::variables;

/// A connection of a guest.
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub type Connection = Arc<Pooled>;

/// Leads from a store's data to these interfaces.
struct Services;

impl HasData for Services {
    type Data<'a> = &'a mut Guest;
}

pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    kv::add_to_linker::<_, Services>(linker, |guest| guest)?;
    sqlite::add_to_linker::<_, Services>(linker, |guest| guest)?;
    variables::add_to_linker::<_, Services>(linker, |guest| guest)?;
    Ok(())
}

impl variables::Host for Guest {}

impl<T: Send> variables::HostWithStore<T> for Services {
    async fn get(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> Result<Result<String, variables::Error>> {
        let value = accessor.with(|mut access| access.get().blueprint.variables.get(&name));
        Ok(match value {
            Some(value) => Ok(value.to_string()),
            None => Err(variables::Error::Undefined(format!(
                "the component has no variable `{name}`"
            ))),
        })
    }
}

impl kv::Host for Guest {}

impl kv::HostStore for Guest {
    async fn drop(&mut self, store: Resource<Store>) -> Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

fn store<T: Send>(accessor: &Accessor<T, Services>, store: &Resource<Store>) -> Result<Store> {
    accessor.with(|mut access| Ok(access.get().table.get(store)?.clone()))
}

type KvResult<T> = Result<Result<T, kv::Error>>;

impl<T: Send> kv::HostStoreWithStore<T> for Services {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> KvResult<Resource<Store>> {
        accessor.with(|mut access| {
            let guest = access.get();
            if !guest.blueprint.key_value.contains(&label) {
                return Ok(Err(kv::Error::AccessDenied));
            }
            let Some(store) = guest.blueprint.shared.stores.open(&label) else {
                return Ok(Err(kv::Error::NoSuchStore));
            };
            Ok(guest
                .table
                .push(store)
                .map_err(|_| kv::Error::StoreTableFull))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        this: Resource<Store>,
        key: String,
    ) -> KvResult<Option<Vec<u8>>> {
        let found = store(accessor, &this)?.get(key).await;
        Ok(found
            .map(|value| value.map(Vec::from))
            .map_err(kv::Error::Other))
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        this: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> KvResult<()> {
        Ok(store(accessor, &this)?
            .set(key, value)
            .await
            .map_err(kv::Error::Other))
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        this: Resource<Store>,
        key: String,
    ) -> KvResult<()> {
        Ok(store(accessor, &this)?
            .delete(key)
            .await
            .map_err(kv::Error::Other))
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        this: Resource<Store>,
        key: String,
    ) -> KvResult<bool> {
        Ok(store(accessor, &this)?
            .exists(key)
            .await
            .map_err(kv::Error::Other))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        this: Resource<Store>,
    ) -> Result<(StreamReader<String>, FutureReader<Result<(), kv::Error>>)> {
        let (keys, result) = match store(accessor, &this)?.keys().await {
            Ok(keys) => (keys, Ok(())),
            Err(message) => (Vec::new(), Err(kv::Error::Other(message))),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let result =
                FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?;
            Ok((keys, result))
        })
    }
}

impl sqlite::Host for Guest {}

type SqlResult<T> = Result<Result<T, sqlite::Error>>;

impl sqlite::HostConnection for Guest {
    async fn open(&mut self, name: String) -> SqlResult<Resource<Connection>> {
        let database = match self.database(&name) {
            Ok(database) => database,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match database.open().await {
            Ok(connection) => Ok(self.table.push(connection)?),
            Err(failure) => Err(failure.into()),
        })
    }

    async fn execute(
        &mut self,
        this: Resource<Connection>,
        statement: String,
        parameters: Vec<sqlite::Value>,
    ) -> SqlResult<sqlite::QueryResult> {
        let connection = Arc::clone(self.table.get(&this)?);
        let result = connection.execute(statement, parameters).await;
        Ok(result
            .map(|found| sqlite::QueryResult {
                columns: found.columns,
                rows: found.rows,
            })
            .map_err(sqlite::Error::from))
    }

    async fn last_insert_rowid(&mut self, this: Resource<Connection>) -> Result<i64> {
        let connection = Arc::clone(self.table.get(&this)?);
        Ok(connection.last_insert_rowid().await)
    }

    async fn changes(&mut self, this: Resource<Connection>) -> Result<u64> {
        let connection = Arc::clone(self.table.get(&this)?);
        Ok(connection.changes().await)
    }

    async fn drop(&mut self, this: Resource<Connection>) -> Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

fn connection<T: Send>(
    accessor: &Accessor<T, Services>,
    this: &Resource<Connection>,
) -> Result<Connection> {
    accessor.with(|mut access| Ok(Arc::clone(access.get().table.get(this)?)))
}

type RowStream = (
    Vec<String>,
    StreamReader<sqlite::RowResult>,
    FutureReader<Result<(), sqlite::Error>>,
);

impl<T: Send> sqlite::HostConnectionWithStore<T> for Services {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> SqlResult<Resource<Connection>> {
        let database = match accessor.with(|mut access| access.get().database(&name)) {
            Ok(database) => database,
            Err(error) => return Ok(Err(error)),
        };
        match database.open().await {
            Ok(connection) => {
                accessor.with(|mut access| Ok(Ok(access.get().table.push(connection)?)))
            }
            Err(failure) => Ok(Err(failure.into())),
        }
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        this: Resource<Connection>,
        statement: String,
        parameters: Vec<sqlite::Value>,
    ) -> SqlResult<RowStream> {
        let connection = connection(accessor, &this)?;
        let found = match connection.execute(statement, parameters).await {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure.into())),
        };
        accessor.with(|mut access| {
            let rows = StreamReader::new(&mut access, found.rows)?;
            let result = FutureReader::new(&mut access, async { wasmtime::error::Ok(Ok(())) })?;
            Ok(Ok((found.columns, rows, result)))
        })
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        this: Resource<Connection>,
    ) -> Result<i64> {
        let connection = connection(accessor, &this)?;
        Ok(connection.last_insert_rowid().await)
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        this: Resource<Connection>,
    ) -> Result<u64> {
        let connection = connection(accessor, &this)?;
        Ok(connection.changes().await)
    }
}

impl Guest {
    fn database(&self, name: &str) -> std::result::Result<super::sqlite::Database, sqlite::Error> {
        if !self.blueprint.sqlite.contains(name) {
            return Err(sqlite::Error::AccessDenied);
        }
        let database = self.blueprint.shared.databases.get(name).cloned();
        database.ok_or(sqlite::Error::NoSuchDatabase)
    }
}
