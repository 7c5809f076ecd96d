"""A model's worker without a network: an image's class is the number that its pixels hold.

``python stub_model.py JSON FD``; the JSON holds ``seconds`` (of a batch), ``classes``,
``input_shape`` and ``poison`` (a class over which it dies).
"""

import json
import os
import signal
import socket
import struct
import sys
import time

from cnnlab.serving.frames import answer_frames, read_job


def main() -> None:
    told, number = json.loads(sys.argv[1]), int(sys.argv[2])
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    channel = socket.socket(fileno=number)
    job = read_job(channel)
    if job is None:
        return
    print(f"engine {job['engine']} was asked for", file=sys.stderr, flush=True)
    height, width, channels = told["input_shape"]
    classes = told["classes"]
    ranks = min(job["ranks"], classes)
    size = height * width * channels

    def answer(frame: memoryview) -> bytes:
        (count,) = struct.unpack_from("<I", frame)
        indices: list[int] = []
        for at in range(4, 4 + count * size, size):
            best = int.from_bytes(frame[at : at + 3], "big") % classes
            if best == told.get("poison"):
                os._exit(1)
            indices += [(best + step) % classes for step in range(ranks)]
        time.sleep(told["seconds"])
        each = [0.5 ** (1 + step) for step in range(ranks)]
        return struct.pack(f"<{count * ranks}I{count * ranks}d", *indices, *each * count)

    greeting = {
        "name": "stub",
        "classes": [str(index) for index in range(classes)],
        "input_shape": told["input_shape"],
        "temperature": None,
        "origin": {"run": "stub"},
        "engine": "stub",
        "engine_reason": "asked for",
        "device": "cpu",
        "threads": 1,
        "threads_reason": "asked for",
    }
    answer_frames(channel, greeting, answer)


if __name__ == "__main__":
    main()
