//! Answers every request with a few bytes.

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

wasip3::http::service::export!(Trivial);

struct Trivial;

impl wasip3::exports::http::handler::Guest for Trivial {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let (mut sender, body) = wit_stream::new();
        let (trailers_sender, trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), trailers);
        drop(trailers_sender);
        wit_bindgen::spawn(async move {
            sender.write_all(b"a few bytes\n".to_vec()).await;
        });
        Ok(response)
    }
}
