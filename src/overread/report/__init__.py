"""The report of a second reading: a page that is one file, its figures, and the results for other programs."""

from overread.report.writer import check_output, write_report

__all__ = ["check_output", "write_report"]
