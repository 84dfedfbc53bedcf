// A team's own, with nothing kept ready: the first line of a batch may wait for a start. What it costs at rest:
// docs/operations.md#cost.
using '../main.bicep'

param name = 'batch-small'
param location = 'swedencentral'

param alwaysReadyDurable = 0
param logDailyCapGb = 1
param softDeleteDays = 0

param deployments = {
  'gpt-5-mini': {
    base_url: 'https://api.openai.com/v1'
    api_key_env: 'OPENAI_API_KEY'
    max_concurrency: 32
  }
}
// Set this for the first deployment only: BATCH_UPSTREAM_KEYS='{"OPENAI_API_KEY": "..."}'
param upstreamKeys = json(readEnvironmentVariable('BATCH_UPSTREAM_KEYS', '{}'))
