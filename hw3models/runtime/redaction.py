"""Addresses in what is printed, logged and passed on."""

import re

_PASSWORD = re.compile(r"(?<=://)[^/\s]+@")


def without_password(text: str) -> str:
    """The text with no name and password in the addresses in it: `https://ada:secret@host` to `https://host`."""
    return _PASSWORD.sub("", text)
