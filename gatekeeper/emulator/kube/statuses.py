"""Answers, and the Status bodies of everything that is refused, word for word as an API server says them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gatekeeper.emulator.kube.manifests import encode
from gatekeeper.emulator.kube.targets import Target

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)
_ACCEPTABLE = (
    "application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, "
    "application/vnd.kubernetes.protobuf;stream=watch"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: status, body and what it is."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """A request that ends in a Status; it carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


def text(body: str, status: int = 200) -> Answer:
    """Return a plain text answer."""
    return Answer(status, body.encode(), TEXT, {"X-Content-Type-Options": "nosniff"})


def json(body: object) -> Answer:
    """Return a JSON answer."""
    return Answer(200, encode(body))


def failure(code: int, reason: str, message: str, **more: Any) -> Answer:  # noqa: ANN401 - any JSON
    """Return a Status of failure; ``details`` and ``metadata`` may be given."""
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": more.get("metadata", {})}
    body |= {"status": "Failure", "message": message, "reason": reason}
    if "details" in more:
        body["details"] = more["details"]
    body["code"] = code
    seconds = more.get("details", {}).get("retryAfterSeconds")
    return Answer(code, encode(body), headers={"Retry-After": str(seconds)} if seconds else {})


def unauthorized() -> Answer:
    """Return 401."""
    return failure(401, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, target: Target, part: str = "") -> Answer:
    """Return 403 for a resource, or for a part of it."""
    resource = target.resource
    plural = f"{resource.plural}/{part}" if part else resource.plural
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    subject = f'{resource.qualified} "{target.name}"' if target.name else resource.qualified
    message = (
        f'{subject} is forbidden: User "{user}" cannot {verb} resource "{plural}" '
        f'in API group "{resource.group}" {where}'
    )
    return failure(403, "Forbidden", message, details=_details(target))


def forbidden_path(user: str, path: str) -> Answer:
    """Return 403 for a path that is no resource."""
    return failure(403, "Forbidden", f'forbidden: User "{user}" cannot get path "{path}"', details={})


def not_found(target: Target) -> Answer:
    """Return 404 for an object."""
    return failure(404, "NotFound", f'{target.resource.qualified} "{target.name}" not found', details=_details(target))


def already_exists(target: Target, name: str) -> Answer:
    """Return 409 for what is there already."""
    details = {**_details(target), "name": name}
    return failure(409, "AlreadyExists", f'{target.resource.qualified} "{name}" already exists', details=details)


def invalid(target: Target, name: str, cause: str) -> Answer:
    """Return 422 for an object that the server does not take."""
    resource = target.resource
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    return failure(422, "Invalid", f'{kind} "{name}" is invalid: {cause}', details=_details(target))


def success() -> Answer:
    """Return a Status of success."""
    return json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})


def page_not_found() -> Answer:
    """Return 404 for a path that nothing serves."""
    return text("404 page not found\n", 404)


def method_not_allowed() -> Answer:
    """Return 405: this server takes Jobs and evictions, and is for reading otherwise."""
    message = "the server does not allow this method on the requested resource"
    return failure(405, "MethodNotAllowed", message, details={})


def not_acceptable() -> Answer:
    """Return 406."""
    message = f"406: Not Acceptable\n\nAvailable representations: {_ACCEPTABLE}"
    return failure(406, "NotAcceptable", message, details={})


def bad_request(message: str) -> Answer:
    """Return 400."""
    return failure(400, "BadRequest", message)


def expired(token: str) -> Answer:
    """Return 410: the list must be started over."""
    return failure(410, "Expired", EXPIRED, metadata={"continue": token})


def too_large_resource_version(asked: int, current: int) -> Answer:
    """Return 504: the client has seen a version that this server has not reached."""
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return failure(504, "Timeout", message, details={"causes": causes, "retryAfterSeconds": 1})


def _details(target: Target) -> dict[str, str]:
    resource = target.resource
    details = {"name": target.name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in details.items() if value}
