"""When fusegrad was loaded, as `time.time` tells it: the object cache asks whether its sources have
changed since.
"""

import time

LOADED = time.time()
