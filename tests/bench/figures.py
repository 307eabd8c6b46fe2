"""What the bench finds out: figures, their limits, and the table of them."""

from dataclasses import asdict, dataclass
from typing import Any, Iterable


@dataclass(frozen=True)
class Figure:
    """One measured number.  `key` is its name in the JSON, `what` its line in the table."""

    key: str
    what: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        if self.at_least is None and self.at_most is None:
            return ""
        low = self.at_least is not None and self.value < self.at_least
        high = self.at_most is not None and self.value > self.at_most
        return "MISSED" if low or high else "ok"

    @property
    def limit(self) -> str:
        if self.at_least is not None:
            return f"at least {number(self.at_least)}"
        return "" if self.at_most is None else f"at most {number(self.at_most)}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


class Implausible(Exception):
    """What was measured is not what the bench meant to measure: answers that refuse, rows that are missing."""


def number(value: float) -> str:
    """As exact as it is worth reading."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def line(figure: Figure) -> str:
    value = f"{number(figure.value)} {figure.unit}".rstrip()
    return f"{figure.what:72} {value:>16}  {figure.limit:18} {figure.verdict}".rstrip()


def missed(figures: Iterable[Figure]) -> list[Figure]:
    return [figure for figure in figures if figure.verdict == "MISSED"]
