//! Beacons on a host without a database: every page view is a line in the log stream `vitrine-rum`.

use std::io::Write;

use bytes::Bytes;
use fastly::log::Endpoint;
use http::{Request, Response};
use vitrine_rum_collector::collect::{BrokenBody, Chunks, Collector, Host, Terms};
use vitrine_rum_collector::store::StoreError;
use vitrine_rum_collector::store::log::LogStore;
use vitrine_rum_collector::visitor::Visitor;

use crate::body::Incoming;
use crate::door::Caller;
use crate::settings;

/// The log endpoint that takes page views.
const STREAM: &str = "vitrine-rum";

struct Fastly;

impl Host for Fastly {
    fn now_ms(&self) -> u64 {
        crate::platform::now_ms()
    }

    fn record(&self, line: &str) {
        println!("{line}");
    }
}

impl Chunks for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BrokenBody> {
        self.next().map_err(|_| BrokenBody)
    }
}

pub(crate) async fn respond(caller: &Caller, request: Request<Incoming>) -> Response<Bytes> {
    let keys = ["rum_key", "rum_key_previous"].map(settings::secret);
    let terms = Terms::load(
        &settings::text("rum_settings"),
        &[keys[0].as_bytes(), keys[1].as_bytes()],
    );
    let visitor = Visitor {
        address: caller.address,
        authority: Some(caller.authority.clone()),
        country: None,
        pop: std::env::var("FASTLY_POP").ok(),
    };
    let store = LogStore::new(|line: &str| {
        let failed = |reason: String| StoreError(reason);
        let mut stream =
            Endpoint::try_from_name(STREAM).map_err(|error| failed(error.to_string()))?;
        writeln!(stream, "{line}").map_err(|error| failed(error.to_string()))
    });
    Collector::default()
        .respond(&Fastly, &store, &terms, &visitor, request)
        .await
}
