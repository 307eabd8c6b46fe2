"""A headless Chromium, asked over its debugging pipe: the DevTools protocol with nothing but the standard library."""

import base64
import json
import os
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--hide-scrollbars",
    "--disable-dev-shm-usage", "--ignore-certificate-errors", "--remote-debugging-pipe",
]  # fmt: skip


class Chromium:
    """One browser with one page, and a profile of its own that is thrown away with its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0
        self.events: list[dict[str, Any]] = []
        self.session = ""

    def __enter__(self) -> "Chromium":
        # The browser reads commands at descriptor 3 and writes what it says to 4.
        read_theirs, self.write_ours = os.pipe()
        self.read_ours, write_theirs = os.pipe()

        def place() -> None:
            os.dup2(os.dup(read_theirs), 103)
            os.dup2(os.dup(write_theirs), 104)
            os.dup2(103, 3)
            os.dup2(104, 4)

        with open(self.folder / "chromium.log", "wb") as log:
            self.process = subprocess.Popen(
                ["chromium", *FLAGS, f"--user-data-dir={self.folder}/profile", "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=place, close_fds=False,
                start_new_session=True,
            )  # fmt: skip
        os.close(read_theirs)
        os.close(write_theirs)
        self.heard = b""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self.write_ours)  # Which ends it.
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.read_ours)

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self.heard:
            more = os.read(self.read_ours, 1 << 20)
            if not more:
                raise RuntimeError("Chromium is gone: " + (self.folder / "chromium.log").read_text(errors="replace")[-2000:])
            self.heard += more
        message, self.heard = self.heard.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        command: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.write_ours, json.dumps(command).encode() + b"\0")
        while (answer := self._hear()).get("id") != self.number:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def await_event(self, method: str) -> dict[str, Any]:
        while True:
            for event in self.events:
                if event["method"] == method:
                    self.events.remove(event)
                    return event["params"]
            self.events.append(self._hear())

    def look(self, width: int, height: int = 900, dark: bool = False, language: str = "en") -> None:
        """As which device, and as whose."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])  # fmt: skip
        self.ask("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    def open(self, url: str) -> None:
        self.events.clear()
        self.ask("Page.navigate", url=url)
        self.await_event("Page.loadEventFired")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page, however long."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        image = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(image["data"]))
