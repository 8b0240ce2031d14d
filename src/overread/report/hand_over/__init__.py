"""A finished report in the forms in which it is passed on: paper, slides, tables for a manuscript, a model card."""
