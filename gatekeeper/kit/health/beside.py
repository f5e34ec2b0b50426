"""What an object of any kind tells beside its Ready: that it is in trouble, paused, or on its way.

Learnt from the health rules of Argo CD, kind by kind, and made general: many objects stay Ready while they fail to be
brought up to date, are paused by somebody, or are being replaced. These rules only ever take health away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gatekeeper.kit.health.verdict import GOOD, Conditions, Health, Manifest, Status, degraded, progressing, suspended
from gatekeeper.kit.manifest import at, say

_TROUBLES: Final = (
    "Degraded",
    "Failed",
    "ErrorOccurred",
    "Fallback",
    "ConfigUnsupported",
    "Conflict",
    "Conflicted",
    "Denied",
    "NoPodsMatched",
    "NotReady",
    "Orphan",
)
"""Trouble when True, and so is what starts or ends as these (``InvalidSpec``, ``PartiallyReady``, ``HasErrors``)."""
_TROUBLE_STARTS: Final = ("Failed", "Invalid", "NoMatching", "Partially")
_TROUBLE_ENDS: Final = ("Error", "Errors", "Failed", "Failing", "Failure", "Mismatch", "Terminal", "Unhealthy")
_UP_TO_DATE: Final = ("Synced", "Reconciled", "ReconcileSuccess", "LastAsyncOperation", "ContinuousArchiving")
"""Trouble when False, and so is what starts or ends as these: what was asked for was not brought about (Crossplane).

``ValidationFailed`` is trouble when True, and so none when False.
"""
_GOES_ON: Final = ("inprogress", "pending", "running", "started")
"""With a reason that ends so it is only not there yet (CloudNativePG's ``LastBackupSucceeded``: BackupStarted)."""
_SOUND_STARTS: Final = ("Valid",)
_SOUND_ENDS: Final = ("Healthy", "Succeeded")
_UP_TO_DATE_ENDS: Final = (
    "AllAvailable", "Bound", "Reconciled", "RolloutComplete", "Synced", "UpToDate", "cnpg.io/hibernation",
)  # fmt: skip
"""What ends so and is not True is on its way (``TopologyReconciled`` of a Cluster of Cluster API)."""
_PAUSES: Final = ("Cordoned", "Paused", "Suspended", "ReconciliationPaused", "Unmanaged", "cnpg.io/hibernation")
_PAUSED_BY_SPEC: Final = ("cordoned", "paused", "suspend")
_PAUSED_WORDS: Final = frozenset({"paused", "suspended"})
_CHANGES: Final = (
    "Deleting", "Disrupting", "DisruptionReason", "Issuing", "Migrating", "Remediating", "RollingOut",
    "RollingUpdate", "RolloutProgressing", "ScalingDown", "ScalingUp", "Terminating", "Updating", "Upgrading",
)  # fmt: skip
"""On its way when True, and so is what ends so (``EKSControlPlaneUpdating``) or starts with Updating."""
_PAUSE_ANNOTATIONS: Final[Mapping[str, str | None]] = {
    "cluster.x-k8s.io/paused": None,  # whatever it says, as its controllers have it
    "cnpg.io/reconciliation": "disabled",
    "crossplane.io/paused": "true",
    "strimzi.io/pause-reconciliation": "true",
}
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "phase": ("phase",),
    "state": ("state",),
    "healthStatus": ("healthStatus",),  # MinIO
    "modelStatus": ("modelStatus", "transitionStatus"),  # KServe
}
"""Where in its status an object has a word for how it is."""
_TROUBLED_WORDS: Final = frozenset({"degraded", "errored", "expired", "red", "unhealthy"})
_CHANGING_WORDS: Final = frozenset({
    "connecting", "creating", "deleting", "deploying", "initializing", "inprogress", "installing", "migrating",
    "pending", "progressing", "provisioning", "reconciling", "restarting", "restoring", "rollingback", "scaling",
    "scalingdown", "scalingup", "starting", "stopping", "terminating", "unknown", "updating", "upgrading", "yellow",
})  # fmt: skip
_CHANGING_REASONS: Final = _CHANGING_WORDS - {"progressing", "reconciling", "unknown"}
"""With such a reason what is True is not so yet (NATS); the other three also stand where nothing is meant by them."""
_REPLICAS: Final = {
    "ready": "readyReplicas",
    "available": "availableReplicas",
    "updated": "updatedReplicas",
    "up to date": "upToDateReplicas",
}


def unless_beside(item: Manifest, verdict: Health) -> Health:
    """A verdict, unless what stands beside it is worse.

    A pause hides neither trouble nor what is on its way: whoever allows suspended objects allows healthy ones that are
    paused.
    """
    conditions = Conditions(item)
    if verdict.status is Status.DEGRADED:
        return verdict
    if trouble := _trouble(item, conditions):
        return trouble
    if verdict.status in (Status.PROGRESSING, Status.SUSPENDED):
        return verdict
    return _pause(item, conditions) or _change(item, conditions) or verdict


def _trouble(item: Manifest, conditions: Conditions) -> Health | None:
    for kind in conditions:
        status, reason = conditions.status(kind), conditions.reason(kind)
        unsound = status == "False" and _is_sound(kind) and not reason.lower().endswith(_GOES_ON)
        if unsound or (status == "True" and _is_bad(kind)) or reason == "ProgressDeadlineExceeded":
            return degraded(conditions.words(kind))
    for key in ("failureReason", "failureMessage"):
        if told := say(at(item, "status", key)):
            return degraded(f"its {key} is {told}")
    for key, word in _words(item).items():
        plain = _plain(word)
        if plain in _TROUBLED_WORDS or "fail" in plain or plain.startswith("invalid") or plain.endswith("error"):
            return degraded(f"its {key} is {word}")
    return None


def _is_bad(kind: str) -> bool:
    return kind in _TROUBLES or kind.endswith(_TROUBLE_ENDS) or kind.startswith(_TROUBLE_STARTS)


def _is_sound(kind: str) -> bool:
    sound = kind in _UP_TO_DATE or kind.endswith(_SOUND_ENDS) or kind.startswith(_SOUND_STARTS)
    return sound and not _is_bad(kind)


def _pause(item: Manifest, conditions: Conditions) -> Health | None:
    for key in _PAUSED_BY_SPEC:
        if at(item, "spec", key) is True:
            return suspended(f"is paused: its spec says {key}")
    if say(at(item, "spec", "managementState"), 20).lower() == "unmanaged":  # of OpenShift's operators and others
        return suspended("is paused: its spec says that it is unmanaged")
    for kind in _PAUSES:
        if conditions.status(kind) == "True":
            return suspended(conditions.words(kind))
    annotations = at(item, "metadata", "annotations")
    for name, value in _PAUSE_ANNOTATIONS.items():
        told = at(annotations, name)
        if told is not None and value in (None, told):
            return suspended(f"is paused: it has the annotation {name}")
    for key, word in _words(item).items():
        if word.lower() in _PAUSED_WORDS:
            return suspended(f"its {key} is {word}")
    return None


def _change(item: Manifest, conditions: Conditions) -> Health | None:
    for kind in conditions:
        changes = kind.endswith(_CHANGES) or kind.startswith("Updating")
        changes = changes or (kind in GOOD and _plain(conditions.reason(kind)) in _CHANGING_REASONS)
        if _is_late(kind, conditions) or (changes and conditions.status(kind) == "True"):
            return progressing(conditions.words(kind))
    if _rolls_out(conditions):
        return progressing(conditions.words("Progressing"))
    for key, word in _words(item).items():
        if _plain(word) in _CHANGING_WORDS:
            return progressing(f"its {key} is {word}")
    return _short_of_replicas(item)


def _is_late(kind: str, conditions: Conditions) -> bool:
    # A change that takes no time leaves this one as it is, so that it may be about an older generation for ever.
    status = conditions.status(kind, aged=kind == "LastAsyncOperation")
    if status == "False" and _is_sound(kind):
        return True
    if kind.endswith("UpToDate") and status == "Unknown":
        return False  # some providers of Cluster API, and its MachinePools, say nothing of single machines
    return kind.endswith((*_UP_TO_DATE, *_UP_TO_DATE_ENDS)) and status != "True"


def _rolls_out(conditions: Conditions) -> bool:
    """Whether what is Available all the time, and has no Ready, is on its way to something else (as OpenShift has it).

    A rollout that has come to its end stays Progressing for ever, with a reason such as ``NewReplicaSetAvailable``.
    """
    if "Available" not in conditions or "Ready" in conditions or "Progressing" not in conditions:
        return False
    status, settled = conditions.status("Progressing"), conditions.reason("Progressing").endswith("Available")
    return status != "False" and not (status == "True" and settled)


def _short_of_replicas(item: Manifest) -> Health | None:
    """For whatever can be scaled; no kind must have these fields, so that other types of them say nothing."""
    wanted = at(item, "spec", "replicas")
    for word, key in _REPLICAS.items():
        have = at(item, "status", key)
        if isinstance(wanted, int) and isinstance(have, int) and have < wanted:
            return progressing(f"has {have} of {wanted} replicas {word}")
    return None


def _words(item: Manifest) -> dict[str, str]:
    told = {key: at(item, "status", *place) for key, place in _WORDS.items()}
    return {key: say(word, 60) for key, word in told.items() if isinstance(word, str)}


def _plain(word: str) -> str:
    """``Scaling Up``, ``SCALING_UP`` and ``scaling-up`` are one word."""
    return word.replace(" ", "").replace("_", "").replace("-", "").lower()
