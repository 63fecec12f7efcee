"""What people write for a number that is missing."""

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "?"})
"""The words in lower case, without spaces around them."""
MISSING_NUMBERS = ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "null", "NULL", "None", "?"]
"""The same for pandas, which wants every spelling."""
