"""A kept model asked about new examples."""
