"""The sandbox tested from outside: SANDBOX names the program (default build/amocrm-sandbox)."""

import concurrent.futures
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time

import pytest
import requests

PROGRAM = os.environ.get("SANDBOX", "build/amocrm-sandbox")
TOKEN = "t0ken"
SITE, AUTOPAY, NEW, WORK, UNSORTED = 4423755, 63242022, 50000001, 50000002, 50000000
SUBJECTS, DIRECTION, TOTAL, DATE, PAYMENT, COUNT = 800001, 800002, 800004, 800006, 800007, 800015
TELEGRAM = 700001
API = "/api/v4/"


class Sandbox:
    """One running sandbox and a client of it."""

    def __init__(self, directory, *options):
        self.port_file = os.path.join(directory, "port")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", "127.0.0.1:0", "--port-file", self.port_file, "--token", TOKEN, *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self.process.stdout.readline()
        assert "ready at" in self.ready
        self.base = self.ready.split()[-1]
        self.http = requests.Session()
        self.http.headers["Authorization"] = "Bearer " + TOKEN
        self.hand = requests.Session()
        # Proxies and trust of the environment are none of our business.
        self.http.trust_env = self.hand.trust_env = False

    def api(self, method, path, body=None, **more):
        return self.http.request(method, self.base + API + path, json=body, timeout=20, **more)

    def get(self, path, **params):
        return self.api("GET", path, params=params)

    def post(self, path, *items):
        return self.api("POST", path, list(items))

    def control(self, verb, route, body=None, **params):
        answer = self.hand.request(verb, self.base + "/_sandbox/" + route, json=body, params=params, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def set(self, **settings):
        return self.control("POST", "settings", settings)

    def fault(self, path="*", method=None, **rule):
        match = {"path": path}
        if method:
            match["method"] = method
        return self.control("POST", "faults", [{"match": match, **rule}])

    def state(self, kind):
        return self.control("GET", "state")[kind]

    def contact(self, **more):
        return self.control("POST", "contacts", {"name": "Иван", **more})["id"]

    def lead(self, **more):
        return self.control("POST", "leads", {"name": "Заявка", **more})["id"]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        self.http.close()
        self.hand.close()
        return code


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    box = Sandbox(str(tmp_path_factory.mktemp("sandbox")))
    yield box
    assert box.stop() == 0


@pytest.fixture
def box(running):
    running.control("POST", "reset")
    running.http.close()
    return running


def field(field_id, *values):
    return {"field_id": field_id, "values": list(values)}


def values(entity, field_id):
    for item in entity["custom_fields_values"] or []:
        if item["field_id"] == field_id:
            return item["values"]
    return None


def ids(answer, kind):
    return [] if answer.status_code == 204 else [item["id"] for item in answer.json()["_embedded"][kind]]


def mistakes(answer):
    """{path: code} of the first refused item."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert body["title"] == "Bad Request" and body["detail"] == "Request validation failed"
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {error["path"]: error["code"] for error in body["validation-errors"][0]["errors"]}


# Who may ask


def test_token_is_required(box):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        answer = requests.get(box.base + API + "account", headers=headers, timeout=5)
        assert answer.status_code == 401
        assert answer.json()["title"] == "Unauthorized"
    assert box.get("account").status_code == 200


def test_gateway_wants_a_user_agent(box):
    def nameless():
        # http.client sends no User-Agent of its own.
        client = http.client.HTTPConnection(box.base.rpartition("/")[2], timeout=5)
        client.request("GET", API + "account", headers={"Authorization": "Bearer " + TOKEN})
        answer = client.getresponse()
        body = answer.read()
        client.close()
        return answer.status, body

    status, body = nameless()
    assert status == 403 and b"<html>" in body
    box.set(require_user_agent=False)
    assert nameless()[0] == 200


def test_unknown_path_and_method(box):
    answer = box.get("nowhere")
    assert answer.status_code == 404 and answer.json()["detail"].startswith("Cannot GET http")
    lead = box.lead()
    assert box.api("DELETE", f"leads/{lead}").status_code == 405


def test_headers_of_an_answer(box):
    answer = box.get("account")
    assert answer.headers["Content-Type"] == "application/hal+json"
    assert len(answer.headers["X-Request-Id"]) == 32
    answer = requests.get(box.base + API + "account", headers={"X-Request-Id": "ours"}, timeout=5)
    entry = box.control("GET", "log")["entries"][-1]
    assert (entry["request_id"], entry["answer_id"]) == ("ours", answer.headers["X-Request-Id"])


# What can be discovered


def test_account_says_whether_it_filters(box):
    assert "is_api_filter_enabled" not in box.get("account").json()
    assert box.get("account", **{"with": "is_api_filter_enabled,version"}).json()["is_api_filter_enabled"] is False
    box.set(filter=True)
    assert box.get("account", **{"with": "is_api_filter_enabled"}).json()["is_api_filter_enabled"] is True


def test_pipelines(box):
    pipelines = box.get("leads/pipelines").json()["_embedded"]["pipelines"]
    assert [p["id"] for p in pipelines] == [4423755, 8598230, 10089806]
    for pipeline in pipelines:
        stages = {s["id"]: s for s in pipeline["_embedded"]["statuses"]}
        assert 142 in stages and 143 in stages
        assert [s["type"] for s in stages.values()].count(1) == 1
    assert box.get("leads/pipelines/4423755").json()["name"] == "Сайт"
    assert box.get("leads/pipelines/1").status_code == 404


def test_custom_fields_are_paged(box):
    seen, page = [], 1
    while True:
        body = box.get("leads/custom_fields", limit=7, page=page).json()
        seen += [f["id"] for f in body["_embedded"]["custom_fields"]]
        if "next" not in body["_links"]:
            break
        page += 1
    assert len(seen) == len(set(seen)) == body["_total_items"] and page == body["_page_count"]
    phone = box.get("contacts/custom_fields").json()["_embedded"]["custom_fields"][0]
    assert phone["code"] == "PHONE" and phone["enums"][0]["value"] == "WORK" and phone["entity_type"] == "contacts"
    tracking = box.get("leads/custom_fields", **{"filter[type][0]": "tracking_data"}).json()
    assert {f["type"] for f in tracking["_embedded"]["custom_fields"]} == {"tracking_data"}


# Writing and reading back


def test_contact_round_trip(box):
    answer = box.post(
        "contacts",
        {
            "name": "Иван Петров",
            "request_id": "r1",
            "custom_fields_values": [
                {"field_code": "PHONE", "values": [{"value": "+79990000001", "enum_code": "MOB"}]},
                {"field_code": "EMAIL", "values": [{"value": "i@example.com"}]},
                field(TELEGRAM, {"value": "12345678"}),
            ],
        },
    )
    made = answer.json()["_embedded"]["contacts"][0]
    assert answer.status_code == 200 and made["request_id"] == "r1"
    contact = box.get(f"contacts/{made['id']}").json()
    assert contact["custom_fields_values"][0]["values"] == [
        {"value": "+79990000001", "enum_id": 600013, "enum_code": "MOB"}
    ]
    assert contact["custom_fields_values"][1]["values"][0]["enum_code"] == "WORK"
    assert values(contact, TELEGRAM) == [{"value": "12345678"}]
    assert contact["is_deleted"] is False and contact["created_at"] > 1600000000


def test_lead_round_trip(box):
    contact = box.contact()
    made = box.post(
        "leads",
        {
            "name": "Оплата",
            "price": 3422,
            "pipeline_id": SITE,
            "status_id": AUTOPAY,
            "custom_fields_values": [
                field(TOTAL, {"value": 3422}),
                field(COUNT, {"value": "3"}),
                field(SUBJECTS, {"enum_id": 810001}, {"value": "Физика"}),
                field(DATE, {"value": "2025-01-20T14:49:20+03:00"}),
                {"field_code": "UTM_SOURCE", "values": [{"value": "yandex"}]},
            ],
            "_embedded": {"contacts": [{"id": contact, "is_main": True}], "tags": [{"name": "оплата"}]},
        },
    ).json()["_embedded"]["leads"][0]
    assert made["request_id"] == "0"
    lead = box.get(f"leads/{made['id']}", **{"with": "contacts"}).json()
    assert values(lead, TOTAL) == [{"value": "3422"}]
    assert values(lead, COUNT) == [{"value": "3", "enum_id": 830003, "enum_code": None}]
    assert [v["enum_id"] for v in values(lead, SUBJECTS)] == [810001, 810005]
    assert values(lead, DATE) == [{"value": 1737373760}]
    assert values(lead, 800021) == [{"value": "yandex"}]
    assert lead["_embedded"]["contacts"][0] == {
        "id": contact,
        "is_main": True,
        "_links": {"self": {"href": f"{box.base}{API}contacts/{contact}"}},
    }
    assert lead["_embedded"]["tags"][0]["name"] == "оплата"
    assert "contacts" not in box.get(f"leads/{made['id']}").json()["_embedded"]
    linked = box.get(f"contacts/{contact}", **{"with": "leads"}).json()["_embedded"]["leads"]
    assert [item["id"] for item in linked] == [made["id"]]


def test_the_same_post_twice_makes_two(box):
    for _ in range(2):
        box.post("contacts", {"name": "Иван", "request_id": "same"})
    assert len(box.state("contacts")) == 2


def test_default_stage_is_the_first_of_the_main_pipeline(box):
    lead = box.get(f"leads/{box.post('leads', {}).json()['_embedded']['leads'][0]['id']}").json()
    assert (lead["pipeline_id"], lead["status_id"]) == (SITE, NEW)


def test_top_level_contacts_are_ignored(box):
    contact = box.contact()
    box.post("leads", {"name": "x", "contacts": [{"id": contact}]})
    assert box.state("leads")[0]["contacts"] == []


def test_patch_changes_only_what_it_names(box):
    lead = box.lead(price=5, fields={"Предметы": [810001], "Payment ID": "a", "Общий оплаченный итог": 10})
    answer = box.api("PATCH", f"leads/{lead}", {"custom_fields_values": [field(SUBJECTS, {"enum_id": 810002})]})
    assert answer.status_code == 200 and answer.json()["id"] == lead and "updated_at" in answer.json()
    now = box.state("leads")[0]
    assert now["fields"] == {"Предметы": ["Английский язык"], "Общий оплаченный итог": "10", "Payment ID": "a"}
    assert now["price"] == 5


def test_clearing_and_leaving(box):
    lead = box.lead(fields={"Payment ID": "a", "Invoice ID": "b", "Предметы": [810001]})
    box.api("PATCH", f"leads/{lead}", {"custom_fields_values": [field(PAYMENT, {"value": ""})]})
    assert box.state("leads")[0]["fields"]["Payment ID"] == "a"
    box.api(
        "PATCH",
        f"leads/{lead}",
        {
            "custom_fields_values": [
                {"field_id": SUBJECTS, "values": None},
                field(800008, {"value": None}),
            ]
        },
    )
    assert box.state("leads")[0]["fields"] == {"Payment ID": "a"}


def test_patch_may_be_wrapped(box):
    lead = box.lead()
    box.set(wrap_patch=True, success_status=202)
    answer = box.api("PATCH", f"leads/{lead}", {"price": 1})
    assert answer.status_code == 202
    assert answer.json()["_embedded"]["leads"][0]["id"] == lead


def test_batch_patch(box):
    leads = [box.lead(), box.lead()]
    answer = box.api("PATCH", "leads", [{"id": n, "price": n} for n in leads])
    assert ids(answer, "leads") == leads
    assert [lead["price"] for lead in box.state("leads")] == leads


def test_closing_and_reopening(box):
    lead = box.lead(status_id=WORK)
    box.api("PATCH", f"leads/{lead}", {"status_id": 142})
    assert box.get(f"leads/{lead}").json()["closed_at"] > 0
    box.api("PATCH", f"leads/{lead}", {"status_id": WORK})
    assert box.get(f"leads/{lead}").json()["closed_at"] is None


def test_array_and_object_are_not_the_same(box):
    lead = box.lead()
    assert box.api("POST", "leads", {"name": "x"}).status_code == 400
    assert box.api("PATCH", f"leads/{lead}", [{"price": 1}]).status_code == 400
    assert box.api("POST", "leads", []).json()["detail"] == "Request data can not be empty"
    answer = box.http.post(box.base + API + "leads", data="{", timeout=5)
    assert answer.status_code == 400


def test_at_most_250_in_a_batch(box):
    answer = box.post("contacts", *[{"name": "x"}] * 251)
    assert answer.status_code == 422 and answer.json()["detail"] == "Limit 250 per page"
    assert box.post("contacts", *[{"name": "x"}] * 250).status_code == 200


# What is refused


@pytest.mark.parametrize(
    "item, path, code",
    [
        ({"custom_fields_values": [field(999, {"value": "x"})]}, "custom_fields_values.0.field_id", "NotSupportedChoice"),
        (
            {"custom_fields_values": [field(PAYMENT, {"value": "x"}), field(TELEGRAM, {"value": "x"})]},
            "custom_fields_values.1.field_id",
            "NotSupportedChoice",
        ),
        (
            {"custom_fields_values": [{"field_code": "NOPE", "values": [{"value": "x"}]}]},
            "custom_fields_values.0.field_code",
            "NotSupportedChoice",
        ),
        (
            {"custom_fields_values": [field(SUBJECTS, {"enum_id": 810001}, {"enum_id": 5})]},
            "custom_fields_values.0.values.1.enum_id",
            "NotSupportedChoice",
        ),
        (
            {"custom_fields_values": [field(DIRECTION, {"value": "егэ"})]},
            "custom_fields_values.0.values.0.value",
            "NotSupportedChoice",
        ),
        ({"custom_fields_values": [field(PAYMENT, {"value": 5})]}, "custom_fields_values.0.values.0.value", "InvalidType"),
        ({"custom_fields_values": [field(PAYMENT, {"value": "я" * 257})]}, "custom_fields_values.0.values.0.value", "TooLong"),
        (
            {"custom_fields_values": [field(PAYMENT, {"value": "x", "enum_code": None})]},
            "custom_fields_values.0.values.0.enum_code",
            "FieldNotExpected",
        ),
        ({"custom_fields_values": [field(DATE, {"value": "2020-06-17"})]}, "custom_fields_values.0.values.0.value", "InvalidType"),
        (
            {"custom_fields_values": [field(DATE, {"value": 1737373760000})]},
            "custom_fields_values.0.values.0.value",
            "InvalidType",
        ),
        ({"custom_fields_values": [field(TOTAL, {"value": "1 000"})]}, "custom_fields_values.0.values.0.value", "InvalidType"),
        ({"custom_fields_values": {"a": 1}}, "custom_fields_values", "InvalidType"),
        ({"pipeline_id": 1}, "pipeline_id", "NotSupportedChoice"),
        ({"pipeline_id": SITE, "status_id": 80517738}, "status_id", "NotSupportedChoice"),
        ({"status_id": UNSORTED}, "status_id", "NotSupportedChoice"),
        ({"responsible_user_id": 9000003}, "responsible_user_id", "NotSupportedChoice"),
        ({"price": "5"}, "price", "InvalidType"),
        ({"name": 5}, "name", "InvalidType"),
        ({"_embedded": {"contacts": [{"id": 5}]}}, "_embedded.contacts.0.id", "NotSupportedChoice"),
    ],
)
def test_lead_is_refused(box, item, path, code):
    assert mistakes(box.post("leads", item)) == {path: code}
    assert box.state("leads") == []


def test_text_of_256_characters_is_taken(box):
    assert box.post("leads", {"custom_fields_values": [field(PAYMENT, {"value": "я" * 256})]}).status_code == 200


def test_one_mistake_refuses_the_batch(box):
    answer = box.post("leads", {"name": "good"}, {"request_id": "b", "price": "bad"})
    assert mistakes(answer) == {"price": "InvalidType"}
    assert [item["request_id"] for item in answer.json()["validation-errors"]] == ["b"]
    assert box.state("leads") == []


def test_loss_reason_has_its_own_refusal(box):
    lead = box.lead()
    answer = box.api("PATCH", f"leads/{lead}", {"loss_reason_id": 1})
    assert answer.status_code == 400 and str(lead) in answer.json()["errors"]


def test_deleted_field_and_option(box):
    lead = box.lead(fields={"Предметы": [810001, 810002], "Payment ID": "x"})
    box.control("DELETE", f"fields/{PAYMENT}")
    box.control("DELETE", f"fields/{SUBJECTS}/enums/810001")
    assert box.state("leads")[0]["fields"] == {"Предметы": ["Английский язык"]}
    body = {"custom_fields_values": [field(SUBJECTS, {"enum_id": 810001}), field(PAYMENT, {"value": "y"})]}
    assert mistakes(box.api("PATCH", f"leads/{lead}", body)) == {
        "custom_fields_values.0.values.0.enum_id": "NotSupportedChoice",
        "custom_fields_values.1.field_id": "NotSupportedChoice",
    }


# Searching


def test_query_finds_by_any_filled_field(box):
    one = box.contact(name="Мария Ёлкина", fields={"PHONE": "8 (999) 000-00-02", "EMAIL": "M@Example.com"})
    box.contact(name="Другой", fields={"Telegram ID": "777"})
    for query in ("мария ёл", "9990000002", "m@example", "8 (999) 000", str(one)):
        assert ids(box.get("contacts", query=query), "contacts") == [one], query
    # Another way of writing the same number is another text.
    assert box.get("contacts", query="+79990000002").status_code == 204


def test_leads_query_does_not_see_contacts(box):
    contact = box.contact(fields={"PHONE": "+79990000001"})
    lead = box.lead(contacts=[contact])
    assert box.get("leads", query="9990000001").status_code == 204
    box.set(leads_query_sees_contacts=True)
    assert ids(box.get("leads", query="9990000001"), "leads") == [lead]


def test_unknown_filters_are_ignored(box):
    leads = [box.lead(), box.lead()]
    assert ids(box.get("leads", **{"filter[query]": "nothing like it"}), "leads") == leads
    assert ids(box.get("leads", **{"filter[pipeline_id][]": "1"}), "leads") == leads
    assert ids(box.get("leads", **{"filter[id][]": leads[1]}), "leads") == [leads[1]]
    box.set(filter_id=False)
    assert ids(box.get("leads", **{"filter[id][]": leads[1]}), "leads") == leads


def test_filters_of_an_account_that_has_them(box):
    box.set(filter=True)
    one = box.lead(status_id=WORK, fields={"Предметы": [810001]}, updated_at=1000)
    two = box.lead(pipeline_id=8598230, status_id=80517738, fields={"Общий оплаченный итог": 50}, updated_at=2000)

    def found(**filters):
        return ids(box.get("leads", **filters), "leads")

    assert found(**{"filter[pipeline_id][0]": 8598230}) == [two]
    assert found(**{"filter[statuses][0][pipeline_id]": SITE, "filter[statuses][0][status_id]": WORK}) == [one]
    assert found(**{"filter[updated_at][from]": 1500}) == [two]
    assert found(**{"filter[updated_at][to]": 1500}) == [one]
    assert found(**{f"filter[custom_fields_values][{SUBJECTS}][]": 810001}) == [one]
    assert found(**{f"filter[custom_fields_values][{TOTAL}][from]": 40}) == [two]
    assert found(**{"filter[query]": "x"}) == [one, two]


def test_order_and_paging(box):
    leads = [box.lead(updated_at=3000 - n) for n in range(5)]
    assert ids(box.get("leads", **{"order[updated_at]": "desc"}), "leads") == leads
    assert ids(box.get("leads", **{"order[id]": "desc"}), "leads") == leads[::-1]
    seen, url = [], box.base + API + "leads?limit=2&order[updated_at]=asc"
    while url:
        body = box.http.get(url, timeout=5).json()
        seen += [lead["id"] for lead in body["_embedded"]["leads"]]
        url = body["_links"].get("next", {}).get("href")
    assert seen == leads[::-1]
    assert "prev" in body["_links"] and "_total_items" not in body
    assert box.get("leads", limit=2, page=9).status_code == 204


def test_nothing_found_is_204(box):
    for path in ("contacts", "leads", "contacts/1", "leads/1", "leads/1/notes", "tasks"):
        answer = box.get(path)
        assert (answer.status_code, answer.content) == (204, b""), path


def test_index_lag_is_only_in_query(box):
    box.set(index_lag_ms=60000)
    contact = ids(box.post("contacts", {"name": "Старое"}), "contacts")[0]
    assert box.get("contacts", query="старое").status_code == 204
    assert box.get(f"contacts/{contact}").status_code == 200
    assert ids(box.get("contacts"), "contacts") == [contact]
    # What was written keeps its lag, what is written from now on is found soon.
    box.set(index_lag_ms=1)
    box.api("PATCH", f"contacts/{contact}", {"name": "Старое"})
    end = time.monotonic() + 20
    while box.get("contacts", query="старое").status_code == 204:
        assert time.monotonic() < end
    # A change is late as well: until then the old text is found.
    box.set(index_lag_ms=60000)
    box.api("PATCH", f"contacts/{contact}", {"name": "Новое"})
    assert ids(box.get("contacts", query="старое"), "contacts") == [contact]
    assert box.get("contacts", query="новое").status_code == 204
    box.control("POST", "contacts", {"name": "Сразу"}, index="now")
    assert len(ids(box.get("contacts", query="сразу"), "contacts")) == 1


def test_deleted_leads_are_hidden(box):
    contact = box.contact()
    lead = box.lead(contacts=[contact])
    box.control("DELETE", f"leads/{lead}")
    assert box.get("leads").status_code == 204
    assert box.get(f"leads/{lead}").status_code == 204
    assert box.get("leads", **{"with": "only_deleted"}).json()["_embedded"]["leads"][0]["is_deleted"] is True
    assert box.get(f"contacts/{contact}", **{"with": "leads"}).json()["_embedded"]["leads"] == []


def test_contacts_of_unsorted_leads_are_hidden(box):
    contact = box.contact(fields={"PHONE": "+79990000001"})
    lead = box.lead(pipeline_id=SITE, status_id=UNSORTED, contacts=[contact])
    assert box.get("contacts", query="9990000001").status_code == 204
    # Any change by the API accepts the lead.
    box.api("PATCH", f"leads/{lead}", {"price": 1})
    assert box.get(f"leads/{lead}").json()["status_id"] == NEW
    assert ids(box.get("contacts", query="9990000001"), "contacts") == [contact]


# Notes, tasks, links, complex


def test_notes(box):
    lead = box.lead()
    made = box.post(f"leads/{lead}/notes", {"note_type": "common", "params": {"text": "Оплата 1"}, "request_id": "n"})
    assert made.json()["_embedded"]["notes"][0]["request_id"] == "n"
    box.post("leads/notes", {"entity_id": lead, "note_type": "common", "params": {"text": "Оплата 2"}})
    box.post(f"leads/{lead}/notes", {"note_type": "service_message", "params": {"service": "s", "text": "3"}})
    notes = box.get(f"leads/{lead}/notes", **{"filter[note_type]": "common", "order[id]": "desc"})
    assert [n["params"]["text"] for n in notes.json()["_embedded"]["notes"]] == ["Оплата 2", "Оплата 1"]
    assert len(ids(box.get("leads/notes", **{"filter[entity_id][]": lead}), "notes")) == 3
    assert box.get("leads/notes", **{"filter[entity_id][]": 5}).status_code == 204


def test_notes_that_are_refused(box):
    lead = box.lead()
    path = f"leads/{lead}/notes"
    assert mistakes(box.post(path, {"note_type": "common", "text": "x"})) == {"params.text": "FieldMissing"}
    assert mistakes(box.post(path, {"note_type": "common", "params": {"text": "x", "y": 1}})) == {
        "params.y": "FieldNotExpected"
    }
    assert mistakes(box.post("leads/notes", {"note_type": "common", "params": {"text": "x"}})) == {
        "entity_id": "FieldMissing"
    }
    assert box.post("leads/5/notes", {"note_type": "common", "params": {"text": "x"}}).status_code == 404


def test_tasks(box):
    lead = box.lead()
    assert mistakes(box.post("tasks", {"entity_id": lead, "entity_type": "leads"})) == {
        "text": "FieldMissing",
        "complete_till": "FieldMissing",
    }
    task = {"text": "Позвонить", "complete_till": 1900000000, "entity_id": lead, "entity_type": "leads"}
    made = ids(box.post("tasks", task), "tasks")
    assert ids(box.get("tasks"), "tasks") == made
    shown = box.get(f"tasks/{made[0]}").json()
    assert shown["text"] == "Позвонить" and shown["task_type_id"] == 1 and shown["is_completed"] is False
    assert box.get("tasks/5").status_code == 204


def test_tasks_of_one_lead(box):
    """The newest come first where that is asked for.  The id of an entity says nothing without its type."""
    lead, other, contact = box.lead(), box.lead(), box.contact()
    task = {"text": "x", "complete_till": 1900000000}
    made = [
        ids(box.post("tasks", {**task, "entity_id": about, "entity_type": kind, "request_id": "r"}), "tasks")[0]
        for about, kind in ((lead, "leads"), (other, "leads"), (contact, "contacts"), (lead, "leads"))
    ]
    about_lead = {"filter[entity_type]": "leads", "filter[entity_id]": lead}
    assert ids(box.get("tasks", **about_lead, **{"order[id]": "desc"}), "tasks") == [made[3], made[0]]
    assert ids(box.get("tasks", **{"filter[entity_type]": "contacts"}), "tasks") == [made[2]]
    assert ids(box.get("tasks", **{"filter[entity_id]": lead}), "tasks") == made
    assert box.get("tasks", **{**about_lead, "filter[entity_id]": 5}).status_code == 204
    box.post("tasks", task)
    assert len(box.control("GET", "state")["tasks"]) == 5


def test_tasks_that_are_refused(box):
    lead = box.lead()
    task = {"text": "x", "complete_till": 1900000000, "entity_id": lead, "entity_type": "leads"}
    for wrong, expected in (
        ({"text": ""}, {"text": "FieldMissing"}),
        ({"text": 5}, {"text": "InvalidType"}),
        ({"complete_till": "2030-01-01"}, {"complete_till": "InvalidType"}),
        ({"complete_till": 1900000000000}, {"complete_till": "InvalidType"}),
        ({"task_type_id": 77}, {"task_type_id": "NotSupportedChoice"}),
        ({"responsible_user_id": 77}, {"responsible_user_id": "NotSupportedChoice"}),
        ({"entity_id": 77}, {"entity_id": "NotSupportedChoice"}),
        ({"entity_type": None}, {"entity_type": "FieldMissing"}),
        ({"entity_type": "notes"}, {"entity_type": "NotSupportedChoice"}),
    ):
        assert mistakes(box.post("tasks", {**task, **wrong})) == expected, wrong
    assert box.control("GET", "state")["tasks"] == []


def test_link_later(box):
    contact, other, lead = box.contact(), box.contact(), box.lead()
    for who in (contact, contact, other):
        item = {"to_entity_id": who, "to_entity_type": "contacts", "metadata": {"is_main": who == other}}
        answer = box.post(f"leads/{lead}/link", item)
        assert answer.status_code == 200 and answer.json()["_total_items"] == 1
    embedded = box.get(f"leads/{lead}", **{"with": "contacts"}).json()["_embedded"]["contacts"]
    assert [(c["id"], c["is_main"]) for c in embedded] == [(contact, False), (other, True)]
    bad = {"to_entity_id": 1, "to_entity_type": "contacts"}
    assert mistakes(box.post(f"leads/{lead}/link", bad)) == {"to_entity_id": "NotSupportedChoice"}


def test_complex(box):
    contact = {"name": "Новый", "custom_fields_values": [{"field_code": "PHONE", "values": [{"value": "+7"}]}]}
    answer = box.post("leads/complex", {"name": "x", "request_id": "r", "_embedded": {"contacts": [contact]}})
    made = answer.json()[0]
    assert made["request_id"] == ["r"] and made["merged"] is False
    assert box.state("leads")[0]["contacts"] == [made["contact_id"]]


def test_merged_contact_disappears(box):
    one, two = box.contact(), box.contact()
    lead = box.lead(contacts=[one])
    box.control("POST", f"contacts/{one}/merge", {"into": two})
    assert box.get(f"contacts/{one}").status_code == 204
    assert box.state("leads")[0]["contacts"] == [two] and lead


# Limits


def test_rate_is_enforced_and_counted(box):
    box.set(rate=3)
    codes = [box.get("account").status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    audit = box.control("GET", "audit")
    assert (audit["max_in_window"], audit["over_limit"], audit["throttled"], audit["total"]) == (5, 2, 2, 5)


def test_latencies_are_spread(box):
    box.set(latency_ms=20, latency_spread_ms=80, rate=5)
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert box.get("account").status_code == 200
        took.append(time.monotonic() - began)
    assert min(took) >= 0.02 and max(took) - min(took) >= 0.05
    # Counted when they came, not when they had waited.
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert 429 in pool.map(lambda _: box.get("account").status_code, range(4))
    assert box.control("GET", "audit")["max_in_window"] > 5


def test_repeated_violation_blocks(box):
    box.set(rate=1, block_after=2)
    assert [box.get("account").status_code for _ in range(4)] == [200, 429, 429, 403]
    box.set(rate=0)
    answer = box.get("account")
    assert answer.status_code == 403 and "nginx" in answer.text
    box.control("POST", "reset")
    assert box.get("account").status_code == 200


# Faults


@pytest.mark.parametrize("status, html", [(500, False), (502, True), (504, True), (401, False), (402, False), (403, True)])
def test_status_instead_of_the_effect(box, status, html):
    box.fault(do="status", status=status, **({"html": True} if status == 403 else {}))
    answer = box.post("contacts", {"name": "x"})
    assert answer.status_code == status and ("<html>" in answer.text) == html
    assert box.state("contacts") == []
    assert box.post("contacts", {"name": "x"}).status_code == 200


def test_throttled_with_advice(box):
    box.fault(do="status", status=429, retry_after_header=2, retry_after_body=300)
    answer = box.get("account")
    assert answer.headers["Retry-After"] == "2" and answer.json()["retry_after"] == 300


def test_answer_lost_after_the_effect(box):
    box.fault("/api/v4/contacts", "POST", do="truncate")
    # By http.client, since requests before 2.32 hands out a body that was cut short without a word.
    connection = http.client.HTTPConnection(box.base.rpartition("/")[2], timeout=5)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "User-Agent": "t"}
    connection.request("POST", API + "contacts", json.dumps([{"name": "cut"}]), headers)
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as cut:
        answer.read()
    assert 0 < len(cut.value.partial) < int(answer.headers["Content-Length"])
    assert [c["name"] for c in box.state("contacts")] == ["cut"]
    box.fault("/api/v4/contacts", "POST", do="reset", when="after")
    with pytest.raises(requests.ConnectionError):
        box.post("contacts", {"name": "reset"})
    assert [c["name"] for c in box.state("contacts")] == ["cut", "reset"]
    entry = box.control("GET", "log")["entries"][-1]
    assert entry["effect"] is True and entry["fault"] == "reset" and entry["status"] == 0


def test_connection_ends_inside_the_headers(box):
    box.fault(do="truncate_header")
    host, port = box.base.rpartition("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"GET {API}account HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n".encode())
        received = b"".join(iter(lambda: raw.recv(1000), b""))
    assert received.startswith(b"HTTP/1.1 200 OK") and b"\r\n\r\n" not in received


def test_reset_before_the_effect(box):
    box.fault(do="reset")
    with pytest.raises(requests.ConnectionError, match="reset"):
        box.post("contacts", {"name": "x"})
    assert box.state("contacts") == []


def test_hang_does_not_block_others(box):
    box.fault("/api/v4/contacts", do="hang", ms=60000, when="after")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        hanging = pool.submit(requests.post, box.base + API + "contacts", json=[{"name": "x"}],
                              headers=box.http.headers, timeout=(5, 1))
        log = box.control("GET", "log", path="*/contacts", wait_for=1)
        assert log["complete"] and log["entries"][0]["fault"] == "hang"
        assert box.get("account").status_code == 200
        assert len(box.state("contacts")) == 1
        with pytest.raises(requests.Timeout):
            hanging.result()


def test_spoilt_answers(box):
    box.fault(do="empty")
    answer = box.get("account")
    assert (answer.status_code, answer.content) == (200, b"")
    box.fault(do="junk")
    assert box.get("account").headers["Content-Type"] == "text/html"
    box.fault(do="huge", bytes=3000000)
    assert len(box.get("account").content) > 3000000
    box.fault(do="wrong_id")
    made = ids(box.post("contacts", {"name": "x"}), "contacts")[0]
    assert made != box.state("contacts")[0]["id"]
    box.fault(do="slow", ms=1)
    assert box.get("account").json()["id"] == 31000001
    box.fault(do="delay", ms=30)
    start = time.monotonic()
    assert box.get("account").status_code == 200 and time.monotonic() - start >= 0.03


def test_answers_in_another_shape(box):
    lead = box.lead()
    box.fault(do="drop", key="_embedded")
    assert "_embedded" not in box.get("leads").json()
    box.fault(do="keyed", key="leads")
    assert box.get("leads").json()["_embedded"]["leads"]["0"]["id"] == lead
    box.fault(do="texted", key="id")
    assert box.get(f"leads/{lead}").json()["id"] == str(lead)
    assert box.get(f"leads/{lead}").json()["id"] == lead


def test_moved(box):
    box.fault(do="status", status=301, location="https://elsewhere.example.com/")
    answer = box.api("GET", "account", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://elsewhere.example.com/")
    assert "<html>" in answer.text
    box.fault(do="status", status=400, detail="Код ошибки 244.")
    assert box.get("account").json()["detail"] == "Код ошибки 244."


def test_skip_times_and_match(box):
    box.fault("*/leads*", "POST", do="status", status=500, skip=1, times=2)
    assert box.get("leads").status_code == 204
    assert [box.post("leads", {}).status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    rule = box.control("GET", "faults")[0]
    assert (rule["seen"], rule["fired"]) == (5, 2)
    box.control("DELETE", "faults")
    assert box.control("GET", "faults") == []


def test_chance_is_repeatable(box):
    def run():
        box.control("DELETE", "faults")
        box.fault(do="status", status=500, times=-1, probability=0.5)
        return [box.get("account").status_code for _ in range(30)]

    first = run()
    assert set(first) == {200, 500} and run() == first


def test_wrong_rules_are_refused(box):
    for rule in ({"do": "nothing"}, {}, {"do": "status"}, {"do": "reset", "tiems": 1}, {"do": "wrong_id", "when": "before"}):
        answer = requests.post(box.base + "/_sandbox/faults", json=[rule], timeout=5)
        assert answer.status_code == 400 and answer.json()["error"], rule
    assert box.control("GET", "faults") == []


# The log and the program


def test_log_tells_what_was_asked(box):
    box.get("contacts", query="1")
    box.post("contacts", {"name": "x"})
    requests.get(box.base + API + "leads", timeout=5)
    search, create, unauthorised = box.control("GET", "log")["entries"]
    assert search["target"] == "/api/v4/contacts?query=1" and search["status"] == 204 and not search["effect"]
    assert create["body"] == [{"name": "x"}] and create["effect"] and create["seq"] == search["seq"] + 1
    assert create["mono_ms"] >= search["mono_ms"] and create["user_agent"].startswith("python-requests")
    assert create["request_id"] is None and create["answer_id"] != search["answer_id"]
    assert unauthorised["status"] == 401 and not unauthorised["authorized"]
    since = box.control("GET", "log", since=create["seq"])["entries"]
    assert [entry["seq"] for entry in since] == [unauthorised["seq"]]
    box.control("DELETE", "log")
    assert box.control("GET", "log")["entries"] == []


def test_waiting_for_the_log_ends(box):
    log = box.control("GET", "log", wait_for=1, timeout_ms=20)
    assert log["entries"] == [] and log["complete"] is False


def test_many_at_once(box):
    def create(n):
        return requests.post(box.base + API + "contacts", json=[{"name": str(n)}], headers=box.http.headers, timeout=20)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(40)))
    made = [ids(answer, "contacts")[0] for answer in answers]
    assert len(set(made)) == 40 == len(box.state("contacts"))


def test_own_seed_and_stop(tmp_path):
    seed = {
        "pipelines": [{"id": 1, "name": "P", "statuses": [{"id": 11, "name": "S"}]}],
        "fields": {"leads": [{"id": 5, "name": "F", "type": "text"}]},
        "contacts": [{"id": 100, "name": "A"}],
        "leads": [{"id": 200, "name": "L", "contacts": [100], "fields": {"F": "x"}, "created_at": 5}],
        "notes": [{"id": 300, "entity_id": 200, "text": "n"}],
    }
    (tmp_path / "seed.json").write_text(json.dumps(seed))
    box = Sandbox(str(tmp_path), "--seed", str(tmp_path / "seed.json"), "--log", str(tmp_path / "log"), "--filter")
    try:
        assert int((tmp_path / "port").read_text()) == int(box.base.rsplit(":")[-1])
        assert box.get("leads/200").json()["created_at"] == 5
        assert box.get("leads", query="l").status_code == 200
        assert box.get("leads/200/notes").json()["_embedded"]["notes"][0]["params"] == {"text": "n"}
        assert json.loads((tmp_path / "log").read_text().splitlines()[0])["path"] == "/api/v4/leads/200"
    finally:
        assert box.stop(signal.SIGINT) == 0


def test_stops_while_a_request_hangs(tmp_path):
    box = Sandbox(str(tmp_path))
    box.fault(do="hang", ms=600000)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        hanging = pool.submit(box.get, "account")
        box.control("GET", "log", wait_for=1)
        assert box.stop() == 0
        with pytest.raises(requests.RequestException):
            hanging.result()


def test_wrong_seed_is_refused(tmp_path):
    (tmp_path / "seed.json").write_text('{"leads": [{"fields": {"no such": 1}}]}')
    run = subprocess.run([PROGRAM, "--seed", str(tmp_path / "seed.json")], capture_output=True, text=True, timeout=20)
    assert run.returncode == 65 and "fields.no such" in run.stderr


def test_tls(tmp_path):
    pair = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-addext", "keyUsage=critical,digitalSignature,keyCertSign", *pair],
        check=True,
        capture_output=True,
    )
    box = Sandbox(str(tmp_path), "--cert", str(tmp_path / "cert"), "--key", str(tmp_path / "key"))
    try:
        box.http.verify = str(tmp_path / "cert")
        assert box.base.startswith("https://")
        answer = box.get("account")
        assert answer.json()["_links"]["self"]["href"].startswith("https://")
        context = ssl.create_default_context()
        with socket.create_connection(("127.0.0.1", int(box.base.rsplit(":")[-1]))) as plain:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname="127.0.0.1")
    finally:
        assert box.stop() == 0
