"""What clients of kafka-python leave behind: sockets for the garbage to close.

So does one whose attempts to connect fail, and now and then one that is closed while its own thread
opens or writes to a connection. A module whose tests make such clients has
``pytestmark = KAFKA_LITTER``: the garbage is collected while its warnings are expected, not in
whichever test comes next.
"""

import pytest

KAFKA_LITTER = [
    pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning"),
    pytest.mark.usefixtures("kafka_litter"),
]
