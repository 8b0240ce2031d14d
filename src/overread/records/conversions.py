"""The lines of Python that turn what other programs write into a table that can be read.

A refusal ends with one of these. Each is one or two lines that run as they stand, but for the names that only the user
knows: the findings in the order of the model's outputs, the images in the order of the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

READERS = {
    ".xlsx": "pandas.read_excel({path})",
    ".xls": "pandas.read_excel({path})",
    ".tsv": 'pandas.read_csv({path}, sep="\\t")',
    ".feather": "pandas.read_feather({path})",
    ".pkl": "pandas.read_pickle({path})",
    ".pickle": "pandas.read_pickle({path})",
}
JSON = (".json", ".jsonl", ".ndjson")
OUTPUTS = ("logit", "logits", "prob", "probs", "probability", "pred", "output", "score")
"""Names under which numbered outputs stand in tables, best first."""

NUMBERED = re.compile(r"^\s*([A-Za-z]+)([ _\-]?)(\d+)\s*$")
LONG_FORM = (("finding", "class", "label", "class name"), ("score", "prob", "probability", "logit", "pred", "output"))


def of_file(path: str | Path) -> str:
    """Return how a file of a format that is not read becomes one that is, empty where no line is known.

    >>> print(of_file("scores.tsv"))
    Convert it: pandas.read_csv("scores.tsv", sep="\\t").to_csv("scores.csv", index=False)
    """
    ending = Path(path).suffix.lower()
    if ending in JSON:
        return of_json(path)
    if ending not in READERS:
        return ""
    return f"Convert it: {READERS[ending].format(path=literal(path))}.to_csv({as_csv(path)}, index=False)"


def of_separator(path: str, separator: str) -> str:
    """Return how a table with another separator than the comma becomes one with commas."""
    shown = "\\t" if separator == "\t" else separator
    decimal = ', decimal=","' if separator == ";" else ""
    given = literal(path)
    return f'Convert it: pandas.read_csv({given}, sep="{shown}"{decimal}).to_csv({given}, index=False)'


def of_json(path: str | Path) -> str:
    """Return the two lines that make a table of a JSON file: of records, of records line by line, or of lists."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    except OSError:
        head = b""
    target = f".to_csv({as_csv(path)}, index=False)"
    text = f"pathlib.Path({literal(path)}).read_text()"
    if re.match(rb"\[\s*\[", head):
        return (
            "Two lines convert it, with names in the order of the lists and image_names in the order of the rows:\n"
            f'    rows, names = json.loads({text}), ["Atelectasis", "Cardiomegaly", ...]\n'
            f"    pandas.DataFrame(rows, columns=names).assign(image=image_names){target}"
        )
    rows = f"[json.loads(line) for line in {text}.splitlines()]" if head[:1] == b"{" else f"json.loads({text})"
    return (
        "Two lines convert it; the records need an image and a score per finding:\n"
        f"    rows = {rows}\n"
        f"    pandas.DataFrame(rows){target}"
    )


def of_columns(columns: Sequence[str], image: str | None, path: str | None) -> str | None:
    """Return the two lines that make a reading of a table whose columns are numbered or which has a row per score.

    `path` is `None` for a dataframe. Returns `None` when the columns are neither.
    """
    return of_numbered(columns, image, path) or of_long_form(columns, image, path)


def of_numbered(columns: Iterable[str], image: str | None, path: str | None) -> str | None:
    """Return the two lines for columns such as `class_0, target_0, logit_0, class_1, ...`."""
    parts = [part for part in map(NUMBERED.match, columns) if part is not None]
    kinds = {part[1].lower(): part for part in parts}
    kind = next((name for name in OUTPUTS if name in kinds), None)
    if kind is None:
        return None
    stem, numbers = kinds[kind][1] + kinds[kind][2], [int(part[3]) for part in parts if part[1].lower() == kind]
    values = f'df[[f"{stem}{{i}}" for i in range({min(numbers)}, {max(numbers) + 1})]].to_numpy()'
    if kind.startswith("logit"):
        values = f"1 / (1 + numpy.exp(-{values}))"
    images = "image_names" if image is None else f"df[{literal(image)}]"
    order = "" if image is not None else " and image_names in the order of the rows"
    return (
        f"Two lines convert it, with names in the order of the outputs{order}:\n"
        f'    df, names = {reader(path)}, ["Atelectasis", "Cardiomegaly", ...]\n'
        f'    pandas.DataFrame({values}, columns=names).assign(image={images}).to_csv("reading.csv", index=False)'
    )


def of_long_form(columns: Iterable[str], image: str | None, path: str | None) -> str | None:
    """Return the two lines for a table with a row per image and finding."""
    by_name = {column.strip().lower().replace("_", " "): column for column in columns}
    found = [next((by_name[name] for name in names if name in by_name), None) for names in LONG_FORM]
    if image is None or None in found:
        return None
    index, finding, score = (literal(name) for name in (image, *found))
    return (
        "It has a row per image and finding; two lines give it a row per image:\n"
        f"    df = {reader(path)}.pivot(index={index}, columns={finding}, values={score})\n"
        '    df.reset_index().to_csv("reading.csv", index=False)'
    )


def reader(path: str | None) -> str:
    """Return the call that reads a table with pandas, or the table itself where it was in no file."""
    if path is None:
        return "df"
    return f"pandas.{'read_parquet' if path.lower().endswith('.parquet') else 'read_csv'}({literal(path)})"


def literal(text: object) -> str:
    r"""Return a path or the name of a column as it stands in Python, so that no character of it can end the string.

    >>> print(literal("a.csv"), literal('"); quit("'), literal("c:\new"))
    "a.csv" '"); quit("' 'c:\new'
    """
    plain = str(text)
    return f'"{plain}"' if plain.isprintable() and '"' not in plain and "\\" not in plain else repr(plain)


def as_csv(path: object) -> str:
    """Return the path of the table that a conversion writes, beside what it reads."""
    return literal(Path(str(path)).with_suffix(".csv"))
