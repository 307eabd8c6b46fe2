"""The status page, the metrics and the alarms, through nginx: what ops see, and what nobody else does."""

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import pytest

from harness.exchange import Answer
from harness.payload import Payment, item, new_payment, new_person
from harness.process import until
from harness.sandbox import jwt_that_expires
from harness.stack import ROOT, SECRET, Stack

MONITORING = ROOT / "systemd/monitoring"
FORM = [("Content-Type", "application/x-www-form-urlencoded")]

# {"alg":"none"} . {"exp":4102444800}
TOKEN_OF_2100 = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"


def page(stack: Stack, language: str = "en") -> str:
    answer = stack.ask("GET", "/webhook/status", [("Accept-Language", language)])
    assert answer.status == 200
    return answer.body.decode()


def metrics(stack: Stack) -> dict[str, float]:
    """Every sample by its name and labels."""
    answer = stack.ask("GET", "/webhook/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def press(stack: Stack, payment_id: str, token: str) -> Answer:
    return stack.ask("POST", "/webhook/status", FORM, urlencode({"payment": payment_id, "token": token}).encode())


def button_of(html: str, payment_id: str) -> str:
    """The token of that payment's button."""
    for form in re.findall(r"<form.*?</form>", html):
        values = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form)}
        if values["payment"] == payment_id:
            return values["token"]
    raise AssertionError(f"{payment_id} has no button")


def refuse(stack: Stack, **changes: str) -> str:
    """A payment that amoCRM refused; its id."""
    stack.sandbox.fault("status", status=400, method="POST", path="/api/v4/leads")
    payment = new_payment(new_person(), item(9900), **changes)
    assert stack.post(payment).status == 500
    stack.sandbox.heal()
    return payment["course_order"]["payment_id"]


def test_page(stack: Stack) -> None:
    lead_id = stack.carry(new_payment(new_person(), item(12345)))["lead_id"]
    answer = stack.ask("GET", "/webhook/status", [("Accept-Language", "ru-RU,ru;q=0.9,en;q=0.8")])
    html = answer.body.decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert '<html lang="ru">' in html and "12\u00a0345\u00a0₽" in html and "1\u00a0платёж" in html
    assert f'href="{stack.sandbox.url}/leads/detail/{lead_id}"' in html
    assert "<script" not in html and "https://127" in html
    assert '<html lang="en">' in page(stack, "en") and "12,345\u00a0₽" in page(stack, "en")


def test_retry_by_button(stack: Stack) -> None:
    payment_id = refuse(stack, payment_id='<b>"&amp;\'')
    html = page(stack)
    assert "amoCRM refuses: HTTP 400" in html and "<b>\"" not in html
    token = button_of(html, payment_id)
    assert press(stack, payment_id, "0" * 64).status == 403
    assert stack.ledger.status(payment_id) == "failed"
    answer = press(stack, payment_id, token)
    assert (answer.status, answer.headers["Location"]) == (303, "/webhook/status#failed")
    stack.sync_once()
    assert stack.ledger.status(payment_id) == "success"
    assert "Nothing has failed" in page(stack)
    assert "retried=1 by=operator" in stack.said()


def test_conflicts_are_shown_until_they_are_settled(stack: Stack) -> None:
    person = new_person()
    stack.carry(new_payment(person, payment_id="pay_1"))
    assert "Contradictions" not in page(stack) and metrics(stack)["payment_sync_conflicts"] == 0
    assert stack.post(new_payment(person, item(1), payment_id="pay_1")).json["status"] == "conflict"
    assert metrics(stack)["payment_sync_conflicts"] == 1
    for language, title in (("en", "Contradictions"), ("ru", "Противоречия")):
        html = page(stack, language)
        assert title in html and "another amount" in html and person.phone_e164 not in html
    assert "Needs a look" in page(stack)
    assert stack.paymentctl("settle", "pay_1").returncode == 0
    assert "Contradictions" not in page(stack) and "All is well" in page(stack)


def test_nobody_else_sees_it(stack: Stack) -> None:
    """What nginx does not vouch for is not there, also when a sender says of himself that he may."""
    for path in ("/webhook/status/", "/webhook/status.html", "/webhook/Status"):
        assert stack.ask("GET", path).status == 404
    assert stack.ask("DELETE", "/webhook/status").status == 405
    answer = stack.ask("POST", "/webhook/metrics", FORM, b"")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_metrics_are_of_all_processes(stack: Stack) -> None:
    for _ in range(5):
        stack.carry(new_payment(new_person()))
    stack.post(b"{}", headers=[])
    stack.post(b"{}")
    now = metrics(stack)
    assert now['payment_sync_requests_total{answer="success"}'] == 5
    assert now['payment_sync_requests_total{answer="unauthorized"}'] == 1
    assert now['payment_sync_requests_total{answer="invalid"}'] == 1
    assert now["payment_sync_receive_seconds_count"] == 7
    assert now['payment_sync_receive_seconds_bucket{le="+Inf"}'] == 7
    assert now['payment_sync_amocrm_replies_total{call="lead_create",reply="2xx"}'] == 5
    assert now['payment_sync_amocrm_call_seconds_count{call="note_create"}'] == 5
    assert now['payment_sync_payments{status="success"}'] == 5
    assert now["payment_sync_ledger_up"] == 1 and now["payment_sync_breaker_open"] == 0
    assert now["payment_sync_limiter_limit"] == 200
    # What was counted outlives the workers.
    stack.stop_service()
    stack.start_service(fresh=False)
    assert metrics(stack)['payment_sync_requests_total{answer="success"}'] == 5


def test_breaker_and_backlog(stack: Stack) -> None:
    stack.sandbox.fault("status", status=401, times=-1)
    assert stack.post(new_payment(new_person())).status == 202
    now = metrics(stack)
    assert now["payment_sync_breaker_open"] == 401 and now["payment_sync_backlog"] == 1
    assert now['payment_sync_amocrm_replies_total{call="contact_read",reply="401"}'] == 1
    assert "amoCRM does not accept the token" in page(stack) and "Needs a look" in page(stack)


def test_a_changed_key_is_an_alarm(stack: Stack) -> None:
    for _ in range(10):
        assert stack.post(new_payment(new_person()), headers=[("X-Signature", "0" * 64)]).status == 401
    assert metrics(stack)['payment_sync_alarm{alarm="unauthorized"}'] == 1
    assert "had no valid signature" in page(stack)
    assert stack.health().json["alarms"] == [
        {"name": "unauthorized", "text": "10 of 10 webhooks of the last 10 minutes had no valid signature"}
    ]
    assert stack.health().json["status"] == "healthy"


@pytest.mark.settings(AMO_ACCESS_TOKEN=TOKEN_OF_2100)
def test_an_expiring_token_is_known(stack: Stack) -> None:
    now = metrics(stack)
    assert now["payment_sync_token_expiry_timestamp_seconds"] == 4102444800
    assert now['payment_sync_alarm{alarm="token"}'] == 0


def until_all_have_looked(stack: Stack) -> None:
    """Each of payment-syncd's carriers has looked twice from now on: it waits once a look, and seldom for more than the disk."""
    parent = stack.carrier.process.pid
    carriers = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()

    def waits(pid: str) -> int:
        return int(re.findall(r"^voluntary_ctxt_switches:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[0])

    before = {pid: waits(pid) for pid in carriers}
    assert len(before) > 1
    until(lambda: all(waits(pid) >= count + 6 for pid, count in before.items()), "every carrier has looked")


@pytest.mark.settings(AMO_ACCESS_TOKEN=jwt_that_expires(3 * 86400))
def test_an_alarm_is_one_line_and_an_exit_status(stack: Stack) -> None:
    """By one of payment-syncd's carriers; and by paymentctl, which has no token to read, but is told."""
    assert stack.paymentctl("stats").returncode == 0, "nobody knows yet"
    stack.start_syncd()
    until(lambda: "alarm=token begins" in stack.said(), "the alarm is told", seconds=20)
    stats = stack.paymentctl("stats", "--json")
    assert stats.returncode == 1 and [alarm["name"] for alarm in json.loads(stats.stdout)["alarms"]] == ["token"]
    told = stack.paymentctl("stats")
    assert told.returncode == 1 and "token: " in told.stdout
    until_all_have_looked(stack)
    assert stack.said().count("alarm=token") == 1 and "<4>alarm=token begins reason=" in stack.said()


# Prometheus and Grafana.


def promtool(*arguments: str, stdin: bytes = b"") -> None:
    done = subprocess.run(["promtool", *arguments], input=stdin, capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, (done.stdout + done.stderr).decode()


def test_promtool_has_nothing_to_say(stack: Stack) -> None:
    stack.carry(new_payment(new_person()))
    promtool("check", "metrics", stdin=stack.ask("GET", "/webhook/metrics").body)
    promtool("check", "rules", str(MONITORING / "platform-payment-sync.rules.yml"))
    promtool("test", "rules", str(ROOT / "tests/monitoring/rules.test.yml"))


@pytest.mark.settings(AMO_ACCESS_TOKEN=TOKEN_OF_2100)
def test_rules_and_dashboard_ask_for_what_there_is(stack: Stack) -> None:
    there = {re.split(r"[{]", name)[0] for name in metrics(stack)}
    labels = stack.ask("GET", "/webhook/metrics").body.decode()
    rules = (MONITORING / "platform-payment-sync.rules.yml").read_text()
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) > 15 and len(re.findall("expr:", rules)) > 8
    for expression in (*asked, rules):
        for name in re.findall(r"payment_sync_\w+", expression):
            assert name in there, name
        for label in re.findall(r'(?:status|answer|alarm|outcome)="\w+"', expression):
            assert label in labels, label
