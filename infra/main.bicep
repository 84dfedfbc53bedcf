// Durable Batch on Azure: one resource group and everything in it. infra/README.md says how to deploy.

targetScope = 'subscription'

import { apiKeySettings, deployment, isOwn, secretName, serviceSettings } from 'modules/settings.bicep'
import { flexRegions } from 'modules/regions.bicep'

@description('Name of the installation; part of the names of its resources, with a hyphen for every other sign.')
@minLength(2)
@maxLength(20)
param name string

@description('Region. Needs Flex Consumption: `az functionapp list-flexconsumption-locations` lists those that have it.')
param location string

@description('Regions that got Flex Consumption after this template was written, as swedencentral.')
param furtherRegions string[] = []

@description('Tags of every resource.')
param tags object = {}

// --- Models

@description('Model name -> where it is and how hard it may be driven: BATCH_DEPLOYMENTS. Never a key in here.')
param deployments { *: deployment } = {}

@description('Resource ids of Azure OpenAI accounts the service may call with its identity.')
param azureOpenAiAccounts string[] = []

@description('Setting that a deployment names as api_key_env -> key. Only those that are new or changed; the vault keeps the others.')
@secure()
param upstreamKeys object = {}

// --- The first key

@description('The first API key. Used by the first deployment only; without it, one is made.')
@secure()
@minLength(32)
param bootstrapKey string = 'db_${newGuid()}${newGuid()}'

@description('Name:secret, under which keys are stored. Used by the first deployment only; without it, one is made.')
@secure()
@minLength(34)
param keyPeppers string = '1:${newGuid()}${newGuid()}'

@description('Object id of whoever runs the service and may read the vault; empty: who deploys; none: nobody.')
param operatorId string = ''

@description('What the operator is; empty: Azure looks it up. Needed for a principal that was made minutes ago.')
@allowed([
  ''
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorType string = ''

// --- Size

@description('Version of Python.')
@allowed([
  '3.11'
  '3.12'
  '3.13'
])
param pythonVersion string = '3.13'

@description('Memory of an instance in MB; more memory, more processor. With httpConcurrency it says how large uploads may be: docs/operations.md, Uploads.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Most instances on demand of each scale group: the API, the runs of batches, every timer. Those kept ready are not counted.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances kept ready for running batches, and paid for. 0: a batch may begin some ten seconds later.')
@minValue(0)
param alwaysReadyDurable int = 1

@description('Instances kept ready for API calls.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('API calls one instance serves at a time. The Functions host holds four times an upload of a known length in memory: 1 for 2048 MB, 3 for 4096 MB (docs/operations.md, Uploads).')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 1

@description('true: instances and data are spread over zones. Keeps two instances ready, and paid for, for each scale group: docs/operations.md#cost. Needs ZRS; not every region can.')
param zoneRedundant bool = false

@description('How storage is replicated.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageRedundancy string = 'Standard_LRS'

@description('Further settings of the service: docs/settings.md.')
param extraSettings serviceSettings = {}

// --- Keeping

@description('Days a deleted file can be brought back by an operator; 0: not at all.')
@minValue(0)
@maxValue(365)
param softDeleteDays int = 7

@description('Days after which working data that nobody reads is removed, should the service have missed it.')
@minValue(30)
param leftoverDays int = 90

@description('true: the vault cannot be purged for 90 days after its removal. Cannot be taken back.')
param purgeProtection bool = false

@description('true, once: takes back the vault of an installation of this name that was deleted, with its keys.')
param recoverVault bool = false

@description('Days telemetry is kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Gigabytes of telemetry a day after which no more is taken; -1: no cap.')
@minValue(-1)
param logDailyCapGb int = -1

// --- Switches

@description('Where the durable history is. scheduler: the package must hold host.dts.json as its host.json.')
@allowed([
  'storage'
  'scheduler'
])
param durableBackend string = 'storage'

@description('Billing of the Durable Task Scheduler.')
@allowed([
  'Consumption'
  'Dedicated'
])
param schedulerSku string = 'Consumption'

@description('Capacity units of a dedicated scheduler; 3 are highly available.')
@minValue(1)
@maxValue(3)
param schedulerCapacity int = 1

@description('true: storage, vault, scheduler and Azure OpenAI accounts are reached through a private network only.')
param privateNetwork bool = false

@description('Addresses of the private network: a block of /24 or larger.')
param networkAddresses string = '10.70.0.0/24'

@description('false, with a private network: callers, too, must come through the network.')
param publicApi bool = true

@description('Client id of an app registration: switches on sign-in with Entra ID. API keys go on working.')
param signinClientId string = ''

@description('Id of the Entra tenant whose access tokens are taken beside API keys; empty: none are. docs/entra.md.')
param entraTenant string = ''

@description('What tokens must be made for, comma-separated: client id and application ID URI of the app registration.')
param entraAudience string = ''

@description('groups:<object id>, roles:<name> or azp:<client id> -> project, as proj_… or default.')
param entraProjects { *: string } = {}

@description('Client id of the app registration as which the page lets people sign in with Microsoft; empty: it asks for a key or token.')
param entraPageClient string = ''

@description('Mail addresses for alerts and the budget; none: alerts are shown in the portal only.')
param alertEmails string[] = []

@description('Budget of the resource group a month, in the currency of the subscription; 0: none. To change it later, delete the budget first.')
@minValue(0)
param budgetAmount int = 0

@description('First month of the budget. Used when the budget is made, and never again.')
param budgetStart string = utcNow('yyyy-MM-01')

// --- What cannot work, said before anything is made

var keySettings = apiKeySettings(deployments)
var ownSettings = filter(keySettings, setting => isOwn(setting) || contains(ownSecrets, secretName(setting)))
var problems = filter(
  [
    contains(union(flexRegions, furtherRegions), toLower(replace(location, ' ', '')))
      ? ''
      : 'location ${location} has no Flex Consumption. Take one that `az functionapp list-flexconsumption-locations` lists; if it lists this one, name it in furtherRegions.'
    zoneRedundant && !contains(storageRedundancy, 'ZRS')
      ? 'zoneRedundant needs data in several zones, too: set storageRedundancy to Standard_ZRS or Standard_GZRS.'
      : ''
    empty(entraTenant) == empty(entraAudience)
      ? ''
      : 'entraTenant and entraAudience need each other: whose tokens are taken, and what they must be made for.'
    !publicApi && !privateNetwork ? 'publicApi = false needs privateNetwork = true: nobody could reach the API.' : ''
    empty(ownSettings)
      ? ''
      : 'api_key_env must not name a setting or a secret of the service itself: ${join(ownSettings, ', ')}. Give the key another name, as OPENAI_API_KEY.'
    length(keySettings) == length(union(map(keySettings, setting => secretName(setting)), []))
      ? ''
      : 'Names under api_key_env that differ in case only would share a secret: ${join(keySettings, ', ')}. Write them alike.'
  ],
  problem => !empty(problem)
)
var checkedName = empty(problems) ? name : fail(join(problems, ' '))

var token = uniqueString(subscription().id, name, location)
var plainName = reduce(['_', '.', '(', ')'], checkedName, (made, sign) => replace(made, sign, '-'))
var allTags = union(tags, { 'azd-env-name': name })
var hubName = 'durablebatch'
var packageContainer = 'app-package'
var bootstrapKeyName = 'bootstrap-key'
var keyPeppersName = 'key-peppers'
var ownSecrets = [bootstrapKeyName, keyPeppersName]
var useScheduler = durableBackend == 'scheduler'
var reachable = publicApi || !privateNetwork

// What shared/azure/names.py names; made here so that no request pays for it. The app makes what is missing.
var filesContainer = 'batchfiles'
var filesTables = [
  'BatchFiles'
  'Batches'
  'BatchChunks'
  'BatchLanes'
  'BatchCreations'
  'BatchUploads'
  'WebhookEndpoints'
  'WebhookDeliveries'
  'BatchSpending'
  'Organization'
  'Projects'
  'ServiceAccounts'
  'ApiKeys'
  'AuditLog'
  'BatchUsage'
]
var workingPrefixes = [
  'inputs/'
  'journals/'
  'plans/'
]

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${plainName}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    location: location
    name: 'id-${plainName}-${token}'
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    location: location
    workspaceName: 'log-${token}'
    componentName: 'appi-${token}'
    tags: allTags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module hostStorage 'modules/storage.bicep' = {
  scope: group
  name: 'host-storage'
  params: {
    location: location
    name: 'sthost${token}'
    tags: allTags
    redundancy: storageRedundancy
    containers: [
      packageContainer
    ]
    leftoverPrefixes: [
      '${hubName}-largemessages/'
    ]
    leftoverDays: leftoverDays
    publicAccess: !privateNetwork
  }
}

module filesStorage 'modules/storage.bicep' = {
  scope: group
  name: 'files-storage'
  params: {
    location: location
    name: 'stfile${token}'
    tags: allTags
    redundancy: storageRedundancy
    containers: [
      filesContainer
    ]
    tables: filesTables
    softDeleteDays: softDeleteDays
    leftoverPrefixes: [for prefix in workingPrefixes: '${filesContainer}/${prefix}']
    leftoverDays: leftoverDays
    publicAccess: !privateNetwork
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    location: location
    name: 'kv-${token}'
    tags: allTags
    bootstrapKeyName: bootstrapKeyName
    bootstrapKey: bootstrapKey
    keyPeppersName: keyPeppersName
    keyPeppers: keyPeppers
    keySettings: keySettings
    upstreamKeys: upstreamKeys
    recover: recoverVault
    purgeProtection: purgeProtection
    publicAccess: !privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module scheduler 'modules/scheduler.bicep' = if (useScheduler) {
  scope: group
  name: 'scheduler'
  params: {
    location: location
    name: 'dts-${token}'
    tags: allTags
    hubName: hubName
    sku: schedulerSku
    capacity: schedulerCapacity
    publicAccess: !privateNetwork
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  name: 'network'
  params: {
    location: location
    name: 'vnet-${token}'
    tags: allTags
    addressPrefix: networkAddresses
    hostAccountId: hostStorage.outputs.id
    filesAccountId: filesStorage.outputs.id
    vaultId: vault.outputs.id
    schedulerId: useScheduler ? scheduler!.outputs.id : ''
    modelAccountIds: azureOpenAiAccounts
  }
}

module roles 'modules/roles.bicep' = {
  scope: group
  name: 'roles'
  params: {
    servicePrincipalId: identity.outputs.principalId
    hasOperator: operatorId != 'none'
    operatorId: empty(operatorId) ? deployer().objectId : operatorId
    operatorType: operatorType
    hostAccountName: hostStorage.outputs.name
    filesAccountName: filesStorage.outputs.name
    vaultName: vault.outputs.name
    componentName: monitoring.outputs.componentName
    schedulerName: useScheduler ? scheduler!.outputs.name : ''
  }
}

module upstreamRoles 'modules/upstreamRole.bicep' = [
  for (account, index) in azureOpenAiAccounts: {
    scope: resourceGroup(split(account, '/')[2], split(account, '/')[4])
    name: 'upstream-role-${token}-${index}'
    params: {
      accountName: last(split(account, '/'))
      servicePrincipalId: identity.outputs.principalId
    }
  }
]

module app 'modules/app.bicep' = {
  scope: group
  name: 'app'
  params: {
    location: location
    planName: 'plan-${token}'
    name: 'func-${toLower(plainName)}-${token}'
    tags: allTags
    identityId: identity.outputs.id
    packageContainerUrl: '${hostStorage.outputs.blobEndpoint}${packageContainer}'
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyDurable: alwaysReadyDurable
    alwaysReadyHttp: alwaysReadyHttp
    httpConcurrency: httpConcurrency
    zoneRedundant: zoneRedundant
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    publicAccess: reachable
  }
  dependsOn: [
    roles
  ]
}

module settings 'modules/settings.bicep' = {
  scope: group
  name: 'settings'
  params: {
    appName: app.outputs.name
    identityClientId: identity.outputs.clientId
    hostBlobEndpoint: hostStorage.outputs.blobEndpoint
    hostQueueEndpoint: hostStorage.outputs.queueEndpoint
    hostTableEndpoint: hostStorage.outputs.tableEndpoint
    filesBlobEndpoint: filesStorage.outputs.blobEndpoint
    filesTableEndpoint: filesStorage.outputs.tableEndpoint
    componentName: monitoring.outputs.componentName
    vaultUri: vault.outputs.uri
    bootstrapKeyName: bootstrapKeyName
    keyPeppersName: keyPeppersName
    hubName: hubName
    useScheduler: useScheduler
    schedulerEndpoint: useScheduler ? scheduler!.outputs.endpoint : ''
    deployments: deployments
    signin: !empty(signinClientId)
    entraTenant: entraTenant
    entraAudience: entraAudience
    entraProjects: entraProjects
    entraPageClient: entraPageClient
    extraSettings: extraSettings
  }
}

module privateApp 'modules/privateApp.bicep' = if (!reachable) {
  scope: group
  name: 'private-app'
  params: {
    location: location
    tags: allTags
    appId: app.outputs.id
    appName: app.outputs.name
    subnetId: network!.outputs.endpointSubnetId
    networkId: network!.outputs.networkId
  }
}

module signin 'modules/signin.bicep' = if (!empty(signinClientId)) {
  scope: group
  name: 'signin'
  params: {
    appName: app.outputs.name
    clientId: signinClientId
  }
  dependsOn: [
    settings
  ]
}

module availability 'modules/availability.bicep' = {
  scope: group
  name: 'availability'
  params: {
    location: location
    name: 'healthz-${token}'
    tags: allTags
    componentId: monitoring.outputs.componentId
    appUrl: app.outputs.url
    enabled: reachable
  }
}

module actions 'modules/actions.bicep' = if (!empty(alertEmails)) {
  scope: group
  name: 'actions'
  params: {
    name: 'ag-${token}'
    tags: allTags
    emails: alertEmails
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    location: location
    workspaceId: monitoring.outputs.workspaceId
    applicationInsightsId: monitoring.outputs.componentId
    availabilityTestId: availability.outputs.id
    actionGroupId: !empty(alertEmails) ? actions!.outputs.id : ''
    tags: allTags
    prefix: plainName
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    location: location
    applicationInsightsId: monitoring.outputs.componentId
    workspaceId: monitoring.outputs.workspaceId
    name: 'Durable Batch ${name}'
    tags: allTags
  }
}

module budget 'modules/budget.bicep' = if (budgetAmount > 0) {
  scope: group
  name: 'budget'
  params: {
    name: 'budget-${plainName}'
    amount: max(budgetAmount, 1)
    startDate: budgetStart
    emails: alertEmails
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output BATCH_APP_NAME string = app.outputs.name
output BATCH_URL string = app.outputs.url
output BATCH_VAULT_NAME string = vault.outputs.name
output BATCH_FIRST_KEY_NAME string = bootstrapKeyName
output BATCH_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output BATCH_DASHBOARD_URL string = useScheduler ? scheduler!.outputs.dashboardUrl : ''
