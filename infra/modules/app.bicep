// The Flex Consumption plan and the function app on it. Its settings are in settings.bicep.

@description('Region of plan and app.')
param location string

@description('Name of the plan.')
param planName string

@description('Name of the app, in the whole of Azure.')
param name string

@description('Tags of both; azd finds the app by `azd-service-name`.')
param tags object

@description('Resource id of the service\'s identity.')
param identityId string

@description('URL of the blob container that holds the deployed package.')
param packageContainerUrl string

@description('Version of Python.')
param pythonVersion string

@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@description('Most instances at a time.')
param maximumInstanceCount int

@description('Instances kept ready for orchestrators and activities.')
param alwaysReadyDurable int

@description('Instances kept ready for API calls.')
param alwaysReadyHttp int

@description('API calls one instance serves at a time.')
param httpConcurrency int

@description('true: instances are spread over availability zones.')
param zoneRedundant bool

@description('Subnet for outgoing calls; empty: none.')
param subnetId string

@description('false: only private endpoints reach the app.')
param publicAccess bool

var readyDurable = alwaysReadyDurable > 0
  ? [
      {
        name: 'durable'
        instanceCount: alwaysReadyDurable
      }
    ]
  : []
var readyHttp = alwaysReadyHttp > 0
  ? [
      {
        name: 'http'
        instanceCount: alwaysReadyHttp
      }
    ]
  : []

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: concat(readyDurable, readyHttp)
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [
    noFtpPassword // one change of the site at a time
  ]
}

output id string = app.id
output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
