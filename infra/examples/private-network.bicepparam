// Nothing in public reach: storage, vault, models and the API itself answer in the private network only.
// Deploy the package, and read the first key, from a machine in the network (or peered with it).
using '../main.bicep'

param name = 'batch-private'
param location = 'swedencentral'

param privateNetwork = true
param publicApi = false
param networkAddresses = '10.70.0.0/24'
param storageRedundancy = 'Standard_ZRS'
param purgeProtection = true

param alertEmails = [
  'batch-operators@example.com'
]

param azureOpenAiAccounts = [
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-models/providers/Microsoft.CognitiveServices/accounts/models-private'
]
param deployments = {
  'gpt-5-mini': {
    kind: 'azure'
    base_url: 'https://models-private.openai.azure.com'
    max_concurrency: 128
  }
}
