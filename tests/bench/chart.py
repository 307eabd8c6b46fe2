"""The chart for tests/README.md: payments received per second, as bars."""

from html import escape

from figures import Figure, number

_BARS = (
    ("nothing", "libfcgi, does nothing", "#9aa5b1"),
    ("ours", "platform-payment-sync", "#2f6fab"),
    ("php", "PHP-FPM", "#c98a3c"),
    ("python", "FastAPI", "#7d9a57"),
)
_LEFT, _WIDTH, _HEIGHT, _STEP, _TOP = 190, 380, 22, 34, 48

_REMARK = "nginx, 32 connections; all but the first answer when the row is on disk"

_STYLE = (
    "text{font:14px sans-serif;fill:#24292f}.t{font-weight:bold}.s{font-size:12px;fill:#57606a}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9aa5b1}}"
)


def _bar(row: int, label: str, colour: str, rate: Figure, p99: Figure, most: float) -> str:
    top, width = _TOP + row * _STEP, max(2, round(_WIDTH * rate.value / most))
    said = f"{number(round(rate.value, -1))}/s, p99 {number(p99.value)} ms"
    return (
        f'<text x="{_LEFT - 10}" y="{top + 16}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_HEIGHT}" rx="2" fill="{colour}"/>'
        f'<text x="{_LEFT + width + 8}" y="{top + 16}">{escape(said)}</text>'
    )


def draw(figures: list[Figure]) -> str:
    """An SVG without scripts or fonts of its own, readable on light and dark pages."""
    by_key = {figure.key: figure for figure in figures}
    rates = [by_key[f"receive.{name}.rate"] for name, _, _ in _BARS]
    most = max(rate.value for rate in rates)
    bars = [
        _bar(row, label, colour, rates[row], by_key[f"receive.{name}.p99"], most)
        for row, (name, label, colour) in enumerate(_BARS)
    ]
    height = _TOP + len(_BARS) * _STEP + 26
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" height="{height}" role="img">',
            f"<title>Payments received per second</title><style>{_STYLE}</style>",
            f'<text x="{_LEFT}" y="26" class="t">Payments received per second</text>',
            *bars,
            f'<text x="{_LEFT}" y="{height - 8}" class="s">{_REMARK}</text>',
            "</svg>\n",
        )
    )
