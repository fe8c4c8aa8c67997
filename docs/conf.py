"""The documentation site: sphinx-build docs site, without a network.

BOUNDS_NOTEBOOKS names a folder of executed notebooks (those of the repository keep their last outputs), BOUNDS_FIGURES one
of quick figures, which are made where it is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS / "_ext")]
os.environ.setdefault("MPLBACKEND", "Agg")

import api
import atlas
import gallery
import theory
import tutorials

from bounds.version import __version__

project = "bounds"
copyright = "The bounds authors, Apache-2.0"
author = "The bounds authors"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_nb",
    "sphinx_design",
    "sphinx_copybutton",
    "mathml",
    "palette",
    "words",
    "styles",
]
exclude_patterns = ["_ext", "_templates", "build", "jupyter_execute"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/latex", 5)]
default_role = "literal"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "bounds"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_nav_level": 1,
    "collapse_navigation": True,
    "navigation_depth": 3,
}


def _figures() -> Path:
    folder = Path(os.environ.get("BOUNDS_FIGURES", DOCS / "build" / "figures"))
    if not any(folder.glob("*.png")):
        command = [
            sys.executable,
            str(ROOT / "paper_figs" / "regenerate.py"),
            "--quick",
            "--out",
            str(folder),
        ]
        subprocess.run(command, check=True, cwd=ROOT)
    return folder


def _made(app: object) -> None:
    """What the package says about itself, as pages."""
    tutorials.write(Path(os.environ.get("BOUNDS_NOTEBOOKS", ROOT / "notebooks")), DOCS / "tutorials")
    gallery.write(ROOT / "paper_figs", _figures(), DOCS / "gallery")
    api.write(DOCS / "api")
    atlas.write(ROOT / "paper_figs" / "results", DOCS)
    theory.write(DOCS)


def setup(app: object) -> None:
    """Pages are made before Sphinx looks for them."""
    app.connect("builder-inited", _made, priority=1)
    app.connect("source-read", tutorials.inside)
    app.connect("autodoc-process-docstring", api.docstring, priority=1)
