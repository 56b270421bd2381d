import subprocess
import sys

from services.clock import SystemClock, process_age_seconds

AGE = "from services.clock import process_age_seconds as age; print(age())"


def test_the_age_of_a_process_counts_from_its_start() -> None:
    clock = SystemClock()
    started = clock.monotonic()
    told = float(
        subprocess.run([sys.executable, "-c", AGE], capture_output=True, check=True).stdout
    )
    lasted = clock.monotonic() - started

    # Its start is known to a hundredth of a second.
    assert 0 < told < lasted + 0.02
    assert process_age_seconds() > told
