// Sign-in with Entra ID in front of the app. Calls without a sign-in pass: the API checks its own keys.

@description('Name of the function app.')
param appName string

@description('Client id of the app registration people sign in to.')
param clientId string

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource signin 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
      // An API key in `Authorization: Bearer` is no token; on these paths the platform must not judge it.
      // The page is for whoever has a key: it asks for that itself.
      excludedPaths: [
        '/'
        '/ui'
        '/ui/*'
        '/v1/*'
        '/openai/*'
        '/batch-api/*'
        '/logs/*'
        '/healthz'
        '/readyz'
      ]
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          // No client secret: the service's identity vouches for the app registration (federated credential).
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
        }
        validation: {
          allowedAudiences: [
            clientId
            'api://${clientId}'
          ]
        }
      }
    }
  }
}
