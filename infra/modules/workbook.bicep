// The workbook "Durable Batch" in the portal; scripts/workbook writes its content from docs/operations.

@description('Region of the workbook.')
param location string

@description('Application Insights component whose list of workbooks shows this one.')
param applicationInsightsId string

@description('Log Analytics workspace that the queries read.')
param workspaceId string

@description('Name shown in the portal.')
param name string

@description('Tags of the workbook.')
param tags object

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'durable-batch-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: name
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: applicationInsightsId
    serializedData: replace(loadTextContent('../workbook.json'), 'WORKSPACE_ID', workspaceId)
  }
}
