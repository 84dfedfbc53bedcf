// The service's identity: one user-assigned identity, so that its roles outlive the app and are granted before it starts.

@description('Region of the identity.')
param location string

@description('Name of the identity.')
param name string

@description('Tags of the identity.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
