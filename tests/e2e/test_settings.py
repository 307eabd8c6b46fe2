"""Contract section 2: where settings come from, and what is said about wrong ones."""

import signal
import subprocess
from pathlib import Path

import pytest

from harness import account
from harness.payload import new_payment, new_person
from harness.process import until
from harness.stack import BUILD, SECRET, Stack
from harness.sandbox import TOKEN

WRONG = {
    "WEBHOOK_SECRET": None,
    "AMO_ACCESS_TOKEN": None,
    "AMO_BASE_URL": "http://account.example.com",
    "AMO_CA_FILE": "/no/such/file",
    "AMO_RATE_LIMIT": "0",
    "AMO_TIMEOUT_MS": "soon",
    "CREATE_IF_NOT_FOUND": "perhaps",
    "DELIVERY": "pigeon",
    "AMO_LEAD_LOOKUP": "guess",
    "PAYMENT_TIMEZONE": "Mars/Olympus",
    "DUPLICATE_STATUS": "418",
    "RETRY_MAX_ATTEMPTS": "-1",
    "LOG_LEVEL": "LOUD",
    "AMO_LEAD_FIELD_TOTAL_PAID": "12x",
    "AMO_SUBJECT_RUSSIAN": "abc",
    "AMO_PURCHASE_COUNT_3": "0",
    "AMO_PIPELINE_SITE": "site",
    "STATUS_CLOSED": "closed",
    "WEBHOOK_LEGACY_SECRET": "maybe",
    "INLINE_DEADLINE_MS": "1e3",
}


def test_all_mistakes_at_once(stack: Stack) -> None:
    stack.stop_service()
    stack.start_service(ready=False, **WRONG)
    assert stack.service
    until(stack.service.ended, "the service ends")
    assert stack.service.process.returncode == 78
    said = stack.service.said()
    assert [name for name in WRONG if name not in said] == []
    for program in ("payment-syncd", "paymentctl"):
        done = stack._run(program, *(["stats"] if program == "paymentctl" else ["--once"]))
        assert done.returncode == 78, program
        # paymentctl does not look for the secrets that a command has no use for.
        unused = ("WEBHOOK_SECRET", "AMO_ACCESS_TOKEN") if program == "paymentctl" else ()
        assert [name for name in WRONG if name not in unused and name not in done.stderr] == [], program


def test_mistakes_do_not_tell_secrets(stack: Stack) -> None:
    stack.stop_service()
    stack.start_service(ready=False, AMO_ACCESS_TOKEN="canary token", AMO_BASE_URL="https://user:canary@example.com")
    assert stack.service
    until(stack.service.ended, "the service ends")
    assert stack.service.process.returncode == 78 and "canary" not in stack.service.said()


def start_with_file(stack: Stack, content: str, **environment: str | None) -> None:
    """Settings from a file alone; what the environment says besides goes before."""
    path = stack.folder / "config.env"
    path.write_text(content)
    stack.stop_service()
    unset: dict[str, str | None] = {name: None for name in (*account.SETTINGS, "WEBHOOK_SECRET", "AMO_ACCESS_TOKEN", "AMO_BASE_URL")}
    stack.start_service(**{**unset, "PAYMENT_SYNC_CONFIG": str(path), **environment})


def python_env(stack: Stack) -> str:
    """An .env as people write it for pydantic: comments, quotes, empty values, names we do not know."""
    fields = "\n".join(f"{name}={value}" for name, value in account.SETTINGS.items())
    return f"""\
# amoCRM
AMO_BASE_URL="{stack.sandbox.url}/"
AMO_ACCESS_TOKEN='{TOKEN}'
AMO_CLIENT_ID=
AMO_REDIRECT_URI=https://example.com/callback?x=1

# Webhook
WEBHOOK_SECRET = {SECRET}  # shared with the platform
DATABASE_PATH=db/payments.sqlite
DEBUG=True
CREATE_IF_NOT_FOUND=True
LOG_LEVEL=INFO
RETRY_MAX_ATTEMPTS=3
RETRY_WAIT_MIN=2
RETRY_WAIT_MAX=10

{fields}
AMO_LEAD_FIELD_UTM_SOURCE=
AMO_PIPELINE_ID={account.SITE}
AMO_DEFAULT_STATUS_ID={account.SITE_NEW}
AMO_PIPELINE_SITE={account.SITE}
AMO_STATUS_AUTOPAY_SITE={account.SITE_AUTOPAY}
AMO_PIPELINE_PARTNERS={account.PARTNERS}
AMO_STATUS_AUTOPAY_PARTNERS={account.PARTNERS_AUTOPAY}
STATUS_SUCCESS=142
STATUS_CLOSED=143
"""


def test_env_of_the_python_service(stack: Stack) -> None:
    start_with_file(stack, python_env(stack))
    lead = stack.sandbox.lead(stack.carry(new_payment(new_person()))["lead_id"])
    assert (lead["pipeline_id"], lead["status_id"]) == (account.SITE, account.SITE_AUTOPAY)
    assert lead["fields"][account.TOTAL] == "5000" and lead["fields"]["utm_source"] == "platform"


def test_environment_goes_before_the_file(stack: Stack) -> None:
    start_with_file(stack, python_env(stack), CREATE_IF_NOT_FOUND="0")
    assert stack.post(new_payment(new_person())).status == 404


@pytest.mark.parametrize("value, status", [("True", 200), ("1", 200), ("yes", 200), ("False", 404), ("0", 404), ("no", 404)])
def test_booleans(stack: Stack, value: str, status: int) -> None:
    stack.stop_service()
    stack.start_service(CREATE_IF_NOT_FOUND=value)
    assert stack.post(new_payment(new_person())).status == status


def test_secrets_from_files(stack: Stack) -> None:
    credentials = stack.folder / "credentials"
    credentials.mkdir(exist_ok=True)
    (credentials / "webhook-secret").write_text(SECRET + "\n")
    token = stack.folder / "token"
    token.write_text(TOKEN + "\n")
    stack.stop_service()
    stack.start_service(
        WEBHOOK_SECRET=None, AMO_ACCESS_TOKEN=None, CREDENTIALS_DIRECTORY=str(credentials), AMO_ACCESS_TOKEN_FILE=str(token)
    )
    stack.carry(new_payment(new_person()))


def test_short_secret_is_a_warning(stack: Stack) -> None:
    stack.stop_service()
    stack.start_service(WEBHOOK_SECRET="short")
    assert any(line.startswith("<4>") and "WEBHOOK_SECRET" in line for line in stack.said().splitlines())
    assert "short" not in stack.said().replace("shorter", "")


def test_hup_takes_new_settings(stack: Stack) -> None:
    """The file is read anew; workers are replaced one by one and nothing is refused meanwhile."""
    start_with_file(stack, python_env(stack))
    payment = new_payment(new_person())
    stack.carry(payment)
    assert stack.service and stack.post(payment).status == 409
    path = stack.folder / "config.env"
    path.write_text(python_env(stack) + "DUPLICATE_STATUS=200\n")
    stack.service.process.send_signal(signal.SIGHUP)
    seen = set()

    def all_new() -> bool:
        answers = [stack.post(payment).status for _ in range(12)]
        seen.update(answers)
        return answers == [200] * 12

    until(all_new, "all workers have the new settings")
    assert seen <= {200, 409}


@pytest.mark.parametrize("name", ["PAYMENTS_DB", "PAYMENTS_RUN_DIR"])
def test_hup_leaves_ledger_and_run_directory(stack: Stack, tmp_path: Path, name: str) -> None:
    """What waits in the ledger of before would wait for ever."""
    content = python_env(stack).replace("DATABASE_PATH=", "OTHER_PATH=") + "DELIVERY=queue\n"
    places = {"PAYMENTS_DB": tmp_path / "one.sqlite", "PAYMENTS_RUN_DIR": tmp_path / "run"}
    lines = "".join(f"{key}={path}\n" for key, path in places.items())
    start_with_file(stack, content + lines, PAYMENTS_DB=None, PAYMENTS_RUN_DIR=None)
    stack.start_syncd()
    until(lambda: stack.carrier and "ready workers=" in stack.carrier.said(), "payment-syncd is ready")
    other = tmp_path / "other"
    (stack.folder / "config.env").write_text(content.replace("queue", "inline") + lines.replace(str(places[name]), str(other)))
    for program in (stack.service, stack.carrier):
        assert program
        program.process.send_signal(signal.SIGHUP)
        until(lambda: "the old ones stay" in program.said(), "the reload is refused")
        refused = f'settings: "{name} changes with a restart only: {places[name]} is in use, not {other}"'
        assert any(line.startswith("<3>") and refused in line for line in program.said().splitlines())
    payment = new_payment(new_person())
    assert stack.post(payment).status == 202
    until(lambda: stack.post(payment).json["status"] == "duplicate", "it is carried from where it was recorded")
    assert not other.exists()


def test_mapping_of_ones_own(stack: Stack) -> None:
    path = stack.folder / "mapping.json"
    path.write_text(
        """{"version": 1, "subjects": {"Астрономия": "${AMO_SUBJECT_PHYSICS}"}, "directions": [],
        "pipelines": [{"name": "Всё", "pipeline": 10089806, "status": 50000021}], "excluded_stages": [],
        "exclude": [{"when": {"path": "course_order.domain", "equals": "test.example.com"}, "reason": "a test domain"}],
        "fields": []}"""
    )
    stack.stop_service()
    stack.start_service(PAYMENT_MAPPING=str(path))
    payment = new_payment(new_person(), domain="test.example.com")
    assert stack.post(payment).json["reason"] == "a test domain"
    payment = new_payment(new_person())
    payment["course_order"]["course_order_items"][0]["course"]["subject"]["name"] = "Астрономия"
    lead = stack.sandbox.lead(stack.carry(payment)["lead_id"])
    assert (lead["pipeline_id"], lead["status_id"], lead["fields"][account.SUBJECTS]) == (10089806, 50000021, ["Физика"])


def test_wrong_mapping_ends_the_start(stack: Stack) -> None:
    path = stack.folder / "mapping.json"
    path.write_text('{"version": 1, "subjects": {"Русский": "${NO_SUCH"}}')
    stack.stop_service()
    stack.start_service(ready=False, PAYMENT_MAPPING=str(path))
    assert stack.service
    until(stack.service.ended, "the service ends")
    assert stack.service.process.returncode == 78 and "subjects" in stack.service.said()


def test_usage(stack: Stack) -> None:
    for program, word, code in (("payment.fcgi", "--nonsense", 64), ("paymentctl", "nonsense", 64), ("payment-syncd", "x", 64)):
        done = subprocess.run([Path(BUILD) / program, word], env=stack.variables, capture_output=True, timeout=20)
        assert done.returncode == code, program
