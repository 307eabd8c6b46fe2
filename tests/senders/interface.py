"""lib/web/webhook.openapi.yaml, as something to hold answers and bodies against."""

import copy
import json
from decimal import Decimal
from typing import Any, Iterator

import jsonschema
import yaml

from harness.exchange import Answer
from harness.stack import ROOT

Json = Any


class Loader(yaml.SafeLoader):
    """Numbers with a point keep every digit: no binary fraction is a multiple of 0.01."""


Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(node.value))

DOCUMENT: Json = yaml.load((ROOT / "lib/web/webhook.openapi.yaml").read_text(), Loader)


def read_json(body: bytes) -> Json:
    return json.loads(body.decode(), parse_float=Decimal)


def parts(node: Json, key: str) -> Iterator[Json]:
    """Everything under this key, wherever it stands."""
    if isinstance(node, dict):
        if key in node:
            yield node[key]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from parts(child, key)


def resolve(node: Json) -> Json:
    if "$ref" not in node:
        return node
    found = DOCUMENT
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def _closed(node: Json) -> Json:
    """The same schemas, but a key that they do not name is a mistake."""
    if isinstance(node, list):
        return [_closed(child) for child in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(child) for key, child in node.items()}
    if isinstance(closed.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed


_STRICT = {"components": {"schemas": _closed(copy.deepcopy(DOCUMENT["components"]["schemas"]))}}


def validator(schema: Json, strict: bool = False) -> jsonschema.Draft202012Validator:
    resolver = jsonschema.RefResolver("", _STRICT if strict else DOCUMENT)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


def _path(error: jsonschema.ValidationError) -> str:
    path = ""
    for step in error.absolute_path:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def mistakes(document: Json) -> set[str]:
    """The paths, written as the service writes them, at which the schema of the body finds a mistake."""
    found = set()
    for error in validator({"$ref": "#/components/schemas/Webhook"}).iter_errors(document):
        path = _path(error)
        if error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            found.update(f"{path}.{key}" if path else key for key in missing)
        else:
            found.add(path)
    return found


def check_answer(method: str, path: str, answer: Answer) -> Json:
    """The answer is exactly as the document has it, headers and all; its body, read where it is JSON."""
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    assert str(answer.status) in responses, f"{method} {path} is not said to answer {answer.status}"
    response = resolve(responses[str(answer.status)])
    kind, *parameters = answer.headers["Content-Type"].replace(" ", "").lower().split(";")
    assert kind in response["content"] and "charset=utf-8" in parameters
    for name, header in response["headers"].items():
        text = answer.headers[name]
        assert text is not None, f"{name} is missing"
        schema = resolve(header)["schema"]
        validator(schema).validate(int(text) if schema["type"] == "integer" else text)
    body = answer.json if kind == "application/json" else answer.body.decode()
    validator(response["content"][kind]["schema"], strict=True).validate(body)
    return body
