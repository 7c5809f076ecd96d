"""A run or bundle -> a file for other programs that was held against it, and its certificate."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnlab.bundle import Bundle, open_bundle
from cnnlab.data.source import Say, unsaid
from cnnlab.errors import CheckFailed, ConfigError, InputError
from cnnlab.exporting import int8 as eight_bits
from cnnlab.exporting.certificate import Certificate, certificate_path, facts_of
from cnnlab.exporting.graph import graph_of
from cnnlab.exporting.images import Trial, calibration_images, trial_of
from cnnlab.exporting.keras_file import keras_parity
from cnnlab.exporting.libraries import require_libraries
from cnnlab.exporting.onnx_model import OnnxModel
from cnnlab.exporting.parity import BATCHES, TOLERANCE, Parity, batch_parity
from cnnlab.files import atomic_path, sha256_of_file, storage_errors, write_json
from cnnlab.inference import BATCH_SIZE, predict_logits
from cnnlab.interop.keras.installed import require_libraries as require_keras
from cnnlab.interop.keras.writing import check_writable, write_keras
from cnnlab.metrics import at_temperature
from cnnlab.runs import Run
from cnnlab.tables import ShownAsText, bytes_text

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["FORMATS", "Exported", "export"]

#: The formats, each with the ending that its files usually have.
FORMATS = {"onnx": ".onnx", "bundle": ".safetensors", "keras": ".keras"}
#: Images that are given in other batches than the largest, and that are read back.
_SOME = 256


@dataclass(frozen=True)
class Exported(ShownAsText):
    """A file that was written, with what is known of it."""

    path: Path
    bytes: int
    sha256: str
    certificate: Certificate

    @property
    def certificate_path(self) -> Path:
        """Where its certificate stands."""
        return certificate_path(self.path)

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab export --json`` prints."""
        return {
            "file": str(self.path),
            "certificate_file": str(self.certificate_path),
            **self.record(),
        }

    def record(self) -> dict[str, Any]:
        """What stands in the certificate beside the file: with the digest, without folders."""
        file = {"name": self.path.name, "bytes": self.bytes, "sha256": self.sha256}
        return {"exported": file, **self.certificate.to_dict()}

    def to_text(self) -> str:
        """What ``cnnlab export`` prints."""
        return "\n".join(
            [
                f"{self.path}: {bytes_text(self.bytes)}",
                *self.certificate.lines(),
                f"certificate: {self.certificate_path}",
            ]
        )


def export(
    source: Run | Path | str,
    out: Path | str,
    *,
    format: str = "onnx",
    int8: bool = False,
    force: bool = False,
    runs: Path = Path("runs"),
    say: Say = unsaid,
) -> Exported:
    """Write a run's or bundle's network as one file, after it was held against the network.

    Beside the file stands its certificate, ``FILE.certificate.json``.

    Parameters
    ----------
    source: a run, its directory or its name in ``runs``, or a bundle's file.
    format: "onnx"; "bundle": cnnlab's own, one file that every verb takes for a run's network; or
        "keras": a model of Keras's layers.
    int8: quantize the ONNX graph, with ranges from the run's training images.
    force: replace files that are there.

    Raises :class:`CheckFailed` where the file does not say what the network says (nothing is
    written then), :class:`InputError` where a file is in the way, a library is missing or int8 is
    not possible, and what :func:`cnnlab.bundle.open_bundle` raises.
    """
    path = _checked_place(Path(out), format, int8=int8, force=force)
    if format == "onnx":
        require_libraries()
    if format == "keras":
        require_keras("h5py", "keras")
    bundle = open_bundle(source.path if isinstance(source, Run) else source, runs=runs)
    if format == "keras":
        check_writable(bundle)
    trial = trial_of(bundle, say)
    reference = _network_logits(bundle, trial)
    if format == "bundle":
        return _write_bundle(bundle, trial, reference, path)
    if format == "keras":
        return _write_keras(bundle, trial, reference, path)
    return _write_onnx(bundle, trial, reference, path, int8=int8)


def _checked_place(path: Path, format: str, *, int8: bool, force: bool) -> Path:
    """Where to write; raises before anything is computed."""
    if format not in FORMATS:
        raise ConfigError(f"format is '{format}'", expected=" or ".join(FORMATS))
    if int8 and format != "onnx":
        todo = f"leave --int8 or --format {format} out"
        raise ConfigError(f"a file of format {format} holds fp32 weights", todo=todo)
    if format == "keras" and path.suffix != FORMATS[format]:
        raise ConfigError("the name does not end in .keras", where=path, todo="Keras asks for that")
    for other, ending in FORMATS.items():
        if other != format and path.suffix.lower() == ending:
            raise ConfigError(
                f"a file of format {format} would be called like one of format {other}",
                where=path,
                todo=f"call it *{FORMATS[format]}, or add --format {other}",
            )
    with storage_errors(path):
        if path.is_dir():
            raise InputError("a folder", where=path, expected="the name of a file to write")
        there = [file for file in (path, certificate_path(path)) if file.exists()]
    if there and not force:
        todo = "choose another name, or add --force"
        raise InputError("the file is there already", where=there[0], todo=todo)
    return path


def _network_logits(bundle: Bundle, trial: Trial) -> NDArray[np.float32]:
    """What the network itself says, on the path that evaluation takes."""
    logits = predict_logits(
        bundle.network, trial.images, bundle.preprocessing, rows=trial.rows, batch_size=BATCH_SIZE
    )
    if not np.isfinite(logits).all():
        raise CheckFailed(
            "the network's logits are not all numbers", where=bundle.source, todo="train it again"
        )
    return logits


def _top1(trial: Trial, logits: NDArray[np.float32]) -> float | None:
    if trial.labels is None:
        return None
    return float((logits.argmax(axis=1) == trial.labels).mean())


def _write_bundle(
    bundle: Bundle, trial: Trial, reference: NDArray[np.float32], path: Path
) -> Exported:
    with atomic_path(certificate_path(path)) as beside, atomic_path(path) as temporary:
        bundle.save(temporary)
        back = open_bundle(temporary)
        found = _network_logits(back, trial)
        parity = Parity((batch_parity(reference, found, BATCH_SIZE),), 0.0)
        if parity.largest_difference or facts_of(back) != facts_of(bundle):
            raise CheckFailed("the bundle that was read back is another one", where=path)
        top1 = _top1(trial, reference)
        certificate = Certificate("bundle", facts_of(bundle), trial.split, len(trial), parity, top1)
        return _noted(path, temporary, beside, certificate)


def _write_keras(
    bundle: Bundle, trial: Trial, reference: NDArray[np.float32], path: Path
) -> Exported:
    with TemporaryDirectory() as folder:
        made = Path(folder) / "model.keras"  # Keras reads no file of another ending
        write_keras(bundle, made, facts_of(bundle))
        parity = keras_parity(made, bundle, trial, reference, path)
        top1 = _top1(trial, reference)
        certificate = Certificate("keras", facts_of(bundle), trial.split, len(trial), parity, top1)
        with atomic_path(certificate_path(path)) as beside, atomic_path(path) as temporary:
            shutil.copyfile(made, temporary)
            return _noted(path, temporary, beside, certificate)


def _noted(path: Path, temporary: Path, beside: Path, certificate: Certificate) -> Exported:
    """Write the certificate of a file that still has its temporary name."""
    size, digest = temporary.stat().st_size, sha256_of_file(temporary)
    exported = Exported(path, size, digest, certificate)
    write_json(beside, exported.record())
    return exported


def _write_onnx(
    bundle: Bundle, trial: Trial, reference: NDArray[np.float32], path: Path, *, int8: bool
) -> Exported:
    calibration = None
    if int8:  # before the exporter takes its seconds
        calibration = calibration_images(trial, eight_bits.CALIBRATION, where=bundle.source)
    graph = graph_of(bundle)
    plain = graph.SerializeToString()
    parity = _checked_parity(plain, bundle, trial, reference, path)
    quantized = None
    if calibration is not None:
        graph = eight_bits.quantized(graph, calibration, where=bundle.source)
        quantized = eight_bits.measured(
            graph.SerializeToString(), plain, trial, calibration=len(calibration), where=path
        )
    certificate = Certificate(
        format="onnx",
        facts=facts_of(bundle),
        split=trial.split,
        images=len(trial),
        parity=parity,
        top1=_top1(trial, reference),
        int8=quantized,
    )
    before = OnnxModel(graph.SerializeToString())
    content = _labelled(graph, certificate).SerializeToString()
    some = next(trial.blocks(_SOME))
    with atomic_path(certificate_path(path)) as beside, atomic_path(path) as temporary:
        temporary.write_bytes(content)
        back = OnnxModel(temporary)
        same = np.array_equal(back(some)[0], before(some)[0])
        if not same or back.metadata != certificate.metadata():
            raise CheckFailed("the file that was read back is another one", where=path)
        return _noted(path, temporary, beside, certificate)


def _checked_parity(
    content: bytes, bundle: Bundle, trial: Trial, reference: NDArray[np.float32], path: Path
) -> Parity:
    """Try every batch size: the largest on all images, the others on some of them."""
    model = OnnxModel(content)
    places = trial.places(_SOME)
    some, batches = trial.some(places), []
    logits, probabilities = model.answers(trial, BATCHES[-1])
    for size in BATCHES[:-1]:
        found, _ = model.answers(some, size)
        batches.append(batch_parity(reference[places], found, size))
    batches.append(batch_parity(reference, logits, BATCHES[-1]))
    # Of its own logits: at a low temperature a small difference of logits is a large one here.
    expected = at_temperature(logits, bundle.temperature or 1.0)
    parity = Parity(tuple(batches), float(np.abs(probabilities - expected).max()))
    if not parity.holds:
        raise CheckFailed(
            f"the ONNX graph does not say what the network says on {len(trial):,} {trial.split} "
            f"images: largest difference of a logit {parity.largest_difference:.1e}, of a "
            f"probability {parity.probabilities:.1e}, {parity.other_classes} other classes",
            where=path,
            expected=f"a difference of at most {TOLERANCE:.0e}; nothing was written",
            todo="please report it with the run's architecture.yaml",
        )
    return parity


def _labelled(graph: ModelProto, certificate: Certificate) -> ModelProto:
    """Note in a graph what wrote it, and all that is known of it."""
    graph.producer_name = "cnnlab"
    graph.producer_version = certificate.to_dict()["versions"]["cnnlab"]
    for key, value in certificate.metadata().items():
        graph.metadata_props.add(key=key, value=value)
    return graph
