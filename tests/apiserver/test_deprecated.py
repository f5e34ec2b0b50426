"""deprecated-apis in front of an API server that counts for itself what it is asked."""

from __future__ import annotations

import asyncio

from gatekeeper.app import open_kubeconfig
from gatekeeper.findings import Finding
from gatekeeper.model import Target
from tests.apiserver.asking import MEMBER, Asker, ask_check, asking
from tests.apiserver.control_plane import ADMIN
from tests.apiserver.specimens import cases
from tests.apiserver.worlds import GONE_IN, OUTDATED_API, OUTDATED_PATH, World

CASE = next(case for case in cases("deprecated-apis") if case.name == "nobody uses what goes")
NEXT = Target("Full", GONE_IN)


async def use(world: World, path: str) -> None:
    async with open_kubeconfig(world.kubeconfig(ADMIN)) as (members, _):
        cluster = await members.connect(MEMBER)
        assert (await cluster.text(path)).status == 200


async def after_a_while(asker: Asker) -> Finding:
    """The first look that passes, or the last of many. An API server's clock has whole seconds, and may seem to go
    back by a part of one.
    """
    for _ in range(100):
        finding = await asker.ask(NEXT)
        if finding.outcome == "passed":
            break
        await asyncio.sleep(0.1)
    return finding


async def test_an_api_whose_removal_is_not_announced_is_reported(world: World) -> None:
    await world.fill(*CASE.objects(world.version))
    await use(world, "/api/v1/namespaces/default/endpoints")

    finding = await ask_check(world.kubeconfig(ADMIN), "deprecated-apis", (), CASE.goal(world.version))

    assert finding.outcome == "passed", finding
    told = {each.subject: each for each in finding.evidence}
    assert told["API v1 endpoints"].code == "ApiDeprecated"
    assert "removal is not announced" in told["API v1 endpoints"].observed


async def test_at_the_first_look_it_is_not_known_whether_an_api_that_goes_is_still_used(world: World) -> None:
    await world.fill(*CASE.objects(world.version))
    await world.serve_outdated()
    await use(world, OUTDATED_PATH)

    soon = await ask_check(world.kubeconfig(ADMIN), "deprecated-apis", (), NEXT)
    now = await ask_check(world.kubeconfig(ADMIN), "deprecated-apis", (), CASE.goal(world.version))

    assert (soon.outcome, now.outcome) == ("inconclusive", "passed"), (soon, now)
    assert f"API {OUTDATED_API}" in [each.subject for each in soon.evidence if each.code == "ApiUsed"]
    assert f"API {OUTDATED_API}" in [each.subject for each in now.evidence if each.code == "ApiDeprecated"]


async def test_an_api_that_is_seen_being_used_fails_and_one_that_falls_silent_does_not(world: World) -> None:
    await world.fill(*CASE.objects(world.version))
    await world.serve_outdated()
    await use(world, OUTDATED_PATH)

    async with asking(world.kubeconfig(ADMIN), "deprecated-apis", ["quietFor=1s"]) as asker:
        first = await asker.ask(NEXT)
        await use(world, OUTDATED_PATH)
        used = await asker.ask(NEXT)
        quiet = await after_a_while(asker)

    assert [first.outcome, used.outcome, quiet.outcome] == ["inconclusive", "failed", "passed"], (first, used, quiet)
    assert [each.code for each in used.evidence if OUTDATED_API in each.subject] == ["ApiRead"]
    assert [each.code for each in quiet.evidence if OUTDATED_API in each.subject] == ["ApiUsedOnce"]
