//! The Spin door of `vitrine-origin-adapter`: translation between WASI 0.3 and the library, and no decision.
#![cfg(target_arch = "wasm32")]

mod host;
mod store;
mod wire;

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::variables;
use vitrine_origin_adapter::Adapter;
use wasip3::http::types::{ErrorCode, Request, Response};

use crate::host::Spin;

struct Door;
wasip3::http::service::export!(Door);

impl wasip3::exports::http::handler::Guest for Door {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let adapter = match adapter().await {
            Ok(adapter) => adapter,
            Err(reason) => {
                eprintln!("origin_settings: {reason}");
                return Err(ErrorCode::ConfigurationError);
            }
        };
        let (visitor, request) = wire::read_request(request)?;
        let answer = adapter.handle(&Spin, &visitor, request).await;
        wire::write_response(answer)
    }
}

thread_local! {
    /// The adapter of the settings that were last seen; it remembers circuits and budgets between requests.
    static OPEN: RefCell<Option<(String, Rc<Adapter>)>> = const { RefCell::new(None) };
}

/// The adapter for the settings as they are now: another text opens another one.
async fn adapter() -> Result<Rc<Adapter>, String> {
    let text = variables::get("origin_settings")
        .await
        .map_err(|error| error.to_string())?;
    let open = OPEN.with_borrow(|open| match open {
        Some((of, adapter)) if *of == text => Some(Rc::clone(adapter)),
        _ => None,
    });
    if let Some(adapter) = open {
        return Ok(adapter);
    }
    let settings = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let adapter = Rc::new(Adapter::new(settings).map_err(|error| error.to_string())?);
    OPEN.set(Some((text, Rc::clone(&adapter))));
    Ok(adapter)
}
