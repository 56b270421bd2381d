"""The health of every process of the stack: what the supervisor says, and what the process does."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from services import stack_probes as probes
from services.clock import Clock
from services.findings import Finding, note, ok, problem
from services.stack_layout import Layout
from services.stack_probes import Answer, Probe
from services.supervisor import State, Supervisor, SupervisorError

_MEANS = {
    "kafka": "no event is written or read",
    "redis": "nothing is judged; what fires goes on firing",
    "alertmanager": "nobody is paged",
    "worker": "its partitions are unknown until a worker has read them",
    "gateway": "no event arrives; prices grow stale after five seconds",
    "alerter": "what it does not know is not judged; of one that is gone the other takes over",
    "prometheus": "the service itself is not watched",
}
SERVICES = ("worker", "gateway", "alerter")
"""Our processes that can be asked by their port alone."""
GROUPS = tuple(_MEANS)
"""Groups of processes, in the order in which they are started."""
SERVERS = GROUPS[:3]
"""The groups that ours need."""


def examine(layout: Layout, clock: Clock, *, groups: Collection[str] = GROUPS) -> list[Finding]:
    """Ask every process of some groups; return a finding for the supervisor and one for each."""
    supervisor = Supervisor(layout.home)
    try:
        states = supervisor.states()
        first = ok("supervisor", f"watches {len(states)} processes")
    except SupervisorError as error:
        states = {}
        first = problem(
            "supervisor",
            str(error),
            means="what ends is not started again",
            mend="end what is left and start anew: forcedflow stack down, forcedflow stack up",
        )
    questions = {
        name: ask
        for name, ask in _questions(layout, clock).items()
        if name.partition("-")[0] in groups
    }
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = dict(zip(questions, pool.map(lambda ask: ask(), questions.values()), strict=True))
    if all(answers[name].stands_by for name in answers if name.startswith("alerter")):
        nobody = Answer(is_ready=False, text="stands by, and no alerter is active")
        answers |= {name: nobody for name in answers if name.startswith("alerter")}
    found = [_judged(name, answers[name], states, supervisor, layout) for name in questions]
    return [first, *found]


def service_probe(name: str, port: int, clock: Clock) -> Probe:
    """Return how to ask one of our processes, whichever its port."""
    asked: dict[str, Probe] = {
        "worker": partial(probes.worker, port),
        "gateway": partial(probes.gateway, port),
        "alerter": partial(probes.alerter, port, clock),
    }
    return asked[name]


def _questions(layout: Layout, clock: Clock) -> Mapping[str, Probe]:
    settings = layout.settings
    asked: dict[str, Probe] = {
        f"kafka-{node.number}": partial(probes.kafka_node, node, len(layout.nodes))
        for node in layout.nodes
    }
    asked["redis"] = partial(probes.redis_server, layout.redis_url)
    asked["alertmanager"] = partial(probes.ready_page, settings.alertmanager_port)
    asked["prometheus"] = partial(probes.ready_page, settings.prometheus_port)
    for number, port in enumerate(layout.worker_ports(), 1):
        asked[f"worker-{number}"] = service_probe("worker", port, clock)
    asked["gateway"] = service_probe("gateway", settings.gateway_port, clock)
    for number, port in enumerate(layout.alerter_ports(), 1):
        asked[f"alerter-{number}"] = service_probe("alerter", port, clock)
    return asked


def _judged(
    name: str,
    answer: Answer,
    states: Mapping[str, State],
    supervisor: Supervisor,
    layout: Layout,
) -> Finding:
    state = states.get(name)
    # Without a supervisor there is no state; that is a finding of its own.
    if answer.is_ready and (state is None or state.name == "RUNNING"):
        return ok(name, f"{layout.address_of(name)} {answer.text}")
    if state is not None and has_played(name, state):
        return note(
            name,
            "has sent all there was and ended",
            means="no event arrives any more",
            mend="to play the market anew: forcedflow stack down, forcedflow stack up --fresh",
        )
    told = "" if state is None else f" ({_told(state)})"
    means = _MEANS[name.partition("-")[0]]
    if name.startswith("kafka") and len(layout.nodes) > 1:
        means = "the other nodes serve what it held"
    return problem(
        name,
        f"{layout.address_of(name)} {answer.text}{told}",
        means=means,
        mend=f"its log: {supervisor.log_of(name)}",
    )


def has_played(name: str, state: State) -> bool:
    """Say whether a process is a gateway that has sent all there was."""
    return name == "gateway" and state.name == "EXITED" and state.exit_code == 0


def _told(state: State) -> str:
    """Return the supervisor's word in ours."""
    how = "by a signal" if state.exit_code < 0 else f"with status {state.exit_code}"
    words = {
        "RUNNING": f"runs as process {state.pid} for {state.seconds} s",
        "STARTING": "is being started",
        "BACKOFF": "ended at once, is tried again",
        "EXITED": f"ended {how}, {'is not' if state.is_final else 'is just being'} started again",
        "FATAL": "ended at once again and again, is not tried any more",
        "STOPPED": "is not started",
        "STOPPING": "is being ended",
    }
    return words.get(state.name, state.name.lower())
