"""A server whose model is ``stub_model.py``: ``python stub_server.py SETTINGS STUB``, both JSON."""

import json
import sys
from pathlib import Path

from cnnlab.errors import CnnlabError
from cnnlab.serving.server import serve
from cnnlab.serving.settings import ServeSettings
from cnnlab.serving.stages import ModelSource


def main() -> int:
    settings, stub = map(json.loads, sys.argv[1:])
    command = (sys.executable, str(Path(__file__).with_name("stub_model.py")), json.dumps(stub))
    try:
        serve(
            ModelSource("stub", command=command),
            ServeSettings(**settings),
            listening=lambda told: print(json.dumps(told.to_dict()), flush=True),
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except CnnlabError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
