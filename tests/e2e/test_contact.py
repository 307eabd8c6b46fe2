"""Contract section 5: which contact a payment belongs to, and what is written into it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness import account
from harness.account import EMAIL, PHONE, TELEGRAM_ID, TELEGRAM_NAME
from harness.payload import Person, new_payment, new_person
from harness.stack import Stack


def searched(stack: Stack) -> list[str]:
    """What contacts were searched by, in order."""
    asked = (urlsplit(entry["target"]) for entry in stack.sandbox.log("GET", "/api/v4/contacts"))
    return [query for target in asked for query in parse_qs(target.query).get("query", [])]


def fields_of(stack: Stack, contact_id: int) -> dict[str, Any]:
    return stack.sandbox.contact(contact_id)["fields"]


def identity_fields(person: Person) -> dict[str, dict[str, str]]:
    return {
        "telegram": {TELEGRAM_ID: person.telegram_id},
        "phone": {PHONE: person.phone_e164},
        "email": {EMAIL: person.email},
    }


def test_created_with_everything_known(stack: Stack) -> None:
    person = new_person("Анна", "Ёлкина")
    contact_id = stack.carry(new_payment(person))["contact_id"]
    assert searched(stack) == [person.telegram_id, person.phone[-10:], person.email]
    assert stack.sandbox.contact(contact_id)["name"] == "Анна Ёлкина"
    assert fields_of(stack, contact_id) == {
        PHONE: [person.phone_e164],
        EMAIL: [person.email],
        TELEGRAM_ID: person.telegram_id,
        TELEGRAM_NAME: person.telegram_tag,
    }
    (request,) = stack.sandbox.log("POST", "/api/v4/contacts")
    assert "UTM" not in str(request["body"]) and "platform" not in str(request["body"])


@pytest.mark.parametrize("found", ["telegram", "phone", "email"])
def test_priority(stack: Stack, found: str) -> None:
    """Three contacts, one for each identity: Telegram goes before phone, phone before e-mail."""
    person = new_person()
    kinds = ["telegram", "phone", "email"]
    ids = {kind: stack.sandbox.add_contact(fields=identity_fields(person)[kind]) for kind in kinds[kinds.index(found) :]}
    answer = stack.carry(new_payment(person))
    assert answer["contact_id"] == ids[found]
    assert stack.ledger.delivery(answer["payment_id"])["matched_by"] == found
    assert len(searched(stack)) == kinds.index(found) + 1  # Nothing is asked for after it was found.
    assert len(stack.sandbox.contacts()) == len(ids)


def test_decoys_are_not_hits(stack: Stack) -> None:
    """`query` looks into every field and at parts of values; a hit counts only when the right field has the whole value."""
    person = new_person()
    add = stack.sandbox.add_contact
    decoys = [
        add(name=person.telegram_id, fields={TELEGRAM_ID: person.telegram_id + "1"}),
        add(name=person.phone[-10:], fields={TELEGRAM_NAME: person.telegram_id}),
        add(name=person.email, fields={PHONE: person.phone_e164 + "99"}),
        add(fields={EMAIL: "x" + person.email, TELEGRAM_ID: "9" + person.telegram_id}),
        add(fields={EMAIL: person.email + ".ru"}),
    ]
    contact_id = stack.carry(new_payment(person))["contact_id"]
    assert contact_id not in decoys and len(stack.sandbox.contacts()) == len(decoys) + 1


@pytest.mark.settings(AMO_CONTACT_FIELD_TG_ID=None, AMO_CONTACT_FIELD_TG_USERNAME=None)
def test_telegram_in_any_custom_field_where_none_is_configured(stack: Stack) -> None:
    person = new_person()
    stack.sandbox.add_contact(name=person.telegram_id)
    contact_id = stack.sandbox.add_contact(fields={TELEGRAM_NAME: person.telegram_id})
    assert stack.carry(new_payment(person))["contact_id"] == contact_id
    assert fields_of(stack, contact_id) == {TELEGRAM_NAME: person.telegram_id}
    stranger = new_person()
    assert set(fields_of(stack, stack.carry(new_payment(stranger))["contact_id"])) == {PHONE, EMAIL}


@pytest.mark.parametrize("stored", ["+7{}", "8{}", "7{}", "8 ({0:.3}) {0:.6} {0:.8} {0}", "{}"])
def test_phone_as_people_write_it(stack: Stack, stored: str) -> None:
    person = new_person()
    tail = person.phone[-10:]
    written = stored.format(tail)
    if " (" in stored:
        written = f"8 ({tail[:3]}) {tail[3:6]}-{tail[6:8]}-{tail[8:]}"
    contact_id = stack.sandbox.add_contact(fields={PHONE: written})
    assert stack.carry(new_payment(person, only=("phone",)))["contact_id"] == contact_id
    assert fields_of(stack, contact_id)[PHONE] == [written]


@pytest.mark.parametrize(
    "told, written",
    [
        ("8 (999) 777-00-01", "+79997770001"),
        ("79997770002", "+79997770002"),
        ("9997770003", None),
        ("+375 29 111-22-33", "+375291112233"),
    ],
)
def test_phone_is_normalised(stack: Stack, told: str, written: str | None) -> None:
    payment = new_payment(new_person())
    payment["course_order"]["user"]["phone"] = told
    contact_id = stack.carry(payment)["contact_id"]
    (phone,) = fields_of(stack, contact_id)[PHONE]
    # Ten digits alone: the contract leaves open whether they are Russian, but not that they begin with + and end the same.
    assert phone == written if written else phone.startswith("+") and phone.endswith(told)


@pytest.mark.parametrize("extension", [" доб. 12", ", доб 5", " ext 12", "x12", " #12", " вн. 3"])
def test_phone_with_an_extension(stack: Stack, extension: str) -> None:
    person = new_person()
    payment = new_payment(person, only=("phone",))
    payment["course_order"]["user"]["phone"] += extension
    contact_id = stack.carry(payment)["contact_id"]
    assert fields_of(stack, contact_id) == {PHONE: [person.phone_e164]}
    assert stack.carry(new_payment(person, only=("phone",)))["contact_id"] == contact_id


@pytest.mark.parametrize("separator", [", ", "; ", " / ", " или ", "\n", " "])
def test_several_phones_in_one_text(stack: Stack, separator: str) -> None:
    """The first is the payer's, each is searched for in order, and both spellings know one contact."""
    person, other = new_person(), new_person()
    both = new_payment(person, only=("phone",))
    both["course_order"]["user"]["phone"] = person.phone + separator + other.phone_e164
    contact_id = stack.carry(both)["contact_id"]
    assert searched(stack) == [person.phone[-10:], other.phone[-10:]]
    assert fields_of(stack, contact_id) == {PHONE: [person.phone_e164]}
    assert stack.carry(new_payment(person, only=("phone",)))["contact_id"] == contact_id

    known = stack.sandbox.add_contact(fields={PHONE: f"8 (495) 765-43-22 доб. 3{separator}{new_person().phone}"})
    their = new_payment(new_person(), only=("phone",))
    their["course_order"]["user"]["phone"] += separator + "+7 495 765-43-22"
    assert stack.carry(their)["contact_id"] == known


def test_country_of_a_phone(stack: Stack) -> None:
    """The last ten digits are the same, the countries are not."""
    person = new_person()
    tail = person.phone[-10:]
    american = stack.sandbox.add_contact(fields={PHONE: f"+1 {tail[:3]} {tail[3:]}"})
    russian = stack.carry(new_payment(person, only=("phone",)))["contact_id"]
    assert russian != american
    assert stack.carry(new_payment(person, user={"phone": "+1" + tail}))["contact_id"] == american


def test_email_without_case(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={EMAIL: person.email.upper()})
    assert stack.carry(new_payment(person, only=("email",)))["contact_id"] == contact_id


def test_second_value_of_a_field_counts(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: ["+78120000000", person.phone_e164]})
    assert stack.carry(new_payment(person, only=("phone",)))["contact_id"] == contact_id
    assert fields_of(stack, contact_id)[PHONE] == ["+78120000000", person.phone_e164]


def test_several_exact_hits(stack: Stack) -> None:
    """The most recently updated one is taken, and a person is told."""
    person = new_person()
    ids = [
        stack.sandbox.add_contact(fields={PHONE: person.phone_e164}, updated_at=when)
        for when in (1700000000, 1700000900, 1700000500)
    ]
    assert stack.carry(new_payment(person, only=("phone",)))["contact_id"] == ids[1]
    assert len(stack.sandbox.contacts()) == 3
    assert 'remark="3 contacts have this phone' in stack.said()


def test_one_phone_for_two(stack: Stack) -> None:
    """Mother and son have one phone: the contact that agrees in most else is taken."""
    person = new_person()
    son = stack.sandbox.add_contact(fields={PHONE: person.phone_e164, EMAIL: person.email}, updated_at=1700000000)
    stack.sandbox.add_contact(fields={PHONE: person.phone_e164, EMAIL: new_person().email}, updated_at=1700000900)
    assert stack.carry(new_payment(person))["contact_id"] == son
    assert 'remark="2 contacts have this phone' in stack.said()


def test_telegram_is_not_given_to_another(stack: Stack) -> None:
    """The contact that has this phone has another e-mail: it may be the mother's."""
    person, mother = new_person(), new_person()
    fields = {PHONE: [person.phone_e164], EMAIL: [mother.email]}
    contact_id = stack.sandbox.add_contact(fields=fields)
    assert stack.carry(new_payment(person))["contact_id"] == contact_id
    assert fields_of(stack, contact_id) == fields
    assert stack.sandbox.log("PATCH", "/api/v4/contacts*") == []


def test_telegram_id_in_thousands(stack: Stack) -> None:
    """Its digits are part of more than 5000 names: the other identities tell who it is, or that the payer is new."""
    stack.sandbox.control("POST", "contacts", [{"name": f"70707 71717 {n}"} for n in range(5001)], index="now")
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    payment = new_payment(person)
    payment["course_order"]["user"]["telegram_id"] = "70707"
    assert stack.carry(payment)["contact_id"] == contact_id
    assert 'remark="the search by telegram tells nothing' in stack.said()
    new = new_payment(new_person())
    new["course_order"]["user"]["telegram_id"] = "71717"
    assert stack.carry(new)["contact_id"] != contact_id


def test_only_empty_fields_are_filled(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(name="Ваня", fields={PHONE: person.phone_e164, TELEGRAM_NAME: "old_name"})
    stack.carry(new_payment(person))
    assert stack.sandbox.contact(contact_id)["name"] == "Ваня"
    assert fields_of(stack, contact_id) == {
        PHONE: [person.phone_e164],
        TELEGRAM_ID: person.telegram_id,
        TELEGRAM_NAME: "old_name",
    }
    (request,) = stack.sandbox.log("PATCH", "/api/v4/contacts*")
    stack.sandbox.forget_log()
    stack.carry(new_payment(person))
    assert stack.sandbox.log("PATCH", "/api/v4/contacts*") == []  # Nothing is empty any more.
    assert request["status"] == 200


def test_another_telegram_id_is_not_changed(stack: Stack) -> None:
    person = new_person()
    fields = {PHONE: [person.phone_e164], TELEGRAM_ID: "42", TELEGRAM_NAME: "old"}
    contact_id = stack.sandbox.add_contact(fields=fields)
    assert stack.carry(new_payment(person))["contact_id"] == contact_id
    assert fields_of(stack, contact_id) == fields


def test_deleted_contact_is_none(stack: Stack) -> None:
    person = new_person()
    gone = stack.carry(new_payment(person))["contact_id"]
    stack.sandbox.delete("contacts", gone)
    assert stack.carry(new_payment(person))["contact_id"] != gone
    assert len(stack.sandbox.contacts()) == 1


def test_merged_contact(stack: Stack) -> None:
    """A manager merged the contact that we made into another one."""
    person = new_person()
    ours = stack.carry(new_payment(person))["contact_id"]
    other = stack.sandbox.add_contact(fields={EMAIL: person.email})
    stack.sandbox.control("POST", f"contacts/{ours}/merge", {"into": other})
    assert stack.carry(new_payment(person))["contact_id"] == other


def test_contact_only_in_unsorted(stack: Stack) -> None:
    """A limit: amoCRM's search does not know it until its lead is accepted; then a person is told that there are two."""
    person = new_person()
    hidden = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    lead = stack.sandbox.add_lead(hidden, pipeline_id=4423755, status_id=50000000)
    ours = stack.carry(new_payment(person))["contact_id"]
    assert ours != hidden
    stack.sandbox.change_lead(lead, status_id=50000002)
    assert stack.carry(new_payment(person, only=("phone",)))["contact_id"] in (ours, hidden)
    assert 'remark="2 contacts have this phone' in stack.said()


def test_nobody(stack: Stack) -> None:
    """A payment that names no payer is carried all the same, each to a contact of its own."""
    payments = [new_payment(new_person(), user={"first_name": "Пётр", "telegram_id": 0}) for _ in range(2)]
    ids = [stack.carry(payment)["contact_id"] for payment in payments]
    assert len(set(ids)) == 2 and stack.sandbox.contact(ids[0])["name"] == "Пётр"
    nameless = stack.carry(new_payment(new_person(), user={}))["contact_id"]
    assert stack.sandbox.contact(nameless)["name"] == "Без имени"


PLACEHOLDERS = [
    {"phone": "+7 999 999-99-99"},
    {"phone": "0000000"},
    {"phone": "1234567", "telegram_id": 1},
    {"phone": "1234567890", "email": "-"},
    {"telegram_id": "1"},
    {"telegram_id": "null", "email": "none@none"},
    {"telegram_id": "-", "email": "test@test"},
]


@pytest.mark.parametrize("user", PLACEHOLDERS)
def test_placeholders_are_nobody(stack: Stack, user: dict[str, Any]) -> None:
    """Who fills a form so shares it with many: nothing is searched by it, and it is not written."""
    known = [stack.sandbox.add_contact(fields={TELEGRAM_ID: "1", PHONE: user.get("phone", "-"), EMAIL: user.get("email", "-")})]
    ids = [stack.carry(new_payment(new_person(), user=user | {"first_name": name}))["contact_id"] for name in ("Пётр", "Анна")]
    assert len(set(known + ids)) == 3 and searched(stack) == []
    assert fields_of(stack, ids[0]) == {} and stack.sandbox.contact(ids[1])["name"] == "Анна"


def test_long_name(stack: Stack) -> None:
    person = new_person("Ж" * 300)
    answer = stack.carry(new_payment(person))
    name = stack.sandbox.contact(answer["contact_id"])["name"]
    assert 200 <= len(name) <= 256 and set(name) == {"Ж"}
    assert len(stack.sandbox.lead(answer["lead_id"])["name"]) <= 256
    (note,) = stack.sandbox.notes(answer["lead_id"])
    assert "Ж" * 300 + " Петров" in note


def test_index_lag_makes_no_second_contact(stack: Stack) -> None:
    """amoCRM's search learns of a contact late; the ledger remembers each of its identities."""
    stack.sandbox.set(index_lag_ms=3600000)
    person = new_person()
    contact_id = stack.carry(new_payment(person))["contact_id"]
    for only in (("telegram_id",), ("phone",), ("email",), ()):
        assert stack.carry(new_payment(person, only=only))["contact_id"] == contact_id, only
    assert len(stack.sandbox.contacts()) == 1


def test_filled_in_identity_is_remembered_too(stack: Stack) -> None:
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    stack.sandbox.set(index_lag_ms=3600000)
    stack.carry(new_payment(person, only=("phone", "telegram_id")))
    assert stack.carry(new_payment(person, only=("telegram_id",)))["contact_id"] == contact_id
    assert len(stack.sandbox.contacts()) == 1


def test_hits_on_a_later_page(stack: Stack) -> None:
    """Lists are read to their end."""
    person = new_person()
    stack.sandbox.control("POST", "contacts", [{"name": f"{person.email} {n}"} for n in range(260)], index="now")
    contact_id = stack.sandbox.add_contact(fields={EMAIL: person.email})
    assert stack.carry(new_payment(person, only=("email",)))["contact_id"] == contact_id
    assert len(searched(stack)) == 2


@pytest.mark.settings(CREATE_IF_NOT_FOUND="False")
def test_decoy_is_no_hit_without_creation(stack: Stack) -> None:
    person = new_person()
    stack.sandbox.add_contact(name=person.phone_e164)
    answer = stack.post(new_payment(person))
    assert (answer.status, answer.json["status"]) == (404, "contact_not_found")
    assert account.TELEGRAM_ID not in fields_of(stack, stack.sandbox.contacts()[0]["id"])
