"""Lines for whoever looks at the terminal."""

from flows.terminal import show


def say(text: str = "") -> None:
    """Print at once. A terminal that is gone is no reason to stop: least of all while stopping."""
    try:
        show(text)
    except (OSError, ValueError):
        return


def tell(title: str, text: str) -> None:
    """About one service."""
    say(f"  {title:<18} {text}")
