//! What hyper answers, for every runtime the same.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};

use crate::echo::HELLO;

/// Serves one connection; answers to requests that came together leave together.
pub(super) async fn serve(stream: impl Read + Write + Unpin) {
    let answer = service_fn(|_: Request<hyper::body::Incoming>| async {
        let mut response = Response::new(Full::new(Bytes::from_static(HELLO)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Ok::<_, Infallible>(response)
    });
    // It ends with an error if the client does not wait for the last answer.
    let _ = http1::Builder::new().pipeline_flush(true).serve_connection(stream, answer).await;
}
