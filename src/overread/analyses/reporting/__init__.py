"""Reporting guidelines: their items, and what of a second reading or of a person's form shows each."""
