//! What leaves a component: refused, handed to a sibling in this process, or sent over the network.

pub(crate) mod allow;
pub(crate) mod client;

use std::sync::Arc;

use http::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::Shared;
use super::bypass::Spare;
use super::front;
use super::guest::Blueprint;
use super::service::Failure;
use allow::Target;

/// The hooks of one instance.
pub(crate) struct Outbound {
    blueprint: Arc<Blueprint>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(Response<WasiBody>, Io), Error>;

impl Outbound {
    pub(crate) fn new(blueprint: Arc<Blueprint>) -> Self {
        Self { blueprint }
    }
}

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let blueprint = Arc::clone(&self.blueprint);
        Box::new(async move {
            let response = send(&blueprint, request, options.unwrap_or_default()).await?;
            // Bodies drive themselves: there is no connection task for the guest to wait for.
            let io: Io = Box::new(std::future::ready(Ok(())));
            Ok((response, io))
        })
    }
}

async fn send(
    blueprint: &Blueprint,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    match blueprint.allowed.target(request.uri()) {
        None => {
            blueprint.metrics.refused();
            let uri = request.uri();
            let place = format!(
                "{}://{} is not in allowed_outbound_hosts",
                uri.scheme_str().unwrap_or_default(),
                uri.authority().map_or("", |a| a.as_str()),
            );
            blueprint
                .shared
                .log
                .problem(&blueprint.name, "outbound refused", &place);
            Err(Error::HttpRequestDenied)
        }
        Some(Target::Sibling(name)) => {
            let name = name.to_owned();
            blueprint.metrics.outbound();
            call_sibling(&blueprint.shared, &name, request).await
        }
        Some(Target::Network) => {
            blueprint.metrics.outbound();
            blueprint.shared.client.send(request, options).await
        }
    }
}

/// The component that stands in for the origin. A page must not fail because it does.
const ORIGIN_ADAPTER: &str = "origin-adapter";

async fn call_sibling(
    shared: &Shared,
    name: &str,
    request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let service = shared.service(name).ok_or(Error::DestinationNotFound)?;
    let spare = (name == ORIGIN_ADAPTER)
        .then(|| Spare::of_chain(&request))
        .flatten();
    let failure = match service.call(front::for_sibling(request)).await {
        Ok(response) => return Ok(response),
        Err(failure) => failure,
    };
    match (spare, &failure) {
        // What it answers itself, an error included, stands.
        (Some(spare), Failure::Trapped | Failure::NotStarted(_)) => {
            spare.fetch_raw(shared, failure.reason()).await
        }
        _ => Err(sibling_error(&failure)),
    }
}

fn sibling_error(failure: &Failure) -> Error {
    match failure {
        Failure::Busy => Error::ConnectionLimitReached,
        Failure::TimedOut => Error::HttpResponseTimeout,
        Failure::NotStarted(_) => Error::DestinationUnavailable,
        Failure::Trapped => Error::ConnectionTerminated,
        Failure::Refused(code) => Error::InternalError(Some(code.clone())),
    }
}
