//! The shortest honest app beside xzepr-bridge, with threads and four small crates (Cargo.toml says why these).
//!
//!   cargo run --release        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
use serde_json::{json, Value};
use signal_hook::{consts::SIGTERM, iterator::Signals};
use std::{env, error::Error, sync::Arc, thread, time::Duration};
use tiny_http::{Method, Request, Response, Server};

type Failure = Box<dyn Error + Send + Sync>;

struct Bridge {
    agent: ureq::Agent,
    work_api: String,
}

/// Your work. What it returns is reported as details; its error is reported as failed.
fn work(event: &Value) -> Result<Value, Failure> {
    let name = event["name"].as_str().unwrap_or("the event");
    if event["success"] == false {
        return Err(format!("{name} did not succeed").into());
    }
    Ok(json!({ "handled": name }))
}

impl Bridge {
    /// The work-id header comes percent-encoded: it goes into a path as it is.
    fn report(&self, work_id: &str, what: &str, body: Value) -> Result<(), Failure> {
        let url = format!("{}/work/{work_id}/{what}", self.work_api);
        let request = self.agent.post(&url).header("content-type", "application/json");
        match request.send(body.to_string()) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("POST {url}: {error}").into()), // 4xx and 5xx as well
        }
    }

    fn deliver(&self, work_id: &str, event: &Value) -> Result<(), Failure> {
        self.report(work_id, "started", json!({}))?;
        match work(event) {
            Ok(details) => self.report(work_id, "completed", json!({ "details": details })),
            Err(error) => self.report(work_id, "failed", json!({ "error": error.to_string() })),
        }
    }

    /// The status of the answer.
    fn receive(&self, request: &mut Request) -> Result<u16, Failure> {
        let mut body = Vec::new();
        request.as_reader().read_to_end(&mut body)?;
        if request.method() != &Method::Post || request.url() != "/events" {
            return Ok(404);
        }
        let header = request.headers().iter().find(|header| header.field.equiv("work-id"));
        let (Some(header), Ok(event)) = (header, serde_json::from_slice(&body)) else {
            return Ok(400); // never again: nobody can read it
        };
        self.deliver(header.value.as_str(), &event)?;
        Ok(200)
    }
}

fn main() -> Result<(), Failure> {
    // It is beside us: no proxy of the environment lies between.
    let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(Duration::from_secs(30)));
    let work_api = env::var("WORK_API_URL").unwrap_or("http://127.0.0.1:8900".into());
    let bridge = Arc::new(Bridge { agent: config.build().into(), work_api });

    // On loopback: the bridge is beside us, and nobody else is meant to call.
    let port = env::var("PORT").unwrap_or("8080".into());
    let server = Arc::new(Server::http(format!("127.0.0.1:{port}"))?);
    let mut signals = Signals::new([SIGTERM])?;
    thread::spawn({
        let server = server.clone();
        move || {
            signals.forever().next();
            server.unblock();
        }
    });
    println!("listening on port {}", server.server_addr().to_ip().map_or(0, |address| address.port()));

    let mut in_hand: Vec<thread::JoinHandle<()>> = Vec::new();
    for mut request in server.incoming_requests() {
        in_hand.retain(|each| !each.is_finished());
        let bridge = bridge.clone();
        in_hand.push(thread::spawn(move || {
            let status = bridge.receive(&mut request).unwrap_or_else(|error| {
                eprintln!("{error}");
                503 // the bridge could not be told, so it delivers the event again
            });
            let _ = request.respond(Response::empty(status)); // an answer that nobody waits for
        }));
    }
    // Takes no new event, finishes those in hand; what is cut off all the same comes again.
    drop(server);
    in_hand.into_iter().for_each(|each| drop(each.join()));
    Ok(())
}
