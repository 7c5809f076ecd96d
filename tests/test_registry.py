import pytest

from cnnlab.errors import UnknownNameError
from cnnlab.registry import Registry


def test_names_are_sorted_and_entries_come_back():
    registry: Registry[int] = Registry("number")
    registry.add("two", 2)
    registry.add("one", 1)
    assert registry.names() == ["one", "two"] == list(registry)
    assert registry.get("two") == 2
    assert "one" in registry
    assert "three" not in registry
    assert len(registry) == 2


def test_a_name_is_registered_once():
    registry: Registry[int] = Registry("number")
    registry.add("one", 1)
    with pytest.raises(ValueError, match="registered twice"):
        registry.add("one", 1)


def test_an_unknown_name_gets_a_suggestion_or_the_choices():
    registry: Registry[int] = Registry("model")
    registry.add("resnet18", 1)
    registry.add("fastnet", 2)
    with pytest.raises(UnknownNameError, match=r"no model is called 'resnet'; did you mean 'resn"):
        registry.get("resnet")
    with pytest.raises(UnknownNameError, match="choose from: fastnet, resnet18"):
        registry.get("zzz")
