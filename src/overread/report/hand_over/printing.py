"""The page on paper: printed to PDF by a browser that the user has. Nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from overread.records.errors import InputError, located

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
"""Where a browser that can print may be, in the order in which it is looked for."""

FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",  # the page numbers are in the page's own style; a browser's header shows the path
)
LONGEST = 300
"""Seconds that a page may take."""


def found_browser(given: str | None = None) -> str | None:
    """Return the browser that is used: the one given, else the first that is found; None where there is none.

    Raises `InputError` when the one given is none.
    """
    if given is not None:
        found = shutil.which(given)
        if found is None:
            raise InputError("--browser", f"there is no program {given}", "the path of Chromium, Chrome or Edge")
        return found
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def printed(page: Path, browser: str) -> bytes:
    """Return a page as PDF: A4, with page numbers, every folded part open.

    Raises `InputError` when there is no page, or the browser does not print it.
    """
    if not page.is_file():
        raise InputError(located(page), "the page is missing", "the folder of a report, whole")
    with TemporaryDirectory(prefix="overread-print-") as stage:
        target = Path(stage) / "page.pdf"
        words = [browser, *FLAGS, *sandbox(), f"--user-data-dir={stage}/profile", f"--print-to-pdf={target}"]
        try:
            done = subprocess.run(
                [*words, page.resolve().as_uri()], capture_output=True, timeout=LONGEST, check=False, text=True
            )
        except (OSError, subprocess.TimeoutExpired) as reason:
            said = f"it took longer than {LONGEST} seconds" if not isinstance(reason, OSError) else reason.strerror
            raise InputError(browser, f"the browser cannot print ({said})", do=ANOTHER) from None
        if not target.is_file() or not target.read_bytes().startswith(b"%PDF"):
            last = next(reversed(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
            raise InputError(browser, f"the browser printed nothing ({last[:200]})", do=ANOTHER)
        return target.read_bytes()


ANOTHER = "Name another browser with --browser, or open report.html and print it by hand."


def sandbox() -> tuple[str, ...]:
    """Return what a browser needs to start as root, as in a container; for anyone else its sandbox stays."""
    return ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
