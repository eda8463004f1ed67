"""The check in front of a service: keystonemiddleware's `auth_token`, as of 13.0.1, with the PKI part that it had until 5.x.

============ ========================================================================
`config`     the options of `[keystone_authtoken]`
`guard`      the algorithm, and the request context that it makes
`cache`      tokens that were found good, of one member of a service or of all
`offline`    PKI tokens verified without asking about each
`body`       the JSON body of a token, as it stands in PKI tokens
============ ========================================================================
"""

from actors.auth_token.cache import TokenCache
from actors.auth_token.config import AuthTokenConfig
from actors.auth_token.guard import REFUSED, AuthToken, Validator, context_of

__all__ = ["REFUSED", "AuthToken", "AuthTokenConfig", "TokenCache", "Validator", "context_of"]
