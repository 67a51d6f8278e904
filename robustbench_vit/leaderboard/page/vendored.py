"""JavaScript of other people, out of packages, ready to stand inside a page that makes no request."""

import re
from functools import cache
from importlib.resources import files

import altair as alt
import vl_convert


@cache
def vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, in the version Altair writes for."""
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=version)
    return _inside(bundle)


@cache
def datatables() -> tuple[str, str]:
    """DataTables with its extensions: the script, which sets ``window.DataTable``, and its style sheet."""
    folder = files("itables") / "html"
    script = (folder / "dt_bundle.js").read_text(encoding="utf-8")
    style = (folder / "dt_bundle.css").read_text(encoding="utf-8")
    # A module's exports cannot be imported from within a page.
    exported = re.sub(r"export\s*\{[^}]*?(\w+) as default[^}]*\};?", r"window.DataTable=\1;", script)
    return _inside(exported), _inside(style)


def _inside(text: str) -> str:
    """Within a script or style element the text must not look like the element's end."""
    return re.sub(r"</(?=script|style)", r"<\\/", text)
