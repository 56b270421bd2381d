"""What holds of alerts whatever happens, in any order, over several sessions."""

import math

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.alerts import AlertKey, Change, Phase, Reason, Transition
from core.lifecycle import step
from core.sessions import NANOS_PER_SECOND
from tests.support.judged import SUBJECT, Judged, level, nanos, rule_of

SESSION_S = 100
DAY_S = 150
HOLD_S = 20
FOR_S = {"watch": 0, "warning": 5, "critical": 10}
RULE = rule_of(
    level("watch", 1.0, 0.5, FOR_S["watch"]),
    level("warning", 2.0, 1.5, FOR_S["warning"]),
    level("critical", 3.0, 3.0, FOR_S["critical"]),
    after_open_ns=nanos(10),
    minimum_hold_ns=nanos(HOLD_S),
)


class AlertLives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.judged = Judged(RULE, close_s=SESSION_S)
        self.now_s = 0.0
        self.value = math.nan
        self.as_of_s = 0.0
        self.is_known = True
        self.fired: dict[AlertKey, tuple[int, int]] = {}

    @rule(value=st.floats(-4, 4), lag_s=st.sampled_from([0.0, 0.4, -0.4]))
    def moves(self, value: float, lag_s: float) -> None:
        self.value, self.as_of_s = value, self.now_s + lag_s
        self.judge()

    @rule(seconds=st.floats(0.1, 30))
    def waits(self, seconds: float) -> None:
        self.now_s += seconds
        open_s = self.now_s // DAY_S * DAY_S
        if open_s != self.judged.open_s:
            self.value = math.nan
        self.judged.open_s, self.judged.close_s = open_s, open_s + SESSION_S
        self.judged.label = 1 + int(open_s // DAY_S)
        self.judge()

    @rule(is_known=st.booleans())
    def data_comes_or_goes(self, *, is_known: bool) -> None:
        self.is_known = is_known
        self.judge()

    def judge(self) -> None:
        readings = self.judged.readings(
            self.now_s, self.value, as_of_s=self.as_of_s, is_known=self.is_known
        )
        before = self.judged.states
        self.judged.states, transitions = step(RULE, readings, before)
        assert (self.judged.states, transitions) == step(RULE, readings, before)
        for transition in transitions:
            self.check(transition, is_known=bool(readings.is_known[0]))

    def check(self, transition: Transition, *, is_known: bool) -> None:
        key, state = transition.key, transition.state
        assert key == (
            f"ForcedFlow{key.severity.capitalize()}",
            key.severity,
            "forced-flow",
            key.side,
            "symbol",
            SUBJECT,
        )
        if transition.change is Change.FIRING:
            assert is_known
            assert key not in self.fired
            assert transition.at_ns == state.crossed_ns + nanos(FOR_S[key.severity])
            assert transition.at_ns <= nanos(max(self.now_s, self.as_of_s))
            assert transition.at_ns < state.close_ns
            self.fired[key] = (transition.at_ns, state.close_ns)
        elif transition.change is Change.RESOLVED:
            fired_ns, close_ns = self.fired.pop(key)
            if transition.reason is Reason.CLEARED:
                assert is_known
                assert fired_ns + nanos(HOLD_S) <= transition.at_ns < close_ns
            else:
                assert transition.reason is Reason.SESSION_CLOSED
                assert transition.at_ns == close_ns
        else:
            assert key in self.fired
            assert is_known == (transition.change is Change.KNOWN)

    @invariant()
    def what_fired_and_did_not_resolve_is_live(self) -> None:
        live = {
            key for key, state in self.judged.states.items() if state.phase is not Phase.PENDING
        }
        assert live == set(self.fired)

    @invariant()
    def no_alert_outlives_its_session(self) -> None:
        for state in self.judged.states.values():
            assert state.close_ns > nanos(self.now_s)
            assert state.close_ns - state.fires_ns <= SESSION_S * NANOS_PER_SECOND

    def teardown(self) -> None:
        self.now_s = (self.now_s // DAY_S + 1) * DAY_S - 1
        self.is_known = False
        self.judge()
        assert self.fired == {}
        assert self.judged.states == {}


TestAlertLives = AlertLives.TestCase
