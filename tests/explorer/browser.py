"""Chromium, driven by the DevTools protocol over a websocket: what a person does with a page."""

import asyncio
import base64
import json
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*"),
)
_PATIENCE_SECONDS = 60.0
_CODES = {"Enter": 13, "Escape": 27}


class Browser:
    """One tab. Every method returns when the browser has done it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse):
        self._loop = loop
        self._socket = socket
        self._number = 0
        self.dialogs: list[str] = []
        self.violations: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command of the protocol; its result."""
        return self._loop.run_until_complete(self._call(method, parameters))

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = json.loads(
                await asyncio.wait_for(self._socket.receive_str(), _PATIENCE_SECONDS)
            )
            if message.get("method") == "Page.javascriptDialogOpening":
                self.dialogs.append(message["params"]["message"])
                self._number += 1
                await self._socket.send_json(
                    {
                        "id": self._number,
                        "method": "Page.handleJavaScriptDialog",
                        "params": {"accept": True},
                    }
                )
            if message.get("method") == "Log.entryAdded":
                self.violations.append(message["params"]["entry"]["text"])
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression on the page, awaited where it is a promise."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """Waits until an expression is true; its value. For what comes of a request."""
        for _ in range(int(_PATIENCE_SECONDS / 0.05)):
            found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
            if found["result"].get("value"):
                return found["result"]["value"]
            time.sleep(0.05)
        raise AssertionError(f"never came true: {script}; the page says {self.text()[:2000]}")

    def open(self, address: str) -> None:
        self.run("window.left = true")
        self.call("Page.navigate", url=address)
        self.loaded()

    def loaded(self) -> None:
        """Waits until another page stands where the last one did."""
        self.wait_for("document.readyState === 'complete' && !window.left")

    def text(self) -> str:
        found: str = self.run("document.body ? document.body.innerText : ''")
        return found

    def press(self, key: str, *, leaves: bool = False) -> None:
        """Presses a key; ``leaves`` waits for the page that it leads to."""
        if leaves:
            self.run("window.left = true")
        code = _CODES.get(key, ord(key.upper()) if len(key) == 1 else 0)
        down: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
        if len(key) == 1:
            down["text"] = key
        if key == "Enter":
            down["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        if leaves:
            self.loaded()

    def write(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def click(self, selector: str, *, leaves: bool = False) -> None:
        if leaves:
            self.run("window.left = true")
        self.run(f"document.querySelector({json.dumps(selector)}).click()")
        if leaves:
            self.loaded()

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        """Writes what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser of its own, which ends with the block."""
    assert CHROMIUM is not None
    folder = Path(tempfile.mkdtemp(prefix="browser-"))
    process = subprocess.Popen(
        [CHROMIUM, *_FLAGS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    loop = asyncio.new_event_loop()
    try:
        port = _port_of(folder)
        client = loop.run_until_complete(_client())
        try:
            tabs = loop.run_until_complete(_tabs(client, port))
            address = next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"]
            socket = loop.run_until_complete(client.ws_connect(address, max_msg_size=1 << 26))
            browser = Browser(loop, socket)
            for domain in ("Page", "Runtime", "Log"):
                browser.call(f"{domain}.enable")
            yield browser
            loop.run_until_complete(socket.close())
        finally:
            loop.run_until_complete(client.close())
    finally:
        loop.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


async def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


async def _tabs(client: aiohttp.ClientSession, port: int) -> list[dict[str, Any]]:
    async with client.get(f"http://127.0.0.1:{port}/json/list") as response:
        found: list[dict[str, Any]] = await response.json()
        return found


def _port_of(folder: Path) -> int:
    place = folder / "DevToolsActivePort"
    for _ in range(int(_PATIENCE_SECONDS / 0.05)):
        if place.exists() and (lines := place.read_text().splitlines()):
            return int(lines[0])
        time.sleep(0.05)
    raise AssertionError("the browser does not say where it listens")
