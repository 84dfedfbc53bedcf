// A team's own: nothing is paid while nothing runs but storage and logs. The first line of a batch may wait for a start.
using '../main.bicep'

param name = 'batch-small'
param location = 'swedencentral'
param operatorId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')

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
param upstreamKeyNames = [
  'OPENAI_API_KEY'
]
// Set this for the first deployment only: BATCH_UPSTREAM_KEYS='{"OPENAI_API_KEY": "..."}'
param upstreamKeys = json(readEnvironmentVariable('BATCH_UPSTREAM_KEYS', '{}'))
