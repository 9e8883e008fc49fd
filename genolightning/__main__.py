import sys

from genolightning.cli import main

sys.exit(main())
