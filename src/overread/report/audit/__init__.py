"""The page of an audit: its sections, each of which reads the audit's tables."""
