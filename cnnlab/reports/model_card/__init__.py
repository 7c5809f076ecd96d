"""Model cards: what a network is, for whoever gets it (M. Mitchell et al., 2019).

In the form of Hugging Face: a ``README.md`` whose head is YAML. A run at a glance, which
``cnnlab runs show`` prints, is another thing (:mod:`cnnlab.workflows.run_card`).
"""

from cnnlab.reports.model_card.build import ModelCard, write_model_card

__all__ = ["ModelCard", "write_model_card"]
