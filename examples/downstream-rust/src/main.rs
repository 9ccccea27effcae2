//! A downstream consumer of deployment events beside xzepr-bridge, with axum and what it stands on.
//!
//! Each event is answered 202 as soon as it is accepted. The work is done in the background, a few at a time, and
//! reported as it goes: started, progress, then completed with the event's own success, or failed when it cannot be
//! done.
//!
//!   event ─▶ accepted (202) ─▶ waits ─▶ started ─ progress ─▶ completed | failed
//!                └─ full, stopping (503)   └─ stopping: handed back, it comes again
//!
//!   cargo run --release        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
//!                              WORK_SECONDS (2), CONCURRENCY (8), MAX_ACCEPTED (100), STOP_SECONDS (20)
use axum::body::{to_bytes, Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{extract::State, routing::post, Router};
use hyper_util::client::legacy::{connect::HttpConnector, Client};
use hyper_util::rt::TokioExecutor;
use serde_json::{json, Value};
use std::sync::{Arc, Mutex, MutexGuard};
use std::{collections::HashSet, env, error::Error, mem, time::Duration};
use tokio::signal::unix::{signal, SignalKind};
use tokio::sync::{oneshot, watch, Semaphore};
use tokio::time::{sleep, timeout};
use tokio::{net::TcpListener, select, task::JoinSet};

type Failure = Box<dyn Error + Send + Sync>;

const STEPS: u32 = 4;
const REPORT_TRIES: u32 = 10;
/// Asked for with each progress: who is silent longer is taken for dead, and the event comes again.
const LEASE_SECONDS: u32 = 60;
/// Once nobody listens any more. A request is answered in no time.
const REQUESTS_END_WITHIN: Duration = Duration::from_secs(1);

/// Why a work has not come to `completed`.
enum Trouble {
    /// The work cannot be done; it is reported as failed.
    Refused { code: &'static str, error: String },
    /// There is no time left for the work: the event is asked for again.
    HandedBack,
    /// The bridge could not be told. The lease runs out, and the event comes again.
    Untold(String),
}

#[derive(Clone, Copy, PartialEq)]
enum Stop {
    No,
    /// Nothing new is begun.
    Draining,
    /// What runs is handed back.
    OutOfTime,
}

/// What was accepted and has not ended, by work-id: an event that comes twice is worked on once.
#[derive(Default)]
struct Accepted {
    in_hand: HashSet<String>,
    tasks: JoinSet<()>,
}

struct Works {
    bridge: Bridge,
    work_time: Duration,
    /// Not more than BRIDGE_MAX_RUNNING asks for.
    max_accepted: usize,
    permits: Semaphore,
    accepted: Mutex<Accepted>,
    stop: watch::Sender<Stop>,
}

impl Works {
    fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.accepted
            .lock()
            .expect("nobody panics while holding it")
    }

    /// Whether there was room.
    fn accept(self: &Arc<Self>, work_id: &str, event: Value) -> bool {
        let mut accepted = self.accepted();
        while accepted.tasks.try_join_next().is_some() {} // those that have ended
        if accepted.in_hand.contains(work_id) {
            return true;
        }
        if *self.stop.borrow() != Stop::No || accepted.in_hand.len() >= self.max_accepted {
            return false;
        }
        accepted.in_hand.insert(work_id.into());
        accepted
            .tasks
            .spawn(self.clone().run(work_id.into(), event));
        true
    }

    async fn run(self: Arc<Self>, work_id: String, event: Value) {
        let mut stop = self.stop.subscribe();
        let permit = select! {
            biased;
            _ = stop.wait_for(|stop| *stop != Stop::No) => None,
            permit = self.permits.acquire() => permit.ok(),
        };
        let outcome = match permit {
            Some(_) => self.clone().outcome(work_id.clone(), event).await,
            None => Err(Trouble::HandedBack),
        };
        // Before the last report: who hears it may send the event again at once.
        self.accepted().in_hand.remove(&work_id);
        let told = match outcome {
            Ok(body) => self.bridge.report(&work_id, "completed", body).await,
            Err(Trouble::Refused { code, error }) => {
                let body = json!({ "error": error, "error_code": code });
                self.bridge.report(&work_id, "failed", body).await
            }
            Err(Trouble::HandedBack) => {
                let body =
                    json!({ "error": "the app stops", "error_code": "STOPPING", "retry": true });
                self.bridge.report(&work_id, "failed", body).await
            }
            Err(untold) => Err(untold),
        };
        if let Err(Trouble::Untold(why)) = told {
            eprintln!("{why}; the lease runs out, and the event comes again");
        }
    }

    async fn outcome(self: Arc<Self>, work_id: String, event: Value) -> Result<Value, Trouble> {
        let details = json!({ "details": { "event": event["name"] } });
        self.bridge.report(&work_id, "started", details).await?;
        // In a task of its own: a panic in it is a failure like any other.
        let work = tokio::spawn(async move { self.work(&work_id, &event).await });
        work.await.unwrap_or_else(|panic| {
            let error = panic.to_string();
            Err(Trouble::Refused {
                code: "UNEXPECTED",
                error,
            })
        })
    }

    /// Your work: here it takes its time, and mirrors the event's success.
    async fn work(&self, work_id: &str, event: &Value) -> Result<Value, Trouble> {
        let Some(success) = event["success"].as_bool() else {
            let name = event["name"].as_str().unwrap_or("the event");
            let error = format!("{name} does not say whether it succeeded");
            return Err(Trouble::Refused {
                code: "NO_SUCCESS",
                error,
            });
        };
        let mut stop = self.stop.subscribe();
        for step in 1..=STEPS {
            select! {
                _ = sleep(self.work_time / STEPS) => {}
                _ = stop.wait_for(|stop| *stop == Stop::OutOfTime) => return Err(Trouble::HandedBack),
            }
            if step < STEPS {
                let body = json!({ "lease_seconds": LEASE_SECONDS });
                self.bridge.report(work_id, "progress", body).await?;
            }
        }
        Ok(json!({ "success": success, "details": { "event": event["name"], "steps": STEPS } }))
    }
}

struct Bridge {
    client: Client<HttpConnector, Body>,
    work_api: String,
}

impl Bridge {
    /// Tells the bridge, again while it is away: it may be restarted while the app works. A report can be repeated.
    async fn report(&self, work_id: &str, what: &str, body: Value) -> Result<(), Trouble> {
        // The work-id header comes percent-encoded: it goes into a path as it is.
        let url = format!("{}/work/{work_id}/{what}", self.work_api);
        let mut nth = 1;
        loop {
            let (again, why) = match self.post(&url, body.to_string()).await {
                Ok((status, _)) if status.is_success() => return Ok(()),
                Ok((status, answer)) => (status.is_server_error(), format!("{status} {answer}")),
                Err(error) => (true, error.to_string()),
            };
            if !again || nth == REPORT_TRIES {
                return Err(Trouble::Untold(format!("POST {url}: {why}")));
            }
            sleep(Duration::from_millis((100 << nth).min(5000))).await;
            nth += 1;
        }
    }

    async fn post(&self, url: &str, body: String) -> Result<(StatusCode, String), Failure> {
        let request = Request::post(url).header("content-type", "application/json");
        let request = request.body(Body::from(body))?;
        let response = timeout(Duration::from_secs(30), self.client.request(request)).await??;
        let status = response.status();
        let answer = to_bytes(Body::new(response.into_body()), 65_536).await?;
        Ok((status, String::from_utf8_lossy(&answer).into()))
    }
}

async fn receive(State(works): State<Arc<Works>>, headers: HeaderMap, body: Bytes) -> Response {
    let work_id = headers.get("work-id").and_then(|id| id.to_str().ok());
    match (work_id, serde_json::from_slice::<Value>(&body)) {
        (Some(work_id), Ok(event)) if event.is_object() => {
            if works.accept(work_id, event) {
                StatusCode::ACCEPTED.into_response()
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]).into_response()
            }
        }
        _ => StatusCode::BAD_REQUEST.into_response(), // never again: nobody can read it
    }
}

fn setting(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or(otherwise.into())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let stop_time = Duration::from_secs_f64(setting("STOP_SECONDS", "20").parse()?);
    let works = Arc::new(Works {
        bridge: Bridge {
            client: Client::builder(TokioExecutor::new()).build_http(),
            work_api: setting("WORK_API_URL", "http://127.0.0.1:8900"),
        },
        work_time: Duration::from_secs_f64(setting("WORK_SECONDS", "2").parse()?),
        max_accepted: setting("MAX_ACCEPTED", "100").parse()?,
        permits: Semaphore::new(setting("CONCURRENCY", "8").parse()?),
        accepted: Mutex::default(),
        stop: watch::channel(Stop::No).0,
    });
    // On loopback: the bridge is beside us, and nobody else is meant to call.
    let listener = TcpListener::bind(format!("127.0.0.1:{}", setting("PORT", "8080"))).await?;
    let mut term = signal(SignalKind::terminate())?;
    println!("listening on port {}", listener.local_addr()?.port());
    let app = Router::new()
        .route("/events", post(receive))
        .with_state(works.clone());
    let (stop_listening, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(async move {
        axum::serve(listener, app)
            .with_graceful_shutdown(async move { stopped.await.unwrap_or(()) })
            .await
    });
    term.recv().await;
    drop(stop_listening);
    // A request that never arrives whole must not keep what waits from being handed back.
    let _ = timeout(REQUESTS_END_WITHIN, server).await;

    // Nobody listens any more: the bridge holds what is new, and no attempt is counted. What runs may finish; what waits
    // is handed back at once, and what runs too long as well.
    works.stop.send_replace(Stop::Draining);
    let tasks = mem::take(&mut works.accepted().tasks);
    let out_of_time = async {
        sleep(stop_time).await;
        works.stop.send_replace(Stop::OutOfTime);
        std::future::pending::<()>().await
    };
    select! {
        _ = tasks.join_all() => {}
        _ = out_of_time => {}
    }
    Ok(())
}
