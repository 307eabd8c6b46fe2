"""payment.fcgi as a FastCGI responder: no request is lost, cut short or left waiting, whatever signal or peer comes.

A signed body that is no payment is answered 400 `invalid` and an altered one 401, so these tests need no CRM to see that a
body arrived whole."""

import json
import os
import pathlib
import random
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import pytest

from fcgi import (
    ABORT,
    BEGIN,
    GET_VALUES,
    PARAMS,
    PROGRAM,
    ROOT,
    SECRET,
    STDIN,
    Answer,
    Peer,
    ask,
    begin,
    pairs,
    post,
    post_params,
    record,
    serving,
    sign,
    stream,
    until,
)

BODY = b'{"filler":"' + b"x" * 150000 + b'"}'


def half(path, program):
    """Send half of a request's body; returns when a worker has taken the connection, which is returned with the worker."""
    peer = Peer(path).send(begin() + stream(PARAMS, pairs(post_params(BODY))) + record(STDIN, BODY[:50000]))
    worker = until(lambda: next((w for w in program.workers() if serving(w)), None), "a worker takes the connection")
    return peer, worker


def finish(peer):
    return peer.send(record(STDIN, BODY[50000:100000]) + record(STDIN, BODY[100000:]) + record(STDIN)).answer()


def test_one_request(start, held):
    start("-w", "2")
    answer = post(held[1], BODY, ("REQUEST_ID", "abc-1"), ("HTTP_COOKIE", "x"))
    assert answer.ended and answer.status == 400
    assert json.loads(answer.body)["status"] == "invalid"
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"] == "abc-1"


@pytest.mark.parametrize(
    "params",
    [
        [("DOCUMENT_URI", "/webhook/health"), ("REQUEST_URI", "/other")],
        [("REQUEST_URI", "/webhook/health?probe=1")],
        [("SCRIPT_NAME", "/webhook"), ("PATH_INFO", "/health")],
        [("SCRIPT_NAME", "/webhook/health"), ("PATH_INFO", "")],
    ],
)
def test_path_by_any_name(start, held, params):
    start("-w", "1")
    assert ask(held[1], [("REQUEST_METHOD", "GET"), *params]).status == 200


def test_unknown_path_and_method(start, held):
    start("-w", "1")
    assert ask(held[1], [("REQUEST_METHOD", "GET"), ("DOCUMENT_URI", "/")]).status == 404
    assert ask(held[1], []).status in (404, 405)
    answer = ask(held[1], [("REQUEST_METHOD", "GET"), ("DOCUMENT_URI", "/webhook/payment")])
    assert answer.status == 405 and answer.headers["Allow"] == "POST"


def test_get_waits_for_no_body_and_head_sends_none(start, held):
    start("-w", "1")
    health = [("DOCUMENT_URI", "/webhook/health"), ("CONTENT_LENGTH", "10")]
    waiting = Peer(held[1]).send(begin() + stream(PARAMS, pairs([("REQUEST_METHOD", "GET"), *health])))
    assert waiting.answer().status == 200
    head = ask(held[1], [("REQUEST_METHOD", "HEAD"), *health])
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 0


def test_body_as_announced(start, held):
    start("-w", "1")
    assert ask(held[1], post_params(b"{}", length=3), b"{}").status in (400, 401)
    assert json.loads(ask(held[1], post_params(b"{}", length=3), b"{}").body)["status"] != "success"
    for length in ("ten", "-1", "2x", " 2"):
        assert ask(held[1], post_params(b"{}", length=length), b"{}").status in (400, 401)
    assert ask(held[1], post_params(b"", length=""), b"").status in (400, 401)
    aborted = Peer(held[1]).send(
        begin() + stream(PARAMS, pairs(post_params(BODY))) + record(STDIN, BODY[:100]) + record(ABORT)
    )
    assert aborted.answer().status in (0, 400, 401)


@pytest.mark.parametrize("length", [256 * 1024 + 1, 10**9, 10**30])
def test_too_large_body_is_not_read(start, held, length):
    """The answer comes although not one byte of the body was sent."""
    start("-w", "1")
    peer = Peer(held[1]).send(begin() + stream(PARAMS, pairs(post_params(b"{}", length=length))))
    assert peer.answer().status == 413


def test_largest_body(start, held):
    start("-w", "1")
    body = b'{"a":"' + b"x" * (256 * 1024 - 8) + b'"}'
    assert len(body) == 256 * 1024
    assert post(held[1], body).status == 400


@pytest.mark.parametrize(
    "again",
    [
        ("HTTP_X_SIGNATURE", sign(b"{}")),
        ("HTTP_X_SIGNATURE", ""),
        ("HTTP_X_SIGNATURE", "0" * 64),
    ],
)
def test_signature_sent_twice(start, held, again):
    start("-w", "1")
    assert post(held[1], b"{}").status == 400
    assert post(held[1], b"{}", again).status == 401
    twice = [("HTTP_X_WEBHOOK_SECRET", SECRET)] * 2
    assert post(held[1], b"{}", *twice).status == 401
    # A name that only begins alike is another header.
    assert post(held[1], b"{}", ("HTTP_X_SIGNATURE_OLD", "1")).status == 400


def test_request_id_cannot_forge_headers_or_lines(start, held):
    program = start("-w", "1")
    for name in ("a\r\nSet-Cookie: x=1", "a b", "x" * 65, 'a"b'):
        answer = post(held[1], b"{}", ("REQUEST_ID", name))
        assert answer.status == 400 and "X-Request-Id" not in answer.headers and "Set-Cookie" not in answer.headers
    assert all(line[0] == "<" and line[2] == ">" for line in program.log().splitlines())


def test_kept_connection_is_closed(start, held):
    """With fastcgi_keep_conn on, a worker must not wait on one client's connection while others queue."""
    start("-w", "1")
    params = stream(PARAMS, pairs(post_params(b"{}")))
    kept = Peer(held[1]).send(begin(keep=True) + params + stream(STDIN, b"{}"))
    assert kept.answer().status == 400
    assert post(held[1]).status == 400


@pytest.mark.parametrize("workers", ["0", "3"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_term_when_idle(start, held, workers, number):
    program = start("-w", workers)
    assert program.signal(number).heard("STOPPING=1").ended() == 0


@pytest.mark.parametrize("workers", ["0", "2"])
def test_term_before_the_first_byte(start, held, workers):
    program = start("-w", workers)
    peer = Peer(held[1])
    pids = program.workers() or {program.process.pid}
    # Without a pool the program's own sockets are all there is to look at.
    until(lambda: any(serving(pid) for pid in pids), "the connection is accepted")
    program.signal()
    peer.send(begin() + stream(PARAMS, pairs(post_params(BODY))) + stream(STDIN, BODY))
    assert peer.answer().status == 400
    assert program.ended() == 0


def test_term_in_the_middle_of_a_body(start, held):
    program = start("-w", "2")
    peer, worker = half(held[1], program)
    program.signal()
    until(lambda: program.workers() == {worker}, "the idle worker has left")
    assert finish(peer).status == 400
    assert program.ended() == 0


def paid(payment_id):
    item = {"cost": 1, "course": {"name": "x", "subject": {"name": "x", "project": "x"}}}
    order = {"payment_id": payment_id, "status": "CONFIRMED", "user": {}, "course_order_items": [item]}
    return json.dumps({"course_order": order}).encode()


def posted(path, body, *more):
    """Sent whole, and not yet answered."""
    return Peer(path).send(begin() + stream(PARAMS, pairs(post_params(body, *more))) + stream(STDIN, body))


def test_what_waits_is_recorded_together(start, held, tmp_path):
    """With DELIVERY=queue; and each is answered as if it had come alone."""
    program = start("-w", "1", DELIVERY="queue")
    (worker,) = program.workers()
    os.kill(worker, signal.SIGSTOP)
    waiting = [posted(held[1], paid(f"pay_{number}")) for number in range(12)]
    forged = posted(held[1], paid("pay_forged"), ("HTTP_X_SIGNATURE", "0" * 64))
    nonsense = posted(held[1], b"{}")
    again = posted(held[1], paid("pay_11"))
    health = Peer(held[1]).send(
        begin() + stream(PARAMS, pairs([("REQUEST_METHOD", "GET"), ("DOCUMENT_URI", "/webhook/health")])) + record(STDIN)
    )
    os.kill(worker, signal.SIGCONT)
    for number, peer in enumerate(waiting):
        answer = json.loads(peer.answer().body)
        assert (answer["status"], answer["payment_id"]) == ("queued", f"pay_{number}")
    assert [peer.answer().status for peer in (forged, nonsense, again, health)] == [401, 400, 202, 200]
    with sqlite3.connect(f"file:{tmp_path}/payments.sqlite?mode=ro", uri=True) as ledger:
        rows = ledger.execute("SELECT payment_id, duplicates, recorded_ms FROM payment_events ORDER BY id").fetchall()
    assert [row[:2] for row in rows] == [(f"pay_{number}", int(number == 11)) for number in range(12)]
    assert len({row[2] for row in rows}) <= 2


def test_term_while_others_wait(start, held):
    """Those that were taken with the one in hand are answered; those that were not wait for the next program."""
    program = start("-w", "1", DELIVERY="queue")
    peer, _ = half(held[1], program)
    waiting = [posted(held[1], paid(f"pay_{number}")) for number in range(12)]
    program.signal()
    assert finish(peer).status == 400
    assert program.ended() == 0
    start("-w", "1", DELIVERY="queue")
    assert {waiter.answer().status for waiter in waiting} == {202}


@pytest.mark.parametrize("unread", [0, 1, 8, 9])
def test_answer_is_not_overtaken_by_a_reset(start, held, unread):
    """Closing a connection on which bytes lie unread would throw the answer away.  libfcgi reads 8192 bytes at a time, so
    here the last read of a body leaves some of its end unread."""
    start("-w", "1")
    before = len(begin() + stream(PARAMS, pairs(post_params(b"x" * 20000)))) + len(record(STDIN))
    body = b"x" * (3 * 8192 - before - len(record(STDIN)) + unread)
    peer = posted(held[1], body)
    raw = b""
    while piece := peer.socket.recv(65536):
        raw += piece
    assert Answer(raw).ended and Answer(raw).status == 400


def test_workers_finish_when_the_parent_is_killed(start, held):
    program = start("-w", "2")
    workers = program.workers()
    peer, worker = half(held[1], program)
    program.signal(signal.SIGKILL).ended()
    assert finish(peer).status == 400
    until(lambda: not any(alive(pid) for pid in workers), "all workers have left")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Load:
    """Clients that ask one after another, and count what they are told."""

    def __init__(self, path, clients=6):
        self.path, self.over, self.statuses = path, threading.Event(), []
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        while not self.over.is_set():
            try:
                self.statuses.append(post(self.path, BODY[:20000]).status)
            except OSError as error:
                self.statuses.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.more(50)
        return self

    def more(self, count):
        reached = len(self.statuses) + count
        until(lambda: len(self.statuses) >= reached, f"{count} more answers")

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def check(self):
        # The body is signed as BODY[:20000], which is no JSON: 400 when it arrived whole, 401 if one byte was missing.
        lost = [s for s in self.statuses if s != 400]
        assert not lost, f"{len(lost)} of {len(self.statuses)}: {lost[:5]}"
        print(len(self.statuses), "requests, none lost")


def test_restart_under_load_loses_nothing(start, held):
    program = start("-w", "3")
    with Load(held[1]) as load:
        for _ in range(4):
            assert program.signal().ended() == 0
            program = start("-w", "3")
            load.more(100)
    load.check()


def test_reload_under_load_loses_nothing(start, held):
    program = start("-w", "3")
    with Load(held[1]) as load:
        for _ in range(3):
            before = program.workers()
            program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
            assert len(program.workers()) == 3 and not program.workers() & before
            load.more(50)
    load.check()


def test_reload_waits_for_the_request_in_hand(start, held):
    program = start("-w", "2")
    peer, worker = half(held[1], program)
    program.signal(signal.SIGHUP).heard("RELOADING=1")
    # Two new ones are up beside the one that is busy, or waiting for it.
    until(lambda: len(program.workers() - {worker}) >= 1 and post(held[1]).status == 400, "others serve")
    assert finish(peer).status == 400
    program.heard("READY=1")
    assert worker not in program.workers()


def test_reload_without_a_pool(start, held):
    program = start("-w", "0")
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert post(held[1]).status == 400
    assert program.signal().ended() == 0


def test_reload_takes_new_settings(start, held, tmp_path):
    config = tmp_path / "config.env"
    config.write_text(f"WEBHOOK_SECRET={SECRET}\n")
    program = start("-w", "2", WEBHOOK_SECRET="")
    assert post(held[1]).status == 400
    config.write_text("WEBHOOK_SECRET=another-secret-quite-long-enough\n")
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert post(held[1]).status == 401


def test_reload_with_a_mistake_changes_nothing(start, held, tmp_path):
    program = start("-w", "2")
    before = program.workers()
    (tmp_path / "config.env").write_text("AMO_RATE_LIMIT=x\n")
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert program.workers() == before and "AMO_RATE_LIMIT" in program.log()
    assert post(held[1]).status == 400
    (tmp_path / "config.env").write_text("")
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert not program.workers() & before


def strange_ledger(folder):
    """A file that settings may name, and that no worker can use."""
    path = folder / "strange.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE of_another_program (x)")
    return path


def test_reload_whose_worker_does_not_start_is_given_up(start, held, tmp_path):
    ledger = tmp_path / "payments.sqlite"
    program = start("-w", "2", PAYMENTS_DB=str(ledger))
    before = program.workers()
    for name in (f"{ledger}-wal", f"{ledger}-shm"):
        pathlib.Path(name).unlink()
    strange_ledger(tmp_path).replace(ledger)
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert program.workers() == before and "of another program" in program.log()
    assert post(held[1]).status == 400


def rules(reason):
    return json.dumps({"version": 1, "exclude": [{"when": {"amount": {"above": 0}}, "reason": reason}]})


def reasons(path):
    """Why payments are skipped, as several requests in a row are told: they meet more than one worker."""
    item = {"cost": 1, "course": {"name": "x", "subject": {"name": "x", "project": "x"}}}
    body = json.dumps({"course_order": {"status": "CONFIRMED", "user": {}, "course_order_items": [item]}}).encode()
    return {json.loads(post(path, body).body)["reason"] for _ in range(8)}


def test_reload_takes_new_rules(start, held, tmp_path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules("old"))
    program = start("-w", "2", PAYMENT_MAPPING=str(mapping))
    assert reasons(held[1]) == {"old"}
    mapping.write_text(rules("new"))
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert reasons(held[1]) == {"new"}


def test_reload_with_broken_rules_changes_nothing(start, held, tmp_path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules("old"))
    program = start("-w", "2", PAYMENT_MAPPING=str(mapping))
    before = program.workers()
    mapping.write_text(rules("").replace("amount", "amounts"))
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert program.workers() == before and reasons(held[1]) == {"old"}
    errors = [line for line in program.log().splitlines() if "rules:" in line]
    assert len(errors) == 2 and all(line.startswith("<3>") and str(mapping) in line for line in errors)
    assert 'path="exclude[0].when" reason="This must be a condition' in errors[0]
    assert 'path="exclude[0].reason" reason="This must be a string' in errors[1]

    mapping.unlink()
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert program.workers() == before and "mapping.json cannot be read" in program.log()

    mapping.write_text(rules("new"))
    program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
    assert reasons(held[1]) == {"new"}


def test_worker_in_anothers_place_follows_the_same_rules(start, held, tmp_path):
    """Whatever stands in the file by then: only a reload takes it over."""
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules("old"))
    program = start("-w", "2", PAYMENT_MAPPING=str(mapping))
    for content in (rules("new"), "broken"):
        mapping.write_text(content)
        victim = min(program.workers())
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(program.workers() - {victim}) == 2, "there are two again")
        assert reasons(held[1]) == {"old"}


def test_reload_without_a_pool_checks_the_rules_too(start, held, tmp_path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text(rules("old"))
    program = start("-w", "0", PAYMENT_MAPPING=str(mapping))
    for content, reason in (("broken", "old"), (rules("new"), "new")):
        mapping.write_text(content)
        program.signal(signal.SIGHUP).heard("RELOADING=1").heard("READY=1")
        assert reasons(held[1]) == {reason}
    assert program.signal().ended() == 0


def test_misspelt_setting_in_the_rules_is_a_warning(start, tmp_path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"version": 1, "subjects": {"Химия": "${AMO_SUBJET_CHEMISTRY}"}}')
    program = start("-w", "1", PAYMENT_MAPPING=str(mapping))
    warnings = [line for line in program.log().splitlines() if "AMO_SUBJET_CHEMISTRY" in line]
    assert len(warnings) == 1 and warnings[0].startswith("<4>") and 'path="subjects.Химия"' in warnings[0]


def test_killed_worker_is_replaced(start, held):
    program = start("-w", "2")
    victim = min(program.workers())
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(program.workers() - {victim}) == 2, "there are two again")
    assert all(post(held[1]).status == 400 for _ in range(20))
    assert f"worker={victim} signal=9" in program.log()


def test_pool_that_lost_all_workers_answers_what_waits(start, held):
    program = start("-w", "2")
    for worker in program.workers():
        os.kill(worker, signal.SIGKILL)
    assert post(held[1]).status == 400


def test_stuck_worker_is_killed(start, held):
    program = start("-w", "2", INLINE_DEADLINE_MS="1000", AMO_TIMEOUT_MS="1000")
    _, worker = half(held[1], program)
    os.kill(worker, signal.SIGSTOP)
    until(lambda: worker not in program.workers(), "it is killed", patience=30)
    assert f"worker is stuck and is killed worker={worker}" in program.log()
    until(lambda: len(program.workers()) == 2, "it is replaced")
    assert post(held[1]).status == 400


def nonsense():
    dice = random.Random(20250120)
    yield "noise", bytes(dice.randrange(256) for _ in range(5000))
    yield "http", b"GET /webhook/health HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "get_values", record(GET_VALUES, pairs([("FCGI_MAX_CONNS", "")]), number=0)
    yield "get_values_repeated", record(GET_VALUES, pairs([("FCGI_MAX_CONNS", "")] * 64), number=0)
    yield "wrong_role", begin(role=9) + stream(PARAMS, b"")
    yield "half_header", begin() + b"\x01\x04\x00"
    yield "cut_params", begin() + record(PARAMS, b"\x7f\x7fAB") + record(PARAMS)
    yield "lying_lengths", begin() + stream(PARAMS, b"\xff\xff\xff\xff\xff\xff\xff\xffA")
    yield "lying_lengths_2", begin() + stream(PARAMS, b"\xfe\xff\xff\xfe\xfe\xff\xff\xfeA")
    yield "huge_length", begin() + stream(PARAMS, b"\xc0\x00\x00\x00\x01A")
    yield "other_version", b"\x09" + begin()[1:]
    yield "many_params", begin() + stream(PARAMS, pairs([(f"HTTP_X{i}", "y" * 30) for i in range(5000)]))
    yield "unknown_record", begin() + record(77, b"what") + stream(PARAMS, b"")
    yield "second_begin", begin() + record(BEGIN, b"\0" * 8, number=2)


@pytest.mark.parametrize("name,data", nonsense(), ids=lambda value: value if isinstance(value, str) else "")
def test_nonsense_does_not_wedge_the_pool(start, held, name, data):
    program = start("-w", "2")
    for _ in range(4):
        peer = Peer(held[1])
        try:
            peer.send(data)
            peer.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    assert all(post(held[1]).status == 400 for _ in range(10))
    assert program.signal().ended() == 0


def test_silent_peers_hold_workers_for_seconds_only(start, held):
    program = start("-w", "2")
    silent = [Peer(held[1]) for _ in range(2)]
    until(lambda: all(serving(pid) for pid in program.workers()), "all workers are taken")
    assert post(held[1]).status == 400
    assert silent


def test_nothing_spins(start, held):
    """Idle workers, and one that was sent TERM before the first byte, use no processor time."""
    program = start("-w", "2")
    waiting = Peer(held[1])
    worker = until(lambda: next((w for w in program.workers() if serving(w)), None), "the connection is accepted")
    os.kill(worker, signal.SIGTERM)
    began = sum(ticks(pid) for pid in program.workers())
    time.sleep(1)
    assert sum(ticks(pid) for pid in program.workers()) - began < 0.1 * os.sysconf("SC_CLK_TCK")
    assert waiting.send(begin() + stream(PARAMS, pairs(post_params(b"{}"))) + stream(STDIN, b"{}")).answer().status == 400


def ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_watchdog_is_fed(start, held):
    program = start("-w", "1", WATCHDOG_USEC="200000")
    for _ in range(3):
        program.heard("WATCHDOG=1")


def test_systemd_descriptor(tmp_path, held):
    """The socket at descriptor 3, with LISTEN_PID naming the program; descriptor 0 is then no longer served."""
    listener, path = held
    shell = 'exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -w 1'
    environment = {**os.environ, "WEBHOOK_SECRET": SECRET, "AMO_BASE_URL": "http://127.0.0.1:9", "AMO_ACCESS_TOKEN": "t"}
    environment.update(PAYMENTS_DB=str(tmp_path / "p.sqlite"), PAYMENTS_RUN_DIR=str(tmp_path))
    program = subprocess.Popen(["sh", "-c", shell, PROGRAM], stdin=listener, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert post(path).status == 400
        program.terminate()
        assert program.wait(10) == 0
    finally:
        program.kill()
        program.wait()


@pytest.mark.parametrize(
    "arguments,code,word",
    [
        (["--help"], 0, "usage:"),
        (["-h"], 0, "usage:"),
        (["--version"], 0, "payment.fcgi "),
        (["-w", "many"], 64, "-w"),
        (["-w", "-1"], 64, "-w"),
        (["--what"], 64, "usage:"),
        (["extra"], 64, "usage:"),
        ([], 64, "descriptor 0"),
    ],
)
def test_command_line(arguments, code, word):
    done = subprocess.run([PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    assert done.returncode == code and word in done.stdout + done.stderr


def test_settings_missing(start):
    program = start(ready=False, WEBHOOK_SECRET="")
    assert program.ended() == 78 and "WEBHOOK_SECRET" in program.log()


def test_settings_no_worker_can_use(start, tmp_path):
    program = start("-w", "2", ready=False, PAYMENTS_DB=str(strange_ledger(tmp_path)))
    assert program.ended() == 78 and "of another program" in program.log()


def test_rules_that_are_wrong(start, tmp_path):
    mapping = tmp_path / "mapping.json"
    mapping.write_text("{}")
    program = start("-w", "2", ready=False, PAYMENT_MAPPING=str(mapping))
    assert program.ended() == 78 and program.log().count('path="version"') == 1
    program = start("-w", "2", ready=False, PAYMENT_MAPPING="/nonexistent/mapping.json")
    assert program.ended() == 78 and "/nonexistent/mapping.json cannot be read" in program.log()
