"""admission-webhooks in front of an API server that counts for itself which webhooks it could not call."""

from __future__ import annotations

from gatekeeper.emulator.kube import Manifest
from gatekeeper.emulator.kube.manifests import merge
from tests.apiserver.asking import asking
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.specimens import cases
from tests.apiserver.worlds import World

CASE = next(case for case in cases("admission-webhooks") if case.name == "it is called by URL, where nobody looks")
WEBHOOK = "refused.example.com"
"""A name of its own: an API server never forgets."""


async def test_a_webhook_that_nobody_can_see_is_told_by_the_calls_that_fail(world: World) -> None:
    objects, gone = CASE.objects(world.version)
    await world.fill([renamed(each) for each in objects], gone)

    async with asking(world.kubeconfig(ADMIN), CASE.check, CASE.params) as asker:
        before = await asker.ask()
        await world.refuse_write(WEBHOOK)
        after = await asker.ask()
    async with asking(world.kubeconfig(ADMIN), CASE.check, CASE.params) as newcomer:
        first = await newcomer.ask()

    assert [each.outcome for each in (before, after, first)] == ["passed", "failed", "inconclusive"], (before, after)
    assert [each.code for each in before.evidence] == ["WebhookNotSeen"]
    assert [each.code for each in after.evidence] == ["WebhookCallsFail", "WebhookNotSeen"]
    assert [each.code for each in first.evidence] == ["WebhookCallsFailed", "WebhookNotSeen"]


def renamed(manifest: Manifest) -> Manifest:
    if manifest["kind"] != "ValidatingWebhookConfiguration":
        return manifest
    return merge(manifest, {"webhooks": [{**each, "name": WEBHOOK} for each in manifest["webhooks"]]})
