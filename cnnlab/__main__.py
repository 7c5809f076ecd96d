"""``python -m cnnlab`` is ``cnnlab``."""

from cnnlab.cli.main import main

if __name__ == "__main__":
    main()
