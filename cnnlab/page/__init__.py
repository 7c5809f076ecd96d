"""The page: a local web application over the run directories, for who would rather look."""

from cnnlab.page.app import PageSettings, create_app
from cnnlab.page.serve import serve

__all__ = ["PageSettings", "create_app", "serve"]
