"""Check that every link within a built site leads to a page, and to a place on it: `python scripts/links.py site`.

Links to other sites are listed with `--outside` and never followed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page(HTMLParser):
    """What a page links to, and the places that it can be linked at."""

    links: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up the links and the places of one element."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif value and (name == "id" or (name == "name" and tag == "a")):
                self.places.add(value)


def read(path: Path) -> Page:
    """Read a page of HTML."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def dead(site: Path) -> list[str]:
    """Return a line for each link below `site` that leads nowhere."""
    pages = {path.resolve(): read(path) for path in sorted(site.rglob("*.html"))}
    lines = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.is_file():
                lines.append(f"{path.relative_to(site.resolve())}: {link}: there is no such file")
            elif place and target in pages and place not in pages[target].places:
                lines.append(f"{path.relative_to(site.resolve())}: {link}: the page has no such place")
    return lines


def outside(site: Path) -> list[str]:
    """Return the links to other sites, each once."""
    found = {link for path in site.rglob("*.html") for link in read(path).links}
    return sorted(link for link in found if urlsplit(link).scheme in ("http", "https"))


def main() -> int:
    """Print what is wrong, and return 1 where something is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--outside", action="store_true")
    asked = parser.parse_args()
    lines = outside(asked.site) if asked.outside else dead(asked.site)
    print(*lines, sep="\n", end="\n" if lines else "")
    return int(bool(lines) and not asked.outside)


if __name__ == "__main__":
    sys.exit(main())
