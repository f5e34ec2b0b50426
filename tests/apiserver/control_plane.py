"""A real etcd and kube-apiserver on loopback, from the folder that ``KUBEBUILDER_ASSETS`` names, as envtest has it.

No other part of Kubernetes runs: no controllers, no scheduler, no kubelets. What is written stays as it was written.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.apiserver.certificates import write_certificates

ASSETS = "KUBEBUILDER_ASSETS"
ADMIN, READER, NOBODY = "admin", "reader", "nobody"
OUTDATED = "networking.k8s.io/v1beta1"
"""An API (of ServiceCIDRs) that these minor versions serve if asked to, deprecated and with a release to remove it.

Source: k8s.io/api, networking/v1beta1 (introduced in 1.31). Asking another version for it may keep it from starting.
"""
_OUTDATED_IN = range(34, 37)
_PLUGINS = ("ServiceAccount", "TaintNodesByCondition")
_SNAPSHOTS, _SNAPSHOTS_SINCE = "ListFromCacheSnapshot", 34
_START = 60.0  # seconds; a cold kube-apiserver takes about five
_STOP = 10.0


class ControlPlane:
    """etcd and kube-apiserver with their files in ``folder``; use it as a context manager."""

    def __init__(self, assets: Path, folder: Path) -> None:
        self._assets = assets
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.tokens = {user: f"{user}-{os.urandom(16).hex()}" for user in (ADMIN, READER, NOBODY)}
        self.ca_pem = write_certificates(folder)
        self._etcd_port, self._peer_port, self._port = _free_ports(3)
        self._help = _said(assets, "--help")
        found = re.search(r"v1\.(\d+)\.", _said(assets, "--version"))
        self._minor = int(found[1]) if found else 0

    @property
    def serves_outdated(self) -> bool:
        """Whether ``OUTDATED`` is served, and is deprecated."""
        return self._minor in _OUTDATED_IN

    @property
    def url(self) -> str:
        """Where the API server is."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this API server alone."""
        return ssl.create_default_context(cadata=self.ca_pem.decode())

    def __enter__(self) -> Self:
        groups = {ADMIN: ',"system:masters"'}
        lines = [f"{token},{user},{user}-uid{groups.get(user, '')}\n" for user, token in self.tokens.items()]
        (self._folder / "tokens.csv").write_text("".join(lines), "utf-8")
        try:
            self._start("etcd", self._etcd_flags())
            self._start("kube-apiserver", self._apiserver_flags())
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def get(self, path: str, user: str = ADMIN, body: object = None) -> dict[str, Any]:
        """GET JSON, or POST it where there is a body; waits for the answer."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}"}
        answer: dict[str, Any] = _ask(f"{self.url}{path}", body, headers, self.tls)
        return answer

    def expire_lists(self) -> None:
        """Compact etcd behind a new write, so that lists begun before can no longer be paged from it."""
        note = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "bump-"}}
        written = self.get("/api/v1/namespaces/default/configmaps", body=note)
        wanted = {"revision": written["metadata"]["resourceVersion"], "physical": True}
        _ask(f"http://127.0.0.1:{self._etcd_port}/v3/kv/compaction", wanted)

    @contextmanager
    def without_etcd(self) -> Iterator[None]:
        """Let etcd stand still for a while: the API server then is not ready."""
        etcd = self._processes[0]
        etcd.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            etcd.send_signal(signal.SIGCONT)
            self._wait()

    def _etcd_flags(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._peer_port))
        return [
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _apiserver_flags(self) -> list[str]:
        at = self._folder
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=192.0.2.2",  # a documentation address: loopback is refused, and others may be missing
            f"--secure-port={self._port}",
            f"--cert-dir={at}",
            f"--tls-cert-file={at / 'apiserver.crt'}",
            f"--tls-private-key-file={at / 'apiserver.key'}",
            f"--token-auth-file={at / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at / 'service-account.pub'}",
            f"--service-account-signing-key-file={at / 'service-account.key'}",
            "--allow-privileged=true",
            *self._flags_of_this_version(),
        ]

    def _flags_of_this_version(self) -> Iterator[str]:
        """What a version may not know, and would not start with."""
        # Nobody makes default service accounts here, and nobody takes taints off new nodes.
        if plugins := [plugin for plugin in _PLUGINS if re.search(rf"\b{plugin}\b", self._help)]:
            yield f"--disable-admission-plugins={','.join(plugins)}"
        if self.serves_outdated:
            yield f"--runtime-config={OUTDATED}=true"
        # From 1.34 on, pages of a list may come from the cache's snapshots, which outlive the etcd revision.
        if f"{_SNAPSHOTS}=" in self._help:
            yield f"--feature-gates={_SNAPSHOTS}=false"
        elif self._minor >= _SNAPSHOTS_SINCE:
            yield "--watch-cache=false"

    def _start(self, program: str, flags: Sequence[str]) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            command = [str(self._assets / program), *flags]
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder))

    def _wait(self) -> None:
        end, last = time.monotonic() + _START, "no answer"
        while time.monotonic() < end:
            for process in self._processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {self._logs()}")
            try:
                request = urllib.request.Request(f"{self.url}/readyz")
                request.add_header("Authorization", f"Bearer {self.tokens[ADMIN]}")
                with urllib.request.urlopen(request, timeout=5, context=self.tls) as answer:
                    if answer.read() == b"ok":
                        return
            except OSError as error:
                last = str(error)
            time.sleep(0.1)
        raise RuntimeError(f"kube-apiserver is not ready after {_START:.0f} s ({last}): {self._logs()}")

    def _logs(self) -> str:
        return "\n".join(log.read_text("utf-8", "replace")[-2000:] for log in sorted(self._folder.glob("*.log")))

    def _stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()


def _ask(url: str, body: object, headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=10, context=tls) as answer:
        return json.load(answer)


def _said(assets: Path, argument: str) -> str:
    """What kube-apiserver says of itself."""
    command = [str(assets / "kube-apiserver"), argument]
    done = subprocess.run(command, capture_output=True, timeout=_START, check=True)
    return (done.stdout + done.stderr).decode(errors="replace")


def _free_ports(count: int) -> list[int]:
    """Ports that the operating system has just found to be free."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
