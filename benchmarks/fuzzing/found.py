"""What fuzzing has found in cnnlab, or what was seen while its oracles were written.

Each was mended, and has a test that is named here.
"""

from __future__ import annotations

__all__ = ["FOUND"]

FOUND = (
    "PNG: damage in the compressed data loaded with other pixels where zlib did not notice, as "
    "Pillow skips the CRC-32 of IDAT; a file with too few rows loaded with black ones. Chunks and "
    "the length of the data are checked now (tests/data/test_wholeness.py).",
    "GIF: a stream that ends early, and sub-blocks that lead nowhere, loaded with black pixels; an "
    "empty extension block made Pillow skip the first picture and take what came next. All are "
    "refused (tests/data/test_wholeness.py).",
    "CSV and folders: a symbolic link that leads round in a circle was a traceback "
    "(tests/data/test_csv_file.py, tests/data/test_folder.py).",
    "CSV: a path of more letters than the system takes was an error without the table's name "
    "(tests/data/test_csv_file.py); errors could have any length (tests/test_errors.py).",
    "Model names and runs to start from: a name too long for the system was a traceback "
    "(tests/models/test_models.py).",
    "YAML: !!int abc, 2001-99-99, numbers of thousands of digits and the like were tracebacks "
    "(tests/test_settings.py).",
    "Runs: JSON nested without end, records that are no mappings, values of other types, rows that "
    "the data does not have, labels beyond the classes, logits that are not finite and predictions "
    "that declare more than is there were not expected by what reads them (seen while the oracle "
    "was written). What each file holds is declared and checked where it is read "
    "(tests/test_run_forms.py).",
    "Checkpoints: the header (epoch, step, seen images, settings) was under no digest, so that a "
    "changed number in it would be taken (seen while the oracle was written); it has one of its "
    "own now (tests/test_run_forms.py).",
    "PNG: pixels whose Adler-32 is wrong, and BMP files that lack the end of their last row, were "
    "taken as Pillow takes them (tests/data/test_wholeness.py).",
    "Parquet: damaged page headers gave no rows, or took 1.1 GB before they were refused; a file "
    "without rows was a traceback; two copies of the class names that differ were not noticed. "
    "Pages are held against the footer before any is unpacked (tests/data/test_parquet_damage.py).",
    "Runs and configurations: an option or parameter that a registry refuses was named without its "
    "file (cnnlab/errors.py, within); a timing without images a second was a traceback.",
    "Runs to start from: a setting of the base run that cannot be was named without its file "
    "(tests/workflows/test_fine_tuning.py).",
    "Runs: damaged predictions of rows that the images lack were a traceback in the report "
    "(tests/reports/test_report_sections.py).",
)
