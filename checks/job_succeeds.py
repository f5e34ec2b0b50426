"""A Job of the user's own succeeds in the member."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import Field, model_validator

from gatekeeper.check import ClusterCheck, ClusterContext, Evidence, Finding, Probe, at, log_evidence

_NAME: Final = "job-succeeds"
_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")  # a suffix of nine letters follows


class JobSucceeds(Probe, ClusterCheck):
    """A Job that the policy brings along succeeds in the member: a smoke test, a migration check, a benchmark.

    The Job is created with a name of its own, awaited, and deleted with its pods, whatever happens meanwhile; its
    ``activeDeadlineSeconds`` and ``ttlSecondsAfterFinished`` are set, so that the cluster cleans up even if Gatekeeper
    dies. It runs in each sweep while its gate is pending, so it has to be quick and to change nothing. Its condition
    ``Complete`` passes, ``Failed`` fails, and so does a Job that has not ended in time; the end of its log is kept as
    evidence: let it hold no secrets. Without a ``backoffLimit`` it is tried once.

    This check writes. It needs the Role ``fleet-gatekeeper-prober`` in the namespace: see
    ``deploy/kustomize/member-probes``, or ``gatekeeper checks --rbac --policy`` for just what a policy needs.

    Example:
        - check: job-succeeds
          deadline: 90s
          timeout: 100s
          job:
            metadata: {name: shop-smoke}
            spec:
              template:
                spec:
                  containers:
                    - name: smoke
                      image: contoso.azurecr.io/shop/smoke:1.4
                      args: [--read-only]
        - check: job-succeeds
          namespace: shop
          template:
            spec:
              serviceAccountName: smoke
              containers:
                - {name: smoke, image: "contoso.azurecr.io/shop/smoke:1.4"}
    """

    name: ClassVar[str] = "job-succeeds"
    claim: ClassVar[str] = "a Job of the policy succeeds"
    area: ClassVar[str] = "Control plane and services"

    job: dict[str, Any] = Field(default_factory=dict)
    """A Job of ``batch/v1`` as in a manifest; its name becomes a prefix."""
    template: dict[str, Any] = Field(default_factory=dict)
    """Instead of a whole Job: its pod template."""

    @model_validator(mode="after")
    def _one_job(self) -> Self:
        if bool(self.job) == bool(self.template):
            raise ValueError("give either job, a whole Job, or template, the template of its pod")
        kind, version = self.job.get("kind", "Job"), self.job.get("apiVersion", "batch/v1")
        if (kind, version) != ("Job", "batch/v1"):
            raise ValueError(f"job is a {kind} of {version}; give a Job of batch/v1")
        if at(self.job, "metadata", "namespace") not in (None, self.namespace):
            raise ValueError("the Job names another namespace than the check; leave it out there")
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError("the Job's name is no name: at most 50 small letters, digits and dashes")
        containers = at(self.manifest, "spec", "template", "spec", "containers")
        if not isinstance(containers, list) or not containers or not all(map(_is_container, containers)):
            raise ValueError("the pod template needs spec.containers, each with a name and an image")
        spec = self.manifest["spec"]
        if spec.get("suspend") or any(
            type(spec.get(key)) is int and spec[key] < 1 for key in ("completions", "parallelism")
        ):
            raise ValueError("the Job would run no pod: mind its suspend, completions and parallelism")
        return self

    @property
    def prefix(self) -> str:
        """With what the Job's name begins."""
        named = at(self.manifest, "metadata", "name") or at(self.manifest, "metadata", "generateName") or _NAME
        return str(named).rstrip("-")

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The Job that is run."""
        named = {"metadata": {"name": _NAME}}
        return {**named, "spec": {"template": self.template}} if self.template else {**named, **self.job}

    async def run(self, ctx: ClusterContext) -> Finding:
        """Run it."""
        subject = f"Job {self.namespace}/{self.prefix}"
        run = await ctx.workbench.run_job(self.namespace, self.manifest, self.deadline)
        log = log_evidence(run, subject)
        if run.succeeded:
            return Finding.passed(f"the {subject} succeeded", [log])
        hint = f"its log stands below; for more run it by hand: kubectl -n {self.namespace} create -f JOB.yaml"
        why = Evidence("JobFailed", subject, run.reason, expected="condition Complete", hint=hint)
        return Finding.failed(f"the {subject} did not succeed: {run.reason}", [why, log])


def _is_container(container: object) -> bool:
    return all(isinstance(at(container, key), str) for key in ("name", "image"))
