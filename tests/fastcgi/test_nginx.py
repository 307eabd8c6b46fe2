"""nginx in front of payment.fcgi, with the very snippets that are installed."""

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from fcgi import PATIENCE, ROOT, sign, until

SNIPPETS = ("http", "locations", "fastcgi", "status")

SITE = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    client_body_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; proxy_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    include snippets/platform-payment-sync-http.conf;
    upstream platform_payment_sync {{ server unix:{socket}; }}
    geo $platform_payment_sync_watcher {{ default {watcher}; }}
    server {{
        listen 127.0.0.1:{port};
        access_log {folder}/access.log platform_payment_sync;
        include snippets/platform-payment-sync-locations.conf;
        location ~ ^/webhook/(status|metrics)$ {{ {operators} include snippets/platform-payment-sync-status.conf; }}
        location / {{ return 404; }}
    }}
    # What an admin may have instead: stock parameters, underscores let in, connections kept.
    server {{
        listen 127.0.0.1:{plain};
        access_log off; underscores_in_headers on; client_max_body_size 10m;
        location / {{
            include /etc/nginx/fastcgi_params; fastcgi_keep_conn on; fastcgi_request_buffering off;
            fastcgi_pass unix:{socket};
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connects(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    def __init__(self, folder, path, watcher=1, operators=""):
        self.folder, self.port, self.plain = folder / "nginx", free_port(), free_port()
        (self.folder / "snippets").mkdir(parents=True)
        for name in SNIPPETS:
            shutil.copy(ROOT / f"nginx/platform-payment-sync-{name}.conf", self.folder / "snippets")
        site = SITE.format(folder=self.folder, socket=path, port=self.port, plain=self.plain, watcher=watcher, operators=operators)
        (self.folder / "nginx.conf").write_text(site)
        command = ["/usr/sbin/nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "error.log"]
        self.process = subprocess.Popen(command)
        until(lambda: connects(self.port) and connects(self.plain), "nginx listens")

    def ask(self, method, path, body=None, headers=(), port=None, chunked=False):
        """headers is a list of pairs, so that a name may come twice."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE)
        connection.putrequest(method, path)
        for name, value in headers:
            connection.putheader(name, value)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            connection.putheader("Content-Length", str(len(body)))
        try:
            connection.endheaders(body, encode_chunked=chunked)
        except (BrokenPipeError, ConnectionResetError):
            pass  # nginx may answer a body it refuses before that is sent.
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer, json.loads(text) if text else None

    def post(self, body=b"{}", headers=(), **more):
        return self.ask("POST", "/webhook/payment", body, [("X-Signature", sign(body)), *headers], **more)

    def raw(self, data):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(data)
            out = b""
            while piece := connection.recv(65536):
                out += piece
        head, _, body = out.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def logged(self, count):
        """The lines of the access log, which nginx writes after it has answered."""
        log = self.folder / "access.log"
        until(lambda: log.read_text().count("\n") >= count, f"{count} lines in the access log")
        return [json.loads(line) for line in log.read_text().splitlines()]

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture
def nginx(tmp_path, held):
    server = Nginx(tmp_path, held[1])
    yield server
    server.end()
    print((server.folder / "error.log").read_text())


@pytest.fixture
def served(nginx, start):
    start("-w", "2")
    return nginx


def is_page(answer, body, status, word="error"):
    assert answer.status == status and body["status"] == word and body["detail"]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert len(answer.headers.get_all("X-Request-Id")) == 1
    return True


def test_answers_of_the_worker_pass_through(served):
    answer, body = served.post()
    assert is_page(answer, body, 400, "invalid") and answer.headers["Cache-Control"] == "no-store"
    assert is_page(*served.post(headers=[("Content-Encoding", "identity")]), 400, "invalid")
    assert is_page(*served.ask("POST", "/webhook/payment?a=b", b"{}"), 401, "unauthorized")
    assert is_page(*served.ask("POST", "/webhook/payment"), 401, "unauthorized")
    answer, body = served.ask("GET", "/webhook/health")
    assert is_page(answer, body, answer.status, body["status"]) and answer.status in (200, 503)
    answer, body = served.ask("HEAD", "/webhook/health")
    assert body is None and int(answer.headers["Content-Length"]) > 0


def test_own_pages(served):
    assert is_page(*served.ask("GET", "/"), 404)
    assert is_page(*served.ask("POST", "/webhook/payment/", b""), 404)
    assert is_page(*served.ask("POST", "/platform-payment-sync/400", b""), 404)
    for method, path, allow in (
        ("GET", "/webhook/payment", "POST"),
        ("HEAD", "/webhook/payment", "POST"),
        ("PUT", "/webhook/payment", "POST"),
        ("TRACE", "/webhook/payment", "POST"),
        ("POST", "/webhook/health", "GET, HEAD"),
    ):
        answer, body = served.ask(method, path)
        assert answer.headers["Allow"] == allow
        assert method == "HEAD" or is_page(answer, body, 405)


def test_body_limit(served):
    fits = b'{"a":"' + b"x" * (256 * 1024 - 8) + b'"}'
    assert is_page(*served.post(fits), 400, "invalid")
    assert is_page(*served.post(fits + b" "), 413)
    assert is_page(*served.post(fits + b" ", chunked=True), 413)


def test_chunked_body(served):
    assert is_page(*served.post(chunked=True), 400, "invalid")


def test_headers_sent_twice(served):
    assert is_page(*served.post(headers=[("X-Signature", sign(b"{}"))]), 401, "unauthorized")
    assert is_page(*served.post(headers=[("x-signature", "0")]), 401, "unauthorized")
    assert is_page(*served.post(headers=[("Webhook-Id", "1"), ("Webhook-Id", "1")]), 401, "unauthorized")


def test_underscores(served):
    """X_Signature does not arrive; where an admin lets it in, it counts as the same header sent again."""
    wrong = [("X_Signature", sign(b"{}"))]
    assert is_page(*served.ask("POST", "/webhook/payment", b"{}", wrong), 401, "unauthorized")
    assert is_page(*served.post(headers=wrong), 400, "invalid")
    assert served.post(headers=wrong, port=served.plain)[0].status == 401


def test_stock_configuration(served):
    """Behind a plain fastcgi_params everything is the same, but for nginx's own limits."""
    assert served.post(port=served.plain)[0].status == 400
    assert served.post(chunked=True, port=served.plain)[0].status in (400, 401)
    assert served.post(headers=[("X-Signature", "0")], port=served.plain)[0].status == 401
    answer, body = served.ask("GET", "/webhook/payment", port=served.plain)
    assert answer.status == 405 and answer.headers["Allow"] == "POST" and body["status"] == "error"
    assert served.ask("GET", "/nothing?x", port=served.plain)[0].status == 404
    answer, body = served.ask("HEAD", "/webhook/health", port=served.plain)
    assert answer.status in (200, 503) and body is None
    answer, body = served.post(b" " * 2000000, port=served.plain)
    assert answer.status == 413 and body["status"] == "error"
    assert all(served.post(port=served.plain)[0].status == 400 for _ in range(20))


@pytest.mark.parametrize(
    "data",
    [
        b"POST /webhook/payment HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /webhook/payment HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST /webhook/payment HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /webhook/health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40000 + b"\r\n\r\n",
        b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/7.1\r\nHost: x\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
    ids=["cl_te", "two_cl", "no_host", "long_header", "long_uri", "bad_escape", "version", "noise"],
)
def test_broken_http(served, data):
    status, body = served.raw(data)
    assert status == 400 and body["status"] == "error"


def test_status_is_for_whom_the_site_lets_in(served, tmp_path, held):
    """The worker believes nginx, and nothing that a caller sends; who is not let in learns nothing."""
    for path in ("/webhook/status", "/webhook/metrics"):
        assert served.ask("HEAD", path)[0].status in (200, 503)
        claims = [("Payment-Sync-Operator", "yes"), ("PAYMENT_SYNC_OPERATOR", "yes")]
        answer, body = served.ask("GET", path, headers=claims, port=served.plain)
        assert answer.status == 404 and body["status"] == "error"
    (tmp_path / "closed").mkdir()
    closed = Nginx(tmp_path / "closed", held[1], operators="deny all;")
    try:
        assert is_page(*closed.ask("GET", "/webhook/status"), 403)
        assert is_page(*closed.ask("POST", "/webhook/status", b""), 403)
        assert is_page(*closed.ask("GET", "/webhook/metrics"), 403)
    finally:
        closed.end()


def test_rate_limit(served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    for _ in range(5000):
        connection.request("POST", "/webhook/payment", b"{}")
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status == 429:
            break
        assert answer.status == 401
    assert is_page(answer, body, 429) and int(answer.headers["Retry-After"]) > 0
    # Health is not counted among payments.
    assert served.ask("GET", "/webhook/health")[0].status in (200, 503)


def test_nobody_behind_the_socket(nginx, held):
    held[0].close()
    for answer, body in (nginx.post(), nginx.ask("GET", "/webhook/health")):
        assert is_page(answer, body, 503, "unavailable") and int(answer.headers["Retry-After"]) > 0
    held[1].unlink()
    answer, body = nginx.post()
    assert is_page(answer, body, 503, "unavailable")
    assert nginx.logged(2)[-1]["up_status"] == "502"


def waiting(path):
    """How many connections to this socket nobody has accepted: the kernel lists them behind the listener, not yet connected to a file."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return sum(fields[6] == "0" and fields[-1] == str(path) for fields in lines if len(fields) == 8)


def test_restart_is_a_wait_and_not_an_error(nginx, held, start):
    """A request that comes while no worker runs waits in the socket's queue."""
    answers = []
    asking = threading.Thread(target=lambda: answers.append(nginx.post()[0].status))
    asking.start()
    until(lambda: waiting(held[1]), "the request waits in the socket's queue")
    start("-w", "1")
    asking.join()
    assert answers == [400]


def test_health_for_watchers_only(tmp_path, held, start):
    start("-w", "1")
    server = Nginx(tmp_path, held[1], watcher=0)
    try:
        assert is_page(*server.ask("GET", "/webhook/health"), 403)
        assert is_page(*server.post(), 400, "invalid")
    finally:
        server.end()


def test_log_tells_no_query_and_no_body(served):
    served.ask("POST", "/webhook/payment?phone=79991234567", b'{"email":"anna@example.com"}', [("X-Signature", "5ec4e7")])
    served.ask("GET", "/webhook/payment?phone=79991234567")
    lines = served.logged(2)
    for private in ("79991234567", "anna", "5ec4e7"):
        assert private not in json.dumps(lines)
    assert [line["status"] for line in lines] == [401, 405]


def test_installed_site(tmp_path, held, start):
    """The site as it is installed, with a certificate, an address and a socket of this test put in."""
    start("-w", "1")
    folder, port = tmp_path / "nginx", free_port()
    (folder / "snippets").mkdir(parents=True)
    for name in SNIPPETS:
        shutil.copy(ROOT / f"nginx/platform-payment-sync-{name}.conf", folder / "snippets")
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=pay.example.com -keyout key -out cert"
    subprocess.run(make.split(), cwd=folder, check=True, capture_output=True)
    site = (ROOT / "nginx/platform-payment-sync.conf").read_text()
    for installed, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen [::]:443 ssl;", ""),
        ("/etc/letsencrypt/live/pay.example.com/fullchain.pem", f"{folder}/cert"),
        ("/etc/letsencrypt/live/pay.example.com/privkey.pem", f"{folder}/key"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/run/platform-payment-sync.sock", str(held[1])),
    ):
        assert site.count(installed) >= 1
        site = site.replace(installed, here)
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "fastcgi", "proxy", "uwsgi", "scgi")
    )
    # Debian's own nginx.conf speaks of TLS versions at http level too.
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; events {{ }}\n"
        f"http {{ {temporary} ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; include site.conf; }}\n"
    )
    command = ["/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    subprocess.run([*command, "-t"], check=True)

    process = subprocess.Popen(command)
    try:
        until(lambda: connects(port), "nginx listens")
        trust = ssl.create_default_context(cafile=folder / "cert")
        trust.check_hostname = False
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=trust, timeout=PATIENCE)
        connection.request("POST", "/webhook/payment", b"{}", {"X-Signature": sign(b"{}")})
        assert connection.sock.version() == "TLSv1.3"
        answer = connection.getresponse()
        assert is_page(answer, json.loads(answer.read()), 400, "invalid")
        assert "Strict-Transport-Security" in answer.headers
        connection.request("GET", "/webhook/health")
        assert connection.getresponse().status in (200, 503)

        careless = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        careless.request("POST", "/webhook/payment", b"{}")
        answer = careless.getresponse()
        assert is_page(answer, json.loads(answer.read()), 400)
    finally:
        process.terminate()
        process.wait(PATIENCE)
