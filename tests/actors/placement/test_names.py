import pytest

from actors.placement.errors import UnknownResourceClass, UnknownTrait
from actors.placement.names import check_classes, check_traits


def test_standard_and_custom_names_are_taken():
    check_classes(["VCPU", "PCPU", "CUSTOM_GOLD"])
    check_traits(["COMPUTE_STATUS_DISABLED", "OWNER_NOVA", "HW_CPU_X86_AVX2", "CUSTOM_RACK_7"])


@pytest.mark.parametrize("name", ["", "CPU", "vcpu", "CUSTOM_", "CUSTOM_gold", "VCPU "])
def test_what_is_no_resource_class_is_refused_by_name(name):
    with pytest.raises(UnknownResourceClass, match=f"No such resource class {name}"):
        check_classes([name])


@pytest.mark.parametrize("name", ["", "CUSTOM", "custom_x", "COMPUTE_", "FAST"])
def test_what_is_no_trait_is_refused_by_name(name):
    with pytest.raises(UnknownTrait, match=f"No such trait.s.: {name}"):
        check_traits([name])
