"""The options: what is refused, and how."""

import pytest

from actors.auth_token import AuthTokenConfig

NONSENSE = [
    ("token_cache_time", -2),
    ("token_cache_time", -300),
    ("http_request_max_retries", -1),
    ("revocation_cache_time", -0.5),
    ("hash_algorithms", ()),
    ("hash_algorithms", ("md5", "rot13")),
    ("hash_algorithms", ("shake_128",)),
]


@pytest.mark.parametrize(("option", "value"), NONSENSE)
def test_nonsense_is_refused_by_the_name_of_the_option(option, value):
    with pytest.raises(ValueError, match=option):
        AuthTokenConfig(**{option: value})


def test_the_defaults_are_those_of_the_middleware():
    assert AuthTokenConfig() == AuthTokenConfig(
        token_cache_time=300,
        service_token_roles=("service",),
        service_token_roles_required=True,
        delay_auth_decision=False,
        http_request_max_retries=3,
        revocation_cache_time=10,
        check_revocations_for_cached=False,
        hash_algorithms=("md5",),
    )
