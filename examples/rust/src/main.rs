//! The shortest honest app beside xzepr-bridge, with axum and what it stands on (Cargo.toml says why).
//!
//!   cargo run --release        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
use axum::body::{to_bytes, Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::{extract::State, routing::post, Router};
use hyper_util::client::legacy::{connect::HttpConnector, Client};
use hyper_util::rt::TokioExecutor;
use serde_json::{json, Value};
use std::{env, error::Error, time::Duration};
use tokio::net::TcpListener;
use tokio::signal::unix::{signal, SignalKind};
use tokio::time::timeout;

type Failure = Box<dyn Error + Send + Sync>;

/// Your work. What it returns is reported as details; its error is reported as failed.
async fn work(event: &Value) -> Result<Value, Failure> {
    let name = event["name"].as_str().unwrap_or("the event");
    if event["success"] == false {
        return Err(format!("{name} did not succeed").into());
    }
    Ok(json!({ "handled": name }))
}

#[derive(Clone)]
struct Bridge {
    client: Client<HttpConnector, Body>,
    work_api: String,
}

impl Bridge {
    /// The work-id header comes percent-encoded: it goes into a path as it is.
    async fn report(&self, work_id: &str, what: &str, body: Value) -> Result<(), Failure> {
        let url = format!("{}/work/{work_id}/{what}", self.work_api);
        let request = Request::post(&url).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string()))?;
        let response = timeout(Duration::from_secs(30), self.client.request(request)).await??;
        let status = response.status();
        let answer = to_bytes(Body::new(response.into_body()), 65_536).await?;
        if !status.is_success() {
            let answer = String::from_utf8_lossy(&answer);
            return Err(format!("POST {url}: {status} {answer}").into());
        }
        Ok(())
    }

    async fn deliver(&self, work_id: &str, event: &Value) -> Result<(), Failure> {
        self.report(work_id, "started", json!({})).await?;
        let (what, body) = match work(event).await {
            Ok(details) => ("completed", json!({ "details": details })),
            Err(error) => ("failed", json!({ "error": error.to_string() })),
        };
        self.report(work_id, what, body).await
    }
}

async fn receive(State(bridge): State<Bridge>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let work_id = headers.get("work-id").and_then(|id| id.to_str().ok());
    let (Some(work_id), Ok(event)) = (work_id, serde_json::from_slice(&body)) else {
        return StatusCode::BAD_REQUEST; // never again: nobody can read it
    };
    if let Err(error) = bridge.deliver(work_id, &event).await {
        eprintln!("{error}");
        return StatusCode::SERVICE_UNAVAILABLE; // the bridge could not be told, so it delivers the event again
    }
    StatusCode::OK
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let bridge = Bridge {
        client: Client::builder(TokioExecutor::new()).build_http(),
        work_api: env::var("WORK_API_URL").unwrap_or("http://127.0.0.1:8900".into()),
    };
    let port = env::var("PORT").unwrap_or("8080".into());
    // On loopback: the bridge is beside us, and nobody else is meant to call.
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let mut term = signal(SignalKind::terminate())?;
    println!("listening on port {}", listener.local_addr()?.port());
    let app = Router::new()
        .route("/events", post(receive))
        .with_state(bridge);
    // Takes no new event, finishes those in hand; what is cut off all the same comes again.
    let stop = async move {
        term.recv().await;
    };
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}
