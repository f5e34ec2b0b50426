"""Names resolve inside the member, asked by a pod of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, StringConstraints

from gatekeeper.check import (
    ClusterCheck,
    ClusterContext,
    Evidence,
    Finding,
    Probe,
    bounded,
    log_evidence,
    numbered,
    say,
    some,
)

OWN: Final = "kubernetes.default.svc.cluster.local"
"""The API server's own Service; each cluster has it."""

# Names are arguments, never part of the text. getent asks like a program does. nslookup of BusyBox, where there is no
# getent, ends with 0 without an address and with 1 in spite of one; it writes Name: if it found the name.
_SCRIPT: Final = """\
set -f
bad=0
for name in "$@"; do
  echo "asking $name"
  if command -v getent >/dev/null 2>&1; then
    said=$(getent hosts "$name" 2>&1) && [ -n "$said" ] && found=1 || found=0
  else
    said=$(nslookup "$name" 2>&1)
    case $said in *Name:*) found=1 ;; *) found=0 ;; esac
  fi
  if [ $found -eq 1 ]; then echo "resolved $name"; else echo "unresolved $name" $said; bad=1; fi
done
exit $bad
"""
_LINE: Final = re.compile(r"^(asking|resolved|unresolved) (\S+)(.*)$", re.MULTILINE)

DnsName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9])?\.?$", min_length=1, max_length=253)
]


class DnsResolves(Probe, ClusterCheck):
    """A pod in the member resolves ``kubernetes.default.svc.cluster.local`` and the names of the policy.

    A Job with one small pod asks for each name once; it runs unprivileged (the *restricted* Pod Security Standard),
    without a token, and is deleted at once. All names must have an address: what the pod says of each is read from its
    log, and a pod that ends well without a word about a name has not proven it. A name that is still asked about when
    the time is over has no address: so it looks where no DNS server answers. A pod that never came to ask (its image
    cannot be pulled, no node takes it, a Pod Security Standard refuses it) says nothing about DNS: that is an error.
    It is asked from the one node on which the pod lands. Write names in full; BusyBox knows no search domains.

    This check writes. It needs the Role ``fleet-gatekeeper-prober`` in the namespace: see
    ``deploy/kustomize/member-probes``, or ``gatekeeper checks --rbac --policy`` for just what a policy needs.

    Example:
        - check: dns-resolves
          image: contoso.azurecr.io/busybox:1.37
          names: [shop.example.com, cart.shop.svc.cluster.local]
    """

    name: ClassVar[str] = "dns-resolves"
    claim: ClassVar[str] = "names resolve inside the cluster"
    area: ClassVar[str] = "Control plane and services"

    image: str = Field(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$")
    """An image with ``sh`` and either ``getent`` or ``nslookup``, such as BusyBox or Alpine, from your own registry."""
    names: tuple[DnsName, ...] = Field(default=(), max_length=20)
    """Names to resolve besides ``kubernetes.default.svc.cluster.local``."""
    node_selector: dict[str, str] = Field(default_factory=lambda: {"kubernetes.io/os": "linux"})
    """On which nodes the pod may run."""

    async def run(self, ctx: ClusterContext) -> Finding:
        """Run the Job, and read what it says of each name."""
        names = tuple(dict.fromkeys((OWN, *self.names)))
        run = await ctx.workbench.run_job(self.namespace, self._job(names), self.deadline)
        lines = _LINE.findall(run.logs)
        resolved = {name for word, name, _ in lines if word == "resolved"}
        unresolved = {name: rest for word, name, rest in lines if word == "unresolved"}
        if not run.succeeded:
            begun = {name for word, name, _ in lines if word == "asking"} - resolved
            unresolved = dict.fromkeys(begun, f"asked, and no answer: {run.reason}") | unresolved
        bad = [name for name in names if name in unresolved]
        if bad:
            facts = bounded(_unresolved(name, unresolved[name]) for name in bad)
            do = "does" if len(bad) == 1 else "do"
            return Finding.failed(f"{len(bad)} of {numbered(len(names), 'name')} {do} not resolve: {some(bad)}", facts)
        subject = f"Job {self.namespace}/dns-resolves"
        silent = [name for name in names if name not in resolved]
        if run.succeeded and not silent:
            return Finding.passed(f"{numbered(len(names), 'name resolves', 'names resolve')} inside the cluster")
        if run.succeeded:
            message = f"the probe ended well and says nothing about {some(silent)}"
            return Finding.inconclusive(message, [log_evidence(run, subject)])
        hint = f"does the image {self.image} exist, has it a shell, and may the pod run in {self.namespace}?"
        why = Evidence("ProbeFailed", subject, run.reason, expected="a pod that asks", hint=hint)
        return Finding.error(f"the DNS probe could not ask: {run.reason}", [why, log_evidence(run, subject)])

    def _job(self, names: Sequence[str]) -> Mapping[str, Any]:
        container = {
            "name": "dns",
            "image": self.image,
            "command": ["sh", "-c", _SCRIPT, "dns", *names],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        }
        pod = {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "nodeSelector": self.node_selector,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
        }
        return {"metadata": {"name": "dns-resolves"}, "spec": {"template": {"spec": pod}}}


def _unresolved(name: str, said: str) -> Evidence:
    hint = "kubectl -n kube-system get pods -l k8s-app=kube-dns; kubectl -n kube-system logs -l k8s-app=kube-dns"
    return Evidence("NameUnresolved", f"name {name}", say(said) or "no answer", expected="an address", hint=hint)
