"""How a study goes, from its spec to its page."""
