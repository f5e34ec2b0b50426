"""Counts the bytes that travel to and from a server: a forwarder between a client and a port of this machine."""

from __future__ import annotations

import re
import socket
import threading
from types import TracebackType
from typing import Self

_CHUNK = 1 << 18


class Meter:
    """Listens on a free port and forwards to ``port``; ``received`` is what clients got, in bytes."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]
        self.received = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        try:
            while data := source.recv(_CHUNK):
                if answers:
                    with self._lock:
                        self.received += len(data)
                sink.sendall(data)
        except OSError:
            pass  # one side went away; the other is told below
        finally:
            for each in (source, sink):
                each.close()


def port_of(kubeconfig: str) -> int:
    """The port of the first server of a kubeconfig."""
    found = re.search(r"server: https?://127\.0\.0\.1:(\d+)", kubeconfig)
    if found is None:
        raise ValueError("this kubeconfig names no server on this machine")
    return int(found[1])


def through(kubeconfig: str, meter: Meter) -> str:
    """The kubeconfig with its servers behind the meter."""
    return kubeconfig.replace(f"127.0.0.1:{port_of(kubeconfig)}", f"127.0.0.1:{meter.port}")
