"""
A work's road by the client that is generated from openapi.yaml: every report, every state, and what can go wrong.

  road.py <work API> <ops>      the works a, b and c are accepted already

Each line that it prints is one thing that held; it ends badly at the first that does not.
"""

import sys

from xzepr_bridge_client import Client
from xzepr_bridge_client.api.ops import get_ready, get_status
from xzepr_bridge_client.api.work import (
    get_work,
    list_works,
    report_completed,
    report_failed,
    report_progress,
    report_started,
)
from xzepr_bridge_client.models import (
    Completed,
    Details,
    Failed,
    Problem,
    Progress,
    Started,
    Status,
    StoredWork,
    Verdict,
    Work,
    WorkPage,
    WorkState,
)

work_api, ops = (Client(base_url=url) for url in sys.argv[1:3])


def held(what, condition, answer):
    if not condition:
        sys.exit(f"not so: {what}: {answer}")
    print(f"ok {what}", flush=True)


page = list_works.sync(client=work_api)
held("three works are in hand", isinstance(page, WorkPage) and {work.id for work in page.works} == {"a", "b", "c"}, page)
first = list_works.sync(client=work_api, limit=1)
rest = list_works.sync(client=work_api, limit=5, after=first.next_)
held("a page leads to the next", len(first.works) == 1 and len(rest.works) == 2, rest)

started = report_started.sync("a", client=work_api, body=Started(name="deployer", version="2.0.0"))
held("a start is held", isinstance(started, Work) and started.state == WorkState.RUNNING, started)
before = started.lease_expires_at
on = report_progress.sync("a", client=work_api, body=Progress(lease_seconds=3600))
held("progress renews the lease", isinstance(on, Work) and on.lease_expires_at > before, on)
work = get_work.sync("a", client=work_api)
held("a work is read", isinstance(work, Work) and work.attempt == 1 and work.offset.isdigit(), work)

details = Details.from_dict({"url": "https://deploy.example/42", "build": 12345678901234567890})
done = report_completed.sync("a", client=work_api, body=Completed(details=details), prefer="wait=30")
held("a waited report has XZepr's id", isinstance(done, StoredWork) and len(done.event_id) == 26, done)
again = report_completed.sync("a", client=work_api, body=Completed(), prefer="wait=30")
held("a repeat has the same", isinstance(again, StoredWork) and again.event_id == done.event_id, again)
against = report_failed.sync_detailed("a", client=work_api, body=Failed())
held(
    "a contradiction is a conflict",
    against.status_code == 409 and against.parsed.code == "report-conflict" and against.parsed.work.id == "a",
    against,
)

failed = report_failed.sync("b", client=work_api, body=Failed(error="no such cluster", error_code="E_CLUSTER"))
held("a failure is held", isinstance(failed, Work) and failed.state == WorkState.FAILED, failed)

retried = report_failed.sync("c", client=work_api, body=Failed(retry=True, retry_after_seconds=0))
held("a retry is held", isinstance(retried, Work) and retried.state == WorkState.RESTING, retried)
badly = report_completed.sync("c", client=work_api, body=Completed(success=False), prefer="wait=30")
held("a work ends badly", isinstance(badly, StoredWork) and badly.state == WorkState.FAILED, badly)

forwarded = report_completed.sync("long/gone", client=work_api, body=Completed())
held("an unknown work's report is forwarded", isinstance(forwarded, StoredWork) and forwarded.id == "long/gone", forwarded)
unknown = get_work.sync("nobody", client=work_api)
held("an unknown work is a problem", isinstance(unknown, Problem) and unknown.code == "work-unknown", unknown)
wrong = report_progress.sync("c", client=work_api, body=Progress(lease_seconds=-1))
held("a wrong member is named", isinstance(wrong, Problem) and wrong.field == "lease_seconds", wrong)

ready = get_ready.sync(client=ops)
held("the bridge is ready", isinstance(ready, Verdict) and ready.ok, ready)
status = get_status.sync(client=ops)
held("the status is read", isinstance(status, Status) and status.kafka.joined and status.gate.open_, status)
