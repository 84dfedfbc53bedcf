// A private endpoint for callers: with public access off, the API is reached through the network only.

@description('Region of the endpoint.')
param location string

@description('Tags of everything here.')
param tags object

@description('The function app.')
param appId string

@description('Name of the function app.')
param appName string

@description('Subnet of the private endpoints.')
param subnetId string

@description('Network whose members find the app by its usual name.')
param networkId string

// Azure's public cloud; other clouds have another name.
var zoneName = 'privatelink.azurewebsites.net'

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: zoneName
  location: 'global'
  tags: tags
}

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: 'app'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: networkId
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: 'pe-${appName}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: subnetId
    }
    privateLinkServiceConnections: [
      {
        name: 'app'
        properties: {
          privateLinkServiceId: appId
          groupIds: [
            'sites'
          ]
        }
      }
    ]
  }
}

resource endpointZone 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: 'sites'
        properties: {
          privateDnsZoneId: zone.id
        }
      }
    ]
  }
}
