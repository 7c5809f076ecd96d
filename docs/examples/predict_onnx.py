"""Classify image files with an ONNX file that ``cnnlab export`` wrote; no torch, no cnnlab.

::

    pip install numpy pillow onnxruntime
    python predict_onnx.py model.onnx photo.jpg another.png

It prints a line an image: its path, the likeliest class, the probability. Copy what you need: the
network, the normalisation and the names of the classes are in the file; what is here is how an
image file becomes the pixels that the network was trained on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import ExifTags, Image

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: Path, height: int, width: int, channels: int) -> np.ndarray:
    """Decode an image file of any size and colour mode: uint8 ``[height, width, channels]``.

    Upright by its EXIF orientation, transparency over white, the whole picture squashed to the
    size with an antialiased filter. An image that has the size already keeps its pixels.
    """
    with Image.open(path) as image:
        # A JPEG decoder may leave out detail that twice the size does not need.
        image.draft(None, (2 * max(height, width), 2 * max(height, width)))
        image.load()
        turned = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation))
        picture = in_mode(image if turned is None else image.transpose(turned), MODES[channels])
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.array(picture, dtype=np.uint8).reshape(height, width, channels)


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Eight bits a channel, grey, in colour, or in colour with alpha."""
    if image.mode == "I" or image.mode.startswith("I;16"):  # 16-bit grey
        values, unseen = np.asarray(image).astype(np.int64), image.info.get("transparency")
        image = Image.fromarray(((values + 128) // 257).astype(np.uint8))
        if isinstance(unseen, int):  # one value is transparent, told by all 16 bits
            alpha = np.where(values == unseen, 0, 255).astype(np.uint8)
            image = Image.merge("LA", [image, Image.fromarray(alpha)])
    if mode != "RGBA" and image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert(mode)


def main(model: str, *images: str) -> None:
    """Print the likeliest class of each image."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    # Each entry of the metadata is JSON.
    known = session.get_modelmeta().custom_metadata_map
    names, shape = json.loads(known["class_names"]), json.loads(known["input_shape"])
    batch = np.stack([read_image(Path(image), *shape) for image in images])
    logits, probabilities = session.run(["logits", "probabilities"], {"images": batch})
    for image, scores, shares in zip(images, logits, probabilities, strict=True):
        best = int(scores.argmax())
        print(f"{image}: {names[best]} {shares[best]:.4f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python predict_onnx.py MODEL.onnx IMAGE...")
    main(*sys.argv[1:])
