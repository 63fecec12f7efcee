"""Lines for whoever looks at the terminal."""

import sys


def say(text: str = "") -> None:
    """Print at once. A terminal that is gone is no reason to stop: least of all while stopping."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        return


def tell(title: str, text: str) -> None:
    """About one service."""
    say(f"  {title:<18} {text}")
