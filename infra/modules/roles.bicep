// Who may do what, each role on the one resource it is for. No role is granted on the resource group.

@description('Principal id of the service\'s identity.')
param servicePrincipalId string

@description('true: who runs the service may read and write secrets, and look at the scheduler.')
param hasOperator bool

@description('Object id of who runs the service.')
param operatorId string

@description('What the operator is; empty: Azure looks it up.')
param operatorType string

@description('Storage account of the host and the task hub.')
param hostAccountName string

@description('Storage account of files and batches.')
param filesAccountName string

@description('The vault.')
param vaultName string

@description('Application Insights component that takes the telemetry.')
param componentName string

@description('Durable Task Scheduler; empty: the task hub is in the storage account of the host.')
param schedulerName string

var roles = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  durableTaskDataContributor: '0ad04412-c4d5-4796-b79c-f76d14c8d402'
}

// Queues and tables of the host's account are the task hub's and the host's own diagnostics.
var onHostAccount = [
  roles.storageBlobDataOwner
  roles.storageQueueDataContributor
  roles.storageTableDataContributor
]
var onFilesAccount = [
  roles.storageBlobDataContributor
  roles.storageTableDataContributor
]

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: hostAccountName
}

resource filesAccount 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: filesAccountName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' existing = if (!empty(schedulerName)) {
  name: empty(schedulerName) ? 'none' : schedulerName
}

resource serviceOnHostAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onHostAccount: {
    scope: hostAccount
    name: guid(hostAccount.id, servicePrincipalId, role)
    properties: {
      principalId: servicePrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource serviceOnFilesAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onFilesAccount: {
    scope: filesAccount
    name: guid(filesAccount.id, servicePrincipalId, role)
    properties: {
      principalId: servicePrincipalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
  }
]

resource serviceOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, servicePrincipalId, roles.keyVaultSecretsUser)
  properties: {
    principalId: servicePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

resource serviceOnComponent 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: component
  name: guid(component.id, servicePrincipalId, roles.monitoringMetricsPublisher)
  properties: {
    principalId: servicePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
  }
}

resource serviceOnScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(schedulerName)) {
  scope: scheduler
  name: guid(scheduler.id, servicePrincipalId, roles.durableTaskDataContributor)
  properties: {
    principalId: servicePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.durableTaskDataContributor)
  }
}

resource operatorOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasOperator) {
  scope: vault
  name: guid(vault.id, operatorId, roles.keyVaultSecretsOfficer)
  properties: {
    principalId: operatorId
    principalType: empty(operatorType) ? null : operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
  }
}

// The dashboard of the scheduler asks for the role, too.
resource operatorOnScheduler 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasOperator && !empty(schedulerName)) {
  scope: scheduler
  name: guid(scheduler.id, operatorId, roles.durableTaskDataContributor)
  properties: {
    principalId: operatorId
    principalType: empty(operatorType) ? null : operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.durableTaskDataContributor)
  }
}
