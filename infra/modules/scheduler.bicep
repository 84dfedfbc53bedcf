// Durable Task Scheduler with one task hub: the other home of the durable history. Entra ID only.

@description('Region of the scheduler.')
param location string

@description('Name of the scheduler.')
param name string

@description('Tags of the scheduler.')
param tags object

@description('Name of the task hub.')
param hubName string

@description('Consumption: billed by action, about 500 a second. Dedicated: capacity units.')
@allowed([
  'Consumption'
  'Dedicated'
])
param sku string

@description('Capacity units of Dedicated; 3 are highly available.')
@minValue(1)
@maxValue(3)
param capacity int

@description('false: only private endpoints reach the scheduler.')
param publicAccess bool

@description('Days the histories of finished runs are kept; purge_history removes them earlier where it can.')
@minValue(1)
param retentionDays int = 14

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    // An empty list denies everybody. A role is needed in any case.
    ipAllowlist: [
      '0.0.0.0/0'
    ]
    sku: sku == 'Dedicated'
      ? {
          name: 'Dedicated'
          capacity: capacity
        }
      : {
          name: 'Consumption'
        }
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: hubName
}

resource retention 'Microsoft.DurableTask/schedulers/retentionPolicies@2026-02-01' = {
  parent: scheduler
  name: 'default'
  properties: {
    retentionPolicies: [
      {
        retentionPeriodInDays: retentionDays
      }
    ]
  }
}

output id string = scheduler.id
output name string = scheduler.name
output endpoint string = scheduler.properties.endpoint
output dashboardUrl string = hub.properties.dashboardUrl
