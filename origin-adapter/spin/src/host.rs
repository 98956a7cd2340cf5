//! What WASI and Spin do for the adapter.

use std::time::Duration;

use http::{Request, Response};
use vitrine_origin_adapter::platform::{Deadlines, Payload, Platform, SendError, StoreError};
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::http::client;
use wasip3::http::types::ErrorCode;

use crate::{store, wire};

#[derive(Clone)]
pub(crate) struct Spin;

impl Platform for Spin {
    type Body = wire::Body;

    fn now_ms(&self) -> u64 {
        let now = system_clock::now();
        u64::try_from(now.seconds).unwrap_or(0) * 1000 + u64::from(now.nanoseconds / 1_000_000)
    }

    fn random(&self) -> u64 {
        wasip3::random::random::get_random_u64()
    }

    async fn sleep(&self, time: Duration) {
        monotonic_clock::wait_for(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)).await;
    }

    async fn send(
        &self,
        request: Request<Payload<wire::Body>>,
        deadlines: Deadlines,
    ) -> Result<Response<wire::Body>, SendError> {
        let request = wire::write_request(request, deadlines).map_err(|error| why(&error))?;
        let response = client::send(request).await.map_err(|error| why(&error))?;
        wire::read_response(response).map_err(|error| why(&error))
    }

    async fn note(&self, key: &str) -> Option<Vec<u8>> {
        store::note(key).await
    }

    async fn take_note(&self, key: &str, value: Vec<u8>) {
        store::take_note(key, &value).await;
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        store::read(key, self.now_ms()).await
    }

    async fn insert(&self, key: &str, value: &[u8], expires_ms: u64) -> Result<bool, StoreError> {
        store::insert(key, value, expires_ms, self.now_ms()).await
    }

    async fn swap(
        &self,
        key: &str,
        old: &[u8],
        new: &[u8],
        expires_ms: u64,
    ) -> Result<bool, StoreError> {
        store::swap(key, old, new, expires_ms).await
    }

    async fn remove(&self, key: &str, old: &[u8]) -> Result<(), StoreError> {
        store::remove(key, old).await
    }

    fn record(&self, line: &str) {
        println!("{line}");
    }
}

/// WASI's words for a failure in the adapter's. Hosts differ in what they call a connection that broke, so
/// everything unnamed counts as that.
fn why(error: &ErrorCode) -> SendError {
    use ErrorCode as E;
    match error {
        E::DnsTimeout
        | E::DnsError(_)
        | E::DestinationNotFound
        | E::DestinationUnavailable
        | E::DestinationIpProhibited
        | E::DestinationIpUnroutable
        | E::ConnectionRefused
        | E::ConnectionTimeout
        | E::ConnectionLimitReached
        | E::TlsProtocolError
        | E::TlsCertificateError
        | E::TlsAlertReceived(_) => SendError::NoConnection(error.to_string()),
        E::HttpRequestDenied => SendError::Forbidden(error.to_string()),
        E::ConnectionReadTimeout | E::HttpResponseTimeout => SendError::Timeout,
        E::HttpResponseHeaderSectionSize(_)
        | E::HttpResponseHeaderSize(_)
        | E::HttpResponseBodySize(_)
        | E::HttpResponseTransferCoding(_)
        | E::HttpResponseContentCoding(_)
        | E::HttpRequestUriInvalid
        | E::HttpRequestMethodInvalid => SendError::Malformed(error.to_string()),
        _ => SendError::Broken(error.to_string()),
    }
}
