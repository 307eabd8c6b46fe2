#!/usr/bin/python3
"""Break the product on purpose, one small way at a time, and see that the tests notice.

    mutation.py [NAME...]      all mutants, or those named; --list shows them, --apply only sees that each applies

Each mutant is one replacement of a piece of source that must occur exactly once; a mutant that no longer applies is an
error, so that the list cannot rot.  The copy of the tree is built once and then each mutant incrementally; the tests that
should notice are run until one fails.  Exit status 1 when a mutant survives.
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]  # Suites, as tests/run-suites takes them.


MUTANTS = [
    Mutant("answer-before-sync", "tell the sender before the row is on disk", "lib/db/db.c",
           "if ((outcome = db_sync(db, why)) != DONE || !db->later)", "if (!db->later)", ("unit/db/test_db",)),
    Mutant("checkpoint-out-of-turn", "copy the log while another process may be doing so", "lib/db/checkpoint.c",
           "db->turn = db_turn_take(db);", "db->turn = true;", ("unit/db/test_checkpoint",)),
    Mutant("checkpoint-of-nothing", "let a commit without pages take the turn", "lib/db/db.c",
           "\tdb->log_pages = 0;\n", "", ("unit/db/test_checkpoint",)),
    Mutant("checkpoint-past-the-gate", "end a checkpoint while a commit may begin the log anew", "lib/db/checkpoint.c",
           "if (db_gate_enter(db, &why) != DONE)", "if (db->gate < 0 && db_gate_enter(db, &why) != DONE)", ("unit/db/test_checkpoint",)),
    Mutant("checkpoint-first", "let a sender wait until the log is copied", "lib/web/worker.c",
           "\tif (out == DONE)\n\t\tledger_checkpoint_later(worker->service->ledger);\n", "", ("unit/web/test_webhook",)),
    Mutant("never-idle", "put the checkpoint off and forget it", "cgi/payment.c",
           "\tworker_checkpoint(responder->worker);\n", "", ("tests/e2e/test_ledger.py",)),
    Mutant("ledger-anew", "make a ledger where one was lost", "lib/db/marker.c",
           "\tif (!now.has_content && marked)\n", "\tif (!now.has_content && marked && !create)\n", ("unit/db/test_marker",)),
    Mutant("strange-log", "let SQLite read a log that belongs to another file", "lib/db/marker.c",
           "now.log == before.log &&\n", "now.log != before.log &&\n", ("unit/db/test_marker",)),
    Mutant("two-run-directories", "carry payments beside those whose locks are elsewhere", "lib/db/party.c",
           "!byte_lock_try(db->gate, DB_BYTE_PARTY, 1))", "!byte_lock_share(db->gate, DB_BYTE_PARTY, 1))", ("unit/db/test_party",)),
    Mutant("draft-with-a-name", "let the draft of a copy outlive its process", "lib/db/copy.c",
           "int fd = open_unnamed(path);", "int fd = -1;\n\n\terrno = EOPNOTSUPP;", ("unit/db/test_db",)),
    Mutant("wait-twice", "wait again for whoever has just been waited for in vain", "lib/db/gate.c",
           "db->shut_out = !db->inside;", "", ("unit/db/test_db",)),
    Mutant("record-failure-ignored", "answer 2xx although the ledger could not take the payment", "lib/web/intake.c",
           "if (record(worker, incoming, count, slot, recordings, &why) != DONE) {",
           "for (i = 0; i < count; i++)\n\t\trecordings[i] = (struct recording){ .how = RECORDED_IN_HAND };\n"
           "\tif (record(worker, incoming, count, slot, recordings, &why) == NEVER) {", ("tests/e2e/test_ledger.py",)),
    Mutant("record-the-first", "record one of those that came together, and answer all", "lib/ledger/arrival.c",
           "for (i = 0; out == DONE && i < count; i++)", "for (i = 0; out == DONE && i < 1; i++)", ("unit/ledger/test_ledger", "unit/web/test_webhook")),
    Mutant("close-on-unread", "close a connection on which bytes lie unread", "cgi/exchange.c",
           "!request->incomplete && FCGX_GetChar(in) == EOF && FCGX_GetError(in) == 0;", "!request->incomplete;",
           ("tests/fastcgi/test_fastcgi.py",)),
    Mutant("stale-contact", "believe what was read of a contact before its lock was had", "lib/deliver/contact.c",
           "if (touched || lacks(known)) {", "if (lacks(known)) {", ("unit/deliver/test_deliver",)),
    Mutant("fill-unread", "fill in what somebody may have filled in since the contact was read", "lib/deliver/contact.c",
           "if (touched || lacks(known)) {", "if (touched) {", ("unit/deliver/test_contact",)),
    Mutant("fill-a-stranger", "give a Telegram id to who has the same phone", "lib/deliver/contact.c",
           "\tif (contradicts(known, known->contact))\n\t\treturn fields;\n", "", ("unit/deliver/test_contact",)),
    Mutant("clock-of-ours", "tell by our clock what amoCRM created since", "lib/deliver/job.c",
           " + amocrm_clock_ahead_ms(known->service->crm)", "", ("unit/deliver/test_lead",)),
    Mutant("never-spare", "send what provokes a 500 again and again", "lib/deliver/totals.c",
           "errors < ERRORS_MAX", "errors >= 0", ("unit/deliver/test_totals",)),
    Mutant("gone-is-failed", "fail a payment whose lead was deleted when it was written", "lib/deliver/lead.c",
           "if (out == NEVER)\n\t\tout = ask_if_lost(job, chosen, lost, why);\n", "", ("unit/deliver/test_lead",)),
    Mutant("stale-lead", "trust the links of a copy to tell who else may have changed a lead", "lib/deliver/lead.c",
           "\tif (*stale)\n\t\treturn DONE;\n", "\tif (true)\n\t\treturn DONE;\n", ("unit/deliver/test_lead",)),
    Mutant("id-is-proof", "take a lead that shows our id for one that has our amount", "lib/deliver/lead.c",
           "if (note_id != 0 || known->moved) {", "if (note_id >= 0) {", ("unit/deliver/test_deliver",)),
    Mutant("odd-is-nothing", "take for nothing what is shown in an unknown form", "lib/amocrm/field.c",
           "if (!field_is_readable(entity, id))\n\t\treturn false;\n", "", ("unit/amocrm/test_field",)),
    Mutant("retry-overtakes", "let a retried payment count on a lead while a younger one is unsure", "lib/deliver/lead.c",
           "if (out != DONE || younger == 0)", "if (out != DONE || younger >= 0)", ("unit/deliver/test_deliver",)),
    Mutant("no-witness", "ask only applied payments what they found on a lead", "lib/ledger/related.c",
           "iif(intent = 'totals', intent_ms, applied_ms) AS at_ms", "iif(intent = 'totals', NULL, applied_ms) AS at_ms",
           ("unit/deliver/test_deliver",)),
    Mutant("forget-on-merge", "forget that a lead may have been made when its contact is merged", "lib/deliver/contact.c",
           "\tif ((out = job_save(job, why)) != DONE)\n", "\tif ((out = job_intend(job, INTENT_NONE, why)) != DONE)\n",
           ("unit/deliver/test_deliver",)),
    Mutant("blind-retry", "repeat a creation whose answer was lost", "lib/amocrm/call.c",
           "!(effect == CALL_CREATES || (", "!(false || (", ("unit/amocrm/test_call",)),
    Mutant("overtake", "repeat a change that may still be under way", "lib/amocrm/call.c",
           "(effect == CALL_OVERWRITES && may_be_under_way(response))", "false", ("unit/amocrm/test_call", "unit/amocrm/test_amocrm")),
    Mutant("lost-is-refused", "take a lost answer for certain failure", "lib/amocrm/call.c",
           "return out == LATER && unsure ? UNSURE : out;", "return out == UNSURE ? LATER : out;", ("unit/amocrm/test_call",)),
    Mutant("error-is-absent", "take a failed search for an empty one", "lib/deliver/contact.c",
           "identity->text, &hits, why)) != DONE)\n\t\treturn out;", "identity->text, &hits, why)) != DONE)\n\t\treturn DONE;",
           ("unit/deliver/test_contact", "unit/deliver/test_deliver")),
    Mutant("first-hit", "take any search hit for the payer", "lib/deliver/contact.c",
           "if (json_is_true(json_object_get(hit, \"is_deleted\")) ||\n\t\t    !contact_bears(hit, identity, known->service->settings))",
           "if (json_is_true(json_object_get(hit, \"is_deleted\")))", ("unit/deliver/test_contact",)),
    Mutant("overwrite-telegram", "overwrite what a manager filled in", "lib/deliver/contact.c",
           "if (field_by_id(known->contact, set->contact_field_tg_id) == NULL)", "if (set->contact_field_tg_id != 0)",
           ("unit/deliver/test_contact",)),
    Mutant("forget-new-contacts", "rely on the search for a contact made a second ago", "lib/deliver/contact.c",
           "if (out == DONE && known->at.contact_id == 0)\n\t\t\tout = remember(known, &known->who[i], why);", "",
           ("unit/deliver/test_contact", "unit/deliver/test_deliver")),
    Mutant("relative-totals", "add again when the answer to the change was lost", "lib/deliver/totals.c",
           "if (leaves_id && shows_ours(known, &shown))", "if (false && shows_ours(known, &shown))",
           ("unit/deliver/test_totals", "unit/deliver/test_deliver")),
    Mutant("trust-the-old-base", "send the old absolute values over somebody else's change", "lib/deliver/totals.c",
           "if (found.total == at->total_before && found.count == at->count_before) {", "if (!shown.ours) {",
           ("unit/deliver/test_totals",)),
    Mutant("older-overwrites", "let an older payment overwrite the last one's date and ids", "lib/deliver/totals.c",
           "at->older = paid_at != 0 && paid_at < shown->last_date;", "at->older = paid_at < 0;",
           ("unit/deliver/test_totals", "unit/deliver/test_lead")),
    Mutant("no-intent", "act without writing the intent down", "lib/deliver/job.c",
           "out = ledger_intend(job->known.service->ledger, job->attempt.id, at, &wanted, why);", "out = DONE;",
           ("unit/deliver/test_deliver", "unit/deliver/test_lead")),
    Mutant("no-note-check", "write the note again without looking", "lib/deliver/manager.c",
           "job->applied_before &&\n", "!job->applied_before &&\n", ("unit/deliver/test_deliver",)),
    Mutant("count-while-refused", "use attempts up while amoCRM refuses everybody", "lib/deliver/deliver.c",
           "counts = !crm.open && !job->waiting;", "counts = true;", ("unit/deliver/test_deliver",)),
    Mutant("limiter-per-process", "give every process a limiter of its own", "lib/deliver/service.c",
           "text_format(\"%s/limiter\", settings->payments_run_dir)",
           "text_format(\"%s/limiter.%d\", settings->payments_run_dir, getpid())", ("tests/chaos/test_limiter.py",)),
    Mutant("locks-per-process", "let two processes work for one payer at once", "lib/deliver/service.c",
           "text_format(\"%s/locks\", settings->payments_run_dir)",
           "text_format(\"%s/locks.%d\", settings->payments_run_dir, getpid())",
           ("tests/e2e/test_many.py",)),
    Mutant("no-hold", "go on at once after a 429", "lib/amocrm/call.c",
           "limiter_hold(caller->limiter,\n\t\t    response->advice_ms > 0 ? response->advice_ms", "(void)(response->advice_ms > 0 ? response->advice_ms",
           ("unit/amocrm/test_call",)),
    Mutant("no-breaker", "keep knocking after a 401", "lib/amocrm/call.c",
           "limiter_break(caller->limiter, status);", "", ("unit/amocrm/test_call",)),
    Mutant("forbidden-stops-all", "stop everybody for one forbidden lead", "lib/amocrm/call.c",
           "response->own = response->json != NULL && asked->kind != CALL_READ_ACCOUNT;", "response->own = false;",
           ("unit/amocrm/test_call",)),
    Mutant("gone-by-any-404", "take a stranger's 404 for an absence", "lib/amocrm/call.c",
           "response->own = refusal_is_amocrm(response->json, 404);", "response->own = true;", ("unit/amocrm/test_call",)),
    Mutant("conflict-unseen", "take another amount under a known id for a duplicate", "lib/ledger/arrival.c",
           "if (known->amount_known && known->kopecks != arrival->kopecks)\n\t\treturn \"another amount\";", "", ("unit/ledger/test_ledger",)),
    Mutant("refund-forgotten", "skip a failed payment that amoCRM may hold", "lib/ledger/arrival.c",
           "if (out == DONE && reach == REACH_NOTHING) {", "if (out == DONE && !finished) {", ("unit/ledger/test_ledger",)),
    Mutant("refund-unheard", "take the refund of a carried payment for a duplicate", "lib/ledger/arrival.c",
           "if (arrival->exclusion != NULL && known->row.status != PAYMENT_SKIPPED)",
           "if (arrival->exclusion != NULL && known->row.status == PAYMENT_FAILED)", ("unit/ledger/test_ledger",)),
    Mutant("refund-delivered", "deliver what was refunded while its contact was looked for", "lib/deliver/job.c",
           "if (out != DONE || wanted)", "if (true)", ("tests/e2e/test_backlog.py",)),
    Mutant("refund-undone", "take up what was told before its refund", "lib/ledger/arrival.c",
           "if (is_older(known, arrival)) {\n\t\t\t*recorded = RECORDED_SKIPPED;", "if (false) {\n\t\t\t*recorded = RECORDED_SKIPPED;",
           ("unit/ledger/test_ledger",)),
    Mutant("arrived-when-written", "take a request for arrived as soon as it was written", "lib/amocrm/http_client.c",
           "is_written(http) && is_acknowledged(http)", "is_written(http)", ("unit/amocrm/test_http_client",)),
    Mutant("always-there", "count each request from when it left, however late it may arrive", "lib/host/limiter.c",
           "limiter_sent(limiter, until_ms - (LIMITER_GUARD_MS - LIMITER_READING_MS));", "(void)limiter, (void)until_ms;",
           ("unit/host/test_limiter",)),
    Mutant("thinking-counts", "count amoCRM's thinking as the request's way", "lib/amocrm/tcp.c",
           "info.tcpi_unacked == 0", "false", ("unit/amocrm/test_http_client",)),
    Mutant("stale-token", "stop the service for a token in an operator's shell", "lib/host/limiter.c",
           "if (limiter->breaks_alone) {", "if (false) {", ("unit/host/test_limiter",)),
    Mutant("subjects-replaced", "throw away the subjects that stand on the lead", "lib/deliver/lead_fields.c",
           "for (i = 0; field_enum(item, i) != 0; i++)\n\t\tjson_array_append_new(all, json_integer(field_enum(item, i)));", "",
           ("unit/deliver/test_lead_fields", "unit/deliver/test_lead")),
    Mutant("libcurl-repeats", "let libcurl send a creation again over another connection", "lib/amocrm/http_client.c",
           "http->departures++ > 0 && http->request->once", "http->departures++ > 9 && http->request->once", ("unit/amocrm/test_http_client",)),
    Mutant("libcurl-overtakes", "let libcurl repeat a change that may still be under way", "lib/amocrm/call.c",
           ".once = effect == CALL_CREATES || effect == CALL_OVERWRITES,", ".once = effect == CALL_CREATES,", ("unit/amocrm/test_call",)),
    Mutant("batch-without-intents", "send a batch without writing its intents down", "lib/deliver/batch.c",
           "if (member->intent != INTENT_NONE)\n\t\tmember->out = job_intend(job, member->intent, &member->why);", "",
           ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("no-id-is-created", "take a creation for done whose id is missing in the answer", "lib/amocrm/write.c",
           "fault_set(&why, UNSURE, \"amoCRM: the answer to a creation has no id\");", "DONE;",
           ("unit/amocrm/test_amocrm",)),
    Mutant("no-id-is-changed", "take a change for done that is missing in the answer", "lib/amocrm/write.c",
           "if (!operation->creates && !find_changed(item->id, answer, list))", "if (false && !find_changed(item->id, answer, list))",
           ("unit/amocrm/test_amocrm",)),
    Mutant("ids-by-position", "take the answer's order for that of the request", "lib/amocrm/write.c",
           "if (sending->count > 1 &&\n\t\t    !names(json_object_get(one, \"request_id\"), sending->sent[index]))",
           "if (i != index)", ("unit/amocrm/test_amocrm",)),
    Mutant("one-handle-for-all", "let the payments of a batch share their locks", "lib/deliver/deliver.c",
           "if (!alone)", "if (false && !alone)", ("unit/deliver/test_together",)),
    Mutant("put-back-counts", "hold it against a payment that its turn did not come", "lib/deliver/batch.c",
           "\t\t\tmember->job->waiting = true;\n", "", ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("unwell-ignored", "go through the whole batch although amoCRM does not answer", "lib/deliver/batch.c",
           "turn->failures >= FAILURES_MAX || ", "", ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("one-failure-stops-all", "put a batch back because of one payment's failure", "lib/deliver/batch.c",
           "#define FAILURES_MAX 2", "#define FAILURES_MAX 1", ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("no-half-time", "let one step take all the time of a batch", "lib/deliver/batch.c",
           "(turn->begun && clock_mono_ms() >= turn->until_ms)", "false", ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("refused-together", "fail everybody when amoCRM refuses to tell of all together", "lib/deliver/batch.c",
           "own && group.count > 1 ? DONE : out", "out", ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("never-apart", "send what fails again and again with others each time", "lib/deliver/batch.c",
           "return group->count == 0 || !(job->apart || group->members[0]->job->apart);", "(void)job;\n\treturn group->count < BATCH_MAX;",
           ("unit/deliver/test_batch", "unit/deliver/test_together")),
    Mutant("claim-what-was-put-off", "take up what another has just put off", "lib/ledger/attempt.c",
           "AND ($3 = 0 OR next_ms <= $3 OR next_ms > $4)", "AND $3 = $3 AND $4 = $4", ("unit/ledger/test_ledger", "unit/deliver/test_together")),
    Mutant("stop-before-finish", "leave what was carried unfinished when told to stop", "lib/deliver/deliver.c",
           "if (out != DONE || !job->claimed)\n\t\treturn out;\n\treturn ledger_finish(",
           "if (out != DONE || !job->claimed || (out = batch_turn(job, why)) != DONE)\n\t\treturn out;\n\treturn ledger_finish(",
           ("unit/deliver/test_together",)),
    Mutant("weaker-header", "let a weaker header vouch for a wrong stronger one", "lib/payment/signature.c",
           "return x_signature_matches", "return false && x_signature_matches", ("unit/payment/test_signature",)),
    Mutant("broken-rules", "take over rules that are wrong", "cgi/startup.c",
           "settings != NULL && !rules_are_valid(settings)", "settings != NULL && !rules_are_valid(settings) && false",
           ("tests/fastcgi/test_fastcgi.py",)),
    Mutant("course-first", "let the first course decide where the rules' order should", "lib/rules/rules.c",
           "if (found != NULL && !mapping->rules_first)", "if (found != NULL)", ("unit/rules/test_rules", "unit/rules/test_examples")),
    Mutant("nameless-task", "write a task that cannot be found again", "lib/rules/task_text.c",
           "fprintf(out, \"\\n%s\", key_line);", "", ("unit/rules/test_task_text", "unit/rules/test_examples")),
    Mutant("open-status", "show the status page to whoever asks", "lib/web/webhook.c",
           "if (address == NULL || (address->for_operators && !request->by_operator)) {", "if (address == NULL) {",
           ("unit/web/test_webhook",)),
    Mutant("forged-button", "heed a button that was not on our page", "lib/web/status.c",
           "\tif (holds)\n\t\treturn payment_id;", "\tif (payment_id != NULL)\n\t\treturn payment_id;", ("unit/web/test_webhook",)),
    Mutant("raw-html", "put a payment's id on the page as it is", "lib/web/html.c",
           "if (escape != NULL)", "if (escape == NULL && escape != NULL)", ("unit/web/test_status_page",)),
    Mutant("quote-the-refusal", "log whatever amoCRM says of a refused value", "lib/amocrm/refusal.c",
           "name != NULL && name[strspn(name, letters)] == '\\0'", "name != NULL", ("tests/e2e/test_privacy.py",)),
    Mutant("shout-at-night", "call every pause an unusual one", "lib/monitor/alarm.c",
           "days >= ALARM_DAYS - 1)", "days >= 0)", ("unit/monitor/test_alarm",)),
]


class Copy:
    """A copy of the tree in which mutants are built; the objects of earlier builds stay."""

    def __init__(self, place: pathlib.Path) -> None:
        self.place = place
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        for name in files.decode().split("\0")[:-1]:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)

    def build(self) -> str | None:
        """None, or what the compiler said."""
        done = subprocess.run(["make", "-j2", "programs"], cwd=self.place, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        return None if done.returncode == 0 else done.stdout

    def passes(self, test: str) -> bool:
        suite = ["tests/run-suites", "build", test]
        environment = dict(os.environ, SUITE_TIMEOUT="150")
        return subprocess.run(suite, cwd=self.place, env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0


def put(path: pathlib.Path, text: str) -> None:
    """Write, with a time that make is sure to notice."""
    path.write_text(text, encoding="utf-8")
    later = time.time() + 1
    os.utime(path, (later, later))


def judge(copy: Copy, mutant: Mutant) -> str:
    """"" when the mutant is caught, else what went wrong; prints one line."""
    path = copy.place / mutant.file
    source = path.read_text(encoding="utf-8")
    if source.count(mutant.old) != 1:
        return f"does not apply: its text occurs {source.count(mutant.old)} times in {mutant.file}"
    put(path, source.replace(mutant.old, mutant.new))
    try:
        said = copy.build()
        if said is not None:
            return "does not compile:\n" + said
        for test in mutant.tests:
            if not copy.passes(test):
                print(f"  caught   {mutant.name}: {mutant.what} ({test})", flush=True)
                return ""
        return "SURVIVED " + ", ".join(mutant.tests)
    finally:
        put(path, source)


def main() -> int:
    if "--list" in sys.argv:
        print("\n".join(f"{m.name}: {m.what}" for m in MUTANTS))
        return 0
    if "--apply" in sys.argv:
        counts = [(m, (ROOT / m.file).read_text(encoding="utf-8").count(m.old)) for m in MUTANTS if (ROOT / m.file).exists()]
        wrong = [f"{m.name}: its text occurs {count} times in {m.file}" for m, count in counts if count != 1]
        wrong += [f"{m.name}: there is no {m.file}" for m in MUTANTS if not (ROOT / m.file).exists()]
        print("\n".join([*wrong, f"{len(MUTANTS)} mutants, {len(MUTANTS) - len(wrong)} apply"]))
        return 1 if wrong else 0
    chosen = [m for m in MUTANTS if not sys.argv[1:] or m.name in sys.argv[1:]]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="mutation.") as place:
        copy = Copy(pathlib.Path(place))
        print("Building the copy ...", flush=True)
        said = copy.build()
        if said is not None:
            print(said)
            return 1
        for test in sorted({test for mutant in chosen for test in mutant.tests}):
            if not copy.passes(test):
                print(f"{test} fails without any mutant")
                return 1
        for mutant in chosen:
            wrong = judge(copy, mutant)
            if wrong:
                bad += 1
                print(f"  SURVIVED {mutant.name}: {mutant.what}: {wrong}", flush=True)
    print(f"{len(chosen)} mutants, {len(chosen) - bad} caught, {bad} not")
    return 1 if bad or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
