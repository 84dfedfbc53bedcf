// The thirteen alerts: twelve queries, and the availability test, which rings as well where no log arrives any more.
// Each query is a file in docs/operations whose rows are what is wrong: one row is an alert.
// What to do about each is a section of docs/operations.md.

@description('Region of the log alerts; the same as the workspace.')
param location string

@description('Log Analytics workspace that the queries read.')
param workspaceId string

@description('Application Insights component of the availability test.')
param applicationInsightsId string

@description('Availability test of /healthz.')
param availabilityTestId string

@description('Action group to notify; empty: alerts are shown in the portal only.')
param actionGroupId string

@description('Tags of every alert.')
param tags object

@description('Begins the name of every alert.')
param prefix string

var queryAlerts = [
  {
    name: 'batch-failed'
    title: 'A batch failed'
    severity: 2
    window: 'PT15M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-batch-failed.kql')
  }
  {
    name: 'request-failures'
    title: 'More than a tenth of the request lines of a model fail'
    severity: 2
    window: 'PT30M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-request-failures.kql')
  }
  {
    name: 'stuck-batch'
    title: 'A batch does not move'
    severity: 1
    window: 'PT1H'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-stuck-batch.kql')
  }
  {
    name: 'run-fails'
    title: 'The run of a batch fails every time'
    severity: 1
    window: 'PT30M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-run-fails.kql')
  }
  {
    name: 'window-at-risk'
    title: 'A batch will not be through when it expires'
    severity: 2
    window: 'PT30M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-window-at-risk.kql')
  }
  {
    name: 'upstream-throttling'
    title: 'An upstream refuses more than half of the calls for load'
    severity: 3
    window: 'PT30M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-upstream-throttling.kql')
  }
  {
    name: 'upstream-failing'
    title: 'More than half of the calls of an upstream fail'
    severity: 2
    window: 'PT30M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-upstream-failing.kql')
  }
  {
    name: 'enqueued-tokens'
    title: 'The enqueued tokens of a model are near their limit'
    severity: 3
    window: 'PT1H'
    every: 'PT30M'
    query: loadTextContent('../../docs/operations/alert-enqueued-tokens.kql')
  }
  {
    name: 'lane-paused'
    title: 'A batch waits for a sick upstream'
    severity: 3
    window: 'PT30M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-lane-paused.kql')
  }
  {
    name: 'spend-alert'
    title: 'A spend alert was reached'
    severity: 3
    window: 'PT15M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-spend-alert.kql')
  }
  {
    name: 'exceptions'
    title: 'The service met an error it did not expect'
    severity: 2
    window: 'PT15M'
    every: 'PT15M'
    query: loadTextContent('../../docs/operations/alert-exceptions.kql')
  }
  {
    name: 'server-errors'
    title: 'The app answers with server errors'
    severity: 1
    window: 'PT15M'
    every: 'PT5M'
    query: loadTextContent('../../docs/operations/alert-server-errors.kql')
  }
]

// The tables of a new workspace may not be there yet, so the queries are not tried at deployment.
resource queryAlert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in queryAlerts: {
  name: '${prefix}-${alert.name}'
  location: location
  tags: tags
  properties: {
    displayName: '${prefix}: ${alert.title}'
    description: '${alert.title}. Runbook: docs/operations.md#alert-${alert.name}'
    severity: alert.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: alert.every
    windowSize: alert.window
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    skipQueryValidation: true
    actions: {
      actionGroups: empty(actionGroupId) ? [] : [ actionGroupId ]
    }
  }
}]

resource unavailable 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${prefix}-unavailable'
  location: 'global'
  tags: tags
  properties: {
    description: 'The app does not answer from two or more places. Runbook: docs/operations.md#alert-unavailable'
    severity: 1
    enabled: true
    scopes: [
      availabilityTestId
      applicationInsightsId
    ]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: availabilityTestId
      componentId: applicationInsightsId
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: empty(actionGroupId) ? [] : [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}
