"""overread gives chest X-ray models a second reading."""

__version__ = "0.1.0"
