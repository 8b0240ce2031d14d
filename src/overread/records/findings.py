"""The names of findings: what may be present on a radiograph, and how its name is matched."""

from __future__ import annotations

import re
from functools import lru_cache

NIH_FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The 14 findings of ChestX-ray14, in the order of Wang et al. 2017 and of most published tables."""

NO_FINDING = "No Finding"
"""NIH's label of an image on which the report names none of the 14."""

_SYNONYMS = {"infiltrate": "infiltration"}  # NIH's box list says Infiltrate where its label table says Infiltration


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """Return the form under which names are compared: `_`, `-` and space alike, letter case ignored.

    >>> key("Pleural_Thickening") == key("pleural thickening") == key("Pleural-Thickening")
    True
    """
    plain = re.sub(r"[\s_\-]+", " ", name).strip().casefold()
    return _SYNONYMS.get(plain, plain)


def display(name: str) -> str:
    """Return a name as people read it.

    >>> display("Pleural_Thickening")
    'Pleural Thickening'
    """
    return name.replace("_", " ")
