"""What `make install PREFIX=DIR` puts into DIR/bin is found and used by the real kubectl."""
import os

import pytest

PLUGINS = ("snap", "restore", "clone")


@pytest.fixture(scope="module")
def with_installed(cluster, installed):
    """The kubectl of a user who has only the installed folder in PATH, and nothing of the build's."""
    folder = f"{installed}:{cluster.programs}:/usr/bin:/bin"
    return lambda *words: cluster.kubectl(*words, environment={"PATH": folder})


def test_plugins_and_completions_are_programs_in_bin(installed):
    for plugin in PLUGINS:
        for name in (f"kubectl-{plugin}", f"kubectl_complete-{plugin}"):
            assert os.access(installed / name, os.X_OK), name


def test_kubectl_lists_the_plugins_without_a_warning(with_installed, installed):
    listed = with_installed("plugin", "list").expect()
    for plugin in PLUGINS:
        assert str(installed / f"kubectl-{plugin}") in listed.out
    assert "warning" not in listed.text


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_plugin_says_its_version_and_how_it_is_used(with_installed, plugin):
    assert "0.1.0" in with_installed(plugin, "version").expect().out
    assert f"kubectl {plugin}" in with_installed(plugin, "--help").expect().out


def test_kubectl_completes_subcommands_and_names_of_the_cluster(with_installed, space):
    offered = with_installed("__complete", "snap", "").expect().out
    assert "create" in offered and "doctor" in offered
    space.claim("data")
    offered = with_installed("__complete", "snap", "create", "-n", space.name, "pvc/").expect().out
    assert "pvc/data" in offered
