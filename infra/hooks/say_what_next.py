"""Prints, after the resources are made, how to see the first key and how to try the service. azd sets the names."""

# ruff: noqa: INP001  (a script that azd runs, no package)
from __future__ import annotations

import os
import sys
from collections.abc import Mapping

READ_KEY = (
    "az keyvault secret show --vault-name {BATCH_VAULT_NAME} --name {BATCH_FIRST_KEY_NAME} --query value --output tsv"
)
NEXT = f"""
Durable Batch is at {{BATCH_URL}}

See the first API key (it is kept in the vault; whoever may read secrets there can see it):
  {READ_KEY}

Once the app is deployed, see whether it works (some minutes; it uploads 201 MB):
  scripts/smoke {{BATCH_URL}} "$({READ_KEY})"

Give each team a project and a key of its own:
  export OPENAI_BASE_URL={{BATCH_URL}}/v1 OPENAI_ADMIN_KEY="$({READ_KEY})"
  scripts/admin create-project Research
  scripts/admin create-key Research "nightly job"
"""
NO_MODELS = """
There is no model yet. Name one, and deploy again:
  azd env set BATCH_DEPLOYMENTS '{"gpt-5-mini": {"kind": "azure", "base_url": "https://NAME.openai.azure.com"}}'
  azd env set BATCH_AZURE_OPENAI_ACCOUNTS '["RESOURCE ID OF THE ACCOUNT"]'
  azd provision
"""
NAMES = ("BATCH_URL", "BATCH_VAULT_NAME", "BATCH_FIRST_KEY_NAME")


def message(environment: Mapping[str, str]) -> str:
    """What to do next. Raises SystemExit where azd has not set the names."""
    if missing := [name for name in NAMES if not environment.get(name)]:
        raise SystemExit(
            f"{', '.join(missing)} not set: run `azd provision`, which sets what infra/main.bicep puts out."
        )
    text = NEXT.format_map({name: environment[name] for name in NAMES})
    return text if environment.get("BATCH_DEPLOYMENTS", "{}").strip() not in ("", "{}") else text + NO_MODELS


if __name__ == "__main__":
    sys.stdout.write(message(os.environ))
