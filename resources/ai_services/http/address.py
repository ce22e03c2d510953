"""Where a service is: the policy says it, or an environment variable that the policy names."""

import os

from orchestration_assets.schemas.addresses import address_problem
from orchestration_assets.schemas.services import HttpConfig
from orchestration_assets.text.replies.call_errors import BadEnvironmentVariable


def base_url(config: HttpConfig) -> str:
    """The address up to its paths, without a slash at its end.

    Raises BadEnvironmentVariable when its environment variable is not set or holds no address.
    """
    if config.base_url is not None:
        return config.base_url.rstrip("/")
    variable = config.base_url_env
    # a file that an address is read from ends in a newline
    value = os.environ.get(variable or "", "").strip()
    if not value:
        raise BadEnvironmentVariable(
            f"the environment variable {variable} is not set: export it with the address of the "
            "service, such as http://localhost:8000/v1"
        )
    if (problem := address_problem(value)) is not None:
        # what it holds is not shown: it may be a secret in the wrong place
        raise BadEnvironmentVariable(
            f"the environment variable {variable} holds no address: {problem}"
        )
    return value.rstrip("/")
