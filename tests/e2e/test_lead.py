"""Contract section 6: which lead a payment belongs to, and where a new one is created."""

from typing import Any

import pytest

from harness import account
from harness.account import PHONE
from harness.payload import Person, item, new_payment, new_person
from harness.stack import Stack

ACTIVE = [
    (account.SITE, account.SITE_NEW),
    (account.SITE, account.SITE_WORK),
    (account.PARTNERS, account.PARTNERS_WORK),
    (account.YANDEX, account.YANDEX_WORK),
]
EXCLUDED = [
    (account.SITE, account.SITE_AUTOPAY),
    (account.PARTNERS, account.PARTNERS_AUTOPAY),
    (account.YANDEX, account.YANDEX_AUTOPAY),
    (account.SITE, account.WON),
    (account.YANDEX, account.LOST),
]


def known(stack: Stack) -> tuple[Person, int]:
    """A person who is a contact already."""
    person = new_person()
    return person, stack.sandbox.add_contact(fields={PHONE: person.phone_e164})


def add_lead(stack: Stack, contact_id: int, stage: tuple[int, int], **more: Any) -> int:
    return stack.sandbox.add_lead(contact_id, pipeline_id=stage[0], status_id=stage[1], **more)


@pytest.mark.parametrize("stage", ACTIVE)
def test_active_lead_in_any_pipeline_is_kept_where_it_is(stack: Stack, stage: tuple[int, int]) -> None:
    person, contact_id = known(stack)
    lead_id = add_lead(stack, contact_id, stage, name="Заявка с сайта", price=777)
    answer = stack.carry(new_payment(person, utm={"source": "advcake", "medium": "cpc"}))
    assert (answer["lead_id"], answer["lead_created"]) == (lead_id, False)
    lead = stack.sandbox.lead(lead_id)
    assert (lead["pipeline_id"], lead["status_id"], lead["name"], lead["price"]) == (*stage, "Заявка с сайта", 777)
    assert "utm_source" not in lead["fields"] and lead["fields"][account.TOTAL] == "5000"
    assert stack.ledger.row(answer["payment_id"])["pipeline_id"] == stage[0]
    assert stack.ledger.row(answer["payment_id"])["lead_created"] == 0


@pytest.mark.parametrize("stage", EXCLUDED)
def test_lead_in_excluded_stage_is_left_alone(stack: Stack, stage: tuple[int, int]) -> None:
    person, contact_id = known(stack)
    lead_id = add_lead(stack, contact_id, stage)
    before = stack.sandbox.lead(lead_id)
    answer = stack.carry(new_payment(person))
    assert answer["lead_created"] and answer["lead_id"] != lead_id
    assert stack.sandbox.lead(lead_id) == before


def test_deleted_lead_is_left_alone(stack: Stack) -> None:
    person, contact_id = known(stack)
    lead_id = add_lead(stack, contact_id, ACTIVE[1])
    stack.sandbox.delete("leads", lead_id)
    assert stack.carry(new_payment(person))["lead_created"]
    stack.sandbox.set(show_deleted_by_id=True)
    assert stack.carry(new_payment(person))["lead_id"] != lead_id


@pytest.mark.parametrize("lookup", ["linked", "query"])
def test_lead_of_another_contact_is_left_alone(stack: Stack, lookup: str) -> None:
    """Also when its name holds our person's phone, so that a search finds it."""
    stack.stop_service()
    stack.start_service(AMO_LEAD_LOOKUP=lookup)
    person, _ = known(stack)
    stranger = stack.sandbox.add_contact(name="Другой")
    lead_id = add_lead(stack, stranger, ACTIVE[1], name=f"{person.phone[-10:]} {person.email}")
    assert stack.carry(new_payment(person))["lead_created"]
    assert stack.sandbox.lead(lead_id)["fields"] == {}


@pytest.mark.parametrize("lookup", ["linked", "query"])
@pytest.mark.parametrize("filters", [{}, {"filter_id": False}, {"filter": True}], ids=["usual", "ignored", "paid"])
def test_most_recently_updated_wins(stack: Stack, lookup: str, filters: dict[str, bool]) -> None:
    stack.stop_service()
    stack.start_service(AMO_LEAD_LOOKUP=lookup)
    stack.sandbox.set(leads_query_sees_contacts=True, **filters)
    person, contact_id = known(stack)
    stranger = stack.sandbox.add_contact(name="Другой")
    add_lead(stack, stranger, ACTIVE[1], updated_at=1750000000)
    times = (1700000000, 1700000900, 1700000500)
    leads = [add_lead(stack, contact_id, stage, updated_at=when) for stage, when in zip(ACTIVE, times)]
    add_lead(stack, contact_id, EXCLUDED[0], updated_at=1740000000)
    assert stack.carry(new_payment(person))["lead_id"] == leads[1]
    assert stack.sandbox.lead(leads[1])["status_id"] == ACTIVE[1][1]
    assert [stack.sandbox.lead(lead)["fields"] for lead in (leads[0], leads[2])] == [{}, {}]


@pytest.mark.settings(AMO_LEAD_LOOKUP="query")
def test_query_lookup_finds_only_what_the_search_finds(stack: Stack) -> None:
    """That is what the setting says: by default the account's search does not look at a lead's contacts."""
    person, contact_id = known(stack)
    hidden = add_lead(stack, contact_id, ACTIVE[1])
    first = stack.carry(new_payment(person))
    assert first["lead_created"] and first["lead_id"] != hidden
    named = add_lead(stack, contact_id, ACTIVE[1], name="Заявка " + person.phone[-10:])
    assert stack.carry(new_payment(person))["lead_id"] == named
    asked = [entry["target"] for entry in stack.sandbox.log("GET", "/api/v4/leads")]
    assert asked and not any("filter" in target for target in asked)
    assert any("query=" + person.phone[-10:] in target for target in asked)


def test_filters_are_ignored(stack: Stack) -> None:
    """The account answers with everybody's leads; each is checked again, those that are missing are asked for singly."""
    stack.sandbox.set(filter_id=False)
    stranger = stack.sandbox.add_contact(name="Другой")
    for _ in range(30):
        add_lead(stack, stranger, ACTIVE[1], updated_at=1790000000)
    person, contact_id = known(stack)
    leads = [add_lead(stack, contact_id, ACTIVE[1], updated_at=when) for when in (1700000000, 1700000100)]
    assert stack.carry(new_payment(person))["lead_id"] == leads[1]


@pytest.mark.parametrize(
    "utm, pipeline, stage",
    [
        ({"source": "advcake"}, account.PARTNERS, account.PARTNERS_AUTOPAY),
        ({"source": "ris.promo", "medium": "cpc"}, account.PARTNERS, account.PARTNERS_AUTOPAY),
        ({"source": "ru_TBank_2025"}, account.PARTNERS, account.PARTNERS_AUTOPAY),
        ({"source": "yandex", "medium": "cpc"}, account.YANDEX, account.YANDEX_AUTOPAY),
        ({"source": "vk", "medium": "Promo-EL-EGE-1"}, account.YANDEX, account.YANDEX_AUTOPAY),
        ({"source": "direct", "medium": "organic"}, account.SITE, account.SITE_AUTOPAY),
        ({}, account.SITE, account.SITE_AUTOPAY),
        (None, account.SITE, account.SITE_AUTOPAY),
        ([], account.SITE, account.SITE_AUTOPAY),
    ],
)
def test_pipeline_by_utm(stack: Stack, utm: Any, pipeline: int, stage: int) -> None:
    answer = stack.carry(new_payment(new_person(), utm=utm))
    lead = stack.sandbox.lead(answer["lead_id"])
    assert (lead["pipeline_id"], lead["status_id"]) == (pipeline, stage)
    assert stack.ledger.row(answer["payment_id"])["pipeline_id"] == pipeline


@pytest.mark.settings(PARTNER_SOURCES="friend, Друг")
def test_partner_sources_are_a_setting(stack: Stack) -> None:
    answers = [stack.carry(new_payment(new_person(), utm={"source": s})) for s in ("advcake", "My-Friend", "лучший друг")]
    pipelines = [stack.sandbox.lead(answer["lead_id"])["pipeline_id"] for answer in answers]
    assert pipelines == [account.SITE, account.PARTNERS, account.PARTNERS]


@pytest.mark.settings(AMO_PIPELINE_ID="8598230", AMO_DEFAULT_STATUS_ID="50000011")
def test_default_pair_for_one_pipeline(stack: Stack) -> None:
    lead = stack.sandbox.lead(stack.carry(new_payment(new_person()))["lead_id"])
    assert (lead["pipeline_id"], lead["status_id"]) == (8598230, 50000011)


def test_created_in_one_request(stack: Stack) -> None:
    person = new_person()
    items = [item(5000, "Русский"), item(1500.5, "Физика"), item("99.50", "Русский")]
    utm = {"source": "vk", "medium": "post", "campaign": "зима", "term": "t", "content": "c", "ym": "17"}
    payment = new_payment(person, *items, utm=utm)
    answer = stack.carry(payment)
    lead = stack.sandbox.lead(answer["lead_id"])
    assert (lead["name"], lead["price"]) == ("Оплата Русский, Физика - Иван Петров", 6600)
    assert lead["contacts"] == [answer["contact_id"]]
    assert lead["fields"] == {
        account.SUBJECTS: ["Русский", "Физика"],
        account.DIRECTION: "ЕГЭ",
        account.LAST_AMOUNT: "6600",
        account.TOTAL: "6600",
        account.COUNT: "1",
        account.LAST_DATE: 1737373760,
        account.PAYMENT_ID: answer["payment_id"],
        account.INVOICE_ID: payment["course_order"]["invoice_id"],
        account.STATUS: "CONFIRMED",
        "utm_source": "vk",
        "utm_medium": "post",
        "utm_campaign": "зима",
        "utm_term": "t",
        "utm_content": "c",
        "_ym_uid": "17",
    }
    assert len(stack.sandbox.log("POST", "/api/v4/leads")) == 1
    assert stack.sandbox.log("PATCH") == []


def written_fields(stack: Stack) -> tuple[set[str], set[int]]:
    """The codes and the ids by which the lead's fields were named when it was created."""
    (request,) = stack.sandbox.log("POST", "/api/v4/leads")
    fields = request["body"][0]["custom_fields_values"]
    return {f["field_code"] for f in fields if f.get("field_code")}, {f["field_id"] for f in fields if f.get("field_id")}


UTM_BY_ID = {
    "AMO_LEAD_FIELD_UTM_SOURCE": "800021",
    "AMO_LEAD_FIELD_UTM_MEDIUM": "800022",
    "AMO_LEAD_FIELD_UTM_CAMPAIGN": "800023",
    "AMO_LEAD_FIELD_YM_UID": "800026",
}


@pytest.mark.parametrize("settings", [{}, UTM_BY_ID], ids=["code", "id"])
def test_tracking_data_by_code_or_id(stack: Stack, settings: dict[str, str]) -> None:
    stack.stop_service()
    stack.start_service(**settings)
    lead = stack.sandbox.lead(stack.carry(new_payment(new_person()))["lead_id"])
    assert {name: lead["fields"][name] for name in lead["fields"] if name.startswith(("utm", "_ym"))} == {
        "utm_source": "platform",
        "utm_medium": "direct",
        "utm_campaign": "summer2025",
        "_ym_uid": "1234567890",
    }
    codes, ids = written_fields(stack)
    tracking = {800021, 800022, 800023, 800026}
    if settings:
        assert not codes and tracking < ids
    else:
        assert codes == {"UTM_SOURCE", "UTM_MEDIUM", "UTM_CAMPAIGN", "_YM_UID"} and not tracking & ids


def test_lead_shared_by_two_contacts(stack: Stack) -> None:
    """Mother and daughter: each pays, one lead counts both."""
    mother, daughter = new_person("Мария"), new_person("Анна")
    ids = [stack.sandbox.add_contact(fields={PHONE: person.phone_e164}) for person in (mother, daughter)]
    lead_id = stack.sandbox.add_lead(ids[0], contacts=ids, status_id=account.SITE_WORK)
    for person in (mother, daughter, mother):
        assert stack.carry(new_payment(person))["lead_id"] == lead_id
    fields = stack.sandbox.lead(lead_id)["fields"]
    assert (fields[account.TOTAL], fields[account.COUNT]) == ("15000", "3")


@pytest.mark.parametrize("settings", [{"success_status": 201}, {"success_status": 202}, {"wrap_patch": True}], ids=str)
def test_shapes_of_success(stack: Stack, settings: dict[str, Any]) -> None:
    """Success is 200, 201 or 202, and a change by id is answered bare or wrapped."""
    stack.sandbox.set(**settings)
    person, contact_id = known(stack)
    lead_id = add_lead(stack, contact_id, ACTIVE[1])
    for _ in range(2):
        assert stack.carry(new_payment(person))["lead_id"] == lead_id
    assert stack.carry(new_payment(new_person()))["lead_created"]
    assert stack.sandbox.lead(lead_id)["fields"][account.TOTAL] == "10000"
    assert all(entry["user_agent"] for entry in stack.sandbox.log())
