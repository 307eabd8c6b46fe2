#!/usr/bin/python3
"""`make run`: the stack of the demo, kept up in the foreground until Ctrl-C."""

import signal
import sys
from typing import NoReturn

from harness import signer
from harness.payload import item, new_payment, new_person, to_body
from harness.process import Child
from harness.stack import SECRET, Stack


def describe(stack: Stack) -> str:
    body = to_body(new_payment(new_person(), item(5000, "Русский"), item(5000, "Обществознание")))
    sample = stack.folder / "payment.json"
    sample.write_bytes(body)
    trust = f"--cacert {stack.certificates.authority}"
    return f"""
  webhook    {stack.url}/webhook/payment
  health     {stack.url}/webhook/health
  secret     {SECRET}
  account    {stack.sandbox.url}/_sandbox/state  (everything in the emulated amoCRM, as JSON)
  ledger     {stack.ledger.path}

Send the sample payment; edit {sample} and sign it anew to send another:

  curl {trust} -H 'X-Signature: {signer.hex_hmac(SECRET, body)}' \\
      --data-binary @{sample} {stack.url}/webhook/payment

Sign a file:

  openssl dgst -sha256 -hmac {SECRET} -r {sample} | cut -d' ' -f1

What amoCRM has now:

  curl -s {trust} {stack.sandbox.url}/_sandbox/state
"""


def gone(children: list[Child]) -> Child | None:
    """Wait for a signal; in case one of our programs ends by itself, tell which."""
    while True:
        signal.sigtimedwait([], 1)  # A signal's handler leaves from here.
        for child in children:
            if child.ended():
                return child


def end(*_: object) -> NoReturn:
    sys.exit(0)


def main() -> int:
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print("Starting the emulated amoCRM account, the worker pool, payment-syncd and nginx ...", flush=True)
    with Stack() as stack:
        try:
            stack.start_syncd()
            print(describe(stack) + "\nCtrl-C stops everything and removes its files.", flush=True)
            assert stack.service and stack.carrier
            lost = gone([*stack.children, stack.service, stack.carrier])
            if lost:
                print(f"{lost.process.args} ended by itself: {lost.said()}", file=sys.stderr)
            return 1
        finally:
            print("\nStopping ...", flush=True)


if __name__ == "__main__":
    sys.exit(main())
