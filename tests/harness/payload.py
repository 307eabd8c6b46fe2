"""Webhooks about people who do not exist."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

Payment = dict[str, Any]

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody made up.  `phone` is written as the platform writes it, `phone_e164` as amoCRM shall get it."""

    first_name: str
    last_name: str
    phone: str
    email: str
    telegram_id: str
    telegram_tag: str

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def phone_e164(self) -> str:
        return "+7" + self.phone[-10:]

    def user(self, *only: str) -> dict[str, Any]:
        """The `user` of a webhook; with names of identities, only those are told."""
        identities = only or ("phone", "email", "telegram_id", "telegram_tag")
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            **{name: getattr(self, name) for name in identities},
        }


def new_person(first_name: str = "Иван", last_name: str = "Петров") -> Person:
    """Each one has a phone, an e-mail and a Telegram id of their own, none of which is part of another's."""
    number = next(_numbers)
    return Person(
        first_name,
        last_name,
        phone=f"8999000{number:04d}",
        email=f"ivan{number:04d}@example.com",
        telegram_id=f"7100{number:04d}5",
        telegram_tag=f"ivan_petrov_{number}",
    )


def new_payment_id() -> str:
    return f"pay_{next(_numbers):06d}"


def item(cost: Any = 5000, subject: str = "Русский", project: str = "ЕГЭ", course: str = "Годовой 2к25 стандарт") -> Payment:
    return {
        "cost": cost,
        "number_lessons": 10,
        "course": {"name": course, "subject": {"name": subject, "project": project}},
        "package_id": None,
    }


def new_payment(person: Person, *items: Payment, **changes: Any) -> Payment:
    """One order, paid.  `changes` replace keys of course_order; `only=(...)` names the identities to tell."""
    only = changes.pop("only", ())
    payment_id = changes.pop("payment_id", None) or new_payment_id()
    order = {
        "status": "CONFIRMED",
        "amount": 100,
        "created_at": "2025-01-20 14:40:00",
        "updated_at": "2025-01-20 14:49:20",
        "code": "PROMO2025",
        "payment_id": payment_id,
        "invoice_id": f"inv_{payment_id}",
        "payment_method": "SBP",
        "currency": "RUB",
        "course_order_items": list(items) or [item()],
        "user": person.user(*only),
        "utm": {
            "source": "platform",
            "medium": "direct",
            "compaign": "summer2025",
            "term": "",
            "content": "",
            "ym": "1234567890",
        },
        "domain": "pl.example.com",
    }
    order.update(changes)
    return {"course_order": order}


def to_body(payment: Payment) -> bytes:
    return json.dumps(payment, ensure_ascii=False).encode()


def id_of(payment: Payment) -> str:
    return payment["course_order"]["payment_id"]
