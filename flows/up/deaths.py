"""How long to wait before something that died is started again, and when to give up."""

from dataclasses import dataclass

WINDOW = 120.0
"""Seconds after which a death is forgotten."""
LIMIT = 5
"""So many deaths within the window, and it is given up."""
LONGEST = 30.0
"""Seconds to wait at most."""


@dataclass(frozen=True)
class Deaths:
    """The deaths of one service that still count."""

    times: tuple[float, ...] = ()

    def another(self, now: float) -> "Deaths":
        """The deaths with one more; those before the window are forgotten."""
        return Deaths((*(time for time in self.times if now - time < WINDOW), now))

    @property
    def delay(self) -> float:
        """Seconds to wait: 1, 2, 4, ..."""
        return min(LONGEST, 2.0 ** (len(self.times) - 1)) if self.times else 0.0

    @property
    def hopeless(self) -> bool:
        """Is it of no use to start it again?"""
        return len(self.times) >= LIMIT
