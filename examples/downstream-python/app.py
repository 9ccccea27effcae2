"""A downstream consumer of deployment events beside xzepr-bridge, with nothing but Python's standard library.

Each event is answered 202 as soon as it is accepted. The work is done in the background, a few at a time, and reported as it
goes: started, progress, then completed with the event's own success, or failed when it cannot be done.

    event ─▶ accepted (202) ─▶ waits ─▶ started ─ progress ─▶ completed | failed
                 └─ full, stopping (503)   └─ stopping: handed back, it comes again

python3 app.py        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
                      WORK_SECONDS (2), CONCURRENCY (8), MAX_ACCEPTED (100), STOP_SECONDS (20)
"""
import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

WORK_API = os.environ.get("WORK_API_URL", "http://127.0.0.1:8900")
WORK_SECONDS = float(os.environ.get("WORK_SECONDS", 2))
CONCURRENCY = int(os.environ.get("CONCURRENCY", 8))
MAX_ACCEPTED = int(os.environ.get("MAX_ACCEPTED", 100))  # not more than BRIDGE_MAX_RUNNING asks for
STOP_SECONDS = float(os.environ.get("STOP_SECONDS", 20))
STEPS = 4
REPORT_TRIES = 10
LEASE_SECONDS = 60  # asked for with each progress: who is silent longer is taken for dead, and the event comes again

bridge = build_opener(ProxyHandler({}))  # it is beside us: no proxy of the environment lies between


class Refused(Exception):
    """The work cannot be done; it is reported as failed."""

    def __init__(self, code, error):
        super().__init__(error)
        self.code = code


class HandedBack(Exception):
    """There is no time left for the work: the event is asked for again."""


class Untold(Exception):
    """The bridge could not be told. Its lease runs out, and the event comes again."""


def log(message):
    print(message, file=sys.stderr, flush=True)


class Works:
    """What was accepted and has not ended, by work-id: an event that comes twice is worked on once."""

    def __init__(self):
        self.lock = threading.Lock()
        self.in_hand = set()
        self.draining = threading.Event()  # nothing new is begun
        self.out_of_time = threading.Event()  # what runs is handed back
        self.pool = ThreadPoolExecutor(CONCURRENCY)

    def accept(self, work_id, event):
        """Whether there was room."""
        with self.lock:
            if work_id in self.in_hand:
                return True
            if self.draining.is_set() or len(self.in_hand) >= MAX_ACCEPTED:
                return False
            self.in_hand.add(work_id)
            self.pool.submit(self.run, work_id, event)
            return True

    def run(self, work_id, event):
        try:
            try:
                what, body = self.outcome(work_id, event)
            finally:
                with self.lock:  # before the last report: who hears it may send the event again at once
                    self.in_hand.discard(work_id)
            report(work_id, what, body)
        except Untold as error:
            log(f"{error}; the lease runs out, and the event comes again")

    def outcome(self, work_id, event):
        """The last report of a work, and its body."""
        try:
            if self.draining.is_set():
                raise HandedBack
            report(work_id, "started", {"details": {"event": event.get("name")}})
            return "completed", self.work(work_id, event)
        except HandedBack:
            return "failed", {"error": "the app stops", "error_code": "STOPPING", "retry": True}
        except Refused as error:
            return "failed", {"error": str(error), "error_code": error.code}
        except Untold:
            raise
        except Exception as error:
            log(f"{work_id}: {error!r}")
            return "failed", {"error": repr(error), "error_code": "UNEXPECTED"}

    def work(self, work_id, event):
        """Your work: here it takes its time, and mirrors the event's success."""
        if not isinstance(event.get("success"), bool):
            raise Refused("NO_SUCCESS", f"{event.get('name')} does not say whether it succeeded")
        for step in range(1, STEPS + 1):
            if self.out_of_time.wait(WORK_SECONDS / STEPS):
                raise HandedBack
            if step < STEPS:
                report(work_id, "progress", {"lease_seconds": LEASE_SECONDS})
        return {"success": event["success"], "details": {"event": event.get("name"), "steps": STEPS}}

    def stop(self):
        """What runs may finish; what waits is handed back at once, and what runs too long as well."""
        with self.lock:
            self.draining.set()
        timer = threading.Timer(STOP_SECONDS, self.out_of_time.set)
        timer.daemon = True
        timer.start()
        self.pool.shutdown()


def report(work_id, what, body):
    """Tells the bridge, again while it is away: it may be restarted while the app works. A report can be repeated."""
    # The work-id header comes percent-encoded: it goes into a path as it is.
    url = f"{WORK_API}/work/{work_id}/{what}"
    request = Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    for nth in range(1, REPORT_TRIES + 1):
        try:
            return bridge.open(request, timeout=30).close()
        except HTTPError as error:
            with error:
                why = f"POST {url}: {error.code} {error.read(1000).decode(errors='replace')}"
            if error.code < 500 or nth == REPORT_TRIES:
                raise Untold(why) from None
        except OSError as error:
            if nth == REPORT_TRIES:
                raise Untold(f"POST {url}: {error}") from None
        time.sleep(min(0.1 * 2**nth, 5))


class App(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = self.status_for(body)
        self.send_response(status)
        if status == 503:
            self.send_header("retry-after", "1")
        self.send_header("content-length", "0")
        self.end_headers()

    def status_for(self, body):
        if self.path != "/events":
            return 404
        work_id = self.headers["work-id"]
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            event = None
        if work_id is None or not isinstance(event, dict):
            return 400  # never again: nobody can read it
        return 202 if works.accept(work_id, event) else 503

    def log_request(self, *_):
        pass  # the bridge's log has a line for each attempt


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 would refuse a burst


works = Works()
# On loopback: the bridge is beside us, and nobody else is meant to call.
with Server(("127.0.0.1", int(os.environ.get("PORT", 8080))), App) as server:
    # From a thread of its own: shutdown waits for the loop that this signal has interrupted.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
works.stop()  # nobody listens any more: the bridge holds what is new, and no attempt is counted
