"""Reads the golden vectors with the official Python SDKs of CloudEvents and Standard Webhooks.

Prints a line for each check, `ok <name>` or `not ok <name>: <why>`; exits with 1 when one failed. Integers are compared
in full: Python does not round them, so a digit that was lost on the way is seen here.
"""

import base64
import datetime
import json
import pathlib
import sys

from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from dateutil.parser import isoparse
from standardwebhooks.webhooks import Webhook

HERE = pathlib.Path(__file__).parent
BRIDGES_OWN = ("work", "kafka", "idempotencykey", "trace")


def body_of(written):
    return written["text"].encode() if "text" in written else base64.b64decode(written["base64"])


def read(name, delivery):
    if name == "batch":
        # The SDK reads one event at a time.
        [event] = json.loads(body_of(delivery["body"]))
        return JSONFormat().read(None, json.dumps(event))
    return from_http_event(HTTPMessage(headers=delivery["headers"], body=body_of(delivery["body"])))


def expect(what, found, right):
    if type(found) is not type(right) or found != right:
        raise AssertionError(f"{what} is {found!r}, not {right!r}")


def check_attributes(name, event, right):
    for attribute, value in right.items():
        if name == "batch" and attribute == "traceparent":
            continue  # the bridge's own word on it stands there
        if attribute == "time":
            value = isoparse(value)
        elif name == "binary" and not isinstance(value, str):
            value = json.dumps(value)  # headers hold the canonical text
        expect(attribute, event.get_attributes().get(attribute), value)
    for attribute in event.get_attributes():
        own = name == "batch" and attribute.startswith(BRIDGES_OWN)
        # An event without a time is given one by the SDK.
        if attribute not in right and attribute != "time" and not own:
            raise AssertionError(f"{attribute} is more than the event has")


def check_data(event, right):
    data = event.get_data()
    if right is None:
        return expect("data", data, None)
    if "json" not in right:
        return expect("data", data.encode() if isinstance(data, str) else data, body_of(right))
    expect("data", data, json.loads(right["json"]))


def deliveries():
    for path in sorted(HERE.glob("*.json")):
        if path.name == "signatures.json":
            continue
        vector = json.loads(path.read_text("utf-8"))
        for name in ("structured", "binary", "batch"):
            yield f"{path.stem} as {name}", name, vector["deliveries"][name], vector["event"]


def check_delivery(name, delivery, right):
    event = read(name, delivery)
    check_attributes(name, event, right["attributes"])
    check_data(event, right.get("data"))


def check_signature(vector):
    at = datetime.datetime.fromtimestamp(vector["timestamp"], datetime.timezone.utc)
    signed = [Webhook(secret).sign(vector["id"], at, vector["body"]["text"]) for secret in vector["secrets"]]
    expect("webhook-signature", vector["headers"]["webhook-signature"], " ".join(signed))


def checks():
    for title, name, delivery, right in deliveries():
        yield title, lambda: check_delivery(name, delivery, right)
    for index, vector in enumerate(json.loads((HERE / "signatures.json").read_text("utf-8"))):
        yield f"signature {index}", lambda: check_signature(vector)


failed = False
for title, check in checks():
    try:
        check()
        print(f"ok {title}")
    except Exception as error:  # whatever an SDK raises is a verdict on the vector
        failed = True
        print(f"not ok {title}: {type(error).__name__} {error}")
sys.exit(1 if failed else 0)
