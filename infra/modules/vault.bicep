// The vault and its secrets: the first API key, the peppers and the keys of upstreams. Roles decide who reads them.

import { secretName } from 'settings.bicep'

@description('Region of the vault.')
param location string

@description('Name of the vault, in the whole of Azure.')
param name string

@description('Tags of the vault.')
param tags object

@description('Name of the secret that holds the first API key.')
param bootstrapKeyName string

@description('The first API key; written once, later deployments leave the secret as it is.')
@secure()
param bootstrapKey string

@description('Name of the secret that holds the peppers, under which keys are stored.')
param keyPeppersName string

@description('The peppers; written once, later deployments leave the secret as it is: without it no key opens anything.')
@secure()
param keyPeppers string

@description('Settings that hold keys of upstreams.')
param keySettings string[]

@description('Setting name -> key of an upstream; those not given keep the secret they have.')
@secure()
param upstreamKeys object

@description('true: nobody can purge the vault before 90 days are over. Cannot be taken back.')
param purgeProtection bool

@description('true: a deleted vault of this name is taken back.')
param recover bool

@description('false: only private endpoints and Azure Resource Manager reach the vault.')
param publicAccess bool

@description('Workspace that keeps who read which secret.')
param workspaceId string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    createMode: recover ? 'recover' : 'default'
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: purgeProtection ? true : null
    enabledForTemplateDeployment: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: publicAccess ? 'Allow' : 'Deny'
    }
  }
}

@onlyIfNotExists()
resource firstKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: bootstrapKeyName
  properties: {
    value: bootstrapKey
    contentType: 'API key of Durable Batch'
  }
}

// One write at a time: the vault refuses a second one beside it.
@onlyIfNotExists()
resource firstPeppers 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: keyPeppersName
  properties: {
    value: keyPeppers
    contentType: 'Peppers of the API keys of Durable Batch'
  }
  dependsOn: [
    firstKey
  ]
}

@batchSize(1)
resource keysOfUpstreams 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = [
  for setting in keySettings: if (contains(upstreamKeys, setting)) {
    parent: vault
    name: secretName(setting)
    properties: {
      value: upstreamKeys[setting]
      contentType: 'Key of an upstream'
    }
    dependsOn: [
      firstPeppers
    ]
  }
]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

output id string = vault.id
output name string = vault.name
output uri string = vault.properties.vaultUri
