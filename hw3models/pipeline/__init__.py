"""The steps of a study as functions: prepare, train, evaluate, compare."""
