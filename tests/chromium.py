"""A headless Chromium, driven over the WebDriver protocol by the standard library alone."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

missing = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]


class Browser:
    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        wanted = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.root += f"/session/{session['sessionId']}"

    def ask(self, method: str, path: str, body: dict | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self.ask("POST", "/url", {"url": url})

    def js(self, script: str) -> Any:
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def click(self, selector: str) -> None:
        """A real click, which fails where something lies over the element."""
        element = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        self.ask("POST", f"/element/{next(iter(element.values()))}/click", {})

    def hover(self, selector: str) -> None:
        """The pointer moves to the middle of the element."""
        element = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        move = {"type": "pointerMove", "duration": 50, "origin": element, "x": 0, "y": 0}
        self.js(f"document.querySelector('{selector}').scrollIntoView({{ block: 'center' }})")
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move]}
        self.ask("POST", "/actions", {"actions": [mouse]})

    def resize(self, width: int, height: int) -> None:
        """The page's own size, which may be less than a window's can be."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": size}
        self.ask("POST", "/goog/cdp/execute", command)

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]


@contextmanager
def browser() -> Iterator[Browser]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                one = Browser(port)
                break
            except urllib.error.URLError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield one
        one.ask("DELETE", "")
    finally:
        driver.terminate()
        driver.wait()
