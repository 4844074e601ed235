"""A headless Chromium, driven by its DevTools protocol over two pipes: no port, no package, nothing from outside.

Source: chromedevtools.github.io/devtools-protocol, the domains Input, Runtime, Emulation, Network and Page.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
#: Chromium reads commands at 3 and answers at 4.
AT_3_AND_4 = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
#: Seconds that an answer may take.
PATIENCE = 60
#: What a key is called, and its number.
KEYS = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}


def found() -> str | None:
    """A Chromium that is here, or that Debian brings."""
    here = next(filter(None, map(shutil.which, NAMES)), None)
    if here is None and shutil.which("apt-get") and os.geteuid() == 0:
        apt = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60", "-o", "Acquire::Retries=1")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (("update",), ("install", "--yes", "--no-install-recommends", "chromium")):
            with suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run([*apt, *words], env=quiet, check=False, capture_output=True, timeout=600)
        here = next(filter(None, map(shutil.which, NAMES)), None)
    return here


class Tab:
    """A page: what is typed, what it says, what it asks the network for.

    Attributes:
        faults: exceptions of the page's own program, and addresses that it asked for.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer, self._count, self._session = b"", 0, ""
        self.faults: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            self.ask(f"{domain}.enable")

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._answers], [], [], PATIENCE)[0]:
                raise RuntimeError(f"the browser has said nothing for {PATIENCE} seconds")
            part = os.read(self._answers, 2**16)
            if not part:
                raise RuntimeError("the browser has ended: start it alone to see why")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            details = message["params"]["exceptionDetails"]
            self.faults.append(details.get("exception", {}).get("description", details["text"]))
        if message.get("method") == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("file:", "data:")):
                self.faults.append(f"asks for {url}")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._count += 1
        command = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (message := self._next()).get("id") != self._count:
            self._note(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    def open(self, path: Path) -> None:
        """Load a file to its end."""
        self.ask("Page.navigate", url=path.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def value(self, expression: str) -> Any:
        """What an expression of the page is."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def press(self, key: str, control: bool = False) -> None:
        """A key down and up, as the keyboard sends it."""
        code = KEYS.get(key, ord(key.upper()[0]))
        typed = key if len(key) == 1 and not control else "\r" if key == "Enter" else ""
        about = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 2 if control else 0}
        commands = {"commands": ["selectAll"]} if control and key == "a" else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=typed, **about, **commands)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def fill(self, text: str) -> None:
        """Put a text in the place of what the focused field has."""
        self.press("a", control=True)
        for sign in text:
            self.press(sign)

    def mouse(self, selector: str, kinds: tuple[str, ...] = ("mouseMoved",)) -> None:
        """The mouse on the middle of an element."""
        middle = f"""(() => {{ const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{ block: "center" }});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2]; }})()"""
        x, y = self.value(middle)
        for kind in kinds:
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path) -> None:
        """A screenshot of the whole page."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def tab(program: str) -> Iterator[Tab]:
    """A page of a fresh browser, which ends with the block."""
    theirs, commands = os.pipe()
    answers, ours = os.pipe()
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs, ours)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [sys.executable, "-c", AT_3_AND_4, *map(str, ends), program, *FLAGS, f"--user-data-dir={profile}"]
        child = subprocess.Popen(
            [*words, "about:blank"], pass_fds=ends, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for end in (*ends, theirs, ours):
            os.close(end)
        try:
            yield Tab(commands, answers)
        finally:
            child.terminate()
            child.wait(30)
            os.close(commands)
            os.close(answers)
