"""The composition root: the one module that wires the adapters to the core.

Everything that the daemon, one sweep and a check by hand need is built here from the settings, and closed here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from gatekeeper.adapters.arm import Arm
from gatekeeper.adapters.azure import AzureReader
from gatekeeper.adapters.credentials import make_credential
from gatekeeper.adapters.fleet import AzureFleet
from gatekeeper.adapters.http import WebClient
from gatekeeper.adapters.http_auth import EntraTokens
from gatekeeper.adapters.kube_config import Kubeconfig
from gatekeeper.adapters.members import KubeconfigMembers
from gatekeeper.adapters.members_doors import Listeners
from gatekeeper.adapters.workbench import Workbenches
from gatekeeper.daemon import Daemon, Pace
from gatekeeper.doors import Members
from gatekeeper.errors import BadAnswer, ConfigError
from gatekeeper.observer import Observer
from gatekeeper.observers.log import LogObserver
from gatekeeper.observers.metrics import Metrics
from gatekeeper.policies import PolicySet
from gatekeeper.problems import suggestion
from gatekeeper.registry import Registry
from gatekeeper.runner import Limits, Runner, Toolbox
from gatekeeper.settings import IN_MEMORY, Settings
from gatekeeper.store.sqlite import SqliteStore
from gatekeeper.sweep import Doors, Sweeper
from gatekeeper.tools import Tools
from gatekeeper.web.server import WebServer

if TYPE_CHECKING:
    from gatekeeper.adapters.members_aks import AksMembers

_log = structlog.get_logger("gatekeeper.app")


def utc_now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class App:
    """All parts, wired."""

    settings: Settings
    policies: PolicySet
    doors: Doors
    sweeper: Sweeper
    metrics: Metrics


def load_policies(settings: Settings, registry: Registry | None = None) -> PolicySet:
    """The policies that the settings name, with the checks that are installed.

    Raises:
        ConfigError: a policy or a check cannot be used.
    """
    policies = PolicySet(
        settings.policies, registry or Registry.discover(), default_timeout=settings.checks.timeout, clock=utc_now
    )
    policies.load()
    return policies


@asynccontextmanager
async def open_app(
    settings: Settings, *, dry_run: bool = False, observers: Sequence[Observer] = ()
) -> AsyncIterator[App]:
    """Build everything, and close it in the end.

    Args:
        settings: as loaded.
        dry_run: decide, and approve nothing, whatever the policies' modes are.
        observers: told of decisions besides the log and the metrics.

    Raises:
        ConfigError: policies, credential or store cannot be used.
    """
    policies = load_policies(settings)
    metrics = Metrics(fleets=[fleet.ref for fleet in settings.fleets])
    tell_policies(metrics, policies)
    async with AsyncExitStack() as stack:
        # A dry run remembers nothing, so that anybody may try it from any machine.
        store = SqliteStore(IN_MEMORY if dry_run else settings.store.path)
        stack.push_async_callback(store.close)
        await store.open()
        azure = settings.azure
        credential = make_credential(
            azure.credential, cloud=azure.cloud, token_file=azure.token_file, client_id=azure.client_id
        )
        stack.push_async_callback(credential.close)
        arm = Arm(azure.cloud, azure.endpoint, credential, metrics.arm_error)
        stack.push_async_callback(arm.close)
        fleets = [AzureFleet(fleet.ref, arm) for fleet in settings.fleets]
        members = _members(settings, arm, metrics)
        stack.push_async_callback(members.close)
        workbenches = Workbenches(members.connect)
        stack.push_async_callback(workbenches.close)
        web = WebClient(EntraTokens(credential))
        stack.push_async_callback(web.close)
        doors = Doors(fleets, members, store)
        reader = AzureReader(arm)
        stack.push_async_callback(reader.close)
        toolbox = Toolbox(Tools(web, reader), workbenches)
        runner = Runner(Limits(settings.members.concurrency, settings.members.deadline), utc_now, toolbox)
        told: list[Observer] = [LogObserver(), metrics, *observers]
        sweeper = Sweeper(doors, runner, told, utc_now, dry_run=dry_run)
        yield App(settings, policies, doors, sweeper, metrics)


async def run_daemon(settings: Settings) -> None:
    """Run the daemon until it is told to stop.

    Raises:
        ConfigError: something is wrong that a person must mend before anything can run.
    """
    async with open_app(settings) as app:
        pace = Pace(settings.poll.interval, settings.poll.jitter, settings.shutdown.deadline)
        daemon = Daemon(app.sweeper, app.policies, pace, utc_now, lambda policies: tell_policies(app.metrics, policies))
        web = WebServer(settings.web.listen, app.metrics.registry, daemon)
        port = await web.start()
        _log.info("web.listening", host=settings.web.host, port=port)
        try:
            await daemon.run()
        finally:
            await web.stop()


def tell_policies(metrics: Metrics, policies: PolicySet) -> None:
    """Say loudly which policies are in force, or why the files as they are now are not."""
    metrics.policies_broken(policies.error is not None)
    metrics.policies_loaded(len(policies.policies), policies.loaded_at or utc_now())
    if policies.error is not None:
        _log.error("policies.refused", cause=policies.error, in_force=policies.version)
    elif policies.warning is not None:
        _log.warning("policies.empty", cause=policies.warning)
    else:
        names = [policy.name for policy in policies.policies]
        _log.info("policies.loaded", policies=names, version=policies.version)


def _members(settings: Settings, arm: Arm, metrics: Metrics) -> KubeconfigMembers | AksMembers:
    def warn(member: str, sentence: str) -> None:
        _log.warning("member.warning", member=member, warning=sentence)

    listeners = Listeners(on_error=metrics.cluster_error, on_warning=warn)
    if settings.members.kubeconfig is not None and settings.members.access == "kubeconfig":
        return KubeconfigMembers(settings.members.kubeconfig, listeners=listeners)
    # Late: only this way in needs the management SDK of AKS, which is heavy.
    from gatekeeper.adapters.members_aks import AksMembers
    from gatekeeper.adapters.members_kubeconfigs import AksKubeconfigs
    from gatekeeper.adapters.tokens import TokenSource

    return AksMembers(TokenSource(arm.credential), AksKubeconfigs(arm), listeners=listeners)


@asynccontextmanager
async def open_kubeconfig(path: Path) -> AsyncIterator[tuple[Members, Toolbox]]:
    """The clusters of a kubeconfig, and what else a check by hand may use: all but Azure."""
    async with AsyncExitStack() as stack:
        members = KubeconfigMembers(path)
        stack.push_async_callback(members.close)
        workbenches = Workbenches(members.connect)
        stack.push_async_callback(workbenches.close)
        web = WebClient()
        stack.push_async_callback(web.close)
        yield members, Toolbox(Tools(web), workbenches)


def context_of(path: Path, wanted: str | None) -> str:
    """The name of a kubeconfig's context: the wanted one, or the current one.

    Raises:
        ConfigError: there is no such file, or no such context.
    """
    try:
        config = Kubeconfig.parse(path.read_bytes(), f"the kubeconfig {path}", path.parent)
        found = config.current if wanted is None else wanted
    except OSError as error:
        raise ConfigError(
            f"the kubeconfig {path} cannot be read: {error.strerror}; name one with --kubeconfig"
        ) from error
    except BadAnswer as error:
        raise ConfigError(f"{error}; name one with --context") from error
    if found not in config.contexts:
        raise ConfigError(f"the kubeconfig {path} has no context {found!r}; {suggestion(found, config.contexts)}")
    return found
