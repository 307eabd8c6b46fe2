"""nginx in front of ours and the peers: one server each, the same lines in all of them."""

from pathlib import Path
from types import TracebackType

from harness.process import Child, base_environment, until
from harness.stack import NGINX, ROOT, connects, free_port

# The fuse against floods (limit_req) is left out, and TLS, which would only cost the same everywhere.
_CONF = """\
daemon off; worker_processes 2; pid {folder}/nginx.pid; user root;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {folder}/t1; fastcgi_temp_path {folder}/t2; proxy_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    include snippets/platform-payment-sync-http.conf;
    access_log {folder}/access.log platform_payment_sync;
    client_body_buffer_size 256k;
    keepalive_requests 1000000;
    {servers}
}}
"""

_FASTCGI = """\
    server {{
        listen 127.0.0.1:{port};
        location / {{
            include snippets/platform-payment-sync-fastcgi.conf;
            {more}
            fastcgi_pass unix:{socket};
        }}
    }}
"""

_HTTP = """\
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://unix:{socket}; }}
    }}
"""


class Front:
    """Servers are added before it is entered; `ports` tells where each of them listens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports: dict[str, int] = {}
        self.servers: list[str] = []

    def add(self, name: str, socket: Path, http: bool = False, script: Path | None = None) -> None:
        self.ports[name] = port = free_port()
        more = f"fastcgi_param SCRIPT_FILENAME {script};" if script else ""
        self.servers.append((_HTTP if http else _FASTCGI).format(port=port, socket=socket, more=more))

    def __enter__(self) -> "Front":
        self.folder.mkdir()
        (self.folder / "snippets").symlink_to(ROOT / "nginx")
        conf = self.folder / "nginx.conf"
        conf.write_text(_CONF.format(folder=self.folder, servers="".join(self.servers)))
        command = [NGINX, "-p", self.folder, "-c", conf, "-e", self.folder / "error.log"]
        self.child = Child(command, self.folder / "stderr.log", base_environment())
        try:
            until(self._listens, "nginx listens")
        except BaseException:
            self.child.stop()
            raise
        return self

    def _listens(self) -> bool:
        if self.child.ended():
            raise AssertionError(f"nginx ended: {self.child.said()}")
        return all(connects(port) for port in self.ports.values())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.child.stop()
