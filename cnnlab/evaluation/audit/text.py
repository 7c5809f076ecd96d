"""Findings in sentences and tables, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator

from cnnlab.evaluation.audit.accuracy import Share
from cnnlab.evaluation.audit.drift import FEWEST_IMAGES
from cnnlab.evaluation.audit.findings import Findings
from cnnlab.evaluation.audit.records import noise_pairs
from cnnlab.tables import printable, text_table

__all__ = ["copies_text", "findings_text", "share_text", "undrifted"]

_SHOWN = 8


def findings_text(findings: Findings) -> str:
    """What ``cnnlab audit`` prints: a paragraph a check, the first of each kind by name."""
    data = findings.dataset
    parts = ", ".join(f"{len(rows):,} {part}" for part, rows in findings.parts.items())
    blocks = [
        printable(f"{data.name} ({data.origin})") + f"\n{parts}",
        *_files(findings),
        *_duplicates(findings),
        *_accuracy(findings),
        *_label_errors(findings),
        *_balance(findings),
        *_drift(findings),
    ]
    left_out = [
        f"not looked for: {check}: {printable(reason)}"
        for check, reason in findings.left_out.items()
    ]
    return "\n\n".join([*blocks, *(["\n".join(left_out)] if left_out else [])])


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], *([f"  and {more:,} more"] if more > 0 else [])]


def _files(findings: Findings) -> Iterator[str]:
    if findings.constant is None:
        return
    broken = [f"  {printable(file)}: {said}" for file, said in findings.broken.items()]
    odd = [
        f"  {printable(odd.file)}: {odd.problem}, {odd.width}x{odd.height}" for odd in findings.odd
    ]
    constant = [f"  {printable(findings.name_of(int(row)))}" for row in findings.constant]
    said = [f"{len(constant):,} of one colour", *_first(constant)]
    if findings.files is not None:
        said = [
            f"{len(broken):,} files cannot be read",
            *_first(broken),
            f"{len(odd):,} files are of an odd size or shape",
            *_first(odd),
            *said,
        ]
    yield "\n".join(["images", *(line if line[0] == " " else f"  {line}" for line in said)])


def copies_text(part: str, other: str, exact: int, near: int, images: int) -> str:
    """ "325 of 10,000 test images (3.2%) have a copy in train: 1 exact, 324 near"."""
    share = f"{exact + near:,} of {images:,} {part} images ({(exact + near) / images:.2%})"
    what = f"have a copy in {other}" if part != other else f"repeat another {part} image"
    return f"{share} {what}: {exact:,} exact, {near:,} near"


def _duplicates(findings: Findings) -> Iterator[str]:
    found = findings.duplicates
    if found is None:
        return
    lines = [f"  {copies_text(**vars(copies))}" for copies in findings.copies] or ["  none"]
    conflicting = findings.conflicting()
    if len(conflicting):
        lines.append(f"  {len(conflicting):,} images are in groups of copies with different labels")
    low, high = found.thresholds.min(), found.thresholds.max()
    if high - low > 0.005:
        lines.append(
            f"  images of a class are much alike here: near copies had to reach a likeness of "
            f"{low:.2f} to {high:.2f}, by class"
        )
    yield "\n".join(["copies", *lines])


def share_text(share: Share) -> str:
    """ "0.8012 (0.7930 to 0.8091, n = 9,675)"."""
    if share.accuracy is None or share.interval is None:
        return "no image"
    low, high = share.interval
    return f"{share.accuracy:.4f} ({low:.4f} to {high:.4f}, n = {share.n:,})"


def _accuracy(findings: Findings) -> Iterator[str]:
    for one in findings.accuracy:
        yield "\n".join(
            [
                f"accuracy of the run on {one.split} (95% intervals)",
                f"  all images                  {share_text(one.everything)}",
                f"  without a copy in train     {share_text(one.without_twins)}",
                f"  with a copy in train        {share_text(one.twins)}",
            ]
        )


def _label_errors(findings: Findings) -> Iterator[str]:
    found = findings.label_errors
    if found is None:
        return
    noise, names = found.noise, findings.dataset.class_names
    lines = [
        f"labels: {len(noise.suspects):,} of {len(findings.dataset):,} are likely wrong "
        f"(estimated noise {noise.noise:.2%}; out-of-fold accuracy {found.accuracy:.4f})"
    ]
    rows = [
        (
            findings.name_of(int(noise.suspects[place])),
            findings.part_of(int(noise.suspects[place])),
            findings.class_of(int(noise.suspects[place])),
            names[noise.suggested[place]],
            found.confidence(place),
        )
        for place in range(min(_SHOWN, len(noise.suspects)))
    ]
    if rows:
        lines.append(text_table(["image", "part", "label", "rather", "probability"], rows))
        pairs = [
            f"{printable(given)} for {printable(true)} {images:.0f}"
            for given, true, images in noise_pairs(findings)[:_SHOWN]
        ]
        lines.append(f"  most mixed up: {', '.join(pairs)}")
    yield "\n".join(lines)


def _balance(findings: Findings) -> Iterator[str]:
    found, names = findings.balance, findings.dataset.class_names
    if found is None:
        return
    lines = []
    for part, counts in found.counts.items():
        ratio = f"largest over smallest class {found.ratios[part]:.2g}"
        lines.append(f"  {part}: {counts.max():,} to {counts.min():,} images a class, {ratio}")
        missing = [printable(names[label]) for label in found.missing[part]]
        if missing:
            more = f" and {len(missing) - _SHOWN:,} more" if len(missing) > _SHOWN else ""
            lines.append(f"  {part} has no image of: {', '.join(missing[:_SHOWN])}{more}")
    lines += [
        f"  {shift.part} against {shift.reference}: shares of classes differ by "
        f"{shift.distance:.3f} (total variation; p = {shift.p_value:.2g})"
        for shift in found.shifts
    ]
    yield "\n".join(["classes", *lines])


def _drift(findings: Findings) -> Iterator[str]:
    if findings.drift is None:
        return
    lines = []
    for drift in findings.drift:
        lines.append(f"  {drift.to_text()}")
        effects = sorted(drift.effects, key=lambda effect: -abs(effect.size))[:3]
        said = (f"{effect.name} {effect.size:+.2f}" for effect in effects)
        lines.append(f"    largest effects (Cohen's d): {', '.join(said)}")
    lines += [f"  {said}" for said in undrifted(findings)]
    yield "\n".join(["drift", *lines])


def undrifted(findings: Findings) -> list[str]:
    """Why parts were not held against the first one."""
    if len(findings.parts) == 1:
        return ["one part only: nothing to compare"]
    few = [part for part, rows in findings.parts.items() if len(rows) < FEWEST_IMAGES]
    return [f"not compared, for fewer than {FEWEST_IMAGES} images: {', '.join(few)}"] if few else []
