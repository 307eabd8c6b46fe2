"""lib/web/webhook.openapi.yaml is OpenAPI 3.1, and true: every answer of the stack is as it says, and its schema of the body
accepts and refuses what the service accepts and refuses."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest
import yaml

from fastcgi import fcgi
from harness.exchange import Answer
from harness.payload import item, new_payment, new_person, to_body
from harness.process import until
from harness.signer import x_signature
from harness.stack import ROOT, SECRET, Stack
from interface import DOCUMENT, Json, check_answer, mistakes, parts, read_json, resolve, validator

PAYMENT, HEALTH, STATUS, METRICS = "/webhook/payment", "/webhook/health", "/webhook/status", "/webhook/metrics"
METASCHEMAS = Path("/usr/share/openapi-specification/schemas/v3.0")  # In JSON, and in Debian 13 in YAML.

# The document by itself.


def test_is_openapi() -> None:
    """Debian has the metaschema of 3.0 only.  What 3.1 changed, as far as we use it, is that schemas are JSON Schema."""
    metaschema = yaml.safe_load(next(METASCHEMAS.glob("schema.*")).read_text())
    metaschema["properties"]["openapi"]["pattern"] = r"^3\.1\.[0-9]+$"
    metaschema["definitions"]["Schema"] = {"type": "object", "not": {"required": ["$ref"]}}
    jsonschema.Draft4Validator(metaschema).validate(DOCUMENT)


def test_schemas_are_json_schema() -> None:
    schemas = [*DOCUMENT["components"]["schemas"].values(), *parts(DOCUMENT, "schema")]
    assert len(schemas) > 30
    for schema in schemas:
        jsonschema.Draft202012Validator.check_schema(schema)


def test_references_lead_somewhere_and_nothing_is_left_over() -> None:
    references = list(parts(DOCUMENT, "$ref"))
    for reference in references:
        resolve({"$ref": reference})
    for kind, named in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            assert {f"#/components/{kind}/{name}" for name in named} <= set(references)
    schemes = {name for security in parts(DOCUMENT["paths"], "security") for way in security for name in way}
    assert schemes == set(DOCUMENT["components"]["securitySchemes"])


def media() -> Iterator[Json]:
    for content in parts(DOCUMENT, "content"):
        if "application/json" in content:  # A key of the body is called "content" too.
            yield content["application/json"]


def test_examples_are_valid() -> None:
    count = 0
    for one in media():
        examples = [one["example"]] if "example" in one else [example["value"] for example in one["examples"].values()]
        for example in examples:
            validator(one["schema"], strict="course_order" not in example).validate(example)
            count += 1
    assert count > 15


def test_version(stack: Stack) -> None:
    assert stack.health().json["version"] == DOCUMENT["info"]["version"]


def test_nginx_pages() -> None:
    """What nginx answers by itself is told too, for at least one of the paths."""
    pages = re.findall(r"return (\d{3}) '(\{.*\})\\n';", (ROOT / "nginx/platform-payment-sync-locations.conf").read_text())
    assert {status for status, _ in pages} == {"400", "403", "404", "405", "413", "429", "503"}
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    for status, page in pages:
        told = [resolve(operation["responses"][status]) for operation in operations if status in operation["responses"]]
        # Only nginx answers 404 "error": at paths that no document can list.
        schemas = [one["content"]["application/json"]["schema"] for one in told if status != "404"]
        for schema in schemas or [{"$ref": "#/components/schemas/Error"}]:
            validator(schema, strict=True).validate(json.loads(page))


# Answers about payments.


def is_told(answer: Answer, status: int, word: str, method: str = "POST", path: str = PAYMENT) -> bool:
    assert (answer.status, answer.json["status"]) == (status, word), answer.body.decode()
    check_answer(method, path, answer)
    return True


def test_carried_then_duplicate_then_conflict(stack: Stack) -> None:
    person = new_person()
    payment = new_payment(person, payment_id="pay_known")
    assert is_told(stack.post(payment), 200, "success")
    assert is_told(stack.post(payment), 409, "duplicate")
    assert is_told(stack.post(new_payment(person, item(1), payment_id="pay_known")), 409, "conflict")


@pytest.mark.settings(DUPLICATE_STATUS="200")
def test_duplicate_as_200(stack: Stack) -> None:
    payment = new_payment(new_person())
    assert is_told(stack.post(payment), 200, "success") and is_told(stack.post(payment), 200, "duplicate")


@pytest.mark.settings(DELIVERY="queue")
def test_queued_and_skipped(stack: Stack) -> None:
    assert is_told(stack.post(new_payment(new_person())), 202, "queued")
    assert is_told(stack.post(new_payment(new_person(), status="NEW")), 202, "skipped")


def test_refused(stack: Stack) -> None:
    body = to_body(new_payment(new_person()))
    signed = x_signature(SECRET, body)
    assert is_told(stack.post(b"{}"), 400, "invalid")
    assert is_told(stack.post(to_body({"course_order": {}})), 400, "invalid")
    assert is_told(stack.post(body, headers=[]), 401, "unauthorized")
    assert is_told(stack.post(body + b" " * 256 * 1024), 413, "error")
    assert is_told(stack.post(body, headers=[*signed, ("Content-Encoding", "gzip")]), 415, "error")
    assert is_told(stack.ask("GET", PAYMENT), 405, "error")


def test_unknown_path(stack: Stack) -> None:
    for path in ("/", "/webhook/other"):
        answer = stack.ask("GET", path)
        assert answer.status == 404
        validator({"$ref": "#/components/schemas/Error"}, strict=True).validate(answer.json)


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_not_found(stack: Stack) -> None:
    person = new_person()
    assert is_told(stack.post(new_payment(person)), 404, "contact_not_found")
    stack.sandbox.add_contact(fields={"PHONE": person.phone_e164})
    assert is_told(stack.post(new_payment(person)), 404, "lead_not_found")


def test_failed(stack: Stack) -> None:
    stack.sandbox.fault("status", "POST", "/api/v4/leads", status=400, times=-1)
    assert is_told(stack.post(new_payment(new_person())), 500, "failed")


def test_not_http(stack: Stack) -> None:
    with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as plain:
        with stack.trust.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"POST /webhook/payment HTTP/1.1\r\nContent-Length: x\r\n\r\n")
            with connection.makefile("rb") as lines:
                answer = lines.read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.split(b"\r\n")[0]
    schema = DOCUMENT["paths"][PAYMENT]["post"]["responses"]["400"]["content"]["application/json"]["schema"]
    validator(schema, strict=True).validate(json.loads(body))


def test_too_many() -> None:
    """nginx of its own: its patience must not be used up for the other tests."""
    with Stack() as stack, ThreadPoolExecutor(8) as threads:
        for _ in range(100):
            answers = list(threads.map(lambda _: stack.post(b"{}", headers=[]), range(50)))
            refused = [answer for answer in answers if answer.status == 429]
            if refused:
                break
    assert is_told(refused[0], 429, "error")


def test_unavailable(stack: Stack, tmp_path: Path) -> None:
    stack.stop_service()
    assert is_told(stack.post(new_payment(new_person())), 503, "unavailable")
    assert is_told(stack.health(), 503, "unavailable", "GET", HEALTH)
    stack.start_service(ready=False, PAYMENTS_DB=str(tmp_path / "missing/payments.sqlite"))
    while stack.health().json["status"] == "unavailable":
        assert not stack.service.ended(), stack.said()
    assert is_told(stack.health(), 503, "unhealthy", "GET", HEALTH)
    assert is_told(stack.post(new_payment(new_person())), 503, "unavailable")


def test_health(stack: Stack) -> None:
    assert is_told(stack.health(), 200, "healthy", "GET", HEALTH)
    stack.carry(new_payment(new_person()))
    assert is_told(stack.health(), 200, "healthy", "GET", HEALTH)
    stack.sandbox.fault("status", status=401, times=-1)
    assert is_told(stack.post(new_payment(new_person())), 202, "queued")
    assert is_told(stack.health(), 200, "degraded", "GET", HEALTH)
    assert is_told(stack.ask("POST", HEALTH), 405, "error", "GET", HEALTH)


def test_alarms(stack: Stack) -> None:
    names = re.search(r"names\[ALARM_KINDS\] = \{(.*?)\}", (ROOT / "lib/monitor/alarm.c").read_text(), re.S)
    told = DOCUMENT["components"]["schemas"]["Alarm"]["properties"]["name"]["enum"]
    assert names and re.findall(r'"(\w+)"', names[1]) == told
    for _ in range(10):
        assert stack.post(b"{}", headers=[]).status == 401
    answer = stack.health()
    assert [alarm["name"] for alarm in answer.json["alarms"]] == ["unauthorized"]
    assert is_told(answer, 200, "healthy", "GET", HEALTH)


# What is for operators.


FORM = [("Content-Type", "application/x-www-form-urlencoded")]


def test_status_and_its_button(stack: Stack) -> None:
    stack.sandbox.fault("status", "POST", "/api/v4/leads", status=400, times=-1)
    assert stack.post(new_payment(new_person(), payment_id="pay_1")).status == 500
    answer = stack.ask("GET", STATUS)
    page = check_answer("GET", STATUS, answer)
    token = re.search(r'name="token" value="(\w+)"', page)
    assert answer.status == 200 and token
    pressed = stack.ask("POST", STATUS, FORM, f"payment=pay_1&token={token[1]}".encode())
    assert pressed.status == 303 and check_answer("POST", STATUS, pressed) == ""
    for status, headers, form in ((403, FORM, b"payment=pay_1&token=0"), (415, [], b"{}"), (413, FORM, b"x" * 256 * 1024 + b"x")):
        assert is_told(stack.ask("POST", STATUS, headers, form), status, "error", "POST", STATUS)
    assert is_told(stack.ask("DELETE", STATUS), 405, "error", "GET", STATUS)


def test_metrics(stack: Stack) -> None:
    answer = stack.ask("GET", METRICS)
    assert answer.status == 200 and "payment_sync_ledger_up 1" in check_answer("GET", METRICS, answer)
    assert is_told(stack.ask("POST", METRICS, FORM, b""), 405, "error", "GET", METRICS)


@pytest.mark.parametrize("path", [STATUS, METRICS])
def test_for_operators_alone(stack: Stack, path: str) -> None:
    """A worker that is asked directly, with nobody to vouch."""
    answer = fcgi.ask(stack.socket, [("REQUEST_METHOD", "GET"), ("DOCUMENT_URI", path)])
    assert answer.status == 404
    schema = resolve(DOCUMENT["paths"][path]["get"]["responses"]["404"])["content"]["application/json"]["schema"]
    validator(schema, strict=True).validate(json.loads(answer.body))


@pytest.mark.parametrize("path", [STATUS, METRICS])
def test_unavailable_for_operators(stack: Stack, path: str, tmp_path: Path) -> None:
    stack.stop_service()
    assert is_told(stack.ask("GET", path), 503, "unavailable", "GET", path)
    stack.start_service(ready=False, PAYMENTS_DB=str(tmp_path / "missing/payments.sqlite"))
    while stack.health().json["status"] == "unavailable":
        assert not stack.service.ended(), stack.said()
    answer = stack.ask("GET", path)
    text = check_answer("GET", path, answer)
    told = {STATUS: (503, "missing/payments.sqlite"), METRICS: (200, "payment_sync_ledger_up 0")}
    assert answer.status == told[path][0] and told[path][1] in text


# The schema of the body and the service's own reading.

CASES = ROOT / "tests/cases"

# What no schema can say of a value, the document says in words.
IN_WORDS = {
    "sum-too-large": {"course_order.course_order_items"},
    "times-that-are-none": {"course_order.updated_at"},  # 30 February
}


def expected_mistakes(case: str) -> set[str]:
    expected = json.loads((CASES / case / "expect.json").read_text())
    return {mistake["path"] for mistake in expected.get("mistakes", [])}


def cases() -> list[str]:
    """Mistakes of the document as a whole are about its bytes, and in words too."""
    names = sorted(path.name for path in CASES.iterdir() if path.is_dir())
    return [name for name in names if "" not in expected_mistakes(name)]


@pytest.mark.parametrize("case", cases())
def test_case_agrees(case: str) -> None:
    body = read_json((CASES / case / "body.json").read_bytes())
    assert mistakes(body) == expected_mistakes(case) - IN_WORDS.get(case, set())


VALUES: list[Any] = [
    None, True, 0, -1, 7, 1.5, 12.345, 19.99, -0.01, 1000000000000, 1000000000001, [], [1], {}, {"a": 1}, "", " \t\u00a0", "\u2003",
    "text", " 12.50 ", "12.345", "1.5000", "1.", ".5", "+1", "-1", "1e3", "1000000000000", "1000000000000.01", "0001000000000000.00",
    "5 000,00", "5\u00a0000 \u20bd", "5\u202f000", "5'000", "1 234 567,89 \u0440\u0443\u0431.", "5000\u0440", "1,234", "1.234", "123,000",
    "1,234.56", "1.234.567", "1,5", "50 00", "0 500", "0.500", "1234.500", "5000 $", "5  000",
    "2025-01-20 14:49:20", " 2025-01-20T14:49:20.5+03:00 ", "2025-01-20 14:49:20 +0300", "0000-01-20 14:49:20", "2025-13-20 14:49:20",
    "2025-01-20 24:00:00", "2025-01-20", "2025-01-20T14:49:20,5+03", "2025-01-20 14:49:20+03:", 1737373760, 1737373760123, 99999999,
    "1737373760", " 1737373760123.5 ", "99999999", "100000000000000", "0", "\u044f" * 200, " " + "x" * 200 + " ", "x" * 201, "a\tb", "a\x7fb", "a b",
]  # fmt: skip


def with_value(node: Json, value: Any, key: str | None = None) -> Json:
    """A copy in which everything under the key, or, without one, every single value, is this one."""
    if isinstance(node, list):
        return [with_value(child, value, key) for child in node]
    if not isinstance(node, dict):
        return node if key else value
    return {name: value if name == key else with_value(child, value, key) for name, child in node.items()}


def told_by_the_service(stack: Stack, body: bytes) -> set[str]:
    """The paths of the mistakes that the service finds; none only if it took the payment.  nginx asks for patience now and then."""
    answer = until(lambda: None if (asked := stack.post(body)).status == 429 else asked, "nginx lets it pass")
    if answer.status == 400:
        return {mistake["path"] for mistake in answer.json["errors"]}
    assert (answer.status, answer.json["status"]) in {(202, "queued"), (202, "skipped"), (409, "duplicate"), (409, "conflict")}
    return set()


@pytest.fixture(scope="module")
def flooded() -> Iterator[Stack]:
    """nginx of its own again: whoever comes next would be told that there are too many."""
    with Stack(DELIVERY="queue") as stack:
        yield stack


@pytest.mark.parametrize("key", [None, "course_order", "course_order_items", "course", "subject", "cost", "user", "utm"])
def test_every_value_everywhere_agrees(flooded: Stack, key: str | None) -> None:
    """Both name every mistake, so one body tells about many places."""
    body = new_payment(new_person())
    body["course_order"]["utm"]["campaign"] = "spring"
    for value in VALUES:
        wrong = with_value(body, value, key)
        assert mistakes(read_json(to_body(wrong))) == told_by_the_service(flooded, to_body(wrong)), value
