// Many batches a day on Azure OpenAI by managed identity: zones, the scheduler, alerts by mail, a budget. No key anywhere.
// Zones alone keep two instances ready for each scale group: docs/operations.md#cost has what that costs at rest.
using '../main.bicep'

param name = 'batch-prod'
param location = 'swedencentral'
// The group of those who run the service: its object id.
param operatorId = '00000000-0000-0000-0000-000000000000'
param operatorType = 'Group'
param tags = {
  service: 'durable-batch'
}

param instanceMemoryMB = 4096
param maximumInstanceCount = 100
param alwaysReadyDurable = 2
param alwaysReadyHttp = 2
param zoneRedundant = true
param storageRedundancy = 'Standard_ZRS'
param extraSettings = {
  BATCH_LANES: '8'
}

param softDeleteDays = 14
param purgeProtection = true
param logRetentionDays = 90

// The package must match: scripts/package --host host.dts.json
param durableBackend = 'scheduler'
param schedulerSku = 'Dedicated'
param schedulerCapacity = 3

param alertEmails = [
  'batch-operators@example.com'
]
param budgetAmount = 2000

param azureOpenAiAccounts = [
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-models/providers/Microsoft.CognitiveServices/accounts/models-sweden'
]
param deployments = {
  'gpt-5-mini': {
    kind: 'azure'
    base_url: 'https://models-sweden.openai.azure.com'
    model: 'gpt-5-mini'
    max_concurrency: 256
    requests_per_minute: 3000
    tokens_per_minute: 3000000
    enqueued_token_limit: 500000000
  }
}
