// Asks /healthz from five places every five minutes. What follows from a silence is in alerts.bicep.

@description('Region of the test; the same as the component.')
param location string

@description('Name of the test.')
param name string

@description('Tags of the test.')
param tags object

@description('Application Insights component that shows the results.')
param componentId string

@description('Address of the app.')
param appUrl string

@description('false: the test rests, because the app cannot be reached from outside.')
param enabled bool

var places = [
  'emea-nl-ams-azr'
  'emea-gb-db3-azr'
  'us-va-ash-azr'
  'us-ca-sjc-azr'
  'apac-sg-sin-azr'
]

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: name
  location: location
  tags: union(tags, { 'hidden-link:${componentId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: name
    Name: name
    Description: 'The service answers.'
    Enabled: enabled
    Kind: 'standard'
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [
      for place in places: {
        Id: place
      }
    ]
    Request: {
      HttpVerb: 'GET'
      RequestUrl: '${appUrl}/healthz'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

output id string = test.id
