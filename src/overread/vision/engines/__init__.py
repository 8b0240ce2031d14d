"""What computes a run's network when images are scored: a file per library."""
