"""A share with its interval."""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""The 97.5 % point of the normal distribution: two-sided 95 %."""


@dataclass(frozen=True)
class Proportion:
    """`count` out of `of`. `value`, `low` and `high` are None where there is nothing to count."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.count / self.of if self.of else None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval."""
        return self._bounds()[0]

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % interval."""
        return self._bounds()[1]

    def _bounds(self) -> tuple[float | None, float | None]:
        """Wilson's score interval (Wilson, J Am Stat Assoc 1927;22:209), which stays within 0..1 for few cases too."""
        if not self.of:
            return None, None
        share, spread = self.count / self.of, Z_95**2 / self.of
        middle = (share + spread / 2) / (1 + spread)
        half = sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
        return max(0.0, middle - half), min(1.0, middle + half)
