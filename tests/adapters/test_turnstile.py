"""How fast the reads of one subscription are let through: by a clock and a sleep of the test's own."""

from __future__ import annotations

import pytest

from gatekeeper.adapters import turnstile
from gatekeeper.adapters.turnstile import Turnstile
from gatekeeper.errors import Throttled


class Time:
    """A clock that goes when somebody sleeps, and says for how long each did."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    own = Time()
    monkeypatch.setattr(turnstile, "monotonic", own.read)
    monkeypatch.setattr("asyncio.sleep", own.sleep)
    return own


async def test_nobody_asks_faster_than_azure_fills_its_bucket(time: Time) -> None:
    gate = Turnstile()
    for _ in range(225):
        await gate.turn()

    assert time.slept == [round(0.04 * number, 3) for number in range(1, 26)], "200 at once, and then 25 a second"

    time.now += 1000
    time.slept.clear()
    for _ in range(201):
        await gate.turn()

    assert time.slept == [0.04], "it fills again, and no further"


@pytest.mark.parametrize(("said", "patience"), [(7.0, 7), (None, 5), (3600.0, 600), (0.0, 0)])
async def test_after_a_refusal_nobody_asks_for_as_long_as_azure_says(
    time: Time, said: float | None, patience: int
) -> None:
    gate = Turnstile()
    gate.shut(said)
    time.now += patience - 0.01

    await gate.turn()
    await gate.turn()

    assert time.slept == [0.05, 0.09], "then one by one"


async def test_a_turn_that_is_far_away_is_told_and_not_taken(time: Time) -> None:
    gate = Turnstile()
    gate.shut(60)
    for _ in range(3):
        with pytest.raises(Throttled, match="60 s more") as told:
            await gate.turn()

    assert told.value.retry_after == pytest.approx(60.04)
    assert time.slept == []
