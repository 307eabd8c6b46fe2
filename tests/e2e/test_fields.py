"""Contract sections 6, 7 and 8: totals, counters, what is last, what is dropped, and the note that managers read."""

import json
from typing import Any

import pytest

from harness import account
from harness.account import COUNT, COUNT_LIST, FIELD_IDS, PHONE, SELECT_COUNTER, TOTAL
from harness.payload import Person, item, new_payment, new_person
from harness.stack import Stack


def customer(stack: Stack, **fields: Any) -> tuple[Person, int]:
    """A person with an active lead; the person and the lead."""
    person = new_person()
    contact_id = stack.sandbox.add_contact(fields={PHONE: person.phone_e164})
    return person, stack.sandbox.add_lead(contact_id, status_id=account.SITE_WORK, fields=fields)


def fields_of(stack: Stack, lead_id: int) -> dict[str, Any]:
    return stack.sandbox.lead(lead_id)["fields"]


def day(number: int) -> str:
    return f"2025-03-{number:02d} 12:00:00"


def test_totals_grow(stack: Stack) -> None:
    person, lead_id = customer(stack, **{TOTAL: "1000", COUNT: "2", account.SUBJECTS: ["История"]})
    seen = []
    for number, (cost, subject, project) in enumerate([(5000, "Русский", "ЕГЭ"), (250, "Физика", "ОГЭ"), (1, "История", "")]):
        stack.carry(new_payment(person, item(cost, subject, project), updated_at=day(number + 1)))
        now = fields_of(stack, lead_id)
        seen.append((now[TOTAL], now[COUNT], now[account.LAST_AMOUNT], now[account.DIRECTION], now[account.SUBJECTS]))
    assert seen == [
        ("6000", "3", "5000", "ЕГЭ", ["История", "Русский"]),
        ("6250", "4", "250", "ОГЭ", ["История", "Русский", "Физика"]),
        ("6251", "5", "1", "ОГЭ", ["История", "Русский", "Физика"]),
    ]
    assert len(stack.sandbox.notes(lead_id)) == 3


def test_direction_is_that_of_the_first_course_that_maps(stack: Stack) -> None:
    items = [item(project="Олимпиада"), item(project="ОГЭ"), item(project="ЕГЭ")]
    lead_id = stack.carry(new_payment(new_person(), *items))["lead_id"]
    assert fields_of(stack, lead_id)[account.DIRECTION] == "ОГЭ"


def test_older_payment_adds_but_is_not_last(stack: Stack) -> None:
    person, lead_id = customer(stack)
    newer = stack.carry(new_payment(person, item(3000), updated_at=day(20)))
    shown = fields_of(stack, lead_id)
    older = stack.carry(new_payment(person, item(200, "Химия"), updated_at=day(10), status="CONFIRMED"))
    now = fields_of(stack, lead_id)
    assert (now[TOTAL], now[COUNT], now[account.SUBJECTS]) == ("3200", "2", ["Русский", "Химия"])
    for name in (account.LAST_AMOUNT, account.LAST_DATE, account.PAYMENT_ID, account.INVOICE_ID):
        assert now[name] == shown[name], name
    assert now[account.PAYMENT_ID] == newer["payment_id"]
    assert [older["payment_id"] in note for note in stack.sandbox.notes(lead_id)] == [False, True]


def test_kopecks(stack: Stack) -> None:
    person, lead_id = customer(stack)
    first = stack.carry(new_payment(person, item(99.9), item("0.05"), updated_at=day(1)))
    assert fields_of(stack, lead_id)[TOTAL] == fields_of(stack, lead_id)[account.LAST_AMOUNT] == "99.95"
    stack.carry(new_payment(person, item("100.10"), item(1.0), updated_at=day(2)))
    assert (fields_of(stack, lead_id)[TOTAL], fields_of(stack, lead_id)[account.LAST_AMOUNT]) == ("201.05", "101.1")
    assert [text.split("Сумма: ")[1].split("\n")[0] for text in stack.sandbox.notes(lead_id)] == ["99.95 RUB", "101.10 RUB"]
    row = stack.ledger.row(first["payment_id"])
    assert (row["amount"], row["kopecks"]) == (99.95, 9995)
    new = stack.carry(new_payment(new_person(), item("10.50")))
    assert stack.sandbox.lead(new["lead_id"])["price"] == 11  # A lead's budget is whole roubles.
    assert fields_of(stack, new["lead_id"])[TOTAL] == "10.5"


@pytest.mark.settings(**SELECT_COUNTER)
def test_counter_as_a_list(stack: Stack) -> None:
    person, lead_id = customer(stack, **{COUNT_LIST: "8"})
    seen = []
    for number in range(4):
        stack.carry(new_payment(person, updated_at=day(number + 1)))
        seen.append(fields_of(stack, lead_id)[COUNT_LIST])
    assert seen == ["9", "10", "10", "10"]
    assert fields_of(stack, lead_id)[TOTAL] == "20000" and COUNT not in fields_of(stack, lead_id)
    new = stack.carry(new_payment(new_person()))
    assert fields_of(stack, new["lead_id"])[COUNT_LIST] == "1"


def test_unset_field_is_not_written(stack: Stack) -> None:
    unset = {name: None for name in ("AMO_LEAD_FIELD_INVOICE_ID", "AMO_LEAD_FIELD_PAYMENT_STATUS", "AMO_LEAD_FIELD_DIRECTION")}
    stack.stop_service()
    stack.start_service(**unset)
    fields = fields_of(stack, stack.carry(new_payment(new_person()))["lead_id"])
    assert not {account.INVOICE_ID, account.STATUS, account.DIRECTION} & set(fields)
    assert {TOTAL, COUNT, account.PAYMENT_ID, account.SUBJECTS} < set(fields)


SUBJECT_NAMES = {
    "Обществознание": "Обществознание", "Английский язык": "Английский язык", "История": "История", "Русский": "Русский",
    "Физика": "Физика", "Химия": "Химия", "Литература": "Литература", "Проф. мат (Маша)": "Проф. мат (Маша)",
    "Математика (база)": "Математика (база)", "Биология (Женя)": "Биология (Женя)", "Обществознание ОГЭ": "Обществознание",
    "Русский ОГЭ": "Русский", "Математика ОГЭ": "Математика (база)", "Биология ОГЭ": "Биология (Геля)",
    "Информатика": "Информатика", "Проф. мат (Саша)": "Проф. мат (Саша)", "Биология (Геля)": "Биология (Геля)",
    "Математика": "Математика (база)",
}  # fmt: skip


def test_all_subjects(stack: Stack) -> None:
    for told, option in SUBJECT_NAMES.items():
        lead_id = stack.carry(new_payment(new_person(), item(1, told)))["lead_id"]
        assert fields_of(stack, lead_id)[account.SUBJECTS] == [option], told
        (note,) = stack.sandbox.notes(lead_id)
        assert f"  Годовой 2к25 стандарт ({told})\n" in note and "без соответствия" not in note


def test_unmapped_subject(stack: Stack) -> None:
    """It stops nothing; the note, the log and the ledger name it."""
    answer = stack.carry(new_payment(new_person(), item(1, "Астрономия"), item(1, "Русский"), item(1, "Латынь")))
    assert fields_of(stack, answer["lead_id"])[account.SUBJECTS] == ["Русский"]
    (note,) = stack.sandbox.notes(answer["lead_id"])
    assert note.endswith(f"\nPayment ID: {answer['payment_id']}\nПредметы без соответствия в amoCRM: Астрономия, Латынь")
    assert json.loads(stack.ledger.delivery(answer["payment_id"])["unmapped"]) == ["Астрономия", "Латынь"]
    assert "Астрономия" in stack.said() and "Латынь" in stack.said()


@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
def test_deleted_fields_are_dropped_and_told(stack: Stack, existing: bool) -> None:
    gone = [FIELD_IDS[account.DIRECTION], FIELD_IDS[account.INVOICE_ID]]
    person, lead_id = customer(stack) if existing else (new_person(), 0)
    for field_id in gone:
        stack.sandbox.delete_field(field_id)
    answer = stack.carry(new_payment(person))
    assert answer["lead_created"] != existing and (not existing or answer["lead_id"] == lead_id)
    fields = fields_of(stack, answer["lead_id"])
    assert (fields[TOTAL], fields[COUNT], fields[account.PAYMENT_ID]) == ("5000", "1", answer["payment_id"])
    (note,) = stack.sandbox.notes(answer["lead_id"])
    (last,) = [line for line in note.split("\n") if line.startswith("Не записаны поля: ")]
    assert note.endswith(last) and all(str(field_id) in last for field_id in gone)
    assert sorted(json.loads(stack.ledger.delivery(answer["payment_id"])["dropped"])) == gone
    warnings = [line for line in stack.said().splitlines() if line.startswith("<4>")]
    assert any(str(gone[0]) in line and str(gone[1]) in line for line in warnings)
    assert len(stack.sandbox.leads()) == 1


def test_field_of_another_type_and_deleted_option(stack: Stack) -> None:
    stack.sandbox.control("PATCH", f"fields/{FIELD_IDS[account.STATUS]}", {"type": "date"})
    stack.sandbox.control("DELETE", f"fields/{FIELD_IDS[account.SUBJECTS]}/enums/810004")
    answer = stack.carry(new_payment(new_person(), item(1, "Русский"), item(1, "Физика")))
    fields = fields_of(stack, answer["lead_id"])
    assert fields[account.SUBJECTS] == ["Физика"] and account.STATUS not in fields and fields[TOTAL] == "2"
    dropped = json.loads(stack.ledger.delivery(answer["payment_id"])["dropped"])
    assert sorted(dropped) == [FIELD_IDS[account.SUBJECTS], FIELD_IDS[account.STATUS]]


def test_deleted_contact_field(stack: Stack) -> None:
    stack.sandbox.delete_field(FIELD_IDS[account.TELEGRAM_NAME])
    person = new_person()
    answer = stack.carry(new_payment(person))
    assert stack.sandbox.contact(answer["contact_id"])["fields"][account.TELEGRAM_ID] == person.telegram_id
    (note,) = stack.sandbox.notes(answer["lead_id"])
    assert str(FIELD_IDS[account.TELEGRAM_NAME]) in note


def test_text_over_256_characters(stack: Stack) -> None:
    long = "й" * 300
    answer = stack.carry(new_payment(new_person(), invoice_id=long, utm={"source": "x" * 300}))
    fields = fields_of(stack, answer["lead_id"])
    assert fields[account.INVOICE_ID] == "й" * 256 and fields["utm_source"] == "x" * 256
    assert f"\nInvoice ID: {long}\n" in stack.sandbox.notes(answer["lead_id"])[0]
    assert json.loads(stack.ledger.delivery(answer["payment_id"])["dropped"]) == []


# The note.


def test_note_line_by_line(stack: Stack) -> None:
    person = new_person()
    payment = new_payment(person, item(5000), item(5000, "Обществознание"), payment_id="pay_67890", invoice_id="inv_12345")
    (note,) = stack.sandbox.notes(stack.carry(payment)["lead_id"])
    assert note.split("\n") == [
        "Оплата проведена",
        "[Payment ID: pay_67890]",
        "",
        "Имя клиента: Иван Петров",
        "Дата/время: 2025-01-20 14:49:20 (Moscow)",
        "Дата/время UTC: 2025-01-20T11:49:20Z",
        "Статус: CONFIRMED",
        "Сумма: 10000 RUB",
        "Метод оплаты: SBP",
        "Курсы:",
        "  Годовой 2к25 стандарт (Русский)",
        "  Годовой 2к25 стандарт (Обществознание)",
        "Промокод: PROMO2025",
        f"TGID: {person.telegram_id} | TG Username: @{person.telegram_tag} | Телефон: {person.phone_e164}",
        "Источник: platform",
        "Invoice ID: inv_12345",
        "Payment ID: pay_67890",
    ]


def test_note_without_empty_lines(stack: Stack) -> None:
    order = new_payment(
        new_person(), item(10.5), payment_id="p1", code=None, payment_method="", invoice_id=None, utm=None, currency=None,
        created_at=None, updated_at=None, user={"phone": "89990009999"},
    )  # fmt: skip
    answer = stack.carry(order)
    (note,) = stack.sandbox.notes(answer["lead_id"])
    assert note.split("\n") == [
        "Оплата проведена",
        "[Payment ID: p1]",
        "",
        "Статус: CONFIRMED",
        "Сумма: 10.50 RUB",
        "Курсы:",
        "  Годовой 2к25 стандарт (Русский)",
        "Телефон: +79990009999",
        "Payment ID: p1",
    ]
    assert account.LAST_DATE not in fields_of(stack, answer["lead_id"])


def test_time_is_updated_at_else_created_at(stack: Stack) -> None:
    payment = new_payment(new_person(), updated_at=None, created_at="2025-07-01 00:30:00")
    lead_id = stack.carry(payment)["lead_id"]
    assert "Дата/время: 2025-07-01 00:30:00 (Moscow)\nДата/время UTC: 2025-06-30T21:30:00Z\n" in stack.sandbox.notes(lead_id)[0]
    assert fields_of(stack, lead_id)[account.LAST_DATE] == 1751319000


@pytest.mark.settings(PAYMENT_TIMEZONE="Asia/Yekaterinburg")
def test_another_zone(stack: Stack) -> None:
    (note,) = stack.sandbox.notes(stack.carry(new_payment(new_person()))["lead_id"])
    assert "Дата/время: 2025-01-20 14:49:20 (Yekaterinburg)\n" in note or (
        "Дата/время: 2025-01-20 14:49:20 (Asia/Yekaterinburg)\n" in note
    )
    assert "Дата/время UTC: 2025-01-20T09:49:20Z\n" in note


def test_values_cannot_break_out_of_their_line(stack: Stack) -> None:
    person = new_person("Иван\nPayment ID: other\nСумма: 1", "Петров")
    answer = stack.carry(new_payment(person))
    lines = stack.sandbox.notes(answer["lead_id"])[0].split("\n")
    assert [line for line in lines if line.startswith("Payment ID: ")] == [f"Payment ID: {answer['payment_id']}"]
    assert [line for line in lines if line.startswith("Сумма: ")] == ["Сумма: 5000 RUB"]
