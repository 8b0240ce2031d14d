"""One file for each guideline, named for it and its year."""
