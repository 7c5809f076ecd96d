"""A worker that decodes images, and does nothing else: ``python -m cnnlab.serving.decoder FD``.

Decoders are C code that reads what strangers sent. Here one may die, hang or eat memory without
taking anything along: the kernel ends the process when its time for an image is up or its
address space is full, and the server starts another.
"""

from __future__ import annotations

import resource
import signal
from pathlib import Path

from PIL import Image

from cnnlab.data.images import decode_image
from cnnlab.errors import DataError
from cnnlab.serving.frames import DECODED, REFUSED, answer_frames, pack_blobs, split_blobs
from cnnlab.serving.worker_process import enter

__all__ = ["Decoder", "main"]

_LONGEST_REASON = 1000


class Decoder:
    """Decodes to uint8 ``[height, width, channels]``, at most ``seconds`` an image.

    ``max_pixels``: of an image as its header has it.
    """

    def __init__(self, input_shape: tuple[int, int, int], max_pixels: int, seconds: float) -> None:
        self.height, self.width, self.channels = input_shape
        self.max_pixels, self.seconds = max_pixels, seconds

    def answer(self, frame: memoryview) -> bytes:
        """Of each image file in the frame, in order, its pixels or why it has none."""
        return b"".join(pack_blobs([self._decoded(bytes(blob)) for blob in split_blobs(frame)]))

    def _decoded(self, data: bytes) -> bytes:
        # No handler: SIGALRM ends the process, wherever in a decoder's C code it is.
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        try:
            pixels = decode_image(
                data,
                None,
                size=(self.height, self.width),
                channels=self.channels,
                max_pixels=self.max_pixels,
            )
        except DataError as error:
            return REFUSED + str(error)[:_LONGEST_REASON].encode("utf-8", "replace")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return DECODED + pixels.tobytes()


def _limit(memory_bytes: int) -> None:
    """At most so much address space beyond what is in use now; no files, no core dump."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for kind in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))


def main() -> None:
    """Decode until the server goes."""
    channel, job = enter()
    Image.init()  # every format's module, while the limits allow to read it
    _limit(job["memory_bytes"])
    height, width, channels = job["input_shape"]
    decoder = Decoder((height, width, channels), job["max_pixels"], job["seconds"])
    answer_frames(channel, {}, decoder.answer)


if __name__ == "__main__":
    main()
