"""Whether the API server can call a webhook: the Service behind it, its endpoints, and the authority it is known by."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from gatekeeper.cluster import Cluster, Resource
from gatekeeper.errors import BadAnswer, NotFound
from gatekeeper.kit.certificates import certificate_ends
from gatekeeper.kit.manifest import at, count, dicts, dns_name, say
from gatekeeper.values import format_duration

SERVICES: Final = Resource("", "v1", "services")
SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices")
_RENEW: Final = "renew it: which controller writes this caBundle, and does it run?"


class Obstacle(NamedTuple):
    """What stands between the API server and a webhook."""

    code: str
    observed: str
    expected: str = ""
    hint: str = ""
    """What to do; empty where the webhook's own configuration is the place to look."""
    blocks: bool = True
    """Calls fail; otherwise it is worth knowing only."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What stands behind a Service, and a port of it."""

    place: str
    port: int
    fault: str = ""
    """Why it cannot be called: a code, or empty."""
    ready: int | None = None
    """Ready endpoints; None if it leads out of the cluster, or has a fault."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A webhook as its ``clientConfig`` names it (admissionregistration.k8s.io/v1, apiextensions.k8s.io/v1).

    Args:
        config: the ``clientConfig``.
        subject: how the webhook is called in errors.
    """

    config: object = field(compare=False)
    subject: str

    @property
    def service(self) -> tuple[str, str, int] | None:
        """Namespace, name and port of its Service; None if it is called by URL. Raises BadAnswer when they are none."""
        found = at(self.config, "service")
        if found is None:
            return None
        namespace = dns_name(at(found, "namespace"), "the namespace of a webhook")
        return namespace, dns_name(at(found, "name"), "the Service of a webhook"), count(at(found, "port"), 443, "port")

    @property
    def url(self) -> str:
        """Its URL. Raises BadAnswer when it has none."""
        url = at(self.config, "url")
        if not isinstance(url, str) or not url:
            raise BadAnswer(f"{self.subject} has neither a Service nor a URL")
        return url

    def certificates(self, now: datetime, soon: timedelta) -> Iterator[Obstacle]:
        """What is wrong with its ``caBundle``; one that ends within ``soon`` is worth knowing.

        Go's TLS refuses authorities that have expired or not begun. Without a bundle the system's own are trusted.
        """
        bundle = at(self.config, "caBundle")
        if not bundle:
            # The API server's own Service it knows by itself.
            if self.service is not None and self.service[:2] != ("default", "kubernetes"):
                observed = "it has no caBundle, and no public authority vouches for a Service"
                yield Obstacle("WebhookCaMissing", observed, "PEM certificates", _RENEW)
            return
        try:
            ends = certificate_ends(b64decode(str(bundle), validate=True), "the caBundle", now)
        except (BadAnswer, ValueError):
            yield Obstacle("WebhookCaUnreadable", "its caBundle holds no certificate", "PEM certificates", _RENEW)
            return
        last = max(ends, default=None)
        if last is None:
            observed = "its caBundle is not valid yet; are the clocks right?"
            yield Obstacle("WebhookCaNotYetValid", observed, "valid", _RENEW)
        elif last <= now:
            yield Obstacle("WebhookCaExpired", f"its caBundle expired at {_minute(last)}", "valid", _RENEW)
        elif last - now <= soon:
            observed = f"its caBundle ends in {format_duration(last - now)}, at {_minute(last)}"
            expected = f"longer than {format_duration(soon)}"
            yield Obstacle("WebhookCaEndsSoon", observed, expected, _RENEW, blocks=False)

    def reach(self, backend: Backend | None, remove: str) -> Iterator[Obstacle]:
        """What stands between it and the API server.

        Args:
            backend: what its Service has; None if it is called by URL.
            remove: what else to do where the Service is gone, such as to delete the configuration.
        """
        if backend is None:
            observed = f"it is called by URL, {say(self.url, 100)}, where nobody looks"
            yield Obstacle("WebhookNotSeen", observed, blocks=False)
            return
        service, port = f"Service {backend.place}", backend.port
        namespace, _, name = backend.place.partition("/")
        look = f"kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={name}"
        match backend.fault:
            case "WebhookServiceMissing":
                hint = f"bring {service} back, or {remove}"
                yield Obstacle(backend.fault, f"there is no {service}", "a Service", hint)
            case "WebhookPortMissing":
                yield Obstacle(backend.fault, f"{service} has no port {port}", f"port {port}")
            case "WebhookWithoutEndpoints":
                observed = f"{service} has no ready endpoint with port {port}"
                yield Obstacle(backend.fault, observed, "a ready endpoint", look)
            case _ if backend.ready is None:
                observed = f"{service} leads out of the cluster (ExternalName), where nobody looks"
                yield Obstacle("WebhookNotSeen", observed, blocks=False)


async def backend_of(cluster: Cluster, namespace: str, name: str, port: int) -> Backend:
    """Look up a Service and its EndpointSlices; declare ``SERVICES`` and ``SLICES`` among the ``reads``.

    Raises:
        CouldNotLook: they cannot be read, or have another shape.
    """
    place = f"{namespace}/{name}"
    try:
        service = await cluster.object(SERVICES, name, namespace=namespace)
    except NotFound:
        return Backend(place, port, "WebhookServiceMissing")
    if at(service, "spec", "type") == "ExternalName":
        return Backend(place, port)
    ports = [each for each in dicts(at(service, "spec", "ports"), f"the ports of {place}") if each.get("port") == port]
    if not ports:
        return Backend(place, port, "WebhookPortMissing")
    label = f"kubernetes.io/service-name={name}"
    slices = await cluster.objects(SLICES, namespace=namespace, label_selector=label)
    # A pod that does not know the Service's targetPort by its name stands in a slice without that port.
    names = {each.get("name") or "" for each in ports}
    serving = [each for each in slices if names & _names(dicts(each.get("ports"), "ports"))]
    endpoints = [each for found in serving for each in dicts(found.get("endpoints"), f"the endpoints of {place}")]
    # No word counts as ready: discovery.k8s.io/v1, EndpointConditions.
    ready = sum(at(each, "conditions", "ready") in (True, None) and bool(each.get("addresses")) for each in endpoints)
    return Backend(place, port, "" if ready else "WebhookWithoutEndpoints", ready)


def _names(ports: Sequence[Mapping[str, Any]]) -> set[object]:
    return {port.get("name") or "" for port in ports}


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
