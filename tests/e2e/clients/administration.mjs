// Every call of administration that is served, by the npm SDK: `node administration.mjs URL KEY`.
// Prints one JSON object in the shape of administration.py's; a step that throws shows as {"raised": ...}.

import OpenAI, { toFile } from "openai";

const [URL, KEY] = process.argv.slice(2);
const ENDED = ["completed", "failed", "expired", "cancelled"];
const administrator = (key = KEY) => new OpenAI({ baseURL: `${URL}/v1`, apiKey: "of-nobody", adminAPIKey: key });
const ofProject = (key) => new OpenAI({ baseURL: `${URL}/v1`, apiKey: key });

async function refused(call) {
  try {
    await call();
  } catch (error) {
    return [error.constructor.name, error.status, error.code ?? null, error.param ?? null];
  }
  return null;
}

async function all(pages, field = "name") {
  const items = [];
  for await (const item of pages) items.push(item[field]);
  return items;
}

async function input() {
  const body = { model: "m", messages: [{ role: "user", content: "hello" }] };
  const line = { custom_id: "c1", method: "POST", url: "/v1/chat/completions", body };
  return toFile(Buffer.from(JSON.stringify(line) + "\n"), "input.jsonl");
}

async function runBatch(client) {
  const file = await client.files.create({ file: await input(), purpose: "batch" });
  const window = { endpoint: "/v1/chat/completions", completion_window: "24h" };
  let batch = await client.batches.create({ input_file_id: file.id, ...window });
  const until = Date.now() + 60_000;
  while (!ENDED.includes(batch.status) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    batch = await client.batches.retrieve(batch.id);
  }
  const text = batch.output_file_id ? await (await client.files.content(batch.output_file_id)).text() : "";
  const lines = text.split("\n").filter(Boolean);
  return { status: batch.status, custom_ids: lines.map((line) => JSON.parse(line).custom_id) };
}

/** Every call of alerts; `where` and `inside` say whose they are. */
async function seeAlerts(alerts, where, inside) {
  const mail = { type: "email", recipients: ["ada@example.com"], subject_prefix: "[batch]" };
  const fields = { currency: "USD", interval: "month", notification_channel: mail };
  const made = [];
  for (const threshold_amount of [100, 200, 300]) {
    made.push(await alerts.create(...where, { ...fields, threshold_amount }));
  }
  const id = made[0].id;
  const before = await alerts.list(...where, { before: made[1].id });
  return {
    made: made[0],
    updated: await alerts.update(id, { ...inside[0], ...fields, threshold_amount: 150 }),
    found: await alerts.retrieve(id, ...inside),
    listed: await all(alerts.list(...where, { limit: 1 }), "threshold_amount"),
    oldest_first: await all(alerts.list(...where, { limit: 1, order: "asc" }), "threshold_amount"),
    before: before.data.length === 1 && before.data[0].id === made[2].id,
    deleted: await alerts.delete(id, ...inside),
    then: await refused(() => alerts.retrieve(id, ...inside)),
    wrong: await refused(() => alerts.create(...where, { ...fields, threshold_amount: 0 })),
  };
}

class Visit {
  constructor() {
    this.organization = administrator().admin.organization;
    this.projects = this.organization.projects;
  }

  async projectsStep() {
    const made = await this.projects.create({ name: "red", labels: { department: "red" } });
    this.project = made.id;
    return {
      made,
      renamed: (await this.projects.update(made.id, { name: "crimson" })).name,
      found: await this.projects.retrieve(made.id),
      listed: await all(this.projects.list({ limit: 1 })),
      default: (await this.projects.retrieve("proj_default")).name,
    };
  }

  async service_accountsStep() {
    const accounts = this.projects.serviceAccounts;
    const inProject = { project_id: this.project };
    this.account = await accounts.create(this.project, { name: "nightly", expires_in_seconds: 3600 });
    const alone = await accounts.create(this.project, { name: "alone", create_service_account_only: true });
    return {
      made: this.account,
      alone,
      updated: await accounts.update(alone.id, { ...inProject, name: "by itself", role: "owner" }),
      found: await accounts.retrieve(this.account.id, inProject),
      listed: await all(accounts.list(this.project, { limit: 1 })),
      deleted: await accounts.delete(alone.id, inProject),
    };
  }

  async keysStep() {
    const keys = this.projects.apiKeys;
    const inProject = { project_id: this.project };
    this.reader = await this.projects.serviceAccounts.apiKeys.create(this.account.id, {
      ...inProject,
      name: "reader",
      scopes: ["api.files.read"],
      expires_in_seconds: 60,
      models: ["m"],
      labels: { app: "7" },
    });
    const changes = { scopes: ["api.all.read"], expires_in_seconds: 120 };
    return {
      made: this.reader,
      updated: await keys.update(this.reader.id, { ...inProject, ...changes }),
      found: await keys.retrieve(this.reader.id, inProject),
      listed: await all(keys.list(this.project, { limit: 1, owner_project_access: "active" })),
      inactive: await all(keys.list(this.project, { owner_project_access: "inactive" })),
    };
  }

  async model_permissionsStep() {
    const permissions = this.projects.modelPermissions;
    return {
      none: await refused(() => permissions.retrieve(this.project)),
      set: await permissions.update(this.project, { mode: "allow_list", model_ids: ["m"] }),
      found: (await permissions.retrieve(this.project)).model_ids,
      deleted: await permissions.delete(this.project),
    };
  }

  async spend_limitStep() {
    const limit = this.projects.spendLimit;
    const month = { currency: "USD", interval: "month", threshold_amount: 25000 };
    return {
      none: await refused(() => limit.retrieve(this.project)),
      set: await limit.update(this.project, month),
      found: await limit.retrieve(this.project),
      stopping: (await limit.update(this.project, { ...month, stops_batches: true })).stops_batches,
      deleted: await limit.delete(this.project),
    };
  }

  async organization_spend_limitStep() {
    const limit = this.organization.spendLimit;
    const month = { currency: "USD", interval: "month", threshold_amount: 50000 };
    return {
      none: await refused(() => limit.retrieve()),
      set: await limit.update({ ...month, stops_batches: true }),
      found: await limit.retrieve(),
      deleted: await limit.delete(),
    };
  }

  async spend_alertsStep() {
    return await seeAlerts(this.projects.spendAlerts, [this.project], [{ project_id: this.project }]);
  }

  async organization_spend_alertsStep() {
    return await seeAlerts(this.organization.spendAlerts, [], []);
  }

  async rate_limitsStep() {
    const rates = this.projects.rateLimits;
    const found = await all(rates.listRateLimits(this.project, { limit: 1 }), "model");
    const own = { project_id: this.project, batch_1_day_max_input_tokens: 1000 };
    return { found, own: await rates.updateRateLimit(`rl-${found[0]}`, own) };
  }

  async admin_api_keysStep() {
    const keys = this.organization.adminAPIKeys;
    const made = [await keys.create({ name: "first" }), await keys.create({ name: "second" })];
    const other = administrator(made[0].value).admin.organization;
    const seen = {
      made: made[0],
      found: await keys.retrieve(made[0].id),
      newest_first: await all(keys.list({ limit: 1 })),
      oldest_first: await all(keys.list({ limit: 1, order: "asc" })),
      works: await all(other.projects.list()),
      deleted: await keys.delete(made[0].id),
      then: await refused(() => other.projects.list()),
      expiring: (await keys.create({ name: "third", expires_in_seconds: 60 })).expires_at,
    };
    for (const id of await all(keys.list(), "id")) await keys.delete(id);
    return seen;
  }

  async workStep() {
    const whole = ofProject(this.account.api_key.value);
    const reader = ofProject(this.reader.value);
    const file = await input();
    const batch = { input_file_id: "file-none", endpoint: "/v1/chat/completions", completion_window: "24h" };
    const other = administrator(this.account.api_key.value).admin.organization;
    return {
      batch: await runBatch(whole),
      reads: await all(reader.files.list(), "filename"),
      writes: await refused(() => reader.files.create({ file, purpose: "batch" })),
      creates: await refused(() => reader.batches.create(batch)),
      administers: await refused(() => other.projects.list()),
      others: await all(ofProject(KEY).files.list(), "id"),
    };
  }

  async endStep() {
    const accounts = this.projects.serviceAccounts;
    const inProject = { project_id: this.project };
    const whole = ofProject(this.account.api_key.value);
    const reader = ofProject(this.reader.value);
    const seen = { key: await this.projects.apiKeys.delete(this.reader.id, inProject) };
    seen.then = await refused(() => reader.files.list());
    seen.account = await accounts.delete(this.account.id, inProject);
    seen.then_of_account = await refused(() => whole.files.list());
    const last = ofProject((await accounts.create(this.project, { name: "last" })).api_key.value);
    seen.works = (await all(last.files.list(), "filename")).includes("input.jsonl");
    seen.project = (await this.projects.archive(this.project)).status;
    seen.then_of_project = await refused(() => last.files.list());
    seen.listed = await all(this.projects.list());
    seen.with_archived = await all(this.projects.list({ include_archived: true }));
    return seen;
  }

  async audit_logsStep() {
    const logs = this.organization.auditLogs;
    const everything = [];
    for await (const log of logs.list({ limit: 5 })) everything.push(log);
    const [newest, second] = everything;
    const oldest = everything[everything.length - 1];
    const ofProject = [];
    for await (const log of logs.list({ project_ids: [this.project] })) ofProject.push(log.project.id);
    const range = { gte: oldest.effective_at, lte: newest.effective_at };
    return {
      types: everything.map((log) => log.type),
      oldest,
      of_type: await all(logs.list({ event_types: ["project.archived"] }), "type"),
      of_project: ofProject.length > 0 && ofProject.every((id) => id === this.project),
      of_resource: await all(logs.list({ resource_ids: [this.reader.id] }), "type"),
      of_actor: (await all(logs.list({ actor_ids: ["nobody"] }), "id")).length,
      later: (await all(logs.list({ effective_at: { gt: newest.effective_at } }), "id")).length,
      until: (await all(logs.list({ effective_at: range }), "id")).length,
      before: (await all(logs.list({ before: second.id, limit: 1 }), "id"))[0] === newest.id,
    };
  }

  async mistakesStep() {
    const accounts = this.projects.serviceAccounts;
    return {
      unknown: await refused(() => this.projects.retrieve("proj_none")),
      unnamed: await refused(() => this.projects.create({ name: "" })),
      scope: await refused(() => accounts.create("proj_default", { name: "wide", scopes: ["admin"] })),
      misspelt: await refused(() => accounts.create("proj_default", { name: "wide", scope: ["api.files.read"] })),
      default: await refused(() => this.projects.archive("proj_default")),
      limit: await refused(() => this.projects.list({ limit: 101 })),
    };
  }
}

const here = new Visit();
const seen = {};
for (const name of Object.getOwnPropertyNames(Visit.prototype).filter((each) => each.endsWith("Step"))) {
  try {
    seen[name.replace("Step", "")] = await here[name]();
  } catch (error) {
    seen[name.replace("Step", "")] = { raised: error.stack };
  }
}
console.log(JSON.stringify(seen));
