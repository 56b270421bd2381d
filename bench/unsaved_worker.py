"""The worker without snapshots, to see what they cost: ``-m bench.unsaved_worker worker``."""

import math

from services.cli import main
from streams import saver

if __name__ == "__main__":
    saver.EVERY_SECONDS = math.inf
    main()
