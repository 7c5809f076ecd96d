"""Several ranks of one training, as forks of this process: torch need not be imported again."""

import os
import pickle
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

from cnnlab.ranks import RENDEZVOUS, joined, launched
from cnnlab.training.following import follow


def together(work, size=2):
    """What ``work(ranks)`` returns in each of so many ranks that have joined; all must succeed."""
    with TemporaryDirectory() as folder:
        children = [_fork(work, rank, size, Path(folder)) for rank in range(size)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0] * size
        return [pickle.loads(Path(folder, str(rank)).read_bytes()) for rank in range(size)]


def _fork(work, rank, size, folder):
    child = os.fork()
    if child:
        return child
    code = 70  # whatever happens, no second pytest goes on from here
    try:
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), RENDEZVOUS: str(folder)}
        with joined(launched()) as ranks:
            Path(folder, str(rank)).write_bytes(pickle.dumps(work(ranks)))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def led(ranks, work):
    """Do ``work()`` on rank 0; let the others follow. What it raises comes out of all of them."""
    if not ranks.leads:
        follow(ranks)
        return None
    done = work()
    ranks.tell(None)
    return done
