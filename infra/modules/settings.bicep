// The app settings: what the platform, the durable host, telemetry and the service itself read. docs/settings.md explains them.

// Settings of the service that may be added, all text. The others are set below.
@export()
@sealed()
@description('Further settings of the service, by the names of docs/settings.md.')
type serviceSettings = {
  BATCH_MAX_FILE_BYTES: string?
  BATCH_MAX_OTHER_FILE_BYTES: string?
  BATCH_MAX_UPLOAD_BYTES: string?
  BATCH_MAX_FILES_WITHOUT_EXPIRY: string?
  BATCH_MAX_FILES_WITH_EXPIRY: string?
  BATCH_MAX_STORED_BYTES: string?
  BATCH_MAX_LINE_BYTES: string?
  BATCH_MAX_REQUESTS_OPENAI: string?
  BATCH_MAX_REQUESTS_AZURE: string?
  BATCH_MAX_REQUESTS_DEEPINFRA: string?
  BATCH_MAX_REQUESTS_COMPASS: string?
  BATCH_MAX_INPUT_BYTES_OPENAI: string?
  BATCH_MAX_INPUT_BYTES_AZURE: string?
  BATCH_MAX_INPUT_BYTES_DEEPINFRA: string?
  BATCH_MAX_INPUT_BYTES_COMPASS: string?
  BATCH_BLOB_HOSTS: string?
  BATCH_MAX_BLOB_BYTES: string?
  BATCH_MAX_EMBEDDING_INPUTS: string?
  BATCH_MAX_REPORTED_ERRORS: string?
  BATCH_QUOTA_MODE: string?
  BATCH_COMPLETION_WINDOWS: string?
  BATCH_RECORD_DAYS: string?
  BATCH_USAGE_ROW_DAYS: string?
  BATCH_SPEND_LIMIT_STOPS: string?
  BATCH_EXPECTED_OUTPUT_TOKENS: string?
  BATCH_FILE_EXPIRY_SECONDS: string?
  BATCH_UPLOAD_BLOCK_BYTES: string?
  BATCH_CHUNK_LINES: string?
  BATCH_CHUNK_BYTES: string?
  BATCH_LANES: string?
  BATCH_SLICE_SECONDS: string?
  BATCH_DRAIN_SECONDS: string?
  BATCH_PAUSE_SECONDS: string?
  BATCH_PATIENCE_SECONDS: string?
  BATCH_STUCK_SECONDS: string?
  BATCH_LANES_PER_PROCESS: string?
  BATCH_KEPT_RESULT_BYTES: string?
  BATCH_MAX_INFLIGHT_BYTES: string?
  BATCH_MAX_INFLIGHT_RESPONSE_BYTES: string?
  BATCH_MAX_RESPONSE_BYTES: string?
  BATCH_JOURNAL_SECONDS: string?
  BATCH_JOURNAL_RESULTS: string?
  BATCH_HEARTBEAT_SECONDS: string?
  BATCH_MAX_ATTEMPTS: string?
  BATCH_MAX_THROTTLED_ATTEMPTS: string?
  BATCH_RETRY_FIRST_SECONDS: string?
  BATCH_RETRY_MAX_SECONDS: string?
  BATCH_WEBHOOK_ALLOW_HTTP: string?
  BATCH_WEBHOOK_ALLOW_PRIVATE: string?
  BATCH_MAX_WEBHOOK_ENDPOINTS: string?
  BATCH_WEBHOOK_TIMEOUT_SECONDS: string?
  BATCH_WEBHOOK_RETRY_SECONDS: string?
  BATCH_DEPLOYMENTS_FILE: string?
}

// An entry of BATCH_DEPLOYMENTS. `api_key` is missing on purpose: a key belongs in the vault, and `api_key_env` names it.
@export()
@sealed()
@description('Where a model is and how hard it may be driven.')
type deployment = {
  base_url: string?
  kind: ('openai' | 'azure')?
  api_key_env: string?
  model: string?
  api_version: string?
  endpoints: string[]?
  max_concurrency: int?
  requests_per_minute: int?
  tokens_per_minute: int?
  enqueued_token_limit: int?
  tokens: string?
  request_timeout_seconds: int?
  leaders_first: bool? // Bicep has no type for true, false and 'neighbours': that one stands in a BATCH_DEPLOYMENTS_FILE.
  prompt_cache_key: bool?
  price: object?
  targets: target[]?
}

// With targets, the address and the limits are theirs; what else they leave out they have from their deployment.
@export()
@sealed()
@description('One of several upstreams of a deployment.')
type target = {
  name: string?
  base_url: string
  kind: ('openai' | 'azure')?
  api_key_env: string?
  model: string?
  api_version: string?
  max_concurrency: int?
  requests_per_minute: int?
  tokens_per_minute: int?
  request_timeout_seconds: int?
  price: object?
  role: ('primary' | 'spill_over')?
  weight: int?
}

@export()
@description('The settings that deployments and their targets name as api_key_env, each once.')
func apiKeySettings(deployments { *: deployment }) string[] =>
  filter(
    union(
      map(items(deployments), entry => entry.value.?api_key_env ?? ''),
      flatten(map(items(deployments), entry => map(entry.value.?targets ?? [], one => one.?api_key_env ?? '')))
    ),
    setting => !empty(setting)
  )

@export()
@description('The secret of the vault that holds the key of an upstream: OPENAI_API_KEY is openai-api-key.')
func secretName(setting string) string => toLower(replace(setting, '_', '-'))

// How the settings of the service, of its storage, the host, the worker and telemetry begin.
var ownPrefixes = [
  'APPLICATIONINSIGHTS_'
  'AZUREFUNCTIONSJOBHOST_'
  'AZUREWEBJOBS'
  'BATCH_'
  'BATCHSTORAGE_'
  'DURABLE_'
  'FUNCTIONS_'
  'OTEL_'
  'OVERRIDE_'
  'PYTHON_'
  'TASKHUB_'
  'WEBSITE_'
]

@export()
@description('Whether a setting is one of the service, the host or the platform, which no key may replace.')
func isOwn(setting string) bool =>
  !empty(filter(ownPrefixes, prefix => startsWith(toUpper(setting), prefix)))

@description('Name of the function app.')
param appName string

@description('Client id of the service\'s identity.')
param identityClientId string

@description('Blob endpoint of the account of the host.')
param hostBlobEndpoint string

@description('Queue endpoint of the account of the host.')
param hostQueueEndpoint string

@description('Table endpoint of the account of the host.')
param hostTableEndpoint string

@description('Blob endpoint of the account of files and batches.')
param filesBlobEndpoint string

@description('Table endpoint of the account of files and batches.')
param filesTableEndpoint string

@description('Application Insights component that takes the telemetry.')
param componentName string

@description('Base address of the vault.')
param vaultUri string

@description('Name of the secret that holds the first API key.')
param bootstrapKeyName string

@description('Name of the secret that holds the peppers, under which keys are stored.')
param keyPeppersName string

@description('Name of the task hub.')
param hubName string

@description('true: the task hub is in the Durable Task Scheduler, not in storage.')
param useScheduler bool

@description('Endpoint of the Durable Task Scheduler, where it is used.')
param schedulerEndpoint string

@description('The deployments: model name -> where it is.')
param deployments { *: deployment }

@description('true: the settings that sign-in needs are added.')
param signin bool

@description('Id of the tenant whose access tokens are taken; empty: none are.')
param entraTenant string

@description('What access tokens must be made for.')
param entraAudience string

@description('What tokens say -> project.')
param entraProjects { *: string }

@description('As which program people sign in at the page; empty: they bring a key or token.')
param entraPageClient string

@description('Further settings of the service.')
param extraSettings serviceSettings

// A call's body is a file and its form around it. The platform must let pass what the service itself refuses, so that
// callers get the service's answer: a margin above the largest file. It must not let in what kills an instance of the
// usual size, so files that are not for batches are taken up to the size of those that are (platform 2.2, docs/adr/0008).
var largestFile = int(extraSettings.?BATCH_MAX_FILE_BYTES ?? '209715200')
var largestOtherFile = int(extraSettings.?BATCH_MAX_OTHER_FILE_BYTES ?? '209715200')
var bodyMargin = 67108864

// What an instance runs at once. The platform adds instances by the number in host.json, which it reads from the file:
// one for every 16 activities. An instance itself takes more, so that lanes, which wait most of the time, never keep
// validation, results and webhooks waiting; half of its slots are never theirs (platform 4.3, docs/adr/0011).
var activitySlots = 64

var platform = {
  AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
  AzureWebJobsStorage__queueServiceUri: hostQueueEndpoint
  AzureWebJobsStorage__tableServiceUri: hostTableEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsDisableHomepage: 'true'
  TASKHUB_NAME: hubName
  AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: string(activitySlots)
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: string(max(largestFile, largestOtherFile) + bodyMargin)
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  PYTHON_ENABLE_INIT_INDEXING: '1' // without it, every call hangs on Python 3.11 and 3.12; 3.13 takes it as given (platform 1.1)
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,django,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3'
  OTEL_PYTHON_FASTAPI_EXCLUDED_URLS: '.*'
  APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: 'true'
}

var usualLimits = {
  BATCH_MAX_OTHER_FILE_BYTES: string(largestOtherFile)
  BATCH_LANES_PER_PROCESS: string(activitySlots / 2)
}
var ofScheduler = useScheduler
  ? {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId};TaskHub=${hubName}'
    }
  : {}
var ofSignin = signin
  ? {
      OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
    }
  : {}
var ofEntra = !empty(entraTenant)
  ? {
      BATCH_ENTRA_TENANT: entraTenant
      BATCH_ENTRA_AUDIENCE: entraAudience
      BATCH_ENTRA_AUTHORITY: environment().authentication.loginEndpoint
      BATCH_ENTRA_PROJECTS: string(entraProjects)
      BATCH_ENTRA_PAGE_CLIENT: entraPageClient
    }
  : {}
var service = {
  BATCH_TRUST_CLIENT_PRINCIPAL: 'false' // sign-in leaves the paths of the API out, so there anybody may send the header
  BATCH_BOOTSTRAP_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${bootstrapKeyName})'
  BATCH_KEY_PEPPERS: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${keyPeppersName})'
  BATCH_STORAGE: 'BatchStorage'
  BatchStorage__blobServiceUri: filesBlobEndpoint
  BatchStorage__tableServiceUri: filesTableEndpoint
  BatchStorage__clientId: identityClientId
  BATCH_DEPLOYMENTS: string(deployments)
}
var keysOfUpstreams = toObject(
  apiKeySettings(deployments),
  setting => setting,
  setting => '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${secretName(setting)})'
)

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(usualLimits, keysOfUpstreams, extraSettings, platform, ofScheduler, ofSignin, ofEntra, service)
}
