"""The check of links in the built documentation finds what is dead, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "scripts" / "links.py"


def test_dead_files_and_places_are_named_and_living_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "guides").mkdir()
    (tmp_path / "index.html").write_text(
        '<a href="guides/one.html#there">a</a><a href="guides/one.html#gone">b</a><img src="gone.png">'
        '<a href="https://example.org/x">c</a><a href="#here">d</a><p id="here">e</p>'
    )
    (tmp_path / "guides" / "one.html").write_text('<h1 id="there">f</h1><a href="../index.html">g</a>')
    ran = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == [
        "index.html: guides/one.html#gone: the page has no such place",
        "index.html: gone.png: there is no such file",
    ]
    assert ran.returncode == 1


def test_links_to_other_sites_are_listed_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<a href="https://example.org/x">a</a>')
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), "--outside"], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.returncode) == ("https://example.org/x\n", 0)
