"""What the repository promises about itself."""

import importlib.metadata
import re
import sys
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def test_imports_point_one_way():
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True) == 0


def test_the_bus_imports_only_what_the_distribution_requires():
    required = {
        re.split(r"[^\w.-]", requirement)[0]
        for requirement in importlib.metadata.requires("stackrace") or []
        if "extra ==" not in requirement
    }
    graph = grimp.build_graph("bus", include_external_packages=True, cache_dir=None)
    outside = {name for name in graph.modules if graph.is_module_squashed(name)} - sys.stdlib_module_names
    providers = importlib.metadata.packages_distributions()

    assert {distribution for name in outside for distribution in providers[name]} <= required


@pytest.mark.parametrize("package", ["actors", "bus"])
def test_each_package_says_that_it_is_typed(package):
    assert (ROOT / package / "py.typed").is_file()
