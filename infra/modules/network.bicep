// The private network: a subnet for the app's outgoing calls, and private endpoints for all that it calls inside Azure.

@description('Region of the network.')
param location string

@description('Name of the network.')
param name string

@description('Tags of everything here.')
param tags object

@description('Addresses of the network: a block of /24 or larger.')
param addressPrefix string

@description('Storage account of the host and the task hub.')
param hostAccountId string

@description('Storage account of files and batches.')
param filesAccountId string

@description('The vault.')
param vaultId string

@description('The scheduler; empty: the task hub is in storage.')
param schedulerId string

@description('Azure OpenAI accounts that deployments call. The endpoint has to be approved there where the deployer may not.')
param modelAccountIds string[]

var storageSuffix = environment().suffixes.storage
var zoneNames = {
  blob: 'privatelink.blob.${storageSuffix}'
  queue: 'privatelink.queue.${storageSuffix}'
  table: 'privatelink.table.${storageSuffix}'
  vault: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
  scheduler: 'privatelink.durabletask.io'
  openai: 'privatelink.openai.azure.com'
  cognitive: 'privatelink.cognitiveservices.azure.com'
}
var zoneKeys = filter(objectKeys(zoneNames), key => contains(flatten(map(endpoints, endpoint => endpoint.zones)), key))
var ofScheduler = empty(schedulerId)
  ? []
  : [
      {
        name: 'scheduler'
        resourceId: schedulerId
        groupId: 'scheduler'
        zones: ['scheduler']
      }
    ]
var ofModels = map(modelAccountIds, account => {
  name: 'models-${uniqueString(account)}'
  resourceId: account
  groupId: 'account'
  zones: ['openai', 'cognitive']
})
var ownEndpoints = [
  {
    name: 'host-blob'
    resourceId: hostAccountId
    groupId: 'blob'
    zones: ['blob']
  }
  {
    name: 'host-queue'
    resourceId: hostAccountId
    groupId: 'queue'
    zones: ['queue']
  }
  {
    name: 'host-table'
    resourceId: hostAccountId
    groupId: 'table'
    zones: ['table']
  }
  {
    name: 'files-blob'
    resourceId: filesAccountId
    groupId: 'blob'
    zones: ['blob']
  }
  {
    name: 'files-table'
    resourceId: filesAccountId
    groupId: 'table'
    zones: ['table']
  }
  {
    name: 'vault'
    resourceId: vaultId
    groupId: 'vault'
    zones: ['vault']
  }
]
var endpoints = concat(ownEndpoints, ofScheduler, ofModels)

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for key in zoneKeys: {
    name: zoneNames[key]
    location: 'global'
    tags: tags
  }
]

resource zoneLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (key, index) in zoneKeys: {
    parent: zones[index]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for endpoint in endpoints: {
    name: 'pe-${name}-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: '${network.id}/subnets/endpoints'
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.resourceId
            groupIds: [
              endpoint.groupId
            ]
          }
        }
      ]
    }
  }
]

resource endpointZones 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        for zone in endpoint.zones: {
          name: zone
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneNames[zone])
          }
        }
      ]
    }
    dependsOn: [
      zones
    ]
  }
]

output appSubnetId string = '${network.id}/subnets/app'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
output networkId string = network.id
