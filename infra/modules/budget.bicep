// A budget of the resource group: its owners and the addresses get mail at 80 and 100 percent, and when the forecast
// says 100. It stops nothing. Deleted, it is made anew by the next deployment: the way to change its amount.

@description('Name of the budget.')
param name string

@description('Amount of a month, in the currency of the subscription.')
@minValue(1)
param amount int

@description('First day of the first month, as 2026-12-01; not before this month.')
param startDate string

@description('Mail addresses to write to, besides the owners of the resource group.')
param emails string[]

// Made once: its first month must not be in the past then, and must not change later.
@onlyIfNotExists()
resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      actual80: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: emails
        contactRoles: [
          'Owner'
        ]
      }
      actual100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: emails
        contactRoles: [
          'Owner'
        ]
      }
      forecast100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: emails
        contactRoles: [
          'Owner'
        ]
      }
    }
  }
}
