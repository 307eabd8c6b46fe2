"""The status page in a real browser: nothing is blocked or overflows, it can be read in light and dark, the button works.

SCREENSHOTS=folder keeps the pictures there, for a person to look at.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from chromium import Chromium  # noqa: E402

from harness.payload import item, new_payment, new_person  # noqa: E402
from harness.process import until  # noqa: E402
from harness.stack import Stack  # noqa: E402

LOOKS = [(width, dark, language) for width in (390, 1280) for dark in (False, True) for language in ("ru", "en")]

# How legible each text is against what is painted behind it, by the formula of WCAG 2; the worst, with its text.
CONTRAST = """(() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  let worst = [99, ''];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let t; t = walk.nextNode();) {
    const e = t.parentElement;
    if (!t.data.trim() || e.closest('svg, style') || !e.getClientRects().length) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < worst[0]) worst = [ratio, t.data];
  }
  return worst;
})()"""

# What sticks out of its window or is cut off.
OVERFLOW = """[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('svg, thead, .days') && e.getClientRects().length)
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
  .map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as chromium:
        yield chromium


def invent_history(stack: Stack) -> None:
    """A month of payments, as SQL: more on weekdays, some waiting, some failed."""
    chance, now = random.Random(20250120), int(time.time())
    today = (now + 10800) // 86400
    rows = []
    for ago in range(29, -1, -1):
        for number in range(chance.randint(20, 60) // (3 if (today - ago + 3) % 7 >= 5 else 1)):
            at = min((today - ago) * 86400 - 10800 + chance.randint(9, 22) * 3600, now - 60)
            kopecks = chance.choice((499000, 780000, 1250000, 2490050))
            failed = chance.random() < 0.02
            rows.append((f"pay_{ago:02d}_{number:03d}", at, "failed" if failed else "success", kopecks, today - ago,
                         "amoCRM refuses: HTTP 400, NotSupportedChoice of custom_fields_values.0" if failed else None))  # fmt: skip
    values = ",".join(
        f"('{key}', datetime({at}, 'unixepoch'), '{status}', '{{}}', {kopecks}, 0, {at * 1000}, 0, 0, 0, {day}, "
        + (f"'{why}', NULL)" if why else f"NULL, {10000000 + at % 99999})")
        for key, at, status, kopecks, day, why in rows
    )
    sql = (
        "INSERT INTO payment_events (payment_id, created_at, status, payload, kopecks, paid_at, recorded_ms, telegram, phone,"
        f" email, day, error_message, lead_id) VALUES {values};"
    )
    subprocess.run(["sqlite3", stack.ledger.path], input=sql, text=True, check=True)


@pytest.fixture(scope="module", params=["empty", "rich"])
def shown(request: pytest.FixtureRequest) -> Iterator[tuple[str, Stack]]:
    with Stack() as stack:
        if request.param == "rich":
            invent_history(stack)
            for cost in (4990, 12500, 7800.5):
                stack.carry(new_payment(new_person(), item(cost)))
            stack.post(new_payment(new_person(), status="NEW"))
            stack.sandbox.fault("status", status=400, method="POST", path="/api/v4/leads")
            stack.post(new_payment(new_person(), payment_id="long-" + "0123456789" * 12))
            stack.sandbox.heal()
            stack.sandbox.fault("status", status=401, times=-1)
            stack.post(new_payment(new_person()))
        yield request.param, stack


@pytest.mark.parametrize("width, dark, language", LOOKS)
def test_can_be_read(browser: Chromium, shown: tuple[str, Stack], width: int, dark: bool, language: str) -> None:
    kind, stack = shown
    browser.look(width, dark=dark, language=language)
    browser.open(stack.url + "/webhook/status")
    if folder := os.environ.get("SCREENSHOTS"):
        name = f"{kind}-{'phone' if width < 600 else 'wide'}-{'dark' if dark else 'light'}-{language}.png"
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.screenshot(Path(folder) / name)
    assert browser.run("document.documentElement.lang") == language
    # The page's own policy blocks none of it, and it asks for nothing else.
    complaints = [e for e in browser.events if e["method"] == "Log.entryAdded" and "favicon" not in str(e)]
    assert complaints == []
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    assert browser.run("getComputedStyle(document.querySelector('.card')).borderRadius") == "12px"
    assert browser.run(OVERFLOW) == []
    ratio, text = browser.run(CONTRAST)
    assert ratio >= 4.5, (ratio, text)
    assert browser.run("document.querySelectorAll('svg[role=img] title').length > 0") == (kind == "rich")
    assert browser.run("[...document.querySelectorAll('th')].every(e => e.scope)")
    assert browser.run("[...document.querySelectorAll('button')].every(e => e.getAttribute('aria-label'))")


def test_button(browser: Chromium) -> None:
    """Pressed in the browser, with all it says of itself, the failed payment is carried again."""
    with Stack() as stack:
        stack.sandbox.fault("status", status=400, method="POST", path="/api/v4/leads")
        payment = new_payment(new_person(), payment_id="pay \"<'&+%")
        assert stack.post(payment).status == 500
        stack.sandbox.heal()
        browser.look(390)
        browser.open(stack.url + "/webhook/status")
        browser.events.clear()
        browser.run("document.querySelector('button').click()")
        browser.await_event("Page.loadEventFired")
        assert browser.run("location.pathname + location.hash") == "/webhook/status#failed"
        assert browser.run("document.querySelectorAll('button').length") == 0
        stack.start_syncd()
        until(lambda: stack.ledger.status('pay "<\'&+%') == "success", "the payment is carried")
