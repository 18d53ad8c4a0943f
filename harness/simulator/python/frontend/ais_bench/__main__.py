"""``python -m ais_bench``."""

import sys

from ais_bench.infer.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
