"""Kubeconfigs for the emulated clusters, in the shape that AKS hands out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal, TypeAlias

from ruamel.yaml import YAML

Auth: TypeAlias = Literal["token", "exec", "none"]

AKS_SERVER_ID = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the audience of AKS, the same in every cloud
_CLIENT_ID = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"  # the public client that AKS writes into its kubeconfigs
_HINT = "kubelogin is not installed which is required to connect to AAD enabled cluster."


@dataclass(frozen=True, slots=True)
class Entry:
    """One cluster of a kubeconfig: its context's name, its server, and the CA (PEM) that vouches for it."""

    name: str
    server: str
    ca_pem: bytes | None


def kubeconfig(entries: Iterable[Entry], auth: Auth = "token", token: str = "emulator") -> str:  # noqa: S107 - no secret
    """Return a kubeconfig (YAML) with a context per entry; the first is current.

    ``exec`` is what AKS returns for ``format=exec``: kubelogin fetches the token. ``token`` carries the token
    itself; ``none`` has users without credentials, as when a client brings its own.
    """
    found = list(entries)
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": entry.name, "cluster": _cluster(entry)} for entry in found],
        "contexts": [{"name": entry.name, "context": {"cluster": entry.name, "user": _user(entry)}} for entry in found],
        "current-context": found[0].name if found else "",
        "users": [{"name": _user(entry), "user": _credentials(auth, token)} for entry in found],
    }
    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style = False
    yaml.representer.sort_base_mapping_type_on_output = False
    yaml.width = 1_000_000  # a certificate stays on its line
    yaml.dump(config, text)
    return text.getvalue()


def _user(entry: Entry) -> str:
    return f"clusterUser_{entry.name}"


def _cluster(entry: Entry) -> dict[str, str]:
    cluster = {"server": entry.server}
    if entry.ca_pem is not None:
        cluster["certificate-authority-data"] = b64encode(entry.ca_pem).decode()
    return cluster


def _credentials(auth: Auth, token: str) -> dict[str, Any]:
    if auth == "token":
        return {"token": token}
    if auth == "none":
        return {}
    arguments = ["get-token", "--environment", "AzurePublicCloud", "--server-id", AKS_SERVER_ID]
    arguments += ["--client-id", _CLIENT_ID, "--tenant-id", "00000000-0000-0000-0000-000000000000"]
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "kubelogin",
            "args": [*arguments, "--login", "devicecode"],
            "env": None,
            "installHint": _HINT,
            "provideClusterInfo": False,
        }
    }
