import threading
from dataclasses import dataclass

from core.errors import FlowError
from services.clock import SystemClock
from services.doctor_gather import Facts, Question, ask_all
from tests.support.waiting import PATIENCE_SECONDS


@dataclass(kw_only=True)
class Answer(Facts):
    text: str = ""


def asked(*questions: Question[Answer], seconds: float = PATIENCE_SECONDS) -> list[Answer]:
    ask_all(questions, seconds=seconds, clock=SystemClock())
    return [question.told() for question in questions]


def test_every_part_is_asked_at_once() -> None:
    together = threading.Barrier(3)

    def look(facts: Answer) -> None:
        together.wait(PATIENCE_SECONDS)
        facts.text = "met"

    answers = asked(*(Question(Answer(), look) for _ in range(3)))

    assert [answer.text for answer in answers] == ["met"] * 3


def test_a_part_that_hangs_is_left_behind_with_what_it_told() -> None:
    has_told, let_go = threading.Event(), threading.Event()

    def hang(facts: Answer) -> None:
        facts.text = "first part"
        facts.asking = "asking for the rest"
        has_told.set()
        let_go.wait()
        facts.text = "too late"

    class Begun(Question[Answer]):
        """Is waited for once it has told its first part, however late its thread is let run."""

        def start(self) -> None:
            super().start()
            assert has_told.wait(PATIENCE_SECONDS)

    (answer,) = asked(Begun(Answer(), hang), seconds=0.2)
    let_go.set()

    assert answer.text == "first part"
    assert answer.fault == "no answer in time while asking for the rest"


def test_whatever_goes_wrong_is_told_in_words() -> None:
    def refuse(_: Answer) -> None:
        raise FlowError("it said no")

    def stumble(facts: Answer) -> None:
        facts.asking = "counting"
        raise ZeroDivisionError

    refused, stumbled = asked(Question(Answer(), refuse), Question(Answer(), stumble))

    assert refused.fault == "it said no"
    assert stumbled.fault == "looking failed while counting: ZeroDivisionError()"
