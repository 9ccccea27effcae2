"""The shortest honest app beside xzepr-bridge, with nothing but Python's standard library.

python3 app.py        PORT (8080; 0 takes a free one), WORK_API_URL (http://127.0.0.1:8900)
"""
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import ProxyHandler, Request, build_opener

WORK_API = os.environ.get("WORK_API_URL", "http://127.0.0.1:8900")
bridge = build_opener(ProxyHandler({}))  # it is beside us: no proxy of the environment lies between


def work(event):
    """Your work. What it returns is reported as details; what it raises is reported as failed."""
    if event.get("success") is False:
        raise RuntimeError(f"{event['name']} did not succeed")
    return {"handled": event["name"]}


def report(work_id, what, **body):
    # The work-id header comes percent-encoded: it goes into a path as it is.
    request = Request(f"{WORK_API}/work/{work_id}/{what}", json.dumps(body).encode(), {"content-type": "application/json"})
    bridge.open(request, timeout=30).close()  # raises on 4xx and 5xx


def deliver(work_id, event):
    report(work_id, "started")
    try:
        details = work(event)
    except Exception as error:
        return report(work_id, "failed", error=str(error))
    report(work_id, "completed", details=details)


class App(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        work_id = self.headers["work-id"]
        status = 404 if self.path != "/events" else 400 if work_id is None else 200
        try:
            if status == 200:
                deliver(work_id, json.loads(body))
        except Exception as error:
            print(error, file=sys.stderr)
            # 4xx: never again, nobody can read it. 503: the bridge could not be told, so it delivers the event again.
            status = 400 if isinstance(error, (json.JSONDecodeError, RecursionError)) else 503
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_request(self, *_):
        pass  # the bridge's log has a line for each attempt


class Server(ThreadingHTTPServer):
    daemon_threads = False  # a stop waits for the events in hand; what is cut off all the same comes again
    request_queue_size = 128  # the default of 5 would refuse a burst


# On loopback: the bridge is beside us, and nobody else is meant to call.
with Server(("127.0.0.1", int(os.environ.get("PORT", 8080))), App) as server:
    # From a thread of its own: shutdown waits for the loop that this signal has interrupted.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on port {server.server_port}", flush=True)
    server.serve_forever()
