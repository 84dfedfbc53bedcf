// What `azd up` deploys: every value can be set with `azd env set NAME VALUE`, and none needs to be.
using './main.bicep'

param name = readEnvironmentVariable('AZURE_ENV_NAME', 'durable-batch')
param location = readEnvironmentVariable('AZURE_LOCATION', 'swedencentral')
param operatorId = readEnvironmentVariable('BATCH_OPERATOR_ID', '')
param operatorType = readEnvironmentVariable('BATCH_OPERATOR_TYPE', '')

param deployments = json(readEnvironmentVariable('BATCH_DEPLOYMENTS', '{}'))
param azureOpenAiAccounts = json(readEnvironmentVariable('BATCH_AZURE_OPENAI_ACCOUNTS', '[]'))
param upstreamKeys = json(readEnvironmentVariable('BATCH_UPSTREAM_KEYS', '{}'))

param durableBackend = readEnvironmentVariable('BATCH_DURABLE_BACKEND', 'storage')
param recoverVault = bool(readEnvironmentVariable('BATCH_RECOVER_VAULT', 'false'))
param privateNetwork = bool(readEnvironmentVariable('BATCH_PRIVATE_NETWORK', 'false'))
param signinClientId = readEnvironmentVariable('BATCH_SIGNIN_CLIENT_ID', '')
param entraTenant = readEnvironmentVariable('BATCH_ENTRA_TENANT', '')
param entraAudience = readEnvironmentVariable('BATCH_ENTRA_AUDIENCE', '')
param entraProjects = json(readEnvironmentVariable('BATCH_ENTRA_PROJECTS', '{}'))
param entraPageClient = readEnvironmentVariable('BATCH_ENTRA_PAGE_CLIENT', '')
param alertEmails = json(readEnvironmentVariable('BATCH_ALERT_EMAILS', '[]'))
param extraSettings = json(readEnvironmentVariable('BATCH_EXTRA_SETTINGS', '{}'))
