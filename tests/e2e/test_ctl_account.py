"""paymentctl check and discover against an account that an administrator changed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from harness.account import SETTINGS
from harness.ctl import CONFIG, LATER, OK, SEE, ctl, ctl_json
from harness.payload import new_payment, new_person
from harness.sandbox import TOKEN, Sandbox, jwt_that_expires
from harness.stack import BUILD, ROOT, SECRET, Stack

TOTAL_PAID = "AMO_LEAD_FIELD_TOTAL_PAID"
RIGHT = "44 right, 0 wrong, 0 odd, 0 not set\n"


def findings(stack: Stack, **settings: str | None) -> dict[str, dict[str, Any]]:
    return {one["setting"]: one for one in ctl_json(stack, "check", **settings)}


def states(stack: Stack, **settings: str | None) -> dict[str, str]:
    """What is not right."""
    return {name: one["state"] for name, one in findings(stack, **settings).items() if one["state"] != "ok"}


def test_all_is_well(stack: Stack) -> None:
    done = ctl(stack, "check")
    assert (done.returncode, done.stdout) == (OK, RIGHT), done.stdout
    assert states(stack) == {}
    assert {entry["method"] for entry in stack.sandbox.log()} == {"GET"}
    assert TOKEN not in done.stdout + done.stderr and SECRET not in done.stdout + done.stderr


def test_one_line_says_what_to_set(stack: Stack) -> None:
    done = ctl(stack, "check", **{TOTAL_PAID: "123"})
    assert done.returncode == SEE
    assert (
        'AMO_LEAD_FIELD_TOTAL_PAID=123: the account has no such lead field; "Общий оплаченный итог" (800004, numeric)'
        " looks like it\n" in done.stdout
    )


def test_field_deleted(stack: Stack) -> None:
    stack.sandbox.delete_field(800007)
    assert states(stack) == {"AMO_LEAD_FIELD_PAYMENT_ID": "wrong"}


def test_field_of_another_type(stack: Stack) -> None:
    stack.sandbox.control("PATCH", "fields/800004", {"type": "checkbox"})
    message = findings(stack)[TOTAL_PAID]["message"]
    assert "of type checkbox; one of type numeric" in message


def test_ids_swapped(stack: Stack) -> None:
    swapped = {"AMO_CONTACT_FIELD_TG_ID": "800007", "AMO_LEAD_FIELD_PAYMENT_ID": "700001"}
    assert states(stack, **swapped) == dict.fromkeys(swapped, "wrong")
    assert "is a contact's field, not a lead's" in findings(stack, **swapped)["AMO_LEAD_FIELD_PAYMENT_ID"]["message"]
    swapped = {"AMO_LEAD_FIELD_LAST_PAYMENT_AMOUNT": "800004", TOTAL_PAID: "800003"}
    assert states(stack, **swapped) == dict.fromkeys(swapped, "odd")
    swapped = {"AMO_PIPELINE_SITE": "8598230", "AMO_PIPELINE_PARTNERS": "4423755"}
    assert states(stack, **swapped) == {
        "AMO_PIPELINE_SITE": "odd", "AMO_PIPELINE_PARTNERS": "odd",
        "AMO_STATUS_AUTOPAY_SITE": "wrong", "AMO_STATUS_AUTOPAY_PARTNERS": "wrong",
    }  # fmt: skip


def test_option_deleted(stack: Stack) -> None:
    stack.sandbox.control("DELETE", "fields/800001/enums/810004")
    assert states(stack) == {"AMO_SUBJECT_RUSSIAN": "wrong"}


def test_not_set(stack: Stack) -> None:
    done = ctl(stack, "check", **{TOTAL_PAID: None})
    assert done.returncode == OK
    assert "AMO_LEAD_FIELD_TOTAL_PAID: not set, so it is not written;" in done.stdout


def test_rules_are_wrong(stack: Stack, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text('{"version": 1, "subject": {}}')
    found = findings(stack, PAYMENT_MAPPING=str(rules))
    assert found["PAYMENT_MAPPING"]["message"].startswith("subject: This key is unknown")
    assert found[TOTAL_PAID]["state"] == "ok", "the rest is looked at nevertheless"
    rules.write_text('{"version": 1, "subjects": {"Химия": 5}}')
    assert states(stack, PAYMENT_MAPPING=str(rules)) == {"subjects.Химия": "wrong"}


def test_this_host(stack: Stack, tmp_path: Path) -> None:
    """What is not there yet is not made: it would be root's."""
    missing = tmp_path / "payments.sqlite"
    assert states(stack, PAYMENTS_DB=str(missing)) == {"PAYMENTS_DB": "unset"}
    assert not missing.exists()
    assert states(stack, PAYMENTS_RUN_DIR=str(tmp_path / "run")) == {"PAYMENTS_RUN_DIR": "unset"}
    missing.write_text("no ledger at all, but long enough for one to be expected" * 20)
    assert states(stack, PAYMENTS_DB=str(missing)) == {"PAYMENTS_DB": "wrong"}
    assert ctl(stack, "check", AMO_ACCESS_TOKEN=None).returncode == CONFIG


def test_what_is_made_is_the_services(stack: Stack, tmp_path: Path) -> None:
    """An operator who is root must not leave files that the service cannot open."""
    owner = 65534 if os.geteuid() == 0 else os.geteuid()
    os.chown(tmp_path, owner, -1)
    assert ctl(stack, "check", PAYMENTS_RUN_DIR=str(tmp_path)).returncode == OK
    assert [path.stat().st_uid for path in tmp_path.iterdir()] == [owner]


def test_token_is_refused(stack: Stack) -> None:
    stack.sandbox.fault("status", status=401, times=-1)
    done = ctl(stack, "check")
    assert done.returncode == SEE and "AMO_ACCESS_TOKEN: amoCRM refuses everybody: HTTP 401" in done.stdout
    done = ctl(stack, "discover")
    assert (done.returncode, done.stdout) == (SEE, "") and "amoCRM refuses AMO_ACCESS_TOKEN as it is set here (HTTP 401)" in done.stderr


def test_a_stale_token_in_a_shell_does_not_stop_the_service(stack: Stack) -> None:
    for command, status in (["check", SEE], ["discover", SEE]):
        assert ctl(stack, command, AMO_ACCESS_TOKEN="stale").returncode == status
        assert json.loads(ctl(stack, "stats", "--json").stdout)["crm_breaker"] == {"state": "closed"}
    assert stack.post(new_payment(new_person())).json["status"] == "success"
    assert ctl(stack, "reconcile", AMO_ACCESS_TOKEN="stale").returncode == LATER
    assert stack.post(new_payment(new_person())).json["status"] == "success"


def test_amocrm_is_not_asked_while_the_breaker_is_open(stack: Stack) -> None:
    stack.sandbox.fault("status", status=401)
    assert stack.post(new_payment(new_person())).json["status"] == "queued"
    done = ctl(stack, "check")
    assert done.returncode == LATER and "AMO_ACCESS_TOKEN: not tried: amoCRM refuses everybody with status 401" in done.stdout
    done = ctl(stack, "discover")
    assert (done.returncode, done.stdout) == (LATER, "") and "paymentctl resume" in done.stderr
    ctl(stack, "resume")
    assert ctl(stack, "discover").returncode == OK


@pytest.mark.parametrize(
    "days, state, told",
    [
        (-3, "wrong", "the token of amoCRM expired 3 days ago"),
        (5, "odd", "the token of amoCRM expires in 4 days"),
        (15, "ok", 'the account "Онлайн-школа (песочница)" (31000001) lets us in; the token expires at 20'),
    ],
)
def test_token_that_expires(stack: Stack, tmp_path: Path, days: int, state: str, told: str) -> None:
    """It says so itself, whatever amoCRM says: one that lets us in today may not do so next week."""
    token = jwt_that_expires(days * 86400 - 60)
    school = Sandbox(BUILD / "amocrm-sandbox", tmp_path, stack.trust, stack.certificates, token=token)
    try:
        own = {"AMO_BASE_URL": school.url, "AMO_ACCESS_TOKEN": token}
        found = [one for one in ctl_json(stack, "check", **own) if one["setting"] == "AMO_ACCESS_TOKEN"]
        done = ctl(stack, "check", **own)
    finally:
        school.stop()
    assert found[0]["state"] == state and found[0]["message"].startswith(told), found
    assert (done.returncode, token in done.stdout) == (OK if state == "ok" else SEE, False)
    assert (f"AMO_ACCESS_TOKEN: {told}" in done.stdout) == (state != "ok")


def test_type_of_task(stack: Stack, tmp_path: Path) -> None:
    """The example's 2 is a meeting; 77 is nothing here."""
    example = ROOT / "lib/rules/examples/task-for-manager.json"
    found = findings(stack, PAYMENT_MAPPING=str(example))
    assert (found["tasks[0].type"]["state"], found["tasks[0].type"]["message"]) == ("ok", 'type of task "Встреча"')
    rules = tmp_path / "rules.json"
    rules.write_text(example.read_text().replace('"type": 2', '"type": 77'))
    done = ctl(stack, "check", PAYMENT_MAPPING=str(rules))
    assert done.returncode == SEE
    assert 'tasks[0].type=77: the account has no such type of task; it has 1 "Связаться", 2 "Встреча"\n' in done.stdout


@pytest.mark.parametrize(
    "fault", [{"status": 429, "retry_after_header": 3600}, {"status": 500}], ids=["busy", "down"]
)
def test_amocrm_does_not_answer(stack: Stack, fault: dict[str, int]) -> None:
    stack.sandbox.fault("status", times=-1, **fault)
    impatient = {"RETRY_MAX_ATTEMPTS": "1", "RETRY_WAIT_MIN": "0"}
    done = ctl(stack, "check", **impatient)
    assert done.returncode == LATER and "AMO_BASE_URL: amoCRM" in done.stdout
    assert ctl(stack, "discover", **impatient).returncode == LATER


# discover.


def bare(stack: Stack) -> dict[str, str | None]:
    """Nothing is known but the account."""
    return dict.fromkeys(SETTINGS)


def test_what_is_discovered_passes_the_check(stack: Stack, tmp_path: Path) -> None:
    done = ctl(stack, "discover", **bare(stack))
    assert done.returncode == OK, done.stderr
    config = tmp_path / "config.env"
    config.write_text(done.stdout)
    given = dict(line.split("=", 1) for line in done.stdout.splitlines() if line and not line.startswith("#"))
    assert {name: given.get(name) for name in SETTINGS} == SETTINGS
    assert "" not in given  # What is no setting, as a pipeline's other stages, is a comment only.
    assert TOKEN not in done.stdout and SECRET not in done.stdout

    checked = ctl(stack, "check", PAYMENT_SYNC_CONFIG=str(config), **bare(stack))
    assert (checked.returncode, checked.stdout) == (OK, RIGHT), checked.stdout


def test_what_is_not_there_stays_a_comment(stack: Stack, tmp_path: Path) -> None:
    stack.sandbox.delete_field(800004)
    stack.sandbox.control("DELETE", "fields/800001/enums/810004")
    # A name that would be a setting of its own if it could leave its comment.
    stack.sandbox.control("PATCH", "fields/800015", {"name": "список\nLOG_LEVEL=DEBUG"})
    done = ctl(stack, "discover", **bare(stack))
    assert "\n# AMO_LEAD_FIELD_TOTAL_PAID=\n" in done.stdout and "\n# AMO_SUBJECT_RUSSIAN=\n" in done.stdout
    assert not any(line.startswith("LOG_LEVEL") for line in done.stdout.splitlines())
    config = tmp_path / "config.env"
    config.write_text(done.stdout)
    settings = {"PAYMENT_SYNC_CONFIG": str(config), **bare(stack)}
    assert ctl(stack, "check", **settings).returncode == OK
    assert states(stack, **settings) == {TOTAL_PAID: "unset", "AMO_SUBJECT_RUSSIAN": "unset"}


def test_what_ones_own_rules_name_is_looked_for(stack: Stack, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text('{"version": 1, "subjects": {"Химия": "${AMO_SUBJECT_CHEMISTRY_TOO}"}}')
    done = ctl(stack, "discover", PAYMENT_MAPPING=str(rules))
    assert '# "Химия"\nAMO_SUBJECT_CHEMISTRY_TOO=810006\n' in done.stdout
    assert "AMO_SUBJECT_RUSSIAN" not in done.stdout
    found = ctl_json(stack, "check", PAYMENT_MAPPING=str(rules))
    remark = [one["message"] for one in found if one["state"] == "odd"]
    assert remark == ["subjects.Химия: AMO_SUBJECT_CHEMISTRY_TOO is not set, and no setting is called so: is it misspelt?"]


def test_discovery_as_json(stack: Stack) -> None:
    found = ctl_json(stack, "discover")
    assert found["account"]["id"] == 31000001
    ids = {one["setting"]: one["id"] for one in found["settings"] if one["setting"]}
    assert ids[TOTAL_PAID] == 800004 and ids["AMO_STATUS_AUTOPAY_SITE"] == 63242022
    json.dumps(found)
